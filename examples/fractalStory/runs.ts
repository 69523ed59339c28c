// The trainings of the story. Each has a run folder: a finished one is only read, an interrupted one goes on.

import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  MNIST_NORMALIZATION,
  VisionTransformer,
  fineTune,
  fineTuneConfig,
  makeTransforms,
  readCheckpoint,
  trainInFolder,
  type FolderTrainEnv,
  type Model,
  type TrainConfig,
  type TrainResult,
} from 'tfjs-vit/node';
import { labelledDigits, openFractals, type Digits } from './data.ts';
import {
  digitAugmentation,
  fractalAugmentation,
  fractalNormalization,
  model as options,
  pretrainRate,
  training,
  type Plan,
  type Start,
} from './plan.ts';

type Inputs = Omit<FolderTrainEnv, 'outputDir' | 'resume' | 'model'>;

/** One fine-tuning. `isSelection`: of the runs that choose the learning rate, which never see the test images. */
export interface FineTuning {
  start: Start;
  perClass: number;
  images: number;
  learningRate: number;
  seed: number;
  isSelection: boolean;
}

/** Pre-trains a model on fractals and gives its run folder. */
export async function pretrain(
  kind: Exclude<Start, 'scratch'>,
  plan: Plan,
  folder: string,
): Promise<string> {
  const { images, epochs } = plan.pretrain;
  const outputDir = path.join(folder, 'pretrain', kind);
  const train = await openFractals(kind, {
    categories: plan.categories,
    length: Math.round(images / epochs),
    cache: folder,
  });
  const model = new VisionTransformer({ ...options, numClasses: train.numClasses });
  await trained(outputDir, model, {
    config: { ...training, epochs, learningRate: pretrainRate, data: { fractals: kind } },
    inputs: {
      train,
      trainTransforms: makeTransforms(fractalAugmentation),
      normalize: fractalNormalization,
      preprocessing: { size: [options.imageSize, options.imageSize] },
    },
  });
  return outputDir;
}

/**
 * Fine-tunes on labelled digits, or trains on them from scratch.
 *
 * @param from  the run folder of the pre-training; undefined: random weights
 * @returns top-1 on the validation images, the best of the run, and on the test images, of the checkpoint that was best
 */
export async function fineTuneRun(
  { start, perClass, images, learningRate, seed, isSelection }: FineTuning,
  { plan, folder, from, digits }: { plan: Plan; folder: string; from?: string; digits: Digits },
): Promise<{ validation: number; test: number | undefined }> {
  const length = Math.round(images / plan.epochs);
  const name = isSelection ? `select-lr-${learningRate}` : `seed-${seed}-lr-${learningRate}`;
  const outputDir = path.join(folder, `${perClass}-per-class`, start, name);
  const model = await startOf(from, seed);
  const { best, test } = await trained(outputDir, model, {
    config: { ...training, epochs: plan.epochs, learningRate, seed, data: { start, perClass } },
    inputs: {
      train: labelledDigits(digits.pool, { perClass, length, seed }),
      validation: digits.validation,
      test: isSelection ? undefined : digits.test,
      trainTransforms: makeTransforms(digitAugmentation),
      normalize: MNIST_NORMALIZATION,
    },
  });
  return { validation: best!['top1'] as number, test: test?.['top1'] as number | undefined };
}

// A model with random weights, or with those of a pre-training and a new head.
async function startOf(from: string | undefined, seed: number): Promise<Model> {
  if (from === undefined) return new VisionTransformer({ ...options, numClasses: 10, seed });
  const { tensors, config: source } = await readCheckpoint(from);
  return fineTune(fineTuneConfig(source, { seed }, { numClasses: 10 }), { tensors, source }).model;
}

async function trained(
  outputDir: string,
  model: Model,
  { config, inputs }: { config: TrainConfig; inputs: Inputs },
): Promise<TrainResult> {
  const resume = existsSync(path.join(outputDir, 'config.json')) ? outputDir : undefined;
  const quiet = { progress: false, tensorboard: false, figures: () => Promise.resolve(new Map()) };
  try {
    return await trainInFolder(config, { ...inputs, ...quiet, outputDir, resume, model });
  } finally {
    model.dispose();
  }
}
