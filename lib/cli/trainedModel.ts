// A checkpoint for the commands: its model, and what its images and answers need.

import { InputError, expected } from '../core/errors.ts';
import { readCheckpoint } from '../io/checkpointFile.ts';
import { buildLoaded } from '../models/buildLoaded.ts';
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
 * @param note  told what had to be assumed
 * @throws IoError, CheckpointError, InputError; nothing stays allocated then
 */
export async function loadTrained(
  checkpoint: string,
  note: (text: string) => void,
): Promise<TrainedModel> {
  const { tensors, config, record = {}, path: file, notes } = await readCheckpoint(checkpoint);
  notes?.forEach(note);
  if (config === undefined) {
    throw new InputError(expected('config.json beside the weights', file, 'none'));
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
