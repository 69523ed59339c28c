// B93–B103, I16: attention of unusual models and images, and pictures of it.

import * as tf from '@tensorflow/tfjs';
import {
  Capture,
  VisionTransformer,
  attentionMaps,
  attentionRollout,
  patchGrid,
  readAttention,
  stretchMap,
  visualizeAttention,
} from '../../lib/index.ts';
import { makeImage } from '../../lib/core/image.ts';
import { VitError } from '../../lib/core/errors.ts';
import { gives, throws } from '../suites/inProcess.ts';
import { answered, cases, must } from '../suites/row.ts';
import type { VisionTransformerOptions } from '../../lib/index.ts';
import type { Row } from '../suites/row.ts';

const base = {
  imageSize: 16,
  patchSize: 8,
  inChannels: 3,
  numClasses: 5,
  embedDim: 12,
  depth: 2,
  numHeads: 2,
  mlpRatio: 2,
};
const build = (change: VisionTransformerOptions = {}): VisionTransformer =>
  new VisionTransformer({ ...base, ...change }, { onWarning: () => undefined });

/** Runs with a model and gives back all its tensors; what stays allocated is a fault. */
async function using<T>(
  change: VisionTransformerOptions,
  work: (model: VisionTransformer) => Promise<T> | T,
): Promise<T> {
  await tf.setBackend('cpu');
  const before = tf.memory().numTensors;
  const model = build(change);
  try {
    return await work(model);
  } finally {
    model.dispose();
    const left = tf.memory().numTensors - before;
    must(left === 0, `${left} tensors left`);
  }
}

async function attentionsOf(
  model: VisionTransformer,
  shape: [number, number, number, number] = [1, 16, 16, 3],
) {
  const capture = new Capture(['blocks.*.attn_probs']);
  const x = tf.randomNormal(shape, 0, 1, 'float32', 7) as tf.Tensor4D;
  const logits = model.forward(x, { intercept: capture });
  try {
    return await readAttention(capture);
  } finally {
    tf.dispose([logits, x]);
    capture.dispose();
  }
}

const finite = (values: ArrayLike<number>): boolean => Array.from(values).every(Number.isFinite);

/** The picture of a model for a grey image; `fill` changes its weights before. */
const picture = (change: VisionTransformerOptions, fill?: (model: VisionTransformer) => void) =>
  using(change, (model) => {
    fill?.(model);
    const [height, width, channels] = model.inputShape;
    const pixels = new Float32Array(height * width * channels).map((_, i) => Math.sin(i));
    const image = makeImage(width, height, 3, new Uint8Array(height * width * 3).fill(90));
    return visualizeAttention({ model, pixels, picture: image });
  });

/** A picture that is drawn, or refused by our error. */
const drawn = (
  what: string,
  change: VisionTransformerOptions,
  fill?: (model: VisionTransformer) => void,
) =>
  gives(what, 'a picture, or our error', async () => {
    try {
      const { png, prediction } = await picture(change, fill);
      must(png.length > 1000, `${png.length} bytes`);
      if (prediction === undefined) return 'a picture without a prediction';
      must(Number.isFinite(prediction.confidence), `confidence ${prediction.confidence}`);
      const K = change.numClasses ?? base.numClasses;
      must(prediction.classIndex < K, `class ${prediction.classIndex} of ${K}`);
      return `a picture, ${prediction.className}`;
    } catch (error) {
      if (error instanceof VitError) return error.message;
      throw error;
    }
  });

const assign =
  (value: number) =>
  (model: VisionTransformer): void => {
    for (const parameter of model.namedParameters().values()) {
      tf.tidy(() => parameter.assign(tf.fill(parameter.shape, value)));
    }
  };

