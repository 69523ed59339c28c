// The public API for Node: everything of `tfjs-vit`, and the functions that need a disk.

import { assertFields, assertKind } from './core/kinds.ts';
import { assertModule } from './core/module.ts';
import { join } from 'node:path';
import './io/datasets.ts';
import './fractaldb/datasets.ts';
import { keepRecord } from './core/modelRecord.ts';
import { readCheckpoint } from './io/checkpointFile.ts';
import { decodeImage, isImageFile } from './io/decodeImage.ts';
import { openFolder } from './io/folder.ts';
import { assertAttentionModel } from './explain/attentionModel.ts';
import {
  explain as explainFrom,
  type ExplainImageOptions,
  type ImageExplanation,
} from './explain/explain.ts';
import {
  imgToAttention as imgToAttentionFrom,
  type AttentionOfImage,
  type ImgToAttentionOptions,
} from './explain/imgToAttention.ts';
import { isHubAddress } from './hub/hubAddress.ts';
import { pretrainedModel, pretrainedOf, type PretrainedOptions } from './hub/pretrainedModel.ts';
import { snapshotDownload } from './hub/snapshotDownload.ts';
import { runFigures } from './figures/runFigures.ts';
import { progressSink } from './io/progressSink.ts';
import { runFolderOf } from './io/runFolder.ts';
import { tensorboardSink } from './io/tensorboard.ts';
import { createModel as createModelFrom } from './models/createModel.ts';
import { loadModel as loadModelFrom } from './models/loadModel.ts';
import { saveModel as saveModelTo, type SaveOptions } from './models/saveModel.ts';
import type { ImageInput } from './predict/imageInput.ts';
import {
  assertAsked,
  predict as predictFrom,
  preparationFor,
  type ClassPrediction,
  type PredictOptions,
} from './predict/predict.ts';
import { train } from './training/trainer.ts';
import type { ReadTensors } from './checkpoints/readTensors.ts';
import type { FileStore } from './core/store.ts';
import { decodingOf, type Preprocessing } from './data/preprocessing.ts';
import type { LoadOptions } from './models/loadModel.ts';
import type { ModelNamed } from './models/families.ts';
import type { BuildOptions, Model } from './models/model.ts';
import type { Evaluation } from './training/metrics.ts';
import type { FiguresOf, TrainEnv } from './training/run.ts';
import type { TrainConfig } from './training/trainConfig.ts';
import type { TrainResult } from './training/trainer.ts';

export * from './index.ts';

// backends
export {
  backendChoices,
  selectBackend,
  type BackendChoice,
  type BackendName,
  type BackendOptions,
  type SelectedBackend,
} from './backends/select.ts';

// the command line and its experiments
export type { DataConfig } from './cli/dataset.ts';
export type { ExperimentConfig } from './cli/experiment.ts';
export { runMain } from './cli/program.ts';

// the Hugging Face hub
export type { DownloadProgress } from './hub/downloadBlob.ts';
export type { PretrainedOptions } from './hub/pretrainedModel.ts';
export {
  snapshotDownload,
  type HubSnapshot,
  type SnapshotOptions,
} from './hub/snapshotDownload.ts';

// io
export { readCheckpoint, type CheckpointFile } from './io/checkpointFile.ts';
export { clipTokenizer } from './io/clipTokenizer.ts';
export { decodeImage, type DecodeOptions } from './io/decodeImage.ts';
export { encodePng } from './io/encodePng.ts';
export { openFolder, type Folder, type FolderOptions } from './io/folder.ts';
export { fractalDataset, type FractalDatasetOptions } from './fractaldb/dataset.ts';
export { fractalDescriptor } from './fractaldb/datasets.ts';
export { sha256 } from './io/hash.ts';
export { readIdx, type IdxArray, type IdxOptions } from './io/idx.ts';
export type { Manifest } from './io/manifest.ts';
export {
  loadMnist,
  mnistFolder,
  type MnistFiles,
  type MnistOptions,
  type MnistSplit,
} from './io/mnist.ts';
export { progressSink, type ProgressOptions, type ProgressStream } from './io/progressSink.ts';
export { tensorboardSink, type TensorboardOptions } from './io/tensorboard.ts';

