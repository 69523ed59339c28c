// CLIP of family encoders: both towers with their hidden states and attentions, and the zero-shot probabilities.

import path from 'node:path';
import { toInt32 } from '../../checkpoints/hostTensor.ts';
import { Capture } from '../../core/capture.ts';
import { buildLoaded } from '../../models/buildLoaded.ts';
import { clip } from '../../models/clip/family.ts';
import * as t from '../../ops/tensor.ts';
import { outputRule } from '../bf16Rule.ts';
import { Produced } from '../family.ts';
import { readJson } from '../goldenCase.ts';
import { GoldenFile } from '../goldenTensors.ts';
import { huggingFaceName } from './encoderVit.ts';
import type { Precision } from '../../core/precision.ts';
import type { Clip } from '../../models/clip/clip.ts';
import type { TokenIds } from '../../models/clip/textTransformer.ts';
import type { EncoderRunner } from './encoderRunner.ts';

const file = 'outputs.safetensors';

/** CLIPModel of transformers. */
export const encoderClip: EncoderRunner = {
  matches: (config) => 'text_config' in config,
  plan: (golden) => {
    const config = readJson(path.join(golden.folder, 'hf', 'config.json')) as object;
    const weights = new GoldenFile(golden, path.join('hf', 'model.safetensors'));
    const inputs = new GoldenFile(golden, 'inputs.safetensors');
    return {
      unsupported: ({ kind }) => (kind === 'tensor' ? undefined : 'only tensors are compared'),
      bf16Rule: () => outputRule(golden),
      run: async (precision) => {
        const { model } = buildLoaded(config, weights.tensors, { family: clip });
        try {
          return await run(model, inputs, precision);
        } finally {
          model.dispose();
        }
      },
    };
  },
};

async function run(model: Clip, inputs: GoldenFile, precision: Precision): Promise<Produced> {
  const produced = new Produced();
  const take = (name: string, tensor: Parameters<Produced['take']>[2]) =>
    produced.take(file, name, tensor);
  const images = inputs.images('pixel_values');
  const ids = idsOf(inputs, 'input_ids');
  const attentionMask = inputs.tensors.has('attention_mask')
    ? idsOf(inputs, 'attention_mask')
    : undefined;
  const inner = ['blocks.input', 'blocks.*.output', 'blocks.*.attn_probs', 'norm'];
  const capture = new Capture(['visual', 'text'].flatMap((tower) => inner.map((name) => `${tower}.${name}`))); // prettier-ignore
  const pass = { precision, intercept: capture, attentionMask };
  const { logitsPerImage, imageEmbeds, textEmbeds } = model.similarity(images, ids, pass);
  await take('probs', t.softmax(logitsPerImage));
  await take('logits_per_image', logitsPerImage);
  await take('image_embeds', imageEmbeds);
  await take('text_embeds', textEmbeds);
  for (const [name, tensor] of capture.entries()) {
    const [tower, ...rest] = name.split('.');
    const own = rest.join('.');
    const isVision = tower === 'visual';
    const prefix = isVision ? 'vision_' : 'text_';
    // Hugging Face's last hidden state of the image tower stands before the last norm.
    if (own !== 'norm') await take(prefix + huggingFaceName(own), t.clone(tensor));
    else if (!isVision) await take('text_last_hidden_state', t.clone(tensor));
  }
  const last = `visual.blocks.${model.config.vision.depth - 1}.output`;
  await take('vision_last_hidden_state', t.clone(capture.get(last)));
  const [batch, , dim] = capture.get('visual.norm').shape as [number, number, number];
  const token = t.tidy(() =>
    t.reshape(t.slice(capture.get('visual.norm'), [0, 0, 0], [batch, 1, dim]), [batch, dim]),
  );
  await take('vision_pooler_output', token);
  await take('text_pooler_output', model.text.pool(capture.get('text.norm') as never, ids));
  capture.dispose();
  images.dispose();
  return produced;
}

/** Rows of numbers of tokens. */
export function idsOf(inputs: GoldenFile, name: string): TokenIds {
  const host = inputs.get(name);
  const [rows, length] = host.shape as [number, number];
  const all = toInt32(host, name);
  return Array.from({ length: rows }, (_, i) => [...all.subarray(i * length, (i + 1) * length)]);
}
