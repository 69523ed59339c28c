// A model that begins with the weights of a checkpoint and may have other classes, another resolution and other channels.

import { loadModelTensors } from '../checkpoints/modelState.ts';
import { outcomeSummary, outcomeTable, tensorReports } from '../checkpoints/tensorReport.ts';
import type { AdaptChange, TensorReport } from '../checkpoints/tensorReport.ts';
import { stateDictErrors } from '../checkpoints/stateDictErrors.ts';
import { assertOneOf, isRecord } from '../core/check.ts';
import { assertFields } from '../core/kinds.ts';
import { CheckpointError, InputError, expected, listed } from '../core/errors.ts';
import type { HostTensor } from '../checkpoints/hostTensor.ts';
import { buildOf, parsedModel } from './createModel.ts';
import { loadWarnings } from './loadWarnings.ts';
import { posEmbedInterpolations, type ModelFamily, type PosEmbedInterpolation } from './family.ts';
import type { Model } from './model.ts';

/**
 * The outcome of `fineTune` for every tensor of the checkpoint and every parameter of the model.
 *
 * @property loaded   parameters and buffers with the values of the checkpoint, also those that were resampled
 * @property fresh    parameters that were drawn: those of a new head
 * @property dropped  tensors of the checkpoint that were not taken: those of the old head
 * @property notes    sentences about what was resampled, adapted or left out besides, and in which the model computes otherwise
 * @property tensors  the outcome of every tensor and every parameter
 */
export interface FineTuneReport {
  readonly loaded: readonly string[];
  readonly fresh: readonly string[];
  readonly dropped: readonly string[];
  readonly notes: readonly string[];
  readonly tensors: readonly TensorReport[];
}

/**
 * The start of a fine-tuning.
 *
 * @property tensors                of the checkpoint, by its names
 * @property source                 the checkpoint's configuration, in any vocabulary of its family; undefined if it brings none
 * @property posEmbedInterpolation  the filter of a position embedding for another grid; default timm's
 * @property onWarning              told what is unusual in the configuration; default: nobody
 */
export interface FineTuneOptions {
  tensors: ReadonlyMap<string, HostTensor>;
  source: object | undefined;
  posEmbedInterpolation?: PosEmbedInterpolation;
  onWarning?: (text: string) => void;
}

const usualClassifiers = ['head', 'head_dist', 'fc'];

/**
 * The configuration of a model that is fine-tuned: that of the checkpoint, with the classes and channels of the data, and with the
 * options that are given. Options that name a size replace the checkpoint's configuration.
 *
 * @param source   the checkpoint's configuration; undefined if it brings none
 * @param options  in any vocabulary of the family; undefined: none
 * @param data     what follows from the data
 * @throws InputError if neither the checkpoint nor the options describe a model, or an option cannot be used
 *
 * @example fineTuneConfig(checkpoint.config, {imageSize: 384}, {numClasses: 10});
 */
export function fineTuneConfig(
  source: object | undefined,
  options: unknown = {},
  data: { numClasses?: number; inChannels?: number } = {},
): object {
  if (!isRecord(options)) throw new InputError(expected('an object', 'model', options));
  if (!isRecord(data))
    throw new InputError(expected('an object', 'what follows from the data', data));
  const { name, family: wanted, ...rest } = options;
  if (name === undefined && source === undefined) {
    const remedy = 'The checkpoint brings no configuration: name its model, model.name.';
    throw new InputError(expected('a model configuration', 'fine-tuning', undefined, remedy));
  }
  const base =
    name === undefined ? source! : { name, ...(wanted !== undefined && { family: wanted }) };
  const { family, config } = parsedModel(base);
  if (wanted != null && wanted !== family.family) {
    throw new InputError(expected(family.family, 'model.family', wanted));
  }
  const replace = (own: object, others: object) =>
    family.override?.(own, others) ?? family.parseConfig({ ...own, ...others });
  return withFamily(family, replace(replace(config, data), rest));
}

function withFamily(family: ModelFamily, config: object): object {
  const known = family.recognizes(config as Record<string, unknown>);
  return known ? config : { family: family.family, ...config };
}