// worker threads
export { SampleWorkers, type SampleWorkersOptions } from './workers/sampleWorkers.ts';

/**
 * Builds a model by timm's name; with `pretrained: true` it has the weights that the Hugging Face hub has of it, and the result is a
 * promise of it. See `snapshotDownload` for the names, the cache and the variables, `createModel` of `tfjs-vit` for the rest.
 *
 * As in timm, other `numClasses` mean a new head, another `imageSize` a resampled position embedding.
 *
 * @throws InputError as in `tfjs-vit`; IoError if the weights cannot be downloaded, CheckpointError if they are of another model
 *
 * @example
 * const model = await createModel('vit_tiny_patch16_224', {pretrained: true, numClasses: 10});
 * const [best] = await predict(await createModel('facebook/deit-tiny-patch16-224', {pretrained: true}), 'cat.jpg');
 */
export function createModel<N extends string>(
  name: N,
  overrides: { pretrained: true } & Record<string, unknown>,
  options?: PretrainedOptions,
): Promise<ModelNamed<N>>;
export function createModel<N extends string>(
  name: N,
  overrides?: object,
  options?: BuildOptions,
): ModelNamed<N>;
export function createModel<N extends string>(
  name: N,
  overrides: object = {},
  options: PretrainedOptions = {},
): ModelNamed<N> | Promise<ModelNamed<N>> {
  const { pretrained, rest } = pretrainedOf(overrides);
  if (!pretrained) return createModelFrom(name, rest, options);
  return pretrainedModel(name, rest, options) as Promise<ModelNamed<N>>;
}

/**
 * Builds the model of a checkpoint file, a folder that holds one, a store, the bytes of a file, or what `readTensors` gave.
 *
 * From a run folder the best checkpoint is taken (`checkpointNames`), and its SHA-256 checked. One of the Hugging Face hub is named
 * `hf-hub:owner/name` (`snapshotDownload`).
 *
 * @throws CheckpointError, InputError, IoError with one sentence; nothing stays allocated then
 *
 * @example const model = await loadModel('checkpoints/mnist-vit');
 */
export async function loadModel<M extends Model = Model>(
  source: string | FileStore | Uint8Array | ReadTensors,
  options: LoadOptions<M> = {},
): Promise<M> {
  assertKind('options', options, 'instance');
  if (typeof source !== 'string') return loadModelFrom(source, options);
  const path = isHubAddress(source) ? (await snapshotDownload(source)).path : source;
  const checkpoint = await readCheckpoint(path, {
    useEma: options.useEma,
    checkpointKey: options.checkpointKey,
  });
  const { config, record } = checkpoint;
  const model = await loadModelFrom(checkpoint, { ...(config && { config }), ...options });
  if (record !== undefined) keepRecord(model, record);
  return model;
}

/**
 * `predict` of `tfjs-vit` that also takes an image file: its path, or its bytes. It is decoded as is stored with the model.
 *
 * @throws IoError if it cannot be read; else as `predict` there
 *
 * @example
 * const [best] = await predict(await loadModel('checkpoints/mnist-vit'), 'digit.jpg');
 * console.log(best);   // {label: '7', index: 7, probability: 0.998}
 */
export async function predict(
  model: Model,
  image: ImageInput | string | Uint8Array | ArrayBuffer,
  options: PredictOptions = {},
): Promise<ClassPrediction[]> {
  if (!isImageFile(image)) return predictFrom(model, image, options);
  assertAsked(model, options);
  const { preprocessing } = preparationFor(model, options);
  return predictFrom(model, await decodeImage(image, decodingOf(preprocessing)), options);
}

/**
 * `imgToAttention` of `tfjs-vit` that also takes an image file: its path, or its bytes. It is decoded as is stored with the model.
 *
 * @throws IoError if it cannot be read; else as `imgToAttention` there
 *
 * @example
 * const {map, image} = await imgToAttention(await loadModel('checkpoints/mnist-vit'), 'digit.jpg');
 */
export async function imgToAttention(
  model: Model,
  image: ImageInput | string | Uint8Array | ArrayBuffer,
  options: ImgToAttentionOptions = {},
): Promise<AttentionOfImage> {
  if (!isImageFile(image)) return imgToAttentionFrom(model, image, options);
  assertKind('options', options, 'object');
  assertAttentionModel(model);
  const { preprocessing } = preparationFor(model, options);
  const decoded = await decodeImage(image, { mode: preprocessing.decode });
  return imgToAttentionFrom(model, decoded, options);
}

