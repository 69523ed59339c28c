// Family checkpoints: one small model in the containers people use, and a folder of broken and hostile files.

import path from 'node:path';
import { readTensors } from '../../checkpoints/readTensors.ts';
import { downloadModelTensors } from '../../checkpoints/modelState.ts';
import * as t from '../../ops/tensor.ts';
import { buildLoaded } from '../../models/buildLoaded.ts';
import { outputRule } from '../bf16Rule.ts';
import { containerOf } from '../expectation.ts';
import { Produced } from '../family.ts';
import { readBytes } from '../goldenCase.ts';
import { GoldenFile } from '../goldenTensors.ts';
import { goldenModelConfig } from '../modelConfig.ts';
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
  const reason = load.endsWith('/')
    ? 'folders of Hugging Face are not supported yet'
    : containerOf(load).reason;
  if (reason !== undefined) {
    return { unsupported: ({ kind }) => (kind === 'expect' ? undefined : reason), bf16Rule };
  }
  const config = goldenModelConfig(golden.config, golden);
  const file = path.join(golden.folder, load);
  const checkpoint = await readTensors(readBytes(file), file);
  const io = new GoldenFile(golden, 'io.safetensors');
  io.get('input');
  return {
    unsupported: ({ kind }) =>
      kind === 'image' ? 'pictures are not part of this family' : undefined,
    bf16Rule,
    run: async (precision) => {
      const { model } = buildLoaded(config, checkpoint.tensors);
      const images = io.images('input');
      try {
        const produced = new Produced();
        await produced.take(
          'io.safetensors',
          'logits',
          t.tidy(() => model.forward(images, { precision })),
        );
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
