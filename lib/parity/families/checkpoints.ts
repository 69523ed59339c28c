// Family checkpoints: one small model in the containers people use, and a folder of broken and hostile files.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { readTensors } from '../../checkpoints/readTensors.ts';
import { downloadModelTensors } from '../../checkpoints/modelState.ts';
import { Capture } from '../../core/capture.ts';
import * as t from '../../ops/tensor.ts';
import { buildLoaded } from '../../models/buildLoaded.ts';
import { parseModelOptions } from '../../models/createModel.ts';
import { outputRule } from '../bf16Rule.ts';
import { Produced } from '../family.ts';
import { readBytes, readJson } from '../goldenCase.ts';
import { GoldenFile, plainTensor } from '../goldenTensors.ts';
import { huggingFaceName } from './encoderVit.ts';
import { goldenModelConfig } from '../modelConfig.ts';
import type { HostTensor } from '../../checkpoints/hostTensor.ts';
import type { Bf16Rule } from '../bf16Rule.ts';
import type { CasePlan, Family } from '../family.ts';
import type { CompareEntry, GoldenCase } from '../goldenCase.ts';

/** Loads a checkpoint strictly and runs the model; compares the logits and the weights in float32. */
export const checkpoints: Family = { name: 'checkpoints', plan };

async function plan(golden: GoldenCase): Promise<CasePlan> {
  const { load } = golden;
  if (load === undefined) {
    goldenModelConfig(golden.config, golden);
    return { unsupported: () => undefined, bf16Rule: () => ({ kind: 'stored' }) };
  }
  // Only the logits are computed; the loaded weights do not depend on the precision.
  const bf16Rule = ({ file }: CompareEntry): Bf16Rule =>
    file === 'io.safetensors' ? outputRule(golden) : { kind: 'stored' };
  const [file, stored] = weightsOf(golden.folder, load);
  const checkpoint = await readTensors(readBytes(file), file, (name) =>
    Promise.resolve(readBytes(path.join(path.dirname(file), name))),
  );
  const unsupported = ({ kind }: CompareEntry) =>
    kind === 'image' ? 'pictures are not part of this family' : undefined;
  if (Object.keys(golden.config).length === 0 && stored === undefined) {
    return { unsupported, bf16Rule, run: () => Promise.resolve(asRead(checkpoint.tensors)) };
  }
  const config =
    stored === undefined ? goldenModelConfig(golden.config, golden) : parseModelOptions(stored);
  const io = new GoldenFile(golden, 'io.safetensors');
  io.get('input');
  return {
    unsupported,
    bf16Rule,
    run: async (precision) => {
      const { model } = buildLoaded(config, checkpoint.tensors);
      const images = io.images('input');
      try {
        const produced = new Produced();
        const capture = new Capture([
          'blocks.input',
          'blocks.*.output',
          'blocks.*.attn_probs',
          'forward_features',
        ]);
        const context = stored === undefined ? { precision } : { precision, intercept: capture };
        await produced.take(
          'io.safetensors',
          'logits',
          t.tidy(() => model.forward(images, context)),
        );
        for (const [name, tensor] of capture.entries()) {
          await produced.take('io.safetensors', huggingFaceName(name), t.clone(tensor));
        }
        capture.dispose();
        for (const [name, { shape, data }] of await downloadModelTensors(model)) {
          produced.add('widened.safetensors', name, { shape, data: data });
        }
        return produced;
      } finally {
        images.dispose();
        model.dispose();
      }
    },
  };
}

// The tensors of a file that is no model, as it has them.
function asRead(tensors: ReadonlyMap<string, HostTensor>): Produced {
  const produced = new Produced();
  for (const [name, tensor] of tensors) {
    produced.add('expected.safetensors', name, plainTensor(tensor));
  }
  return produced;
}

// The file of weights, and of a folder of Hugging Face also its configuration.
function weightsOf(folder: string, load: string): [file: string, config?: unknown] {
  if (!load.endsWith('/')) return [path.join(folder, load)];
  const names = ['model.safetensors', 'pytorch_model.bin'].map((name) =>
    path.join(folder, load, name),
  );
  const file = names.find((name) => existsSync(name));
  if (file === undefined) return [path.join(folder, load)];
  return [file, readJson(path.join(folder, load, 'config.json'))];
}
