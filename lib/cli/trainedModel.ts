// A checkpoint for the commands: its model, and what its images and answers need.

import { InputError, expected } from '../core/errors.ts';
import { readCheckpoint } from '../io/checkpointFile.ts';
import type { ReadOptions } from '../checkpoints/checkpointFormat.ts';
import { buildLoaded } from '../models/buildLoaded.ts';
import { modelConfig } from '../models/createModel.ts';
import { checkpointConfig } from '../models/checkpointConfig.ts';
import { preparationOf } from '../predict/preparation.ts';
import { parseStoredData } from './dataset.ts';
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

/** The weights that are taken of a checkpoint. @property model  the size of weights that have no config.json */
export interface WeightsChoice extends ReadOptions {
  model?: string | undefined;
}

/**
 * Loads a checkpoint with its config.json: a run folder, a folder with model.safetensors, or a file in one.
 *
 * @param note    told what had to be assumed
 * @param choice  the model of weights that have no config.json, and which of several sets is taken
 * @throws IoError, CheckpointError, InputError; nothing stays allocated then
 */
export async function loadTrained(
  checkpoint: string,
  note: (text: string) => void,
  { model: name, ...choice }: WeightsChoice = {},
): Promise<TrainedModel> {
  const read = await readCheckpoint(checkpoint, choice);
  const { tensors, record = {}, path: file, notes } = read;
  notes?.forEach(note);
  const config = checkpointConfig(read, { model: name, source: file, note });
  const { model } = buildLoaded(config, tensors, { onAdapt: note });
  try {
    assertNamedModel(model, name);
    const data = record['data'] == null ? undefined : parseStoredData(record['data']).data;
    const { preprocessing, classNames } = preparationOf(record, model, { note });
    return { model, preprocessing, classNames, data, path: file };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/** Throws an InputError unless a model has the width, depth, heads and patches of the one that was named, where one was. */
export function assertNamedModel(model: Model, name: string | undefined): void {
  if (name === undefined) return;
  const [found, wanted] = [model.config, modelConfig(name)] as Record<string, unknown>[];
  for (const key of ['embedDim', 'depth', 'numHeads', 'patchSize']) {
    const [a, b] = [JSON.stringify(found![key]), JSON.stringify(wanted![key])];
    if (a === b) continue;
    const what = `a checkpoint of ${name}, with ${key} ${b}`;
    throw new InputError(expected(what, '--checkpoint', `one with ${key} ${a ?? 'unknown'}`));
  }
}
