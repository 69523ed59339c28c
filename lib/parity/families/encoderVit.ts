// Hugging Face's ViTModel of family encoders: hidden states, attentions, pooler, another size of images.

import path from 'node:path';
import { Capture } from '../../core/capture.ts';
import { poolerOf } from '../../encoders/pooler.ts';
import { loadModelTensors } from '../../checkpoints/modelState.ts';
import { buildOf, parsedModel } from '../../models/createModel.ts';
import * as t from '../../ops/tensor.ts';
import { outputRule } from '../bf16Rule.ts';
import { Produced } from '../family.ts';
import { readJson } from '../goldenCase.ts';
import { GoldenFile } from '../goldenTensors.ts';
import { goldenBuild } from '../modelConfig.ts';
import type * as tf from '@tensorflow/tfjs';
import type { Precision } from '../../core/precision.ts';
import type { Model } from '../../models/model.ts';
import type { EncoderRunner } from './encoderRunner.ts';

const file = 'outputs.safetensors';

/** ViTModel with its pooler; images of another size by position embeddings that are resized as Hugging Face does. */
export const encoderVit: EncoderRunner = {
  matches: (config) => 'hidden_size' in config && 'image_size' in config,
  plan: (golden) => {
    const config = readJson(path.join(golden.folder, 'hf', 'config.json')) as object;
    const weights = new GoldenFile(golden, path.join('hf', 'model.safetensors'));
    const inputs = new GoldenFile(golden, 'inputs.safetensors');
    return {
      unsupported: ({ kind }) => (kind === 'tensor' ? undefined : 'only tensors are compared'),
      bf16Rule: () => outputRule(golden),
      run: async (precision) => {
        const produced = new Produced();
        for (const name of inputs.tensors.keys()) {
          const images = inputs.images(name);
          const prefix = name === 'pixel_values' ? '' : 'interpolated.';
          const model = loaded(config, weights, images);
          try {
            await run(model, images, { produced, prefix, precision, weights });
          } finally {
            model.dispose();
            images.dispose();
          }
        }
        return produced;
      },
    };
  },
};

// The model for images of their size.
function loaded(given: object, weights: GoldenFile, images: tf.Tensor4D): Model {
  const { family, config: source } = parsedModel(given);
  const { config } = parsedModel({ ...source, imageSize: images.shape.slice(1, 3) });
  const options = { source, posEmbedInterpolation: 'deit' } as const;
  const tensors = family.adapt!(weights.tensors, config, undefined, options);
  const model = buildOf(family, config, goldenBuild);
  loadModelTensors(model, tensors);
  return model;
}

async function run(
  model: Model,
  images: tf.Tensor4D,
  about: { produced: Produced; prefix: string; precision: Precision; weights: GoldenFile },
): Promise<void> {
  const { produced, prefix, precision, weights } = about;
  const names = ['blocks.input', 'blocks.*.output', 'blocks.*.attn_probs', 'forward_features'];
  const capture = new Capture(names);
  t.tidy(() => void model.forward(images, { precision, intercept: capture }));
  for (const [name, tensor] of capture.entries()) {
    await produced.take(file, prefix + huggingFaceName(name), t.clone(tensor));
  }
  const pooled = poolerOf(weights.tensors)?.(capture.get('forward_features') as tf.Tensor3D);
  if (pooled !== undefined) await produced.take(file, `${prefix}pooler_output`, pooled);
  capture.dispose();
}

/** The name that transformers gives a tensor of a pass. */
export function huggingFaceName(name: string): string {
  if (name === 'forward_features') return 'last_hidden_state';
  if (name === 'blocks.input') return 'hidden_states.0';
  const block = Number(name.split('.')[1]);
  return name.endsWith('attn_probs') ? `attentions.${block}` : `hidden_states.${block + 1}`;
}