/**
 * `explain` of `tfjs-vit` that also takes an image file: its path, or its bytes. It is decoded as is stored with the model.
 *
 * @throws IoError if it cannot be read; else as `explain` there
 *
 * @example
 * const { label, heatmap } = await explain(await loadModel('checkpoints/mnist-vit'), 'digit.jpg');
 */
export async function explain(
  model: Model,
  image: ImageInput | string | Uint8Array | ArrayBuffer,
  options: ExplainImageOptions = {},
): Promise<ImageExplanation> {
  if (!isImageFile(image)) return explainFrom(model, image, options);
  assertKind('options', options, 'object');
  assertAttentionModel(model);
  const { preprocessing } = preparationFor(model, options);
  return explainFrom(model, await decodeImage(image, decodingOf(preprocessing)), options);
}

/**
 * Writes a model into a folder, which is made if it is not there, or into a store: `model.safetensors` and `config.json`, in a folder
 * also `manifest.json`. The preprocessing and class names that are given stand in `config.json`, where the commands find them.
 *
 * @throws IoError if the folder cannot be written; what was there before is unchanged then
 * @throws InputError if the model's configuration does not lead back to its family
 */
export async function saveModel(
  model: Model,
  target: string | FileStore,
  options: SaveOptions & { preprocessing?: Preprocessing } = {},
): Promise<void> {
  assertModule(model);
  if (typeof target !== 'string') return saveModelTo(model, target, options);
  const store = await openFolder(target, { create: true });
  try {
    await saveModelTo(model, store, options);
  } finally {
    await store.close();
  }
}

/**
 * The inputs and options of a run on a disk, besides its config.
 *
 * @property outputDir    the run folder; made if it is not there, locked while the run lasts
 * @property resume       the run folder to go on from, or a file in it; may be `outputDir`
 * @property progress     true: a bar or lines on stdout; default true
 * @property tensorboard  true: event files in `outputDir`/tensorboard; default true
 * @property figures      default `runFigures` where `task` is absent: curves.png and confusion.png
 */
export interface FolderTrainEnv<E = Evaluation> extends Omit<TrainEnv<E>, 'store' | 'resume'> {
  outputDir: string;
  resume?: string | undefined;
  progress?: boolean;
  tensorboard?: boolean;
}

/**
 * Trains with a folder as the run's store; see `train`.
 *
 * @throws IoError before anything is computed if the folder cannot be written or another process trains into it
 *
 * @example await trainInFolder(config, {outputDir: 'runs/mnist', model, train: dataset, normalize: MNIST_NORMALIZATION});
 */
export async function trainInFolder<E = Evaluation>(
  config: TrainConfig,
  options: FolderTrainEnv<E>,
): Promise<TrainResult<E>> {
  const kinds = {
    outputDir: 'text',
    resume: 'text?',
    progress: 'boolean?',
    tensorboard: 'boolean?',
  } as const;
  assertFields('env', options, { ...kinds, sinks: 'list?' });
  assertKind('config', config, 'object');
  const { outputDir, resume, progress = true, tensorboard = true, sinks = [], ...env } = options;
  const from = resume === undefined ? undefined : await runFolderOf(resume);
  const store = await openFolder(outputDir, { create: true, lock: true });
  try {
    const shown = progress
      ? progressSink({ title: `Training into ${store.path}, ${config.precision ?? 'fp32'}` })
      : undefined;
    const say = (text: string): void => [shown, ...sinks].forEach((sink) => sink?.message?.(text));
    const events = tensorboard
      ? tensorboardSink(join(store.path, 'tensorboard'), { onFailure: say })
      : undefined;
    const all = [shown, events, ...sinks].filter((sink) => sink !== undefined);
    const before = from === undefined ? undefined : await openFolder(from, { readOnly: true });
    const { figures = env.task === undefined ? (runFigures as FiguresOf<E>) : undefined } = env;
    return await train(config, { ...env, figures, store, resume: before, sinks: all });
  } finally {
    await store.close();
  }
}
