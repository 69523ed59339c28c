// The work of a profile: training or inference steps on an experiment's data or on random images.

import type { ForwardContext } from '../core/context.ts';
import type { Precision } from '../core/precision.ts';
import { Rng } from '../core/rng.ts';
import { MemoryDataset, type Dataset } from '../data/dataset.ts';
import type { Batch } from '../data/batch.ts';
import type { Loader } from '../data/loader.ts';
import { makePreprocessing } from '../data/preprocessing.ts';
import { buildModel } from '../models/createModel.ts';
import * as t from '../ops/tensor.ts';
import type { ProfileMarks } from '../profile/profileKernels.ts';
import { evaluationLoader, trainLoader } from '../training/runData.ts';
import { parseTrainConfig } from '../training/trainConfig.ts';
import { updateModel } from '../training/updateModel.ts';
import { buildUpdates, disposeUpdates } from '../training/updates.ts';
import type { Normalization } from '../data/normalize.ts';
import type { FullTrainConfig } from '../training/trainConfig.ts';
import type { Model } from '../models/model.ts';
import { assertBatchWillFit } from './batchMemory.ts';
import {
  evaluationOf,
  normalizationOf,
  transformsOf,
  type DataTransforms,
} from './augmentation.ts';
import { openPart, reportedPart, type DataConfig } from './dataset.ts';
import { parseExperiment } from './experiment.ts';
import { dataFacts, followData } from './followData.ts';
import { readConfig } from './readConfig.ts';

/** The step and the model to profile; `model` and `config` exclude each other. */
export interface WorkOptions {
  /** A size by name; undefined, and no config: the small one. */
  model: string | undefined;
  /** The file of an experiment. */
  config: string | undefined;
  mode: 'train' | 'infer';
  /** Undefined: the config's, else 64. */
  batchSize: number | undefined;
  /** Undefined: the config's, else fp32. */
  precision: Precision | undefined;
}

/** The marks of the profile that a step uses. */
export type WorkMarks = Pick<ProfileMarks, 'phase'> & Partial<Pick<ProfileMarks, 'intercept'>>;

/** Steps to profile; the caller that opens it disposes it. */
export interface Work {
  label: string;
  imagesPerStep: number;
  /** One step with its marks; those of a warm-up measure nothing. */
  step(marks: WorkMarks): Promise<void>;
  dispose(): void;
}

const small = {
  imageSize: 28,
  patchSize: 4,
  inChannels: 1,
  numClasses: 10,
  embedDim: 128,
  depth: 6,
  numHeads: 8,
};

/**
 * Builds the work.
 *
 * A training step is all that `train` does for an update: data, forward and backward pass, the checks for NaN, clipping, optimizer
 * and moving average as the experiment has them. An inference step is data, forward pass and reading the logits.
 *
 * @param note  receives sentences about unusual options of the configuration
 * @throws InputError, IoError for input that cannot be used; nothing stays allocated then
 */
