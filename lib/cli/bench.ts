// A first benchmark: a model's throughput and each op's time on the backend that is set.

import { buildModel } from '../models/createModel.ts';
import { Rng } from '../core/rng.ts';
import * as t from '../ops/tensor.ts';
import { gelu } from '../ops/gelu.ts';
import { layerNorm } from '../ops/layerNorm.ts';
import { linear } from '../ops/linear.ts';
import { patchify } from '../ops/patchify.ts';
import { qkvAttention } from '../ops/qkvAttention.ts';
import { softmaxCrossEntropy } from '../ops/softmaxCrossEntropy.ts';
import { parseTrainConfig } from '../training/trainConfig.ts';
import { updateModel } from '../training/updateModel.ts';
import { buildUpdates, disposeUpdates } from '../training/updates.ts';
import { assertBatchWillFit } from './batchMemory.ts';
import type * as tf from '@tensorflow/tfjs';
import type { Batch } from '../data/batch.ts';
import type { Model } from '../models/model.ts';

/** The model or ops to measure, and the shortest time to measure for. */
export interface BenchOptions {
  /** A size by name; undefined: the small model of the MNIST example. */
  model: string | undefined;
  batchSize: number;
  seconds: number;
}

/** One measurement: `value` in `unit`, the median over the repetitions. */
export interface BenchRow {
  backend: string;
  what: string;
  value: number;
  unit: 'images/s' | 'ms';
  repetitions: number;
  /** Peak memory of the process so far. */
  rssMb: number;
}

const smallModel = {
  imageSize: 28,
  patchSize: 7,
  inChannels: 1,
  numClasses: 10,
  embedDim: 96,
  depth: 4,
  numHeads: 4,
};

/** A row as a line of a table. */
export function formatRow({ backend, what, value, unit, repetitions, rssMb }: BenchRow): string {
  const number = value >= 100 ? value.toFixed(0) : value.toFixed(value >= 1 ? 1 : 3);
  const cells = [backend.padEnd(10), what.padEnd(46), number.padStart(10), unit.padEnd(8)];
  return `${cells.join('  ')}  (${repetitions} times, peak ${rssMb.toFixed(0)} MB)`;
}

/** Inference and training throughput of a model. */
export async function* benchModel(
  backend: string,
  { model: name, batchSize, seconds }: BenchOptions,
): AsyncGenerator<BenchRow> {
  const label = name ?? 'the MNIST model';
  const options = name === undefined ? smallModel : { name };
  assertBatchWillFit(options, { option: '--batch-size', batchSize, training: true });
  const model = buildModel(options, { onWarning: () => undefined });
  const batch = randomBatch(model, batchSize);
  const images = t.tensor4d(batch.images, [batchSize, ...batch.imageShape]);
  const training = parseTrainConfig({
    epochs: 1,
    batchSize,
    learningRate: 1e-4,
    schedule: { sched: 'constant' },
  });
  const updates = buildUpdates(model, training, { batchesPerEpoch: 1 });
  const row = async (what: string, run: () => Promise<unknown>): Promise<BenchRow> => {
    const { median, repetitions } = await timed(run, seconds);
    const value = (1000 * batchSize) / median;
    const rssMb = process.resourceUsage().maxRSS / 1024;
    return {
      backend,
      what: `${label}, ${what}, batch ${batchSize}`,
      value,
      unit: 'images/s',
      repetitions,
      rssMb,
    };
  };
  try {
    yield await row('inference', async () => {
      const logits = t.tidy(() => model.forward(images));
      await logits.data();
      logits.dispose();
    });
    yield await row('training', () => updateModel(updates, [batch]));
  } finally {
    disposeUpdates(updates);
    images.dispose();
    model.dispose();
  }
}

