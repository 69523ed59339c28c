// The start of a fine-tuning: the checkpoint that `finetune` of an experiment names, and the model with its weights.

import { InputError, expected } from '../core/errors.ts';
import { isRecord } from '../core/check.ts';
import { readCheckpoint, type CheckpointFile } from '../io/checkpointFile.ts';
import { checkpointConfig } from '../models/checkpointConfig.ts';
import { fineTune, fineTuneConfig, fineTuneLines } from '../models/fineTune.ts';
import { parsedModel } from '../models/createModel.ts';
import { normalizeWarnings } from '../models/loadWarnings.ts';
import { parseNames } from '../training/parseNames.ts';
import { localCheckpoint } from './localCheckpoint.ts';
import { withDynamicSize } from './progressiveModel.ts';
import type { Normalization } from '../data/normalize.ts';
import type { DataFacts } from './followData.ts';
import type { Model } from '../models/model.ts';
import type { FullTrainConfig } from '../training/trainConfig.ts';

/**
 * A checkpoint that was read, ready to become a model.
 *
 * @property experiment  the experiment with the checkpoint's model options in place of those that it does not give
 */
export interface FineTuning {
  readonly experiment: Record<string, unknown>;
  /**
   * Builds the model and says what became of every tensor.
   *
   * @returns the model, which the caller owns, and the config: with `attnOnly` a new head is trained too
   * @throws CheckpointError if the tensors are of another model
   */
  build(train: FullTrainConfig, data: DataFacts): { model: Model; train: FullTrainConfig };
  /** Says so if images are normalised otherwise than those of the checkpoint. */
  compareNormalization(normalize: Normalization): void;
}

// The configuration of the checkpoint; undefined where only the experiment names a model.
function sourceOf(
  read: CheckpointFile,
  model: unknown,
  note: (text: string) => void,
): object | undefined {
  if (isRecord(model) && model['name'] !== undefined && read.config === undefined) return undefined;
  return checkpointConfig(read, { source: read.path, note });
}

/**
 * Reads the checkpoint that an experiment is fine-tuned from, a file, a run folder or an address of the hub; undefined if it names none.
 *
 * @param note           told, a sentence each, what was taken and what became of it
 * @param options.table  true: it is told of every tensor
 * @throws IoError, CheckpointError, UnsupportedError, InputError if it cannot be read or used
 */
export async function openFineTuning(
  experiment: Record<string, unknown>,
  note: (text: string) => void,
  { table = false }: { table?: boolean | undefined } = {},
): Promise<FineTuning | undefined> {
  const { finetune: given } = experiment;
  if (given === undefined || given === null) return undefined;
  if (typeof given !== 'string' || given === '') {
    throw new InputError(expected('a checkpoint file or a run folder', 'finetune', given));
  }
  const { useEma, checkpointKey } = experiment;
  const read = await readCheckpoint(await localCheckpoint(given, note), {
    useEma: useEma === true,
    ...(typeof checkpointKey === 'string' && { checkpointKey }),
  });
  const { tensors, path, notes } = read;
  notes?.forEach(note);
  const source = sourceOf(read, experiment['model'], note);
  const family = source && parsedModel(source).family.family;
  const { model: options } = withDynamicSize(
    { ...experiment, model: experiment['model'] ?? {} },
    family,
  );
  return {
    experiment: { ...experiment, model: fineTuneConfig(source, options) },
    compareNormalization(normalize) {
      normalizeWarnings(read.record, normalize).forEach(note);
    },
    build(train, data) {
      const { posEmbedInterpolation: filter } = train;
      const { model, report } = fineTune(fineTuneConfig(source, options, data), {
        tensors,
        source,
        onWarning: note,
        ...(filter !== null && { posEmbedInterpolation: filter }),
      });
      fineTuneLines(path, report, { table }).forEach(note);
      if (!train.attnOnly || report.fresh.length === 0) return { model, train };
      note('The head is new, so it is trained beside the parameters of attention.');
      const { unfreeze } = train;
      const named = unfreeze === null ? [] : parseNames(unfreeze, 'unfreeze');
      return { model, train: { ...train, unfreeze: [...named, ...report.fresh] } };
    },
  };
}
