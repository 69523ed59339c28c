// The page of browserTraining.slow.ts: trains as a page of a user would, from the browser's door, with data and files in memory.

import * as tf from '@tensorflow/tfjs';
import {
  parseSafetensors,
  runFigures,
  train,
  VisionTransformer,
  type TrainConfig,
  type TrainEnv,
} from '../../lib/index.ts';
import { config, data, MemoryStore } from '../support/training.ts';

/** The numbers and names that the page hands to the test. */
export interface PageResult {
  backend: string;
  losses: number[];
  top1: number[];
  files: Record<string, number>;
  weights: string[];
  messages: string[];
  leaked: number;
}

/** Trains a small model with two kinds of randomness, for two epochs. */
export async function trainSmall(
  changes: Partial<TrainConfig> = {},
  more: Partial<TrainEnv> = {},
): Promise<PageResult> {
  await tf.setBackend('cpu');
  const before = tf.memory().numTensors;
  const model = new VisionTransformer({
    imageSize: 8,
    patchSize: 4,
    inChannels: 1,
    numClasses: 4,
    embedDim: 12,
    depth: 2,
    numHeads: 2,
    mlpRatio: 2,
    dropRate: 0.1,
    dropPathRate: 0.2,
    seed: 3,
  });
  const store = new MemoryStore();
  const messages: string[] = [];
  const sinks = [{ message: (text: string) => void messages.push(text) }];
  const { log } = await train({ ...config, ...changes }, { ...data, model, store, sinks, ...more });
  model.dispose();
  const { tensors } = parseSafetensors(store.files.get('best_checkpoint.safetensors')!);
  return {
    backend: tf.getBackend(),
    losses: log.map(({ trainLoss }) => trainLoss),
    top1: log.map(({ valTop1 }) => valTop1!),
    files: Object.fromEntries([...store.files].map(([name, { length }]) => [name, length])),
    weights: [...tensors.keys()],
    messages,
    leaked: tf.memory().numTensors - before,
  };
}

declare global {
  var trainSmallInPage: typeof trainSmall | undefined;
  var trainSmallWithFigures: (() => Promise<PageResult>) | undefined;
}

globalThis.trainSmallInPage = trainSmall;
globalThis.trainSmallWithFigures = () => trainSmall({ epochs: 1 }, { figures: runFigures });