/**
 * Builds a model and gives it the weights of a checkpoint. A head for another number of classes is drawn anew, a position embedding
 * resampled to the model's grid, the weights of the channels adapted; every other difference is an error, and nothing is left out
 * without being reported.
 *
 * @param config  the model's complete configuration: `fineTuneConfig`
 * @returns the model, which the caller owns, and what became of every tensor
 * @throws CheckpointError if a tensor is missing, unexpected, of another shape, or holds a NaN; nothing stays allocated then
 *
 * @example
 * const { tensors, config: source } = await readCheckpoint('runs/fractal');
 * const { model, report } = fineTune(fineTuneConfig(source, {}, { numClasses: 10 }), { tensors, source });
 */
export function fineTune(
  config: object,
  options: FineTuneOptions,
): { model: Model; report: FineTuneReport } {
  assertFields('fineTune', options, {
    tensors: 'map',
    source: 'instance?',
    onWarning: 'function?',
  });
  const { tensors, source, posEmbedInterpolation = 'timm', onWarning = () => undefined } = options;
  assertOneOf('posEmbedInterpolation', posEmbedInterpolation, posEmbedInterpolations);
  const { family, config: own } = parsedModel(config);
  const { classifiers = usualClassifiers } = family;
  const isHead = (name: string) => classifiers.some((module) => name.startsWith(`${module}.`));
  const notes: string[] = [];
  const changes: AdaptChange[] = [];
  const adapted =
    family.adapt?.(tensors, own, (text) => notes.push(text), {
      source: sourceOf(source, family),
      posEmbedInterpolation,
      inputChannels: true,
      onChange: (change) => changes.push(change),
    }) ?? tensors;
  const model = buildOf(family, own, { onWarning });
  try {
    const parameters = model.stateDict();
    const misfits = [...parameters.keys()].filter(
      (name) =>
        isHead(name) && adapted.get(name)?.shape.join() !== parameters.get(name)!.shape.join(),
    );
    // A head is taken whole or not at all.
    const old = new Set(misfits.map(moduleOf));
    const isOld = (name: string) =>
      isHead(name) && (old.has(moduleOf(name)) || (!parameters.has(name) && old.size > 0));
    const kept = new Map([...adapted].filter(([name]) => !isOld(name)));
    const wanted = new Map([...parameters].filter(([name]) => !isOld(name)));
    const problems = stateDictErrors(wanted, kept);
    if (problems.length > 0) {
      throw new CheckpointError(
        `Expected the tensors of this model but for its head, received others: ${listed(problems)}. ` +
          "Leave the model's options out, which are then the checkpoint's, or give those that it was made with.",
      );
    }
    loadModelTensors(model, kept, { strict: false });
    const fresh = [...parameters.keys()].filter(isOld);
    const dropped = [...adapted.keys()].filter(isOld);
    // Another number of classes is what fine-tuning is for.
    const warnings = loadWarnings(own, { tensors, stored: source });
    notes.push(...warnings.filter((text) => !text.includes('number of classes')));
    const reports = tensorReports(tensors, adapted, parameters, changes);
    const report = { loaded: [...kept.keys()], fresh, dropped, notes, tensors: reports };
    return { model, report };
  } catch (error) {
    model.dispose();
    throw error;
  }
}

/**
 * The sentences in which a person is told what became of a checkpoint.
 *
 * @param from           its path
 * @param options.table  true: a line for every tensor as well
 */
export function fineTuneLines(
  from: string,
  report: FineTuneReport,
  options: { table?: boolean } = {},
): string[] {
  assertFields('options', options, { table: 'boolean?' });
  const { table = false } = options;
  const lists = { loaded: 'list', fresh: 'list', dropped: 'list', notes: 'list' } as const;
  assertFields('the report', report, lists);
  const { loaded, fresh, dropped, notes } = report;
  const parts = [
    `${loaded.length} tensors loaded`,
    fresh.length === 0 ? 'the head is kept' : `new: ${fresh.join(', ')}`,
    ...(dropped.length === 0 ? [] : [`dropped: ${dropped.join(', ')}`]),
  ];
  const lines = [`Fine-tuning from ${from}: ${parts.join('; ')}.`, ...notes];
  if (!table) return lines;
  return [...lines, ...outcomeTable(report.tensors), outcomeSummary(report.tensors)];
}

function moduleOf(name: string): string {
  return name.slice(0, name.lastIndexOf('.'));
}

// The configuration of the checkpoint, if it is one of the model's family.
function sourceOf(source: object | undefined, family: ModelFamily): object | undefined {
  if (source === undefined) return undefined;
  const parsed = parsedModel(source);
  return parsed.family === family ? parsed.config : undefined;
}
