// A model by its name with the weights that the hub has of it.

import { InputError, expected } from '../core/errors.ts';
import { assertKind } from '../core/kinds.ts';
import { keepRecord } from '../core/modelRecord.ts';
import { readCheckpoint } from '../io/checkpointFile.ts';
import { checkpointConfig } from '../models/checkpointConfig.ts';
import { parsedModel } from '../models/createModel.ts';
import { fineTune, fineTuneConfig, fineTuneLines } from '../models/fineTune.ts';
import type { BuildOptions, Model } from '../models/model.ts';
import { pretrainedAddress } from './hubAddress.ts';
import { snapshotDownload, type SnapshotOptions } from './snapshotDownload.ts';

/** The options of a model with weights of the hub: those of building and of `snapshotDownload`. `onNote` is also told what became of the tensors. */
export type PretrainedOptions = BuildOptions & SnapshotOptions;

/**
 * Builds a model with the weights that the hub has of it, as timm's `create_model(name, pretrained=True)` does: a head for another number
 * of classes is drawn anew, a position embedding resampled to another size of images, the weights of the channels adapted. Classes that
 * are not given are those of the weights.
 *
 * @param name       as `snapshotDownload` takes it
 * @param overrides  options in any vocabulary of the model's family; they replace those of the weights
 * @returns the model, which the caller owns. Its preprocessing and class names are those of the weights
 * @throws InputError for a name or option that cannot be used, IoError and CheckpointError for weights that cannot be had
 */
export async function pretrainedModel(
  name: string,
  overrides: object = {},
  { onWarning, onNote = () => undefined, ...download }: PretrainedOptions = {},
): Promise<Model> {
  assertKind('the options of the model', overrides, 'object');
  const { path } = await snapshotDownload(name, { onNote, ...downloadOptions(download) });
  const read = await readCheckpoint(path);
  read.notes?.forEach(onNote);
  const { tensors, record } = read;
  const named = isNameOfTimm(name) ? { name } : {};
  const source = checkpointConfig(read, {
    ...(named.name && { model: named.name }),
    source: path,
    note: onNote,
  });
  const { numClasses } = parsedModel(source).config as { numClasses?: number };
  const config = fineTuneConfig(
    source,
    { ...named, ...overrides },
    numClasses === undefined ? {} : { numClasses },
  );
  const { model, report } = fineTune(config, { tensors, source, ...(onWarning && { onWarning }) });
  fineTuneLines(name, report).forEach(onNote);
  if (record !== undefined) keepRecord(model, record);
  return model;
}

/** The options of a model without `pretrained`, and whether it is true. @throws InputError if it is no boolean */
export function pretrainedOf(overrides: unknown): { pretrained: boolean; rest: object } {
  assertKind('the options of the model', overrides, 'object');
  const { pretrained = false, ...rest } = overrides as { pretrained?: unknown };
  if (typeof pretrained === 'boolean') return { pretrained, rest };
  throw new InputError(expected('true or false', 'pretrained', pretrained));
}

// The model of one of timm's names is what the name says, whatever stands beside the weights, which several of them may share.
function isNameOfTimm(name: string): boolean {
  return pretrainedAddress(name).repo.startsWith('timm/') && !name.includes('/');
}

function downloadOptions({
  onProgress,
  env,
  timeoutMs,
  attempts,
  wait,
}: SnapshotOptions): SnapshotOptions {
  return {
    ...(onProgress && { onProgress }),
    ...(env && { env }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(attempts !== undefined && { attempts }),
    ...(wait && { wait }),
  };
}
