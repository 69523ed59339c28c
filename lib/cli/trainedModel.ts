// A checkpoint for the commands: its model, and what its images and answers need.

import path from 'node:path';
import { timmPreparation } from '../checkpoints/timmConfig.ts';
import { InputError, expected, show } from '../core/errors.ts';
import {
  assertNormalization,
  IMAGENET_NORMALIZATION,
  MNIST_NORMALIZATION,
} from '../data/normalize.ts';
import {
  makePreprocessing,
  parseNormalization,
  parsePreprocessing,
} from '../data/preprocessing.ts';
import type { CropMode } from '../data/fitImage.ts';
import { resizeFilters } from '../data/resizeImage.ts';
import { readCheckpoint, readConfigFile } from '../io/checkpointFile.ts';
import { openFolder } from '../io/folder.ts';
import { buildLoaded } from '../models/buildLoaded.ts';
import { descriptorOf, parseStoredData } from './dataset.ts';
import type { Normalization } from '../data/normalize.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { Model } from '../models/model.ts';
import type { DataConfig } from './dataset.ts';

/**
 * A model with what its images and answers need.
 *
 * @property preprocessing  how an image becomes its input; where config.json does not say, as it was before it did
 * @property data       what it was trained on; undefined if its config.json does not say
 * @property path       the file it came from
 */
export interface TrainedModel {
  model: Model;
  preprocessing: Preprocessing;
  classNames: readonly string[] | undefined;
  data: DataConfig | undefined;
  path: string;
}

/**
 * Loads a checkpoint with its config.json: a run folder, a folder with model.safetensors, or a file in one.
 *
 * @param note  told what had to be assumed
 * @throws IoError, CheckpointError, InputError; nothing stays allocated then
 */
export async function loadTrained(
  checkpoint: string,
  note: (text: string) => void,
): Promise<TrainedModel> {
  const { tensors, config, path: file } = await readCheckpoint(checkpoint);
  if (config === undefined) {
    throw new InputError(expected('config.json beside the weights', file, 'none'));
  }
  const folder = await openFolder(path.dirname(file), { readOnly: true });
  const record = (await readConfigFile(folder)) ?? {};
  const { model } = buildLoaded(config, tensors, { onAdapt: note });
  try {
    const data = record['data'] == null ? undefined : parseStoredData(record['data']).data;
    const hub = timmPreprocessing(record, model.inputShape, note);
    const preprocessing = hub ?? preprocessingOf(record, data, model.inputShape, note);
    const names = record['classNames'] ?? timmPreparation(record)?.classNames;
    const classNames = classNamesOf(names, data, model.numClasses);
    return { model, preprocessing, classNames, data, path: file };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

// Files of before there was a preprocessing have its normalisation alone, or nothing.
function preprocessingOf(
  record: Readonly<Record<string, unknown>>,
  data: DataConfig | undefined,
  [height, width, channels]: readonly [number, number, number],
  note: (text: string) => void,
): Preprocessing {
  const { preprocessing, normalize } = record;
  if (preprocessing != null) return parsePreprocessing(preprocessing, channels);
  const given = normalize == null ? undefined : parseNormalization(normalize, channels);
  const descriptor = data === undefined ? undefined : descriptorOf(data);
  return makePreprocessing({
    decode: descriptor?.decode,
    size: [height, width],
    normalize: given ?? descriptor?.normalize ?? assumedNormalization(channels, note),
  });
}

// A folder of timm's hub: the mean and deviation of its weights. They were trained on images that PIL decoded.
function timmPreprocessing(
  record: Readonly<Record<string, unknown>>,
  [height, width, channels]: readonly [number, number, number],
  note: (text: string) => void,
): Preprocessing | undefined {
  const given = timmPreparation(record);
  if (given === undefined) return undefined;
  const { mean, std, interpolation = 'bicubic', cropMode = 'center' } = given;
  const known = <T extends string>(words: readonly T[], word: unknown, otherwise: T): T => {
    if (words.includes(word as T)) return word as T;
    note(
      `pretrained_cfg of config.json has ${show(word)}, which is not built yet: ${otherwise} is used.`,
    );
    return otherwise;
  };
  return makePreprocessing({
    decode: 'pil',
    cropMode: known<CropMode>(['center', 'squash'], cropMode, 'center'),
    interpolation: known(resizeFilters, interpolation, 'bicubic'),
    size: [height, width],
    normalize:
      mean === undefined && std === undefined
        ? assumedNormalization(channels, note)
        : parseNormalization({ mean, std }, channels),
  });
}

function assumedNormalization(channels: number, note: (text: string) => void): Normalization {
  const [assumed, whose] =
    channels === 1 ? [MNIST_NORMALIZATION, "MNIST's"] : [IMAGENET_NORMALIZATION, "ImageNet's"];
  assertNormalization(assumed, channels);
  note(`config.json has no normalize: ${whose} mean and deviation are used.`);
  return assumed;
}

function classNamesOf(
  value: unknown,
  data: DataConfig | undefined,
  numClasses: number,
): readonly string[] | undefined {
  if (Array.isArray(value) && value.length === numClasses) return value.map(String);
  return data === undefined ? undefined : descriptorOf(data).classNames;
}