/** Forward, and forward with gradients, of each op at ViT-Ti's sizes: 8 images, 197 tokens, 192 channels, 3 heads. */
export async function* benchOps(
  backend: string,
  { seconds }: Pick<BenchOptions, 'seconds'>,
): AsyncGenerator<BenchRow> {
  for (const { name, shapes, run } of opRows) {
    const inputs = shapes.map((shape, i) => randomTensor(shape, i));
    const forward = async () => {
      const output = t.tidy(() => run(inputs));
      await output.data();
      output.dispose();
    };
    const backward = async () => {
      const gradients = t.tidy(() => t.grads((...xs: tf.Tensor[]) => t.sum(run(xs)))(inputs));
      await gradients[0]!.data();
      t.dispose(gradients);
    };
    try {
      for (const [what, body] of [
        [name, forward],
        [`${name} + gradients`, backward],
      ] as const) {
        const { median, repetitions } = await timed(body, seconds / 4);
        const rssMb = process.resourceUsage().maxRSS / 1024;
        yield { backend, what, value: median, unit: 'ms', repetitions, rssMb };
      }
    } finally {
      t.dispose(inputs);
    }
  }
}

interface OpRow {
  name: string;
  shapes: number[][];
  run: (inputs: tf.Tensor[]) => tf.Tensor;
}

const [B, N, C, F] = [8, 197, 192, 768];
const opRows: OpRow[] = [
  {
    name: `linear [${B}·${N}, ${C}] → ${F}`,
    shapes: [[B, N, C], [F, C], [F]],
    run: ([x, weight, bias]) =>
      linear(x as tf.Tensor3D, weight as tf.Tensor2D, bias as tf.Tensor1D),
  },
  {
    name: `layerNorm [${B}·${N}, ${C}]`,
    shapes: [[B, N, C], [C], [C]],
    run: ([x, gamma, beta]) =>
      layerNorm(x as tf.Tensor3D, gamma as tf.Tensor1D, beta as tf.Tensor1D),
  },
  { name: `gelu [${B}·${N}, ${F}]`, shapes: [[B, N, F]], run: ([x]) => gelu(x as tf.Tensor3D) },
  {
    name: `qkvAttention [${B}, 3 heads, ${N}, 64]`,
    shapes: [[B, N, 3 * C]],
    run: ([qkv]) => qkvAttention(qkv as tf.Tensor3D, { numHeads: 3 }),
  },
  {
    name: `patchify [${B}, 224, 224, 3]`,
    shapes: [[B, 224, 224, 3]],
    run: ([x]) => patchify(x as tf.Tensor4D, { patchHeight: 16, patchWidth: 16 }),
  },
  {
    name: 'softmaxCrossEntropy [256, 1000]',
    shapes: [
      [256, 1000],
      [256, 1000],
    ],
    run: ([logits, targets]) => softmaxCrossEntropy(logits as tf.Tensor2D, targets as tf.Tensor2D),
  },
];

function randomTensor(shape: number[], key: number): tf.Tensor {
  const rng = new Rng(0).split('bench', key);
  const size = shape.reduce((product, length) => product * length, 1);
  return t.tensor(
    Float32Array.from({ length: size }, () => rng.uniform(-1, 1)),
    shape,
  );
}

function randomBatch(model: Model, size: number): Batch {
  const { inputShape: imageShape, numClasses } = model;
  const rng = new Rng(0).split('bench');
  const pixels = size * imageShape[0] * imageShape[1] * imageShape[2];
  const labels = Int32Array.from({ length: size }, (_, i) => i % numClasses);
  const targets = new Float32Array(size * numClasses);
  labels.forEach((label, i) => (targets[i * numClasses + label] = 1));
  const images = Float32Array.from({ length: pixels }, () => rng.uniform(-1, 1));
  const indices = Uint32Array.from({ length: size }, (_, i) => i);
  return { size, images, imageShape, targets, labels, indices };
}

// The median of repetitions that fill the time, in ms; the first, which warms up, does not count.
async function timed(
  run: () => Promise<unknown>,
  seconds: number,
): Promise<{ median: number; repetitions: number }> {
  await run();
  const times: number[] = [];
  const began = performance.now();
  do {
    const start = performance.now();
    await run();
    times.push(performance.now() - start);
  } while (performance.now() - began < 1000 * seconds);
  times.sort((a, b) => a - b);
  return { median: times[Math.floor(times.length / 2)]!, repetitions: times.length };
}
