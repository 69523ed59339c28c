// The attention picture says what a model is: whatever a Vision Transformer may lack is drawn as it is, or refused by name.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { makeImage } from '../lib/core/image.ts';
import {
  visualizeAttention,
  type VisualizeAttentionOptions,
} from '../lib/explain/visualizeAttention.ts';
import { VisionTransformer } from '../lib/models/vit/visionTransformer.ts';
import type { VisionTransformerOptions } from '../lib/models/vit/parseConfig.ts';

const tiny = { imageSize: 8, patchSize: 4, embedDim: 12, depth: 2, numHeads: 2, seed: 0 };

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** The picture of a model, as SVG, and its prediction; `size` is that of the image, default the model's. */
async function drawn(
  options: VisionTransformerOptions,
  { size, ...extra }: { size?: [number, number] } & Partial<VisualizeAttentionOptions> = {},
) {
  const model = new VisionTransformer(
    { ...tiny, inChannels: 1, numClasses: 3, ...options },
    { onWarning: () => {} },
  );
  try {
    const [height, width, channels] = [
      ...(size ?? model.config.imageSize),
      model.config.inChannels,
    ];
    const pixels = Float32Array.from({ length: height! * width! * channels! }, (_, i) =>
      Math.sin(i),
    );
    const picture = makeImage(width!, height!, 1, new Uint8Array(width! * height!).fill(99));
    return await visualizeAttention({ model, pixels, picture, ...extra });
  } finally {
    model.dispose();
  }
}

test.each([
  ['no classes', { numClasses: 0 }, 'The model has no classes (numClasses 0)'],
  ['logits of each token', { globalPool: '' } as const, 'Each token has its own logits'],
  [
    'logits of each token, without a class token',
    { globalPool: '', classToken: false } as const,
    'mean over all patches',
  ],
])('a model with %s has no prediction, and the picture says so', async (_, options, said) => {
  const { svg, prediction } = await drawn(options, { source: 'cat.png' });
  expect(prediction).toBeUndefined();
  const words = svg.replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ');
  expect(words).toContain(said);
  expect(svg).toContain('No prediction');
  expect(svg).toContain('Attention in cat.png');
  expect(svg).not.toMatch(/Predicted|class \d/);
});

test('a model of one class says that it has no choice', async () => {
  const { svg, prediction } = await drawn({ numClasses: 1 });
  expect(prediction!.confidence).toBe(1);
  expect(svg).toContain('the only class');
});

test.each([
  [{}, 'Attention of the class token'],
  [{ distilled: true }, 'Attention of the class token'],
  [{ classToken: false, globalPool: 'avg', regTokens: 2 } as const, 'mean over all patches'],
  // The classifier reads the mean of the patches, not the class token.
  [{ globalPool: 'avg' } as const, 'mean over all patches'],
  [{ globalPool: 'map' } as const, 'mean over all patches'],
])('the maps are those of the tokens that the classifier reads: %o', async (options, heading) => {
  expect((await drawn(options)).svg).toContain(heading);
});

test.each([2, 4])(
  'a model of %d channels is drawn with whatever picture people see',
  async (inChannels) => {
    expect((await drawn({ inChannels })).prediction!.probabilities).toHaveLength(3);
  },
);

test('an image of another size has its own grid where the model takes it, and is refused elsewhere', async () => {
  const wide = { imageSize: [8, 32] as [number, number], dynamicImageSize: true };
  expect((await drawn(wide, { size: [16, 16] })).svg).toContain('4 × 4 patches');
  expect((await drawn(wide)).svg).toContain('2 × 8 patches');
  // As many values as the model takes, in another shape.
  const fixed = { ...wide, dynamicImageSize: false };
  await expect(drawn(fixed, { size: [16, 16] })).rejects.toThrow(/shape .*8, 32, 1.* for images/);
});

test('the true class stands among the bars however improbable it is', async () => {
  const classNames = Array.from({ length: 30 }, (_, i) => `kind ${i}`);
  const { prediction } = await drawn({ numClasses: 30 }, { classNames });
  const last = prediction!.probabilities.indexOf(Math.min(...prediction!.probabilities));
  const { svg } = await drawn({ numClasses: 30 }, { classNames, label: last });
  expect(svg).toContain(`✓ kind ${last}`);
});

test('a long class name is shortened, and the checkpoint is named', async () => {
  const classNames = ['x'.repeat(20_000), 'y'.repeat(20_000), 'z'.repeat(20_000)];
  const { svg } = await drawn({}, { classNames, label: 1, checkpoint: 'runs/a/best.safetensors' });
  expect(svg).not.toMatch(/(x|y|z){60}/);
  expect(svg).toContain('runs/a/best.safetensors');
});

test('forty layers of one head fill the width', async () => {
  const { svg } = await drawn({ depth: 40, numHeads: 1 });
  const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!;
  expect(Number(height)).toBeLessThan(1.9 * Number(width));
});