export async function openWork(options: WorkOptions, note: (text: string) => void): Promise<Work> {
  const training = options.mode === 'train';
  const { name, options: modelOptions, config, ...plan } = await planOf(options);
  const train = { ...plan.train, precision: options.precision ?? plan.train.precision };
  const { batchSize, accumulationSteps, precision } = train;
  // Only a configuration of the caller's is worth a warning.
  const onWarning = options.config === undefined ? () => undefined : note;
  assertBatchWillFit(modelOptions, { option: '--batch', batchSize, training });
  const model = buildModel(modelOptions, { onWarning });
  try {
    const { dataset, ...given } = plan.data ?? randomData(model, batchSize);
    const [height, width, channels] = model.inputShape;
    const { imageShape } = dataset;
    const normalize = given.normalize ?? normalizationOf(config!, channels);
    const input = { size: [height, width], mean: normalize.mean, imageShape } as const;
    const transforms: Partial<DataTransforms> =
      config === undefined ? {} : transformsOf(config, input);
    const evaluation = config && evaluationOf(config, input);
    const preprocessing = makePreprocessing({ ...evaluation, size: input.size, normalize });
    // Full batches only, so that every step has the same work.
    const limitVal = dataset.length - (dataset.length % batchSize);
    const loader = training
      ? trainLoader({ ...train, dropLast: true }, { preprocessing, ...transforms }, dataset)
      : evaluationLoader({ batchSize, limitVal }, { preprocessing, ...transforms }, dataset);
    const about = `${training ? 'training' : 'inference'} in ${precision}`;
    const several = training && accumulationSteps > 1 ? `${accumulationSteps} × ` : '';
    return {
      label: `${name}, ${about}, batch ${several}${batchSize}`,
      imagesPerStep: batchSize * (training ? accumulationSteps : 1),
      ...(training
        ? trainingSteps(model, loader, train)
        : inferenceSteps(model, loader, { precision })),
    };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

type Steps = Pick<Work, 'step' | 'dispose'>;

function trainingSteps(model: Model, loader: Loader, config: FullTrainConfig): Steps {
  const perUpdate = config.accumulationSteps;
  const run = buildUpdates(model, config, { batchesPerEpoch: loader.steps });
  const { state, updatesPerEpoch } = run;
  return {
    step: async ({ phase, intercept }) => {
      const first = state.step * perUpdate;
      const batches = await phase('data', () => batchesOf(loader, first, perUpdate));
      await updateModel(run, batches, { phase, intercept });
      state.update = state.step % updatesPerEpoch;
    },
    dispose: () => {
      disposeUpdates(run);
      model.dispose();
    },
  };
}

function inferenceSteps(model: Model, loader: Loader, context: ForwardContext): Steps {
  let steps = 0;
  return {
    step: async ({ phase, intercept }) => {
      const [batch] = await phase('data', () => batchesOf(loader, steps, 1));
      steps += 1;
      const { size, images, imageShape } = batch!;
      const logits = phase('forward', () =>
        t.tidy(() =>
          model.forward(t.tensor4d(images, [size, ...imageShape]), { ...context, intercept }),
        ),
      );
      await logits.data();
      logits.dispose();
    },
    dispose: () => model.dispose(),
  };
}

// Batches in order, over as many epochs as it takes.
async function batchesOf(loader: Loader, first: number, count: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  for (let i = first; i < first + count; i += 1) {
    batches.push(await loader.batch(Math.floor(i / loader.steps), i % loader.steps));
  }
  return batches;
}

interface OpenedData {
  dataset: Dataset;
  /** Undefined: that of the config. */
  normalize: Normalization | undefined;
}

interface Plan {
  name: string;
  options: object;
  train: FullTrainConfig;
  /** Undefined: random images. */
  data: OpenedData | undefined;
  /** Undefined: no transforms. */
  config: DataConfig | undefined;
}

async function planOf({ model, config: file, mode, batchSize }: WorkOptions): Promise<Plan> {
  if (file !== undefined) {
    const given = await readConfig(file);
    const { name, data, train } = parseExperiment(given);
    const dataset = await openPart(data, mode === 'train' ? 'train' : reportedPart(data));
    const options = followData(given['model'], dataFacts(data, dataset)) as object;
    return {
      name,
      options,
      train: { ...train, batchSize: batchSize ?? train.batchSize },
      data: { dataset, normalize: undefined },
      config: data,
    };
  }
  const modelOptions = model === undefined ? small : { name: model };
  const train = parseTrainConfig({
    epochs: 1,
    batchSize: batchSize ?? 64,
    learningRate: 1e-4,
    schedule: { sched: 'constant' },
  });
  const name = model ?? 'a ViT of 28 × 28 pixels (patch 4, 128 wide, 6 deep, 8 heads)';
  return { name, options: modelOptions, train, data: undefined, config: undefined };
}

// One batch of noise, in bytes as a data set has them.
function randomData({ inputShape, numClasses }: Model, length: number): OpenedData {
  const [height, width, inChannels] = inputShape;
  const imageShape = [height, width, inChannels as 1 | 3] as const;
  const rng = new Rng(0).split('profile');
  const size = length * height * width * inChannels;
  const classNames = Array.from({ length: numClasses }, (_, i) => `class ${i}`);
  const dataset = new MemoryDataset({
    images: Uint8Array.from({ length: size }, () => rng.integer(256)),
    labels: Int32Array.from({ length }, (_, i) => i % numClasses),
    imageShape,
    classNames,
  });
  const channels = (value: number) => new Array<number>(inChannels).fill(value);
  return { dataset, normalize: { mean: channels(0.5), std: channels(0.5) } };
}
