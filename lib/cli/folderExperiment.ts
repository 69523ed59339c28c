// The experiment for a folder of class folders that somebody has: data, split, model and recipe by the number of its images.

import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { InputError, expected } from '../core/errors.ts';
import { ioError } from '../io/ioError.ts';
import { openPart } from './dataset.ts';
import { fineTunePresets, presetFor, scratchPresets, type FolderPreset } from './folderPresets.ts';
import { shippedStart } from './shippedStart.ts';
import { pretrainedName } from './flags.ts';
import type { DataConfig } from './dataOptionTypes.ts';

/** The weights of the hub that a training on a folder begins with unless it is told otherwise. */
const pretrainedStart = 'vit_tiny_patch16_224.augreg_in21k_ft_in1k';

/**
 * Words of the command line that change the preset.
 *
 * @property epochs    in place of the preset's: the warm-up and the patience follow
 * @property valSplit  0: nothing is held out, and the run cannot end early
 * @property finetune  the checkpoint to begin from
 * @property model     the name of a model in place of the preset's
 * @property pretrained  true: weights of the hub are the start, or it fails; false: they are not; default: they are where the hub can be
 *                       reached
 */
export interface FolderOptions {
  epochs?: number | undefined;
  valSplit?: number | undefined;
  finetune?: string | undefined;
  model?: string | undefined;
  pretrained?: boolean | undefined;
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
 * @throws InputError, IoError if the folder cannot be used, or the hub not reached where `pretrained` asks for it
 */
export async function folderExperiment(
  data: DataConfig,
  options: FolderOptions,
  note: (text: string) => void,
): Promise<Record<string, unknown>> {
  const folder = data.folder!;
  const { length, numClasses } = await openPart(data, 'train');
  const start = await startOf(options, note);
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

// The checkpoint that the training begins from: the one that was given, the hub's, the shipped one; undefined: from scratch.
async function startOf(
  { finetune, model, pretrained }: FolderOptions,
  note: (text: string) => void,
): Promise<string | undefined> {
  if (finetune !== undefined) {
    note(`Starting from ${finetune} (${pretrained === true ? '--pretrained' : '--finetune'}).`);
    return finetune;
  }
  // Both other starts are of a model of their own.
  if (model !== undefined) {
    note(`Starting from scratch: --pretrained begins with the weights of ${model}.`);
    return undefined;
  }
  let why = '--no-pretrained';
  if (pretrained !== false) {
    const { whyNotPretrained } = await import('../hub/hubStart.ts');
    const lost = await whyNotPretrained(pretrainedStart);
    if (lost === undefined) {
      note(
        `Starting from ${pretrainedStart} of the Hugging Face hub, pre-trained on photographs; --no-pretrained and --finetune take another start.`,
      );
      return pretrainedName(pretrainedStart);
    }
    if (pretrained === true) throw lost;
    note(lost.message);
    why = 'the hub cannot be reached';
  }
  const shipped = shippedStart();
  note(
    shipped === undefined
      ? `Starting from scratch: ${why}, and no checkpoint was given (--finetune FILE).`
      : `Starting from the checkpoint that comes with tfjs-vit, pre-trained on fractals: ${shipped}.`,
  );
  return shipped;
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
