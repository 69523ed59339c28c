// A training run small enough for a test: patterns of 8 × 8 pixels, a model of a few hundred weights, a folder in memory.

import * as tf from '@tensorflow/tfjs';
import type { ForwardContext } from '../../lib/core/context.ts';
import { Module } from '../../lib/core/module.ts';
import { Rng } from '../../lib/core/rng.ts';
import { IoError } from '../../lib/core/errors.ts';
import type { FileStore } from '../../lib/core/store.ts';
import { MemoryDataset } from '../../lib/data/dataset.ts';
import { VisionTransformer } from '../../lib/models/vit/visionTransformer.ts';
import { parseSafetensors } from '../../lib/checkpoints/safetensors.ts';
import type { EpochLog, StepProgress } from '../../lib/core/runSink.ts';
import { runFigures } from '../../lib/figures/runFigures.ts';
import { train } from '../../lib/training/trainer.ts';
import type { TrainEnv } from '../../lib/training/run.ts';
import type { TrainConfig } from '../../lib/training/trainConfig.ts';

/** Images of four patterns with noise: dark, bright, and stripes across or down. */
export function patterns(length: number, seed = 1): MemoryDataset {
  const rng = new Rng(seed).split('patterns');
  const images = new Uint8Array(length * 64);
  const labels = Uint8Array.from({ length }, () => rng.integer(4));
  labels.forEach((label, i) => {
    for (let y = 0; y < 8; y += 1) {
      for (let x = 0; x < 8; x += 1) {
        const level = [30, 170, (y % 2) * 150, (x % 2) * 150][label]!;
        images[i * 64 + y * 8 + x] = level + rng.integer(80);
      }
    }
  });
  return new MemoryDataset({
    images,
    labels,
    imageShape: [8, 8, 1],
    classNames: ['dark', 'bright', 'across', 'down'],
  });
}

/** The normalisation of `patterns`. */
export const normalize = { mean: [0.4], std: [0.25] };

/** logits = dropout(pixels) · weight + bias: the quickest model that draws random numbers. */
export class Toy extends Module {
  readonly weight = this.parameter('head.weight', tf.zeros([64, 4]));
  readonly bias = this.parameter('head.bias', tf.zeros([4]));

  layerGroups(): ReadonlyMap<string, number> {
    return new Map([...this.namedParameters().keys()].map((name) => [name, 0]));
  }

  forward(images: tf.Tensor4D, { training, rng }: ForwardContext = {}): tf.Tensor2D {
    return tf.tidy(() => {
      let x = images.reshape([-1, 64]) as tf.Tensor2D;
      if (training === true) {
        const kept = Float32Array.from({ length: x.size }, () => (rng!.bernoulli(0.1) ? 0 : 1));
        x = x.mul(tf.tensor(kept, x.shape));
      }
      return x.matMul(this.weight as unknown as tf.Tensor2D).add(this.bias);
    });
  }
}

/** A small model with every kind of randomness switched on. */
export function tinyModel(overrides: Record<string, unknown> = {}): VisionTransformer {
  return new VisionTransformer({
    imageSize: 8,
    patchSize: 4,
    inChannels: 1,
    numClasses: 4,
    embedDim: 12,
    depth: 2,
    numHeads: 2,
    mlpRatio: 2,
    dropRate: 0.1,
    posDropRate: 0.1,
    projDropRate: 0.1,
    attnDropRate: 0.1,
    dropPathRate: 0.2,
    seed: 3,
    ...overrides,
  });
}

/** Two epochs of five updates over 36 images, in batches of 8. */
export const config: TrainConfig = {
  epochs: 2,
  batchSize: 8,
  learningRate: 0.01,
  seed: 5,
  smoothing: 0.1,
  schedule: { warmupEpochs: 0.5, minLr: 1e-5 },
  clip: { mode: 'norm', value: 1 },
  ema: { decay: 0.9 },
};

/** A run longer than any test, saved after every update. */
export const longConfig: TrainConfig = {
  ...config,
  epochs: 10_000,
  batchSize: 2,
  schedule: { sched: 'constant' },
  checkpointSteps: 1,
};

/** A folder in memory that remembers how often it was written to, and can be made to fail. */
export class MemoryStore implements FileStore {
  private static count = 0;
  readonly location = `memory ${(MemoryStore.count += 1)}`;
  readonly files = new Map<string, Uint8Array>();
  commits: { info: Record<string, unknown>; names: string[] }[] = [];
  failing = false;

  read(name: string): Promise<Uint8Array> {
    const bytes = this.files.get(name);
    if (bytes === undefined) return Promise.reject(new IoError(`No file ${name} in memory.`));
    return Promise.resolve(bytes);
  }

  has(name: string): Promise<boolean> {
    return Promise.resolve(this.files.has(name));
  }

  write(name: string, content: Uint8Array | string): Promise<void> {
    return this.commit(new Map([[name, content]]), {});
  }

  commit(
    files: ReadonlyMap<string, Uint8Array | string>,
    info: Record<string, unknown>,
  ): Promise<void> {
    if (this.failing) return Promise.reject(new IoError('No space left in memory.'));
    for (const [name, content] of files) {
      const bytes =
        typeof content === 'string' ? new TextEncoder().encode(content) : content.slice();
      this.files.set(name, bytes);
    }
    this.commits.push({ info: structuredClone(info), names: [...files.keys()] });
    return Promise.resolve();
  }

  remove(name: string): Promise<void> {
    if (this.failing) return Promise.reject(new IoError('No space left in memory.'));
    this.files.delete(name);
    return Promise.resolve();
  }

  names(): Promise<string[]> {
    return Promise.resolve([...this.files.keys()]);
  }

  /** A copy, as a folder copied to another place. */
  copy(): MemoryStore {
    const other = new MemoryStore();
    for (const [name, bytes] of this.files) other.files.set(name, bytes.slice());
    return other;
  }

  text(name: string): string {
    return new TextDecoder().decode(this.files.get(name));
  }
}

/** The training and validation data of the runs. */
export const data = { train: patterns(36), validation: patterns(20, 2), normalize };

/** Trains a fresh toy; returns the error or the result, the folder and the messages. */
export async function runToy(changes: Partial<TrainConfig> = {}, more: Partial<TrainEnv> = {}) {
  const store = new MemoryStore();
  const told = { messages: [] as string[], steps: [] as StepProgress[], epochs: [] as EpochLog[] };
  const sink = {
    message: (text: string) => told.messages.push(text),
    step: (progress: StepProgress) => told.steps.push(progress),
    epoch: (log: EpochLog) => told.epochs.push(log),
    closed: 0,
    close() {
      this.closed += 1;
    },
  };
  const model = more.model ?? new Toy();
  const env: TrainEnv = { ...data, store, sinks: [sink], figures: runFigures, ...more, model };
  const outcome = await train({ ...config, ...changes }, env).then(
    (result) => ({ result, error: undefined }),
    (error: unknown) => ({ result: undefined, error: error as Error }),
  );
  if (more.model === undefined) model.dispose();
  return { ...outcome, store: env.store as MemoryStore, sink, ...told };
}

/** The tensors of a checkpoint in a folder, by name. */
export function weightsIn(
  store: MemoryStore,
  name: string,
): Map<string, ArrayLike<number | bigint>> {
  const { tensors } = parseSafetensors(store.files.get(name)!);
  return new Map([...tensors].map(([key, { data: values }]) => [key, values]));
}