/** The rows on explanations. */
export const explanationRows: readonly Row[] = [
  ...cases('B93', [
    gives('attention is captured from the fused path', 'rows that sum to 1', () =>
      using({}, async (model) => {
        const [{ data, shape } = { data: [], shape: [] }] = await attentionsOf(model);
        const tokens = shape[3]!;
        for (let row = 0; row < data.length / tokens; row += 1) {
          let sum = 0;
          for (let i = 0; i < tokens; i += 1) sum += data[row * tokens + i]!;
          must(Math.abs(sum - 1) < 1e-5, `a row sums to ${sum}`);
        }
        return `[${shape.join(', ')}]`;
      }),
    ),
  ]),
  ...cases('B94', [
    gives('maps of image 2 of a batch', 'equal those of it alone', () =>
      using({}, async (model) => {
        const x = tf.randomNormal([3, 16, 16, 3], 0, 1, 'float32', 3) as tf.Tensor4D;
        const single = tf.slice4d(x, [2, 0, 0, 0], [1, 16, 16, 3]);
        const grids: ArrayLike<number>[] = [];
        for (const [input, batchIndex] of [
          [x, 2],
          [single, 0],
        ] as const) {
          const capture = new Capture(['blocks.*.attn_probs']);
          model.forward(input, { intercept: capture }).dispose();
          grids.push(
            attentionMaps(await readAttention(capture), { ...layoutOf(model), batchIndex })[1]![0]!
              .data,
          );
          capture.dispose();
        }
        tf.dispose([x, single]);
        const worst = Math.max(...Array.from(grids[0]!, (v, i) => Math.abs(v - grids[1]![i]!)));
        must(worst < 1e-6, `${worst} apart`);
        return `${worst.toExponential(1)} apart`;
      }),
    ),
  ]),
  ...cases('B95', [
    drawn('a picture of a model of mean pooling without class token', {
      classToken: false,
      globalPool: 'avg',
    }),
    drawn('a picture of a distilled model', { distilled: true }),
    drawn('a picture of a model of 4 registers', { regTokens: 4 }),
  ]),
  ...cases('B96', [
    drawn('one head, one layer', { depth: 1, numHeads: 1 }),
    drawn('one patch', { patchSize: 16 }),
    gives('1,025 tokens', 'maps of 32 × 32', () =>
      using({ imageSize: 64, patchSize: 2, depth: 1 }, async (model) => {
        const maps = attentionMaps(await attentionsOf(model, [1, 64, 64, 3]), layoutOf(model));
        must(maps[0]![0]!.height === 32, `${maps[0]![0]!.height}`);
        return '32 × 32';
      }),
    ),
  ]),
  ...cases('B97', [
    throws('a training pass with dropout and no rng, captured', /rng/, () =>
      using({ dropRate: 0.5 }, (model) => {
        const capture = new Capture(['*']);
        const x = tf.zeros([1, 16, 16, 3]) as tf.Tensor4D;
        try {
          model.forward(x, { training: true, intercept: capture });
        } finally {
          capture.dispose();
          x.dispose();
        }
      }),
    ),
  ]),
  ...cases('B98', [
    drawn('weights all zero', {}, assign(0)),
    drawn('weights of 1e30', {}, assign(1e30)),
    drawn('weights of NaN', {}, assign(NaN)),
    gives('a constant map, stretched', 'zeros, stated', () => {
      const { constant, data } = stretchMap({ height: 2, width: 2, data: [3, 3, 3, 3] });
      must(constant && data.every((value) => value === 0), [...data].join());
      return 'constant: true';
    }),
  ]),
  ...cases('B99', [drawn('a head of one output', { numClasses: 1 })]),
  ...cases('B100', [
    gives('equal logits', 'the first class, each time', async () => {
      const seen = new Set<number>();
      for (let i = 0; i < 3; i += 1)
        seen.add((await picture({}, assign(0))).prediction!.classIndex);
      must(seen.size === 1 && seen.has(0), [...seen].join());
      return 'class 0';
    }),
  ]),
  ...cases('B101', [
    gives('a pass that is aborted midway, then another', 'the same attention, no tensor left', () =>
      using({}, async (model) => {
        const [before] = await attentionsOf(model);
        const x = tf.zeros([1, 16, 16, 3]) as tf.Tensor4D;
        const stop = {
          wants: () => true,
          around: () => {
            throw new Error('stop');
          },
        };
        try {
          model.forward(x, { intercept: stop as never });
        } catch {
          // As wanted.
        }
        x.dispose();
        const [after] = await attentionsOf(model);
        must(
          before!.data.every((value, i) => value === after!.data[i]),
          'another attention',
        );
      }),
    ),
  ]),
  ...cases('B102', [
    gives('an image of 16 × 32', 'maps of 2 × 4', () =>
      using({ imageSize: [16, 32] }, async (model) => {
        const maps = attentionMaps(await attentionsOf(model, [1, 16, 32, 3]), layoutOf(model));
        const { height, width } = maps[0]![0]!;
        must(height === 2 && width === 4, `${height} × ${width}`);
        return '2 × 4';
      }),
    ),
  ]),
  answered(
    'B103',
    'detections: none, 100, boxes outside the image, NaN',
    'no detector yet; the issue on DETR brings it',
  ),
  ...cases('I16-07', [
    gives('a dynamic model of 32 × 128 given 64 × 64', 'maps of 8 × 8, not 4 × 16', () =>
      using({ imageSize: [32, 128], dynamicImageSize: true }, async (model) => {
        const attentions = await attentionsOf(model, [1, 64, 64, 3]);
        const maps = attentionMaps(attentions, model);
        const { height, width } = maps[0]![0]!;
        must(height === 8 && width === 8, `${height} × ${width}`);
        const rollout = attentionRollout(attentions, { queries: [0] });
        const grid = patchGrid(rollout.data, { ...layoutOf(model), gridSize: [8, 8] });
        must(finite(grid.data), 'not finite');
        return '8 × 8';
      }),
    ),
  ]),
  ...cases('I16-08', [
    gives('maps of a model with registers and no class token', 'not register 0 as the class', () =>
      using({ classToken: false, regTokens: 2, globalPool: 'avg' }, async (model) => {
        const attentions = await attentionsOf(model);
        const maps = attentionMaps(attentions, model);
        const mean = attentionMaps(attentions, { ...layoutOf(model), query: 'mean' });
        must(
          Array.from(maps[0]![0]!.data).every((v, i) => v === mean[0]![0]!.data[i]),
          'another query than the mean',
        );
        return 'the mean over patches';
      }),
    ),
    gives('visualizeAttention of a model of 0 classes', 'no invented class', async () => {
      try {
        const { prediction } = await picture({ numClasses: 0 });
        must(prediction === undefined, `class ${prediction?.className}`);
        return 'a picture without a prediction';
      } catch (error) {
        if (error instanceof VitError) return error.message;
        throw error;
      }
    }),
    gives(
      "visualizeAttention of a model of globalPool ''",
      'no probabilities of tokens',
      async () => {
        try {
          const { prediction } = await picture({ globalPool: '', numClasses: 3 } as never);
          must(
            prediction === undefined || prediction.probabilities.length === 3,
            `${prediction?.probabilities.length} probabilities for 3 classes`,
          );
          return 'a picture';
        } catch (error) {
          if (error instanceof VitError) return error.message;
          throw error;
        }
      },
    ),
  ]),
];

function layoutOf({ numPrefixTokens, gridSize }: VisionTransformer) {
  return { numPrefixTokens, gridSize };
}
