// A checkpoint for the commands: its model, and what its images and answers need.

import path from 'node:path';
import { CheckpointError, InputError, expected } from '../core/errors.ts';
import { MNIST_CLASSES } from '../data/mnist.ts';
import { IMAGENET_NORMALIZATION, MNIST_NORMALIZATION } from '../data/normalize.ts';
import { assertNormalization } from '../data/normalize.ts';
import { readCheckpoint, readConfigFile } from '../io/checkpointFile.ts';
import { openFolder } from '../io/folder.ts';
import { buildLoaded } from '../models/buildLoaded.ts';
import { parseDataConfig } from './dataset.ts';
import type { Normalization } from '../data/normalize.ts';
import type { Model } from '../models/model.ts';
import type { DataConfig } from './dataset.ts';

/**
 * A model with what its images and answers need.
 *
 * @property data       what it was trained on; undefined if its config.json does not say
 * @property path       the file it came from
 */
export interface TrainedModel {
  model: Model;
  normalize: Normalization;
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
  const { model } = buildLoaded(config, tensors);
  try {
    const data = record['data'] == null ? undefined : dataOf(record['data']);
    const normalize = normalizationOf(record['normalize'], data, model.inputShape[2], note);
    const classNames = classNamesOf(record['classNames'], data, model.numClasses);
    return { model, normalize, classNames, data, path: file };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

// A run keeps its experiment's name with the data.
function dataOf(value: unknown): DataConfig {
  const { name: _name, ...data } = value as Record<string, unknown>;
  return parseDataConfig(data);
}

function normalizationOf(
  value: unknown,
  data: DataConfig | undefined,
  channels: number,
  note: (text: string) => void,
): Normalization {
  if (value !== undefined && value !== null) {
    const { mean, std } = value as Partial<Normalization>;
    if (!Array.isArray(mean) || !Array.isArray(std)) {
      throw new CheckpointError(expected('lists mean and std', 'normalize of config.json', value));
    }
    assertNormalization({ mean, std }, channels);
    return { mean: mean as number[], std: std as number[] };
  }
  if (data?.dataset === 'mnist') return MNIST_NORMALIZATION;
  const assumed = channels === 1 ? MNIST_NORMALIZATION : IMAGENET_NORMALIZATION;
  assertNormalization(assumed, channels);
  note(
    `config.json has no normalize: ${channels === 1 ? "MNIST's" : "ImageNet's"} mean and deviation are used.`,
  );
  return assumed;
}

function classNamesOf(
  value: unknown,
  data: DataConfig | undefined,
  numClasses: number,
): readonly string[] | undefined {
  if (Array.isArray(value) && value.length === numClasses) return value.map(String);
  return data?.dataset === 'mnist' ? MNIST_CLASSES : undefined;
}
