// A checkpoint for the commands: its model, and what its images and answers need.

import { InputError, expected } from '../core/errors.ts';
import { readCheckpoint } from '../io/checkpointFile.ts';
import { buildLoaded } from '../models/buildLoaded.ts';
import { modelConfig } from '../models/createModel.ts';
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

/**
 * Loads a checkpoint with its config.json: a run folder, a folder with model.safetensors, or a file in one.
 *
 * @param note       told what had to be assumed
 * @param modelName  the model of weights that no config.json lies beside
 * @throws IoError, CheckpointError, InputError; nothing stays allocated then
 */
export async function loadTrained(
  checkpoint: string,
  note: (text: string) => void,
  modelName?: string,
): Promise<TrainedModel> {
  const {
    tensors,
    config: stored,
    record = {},
    path: file,
    notes,
  } = await readCheckpoint(checkpoint);
  notes?.forEach(note);
  const config = stored ?? namedConfig(modelName, tensors);
  if (config === undefined) {
    const remedy = modelName === undefined ? 'Commands with --model NAME do without it.' : '';
    throw new InputError(expected('config.json beside the weights', file, 'none', remedy));
  }
  const { model } = buildLoaded(config, tensors, { onAdapt: note });
  try {
    const data = record['data'] == null ? undefined : parseStoredData(record['data']).data;
    const { preprocessing, classNames } = preparationOf(record, model, { note });
    return { model, preprocessing, classNames, data, path: file };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

// A model by its name, with as many classes as the weights have.
function namedConfig(
  name: string | undefined,
  tensors: Awaited<ReturnType<typeof readCheckpoint>>['tensors'],
): object | undefined {
  if (name === undefined) return undefined;
  const classes = tensors.get('head.weight')?.shape[0];
  return modelConfig(name, classes === undefined ? {} : { numClasses: classes });
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
