// The experiment for a folder of class folders that somebody has: data, split, model and recipe by the number of its images.

import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { InputError, expected } from '../core/errors.ts';
import { ioError } from '../io/ioError.ts';
import { openPart } from './dataset.ts';
import { fineTunePresets, presetFor, scratchPresets, type FolderPreset } from './folderPresets.ts';
import { shippedStart } from './shippedStart.ts';
import type { DataConfig } from './dataOptionTypes.ts';

/**
 * Words of the command line that change the preset.
 *
 * @property epochs    in place of the preset's: the warm-up and the patience follow
 * @property valSplit  0: nothing is held out, and the run cannot end early
 * @property finetune  the checkpoint to begin from
 * @property model     the name of a model in place of the preset's
 */
export interface FolderOptions {
  epochs?: number | undefined;
  valSplit?: number | undefined;
  finetune?: string | undefined;
  model?: string | undefined;
}

/**
 * The data of a folder: class folders, or `train` and `val` with class folders.
 *
 * @throws InputError if there is no such folder, or it is a file
 */
export async function folderData(folder: string): Promise<DataConfig> {
  const remedy = 'Give a folder that has a folder of images for each class.';
  let found;
  try {
    found = await stat(folder);
  } catch (error) {
    if (!existsSync(folder)) throw new InputError(expected('a folder', 'train', folder, remedy));
    throw ioError('read', folder, error);
  }
  if (!found.isDirectory()) {
    throw new InputError(expected('a folder', 'train', folder, `It is a file. ${remedy}`));
  }
  const parted = ['train', 'val'].every((name) => existsSync(path.join(folder, name)));
  return { dataset: parted ? 'ImageNet' : 'folder', folder };
}

/**
 * The experiment for a folder of images.
 *
 * @param note  is told in a sentence what the training begins from, and in one which preset was taken
 * @throws InputError, IoError if the folder cannot be used
 */
export async function folderExperiment(
  data: DataConfig,
  options: FolderOptions,
  note: (text: string) => void,
): Promise<Record<string, unknown>> {
  const folder = data.folder!;
  const { length, numClasses } = await openPart(data, 'train');
  // The shipped checkpoint is of a model of its own.
  const start = options.finetune ?? (options.model === undefined ? shippedStart() : undefined);
  note(startNote(options.finetune, start));
  const preset = presetFor(start === undefined ? scratchPresets : fineTunePresets, length);
  const held = options.valSplit ?? preset.valSplit;
  const parted = data.dataset === 'ImageNet';
  const { epochs = preset.epochs } = options;
  const patience = Math.max(5, Math.ceil(0.3 * epochs));
  const stops = (parted || held > 0) && patience < epochs;
  const batchSize = Math.max(2, Math.min(preset.batchSize, Math.floor(length / 6)));
  note(
    presetNote(
      { ...preset, ...(options.model !== undefined && { model: { name: options.model } }) },
      { length, numClasses, epochs, patience: stops ? patience : undefined },
    ),
  );
  return {
    name: nameOf(folder),
    // A model that the command line names has its own sizes; its classes are those of the data.
    model: options.model === undefined ? { ...preset.model } : {},
    data: { ...data, augment: preset.augment },
    epochs,
    batchSize,
    learningRate: preset.learningRate,
    smoothing: 0.1,
    ...(parted ? {} : { valSplit: held }),
    ...(stops && { earlyStop: patience }),
    ...(start !== undefined && { finetune: start }),
    optimizer: {
      opt: 'adamw',
      weightDecay: 0.05,
      ...(preset.layerDecay !== undefined && { layerDecay: preset.layerDecay }),
    },
    schedule: {
      sched: 'cosine',
      warmupEpochs: Math.min(5, 0.1 * epochs),
      warmupLr: 1e-6,
      minLr: 1e-5,
      stepOnEpochs: false,
    },
    clip: { mode: 'norm', value: 1 },
  };
}

function startNote(given: string | undefined, start: string | undefined): string {
  if (given !== undefined) return `Starting from ${given} (--finetune).`;
  if (start !== undefined) {
    return `Starting from the checkpoint that comes with tfjs-vit, pre-trained on fractals: ${start}.`;
  }
  return 'Starting from scratch: no checkpoint was given (--finetune FILE), and none comes with this version.';
}

function presetNote(
  { model, images }: FolderPreset,
  {
    length,
    numClasses,
    epochs,
    patience,
  }: { length: number; numClasses: number; epochs: number; patience: number | undefined },
): string {
  const { imageSize, embedDim, depth, name } = (model ?? {}) as Record<string, unknown>;
  const which =
    model === undefined
      ? 'the model of the checkpoint'
      : typeof name === 'string'
        ? name
        : `a ViT of ${String(depth)} layers, ${String(embedDim)} wide, for ${String(imageSize)} × ${String(imageSize)} pixels`;
  const limit = images === Infinity ? 'any number of' : `up to ${images}`;
  const early = patience === undefined ? '' : `, fewer after ${patience} without a better one`;
  return `Preset for ${limit} images (${length} here, ${numClasses} classes): ${which}, ${epochs} epochs${early}. Flags change it.`;
}

// The last name of the path as the name of a run, which has letters, digits, . - and _ only.
function nameOf(folder: string): string {
  const name = path.basename(path.resolve(folder)).replace(/[^\w.-]+/g, '-');
  return /[A-Za-z0-9]/.test(name) ? name.replace(/^[.-]+|[.-]+$/g, '') : 'photos';
}
