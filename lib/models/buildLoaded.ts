// A model built for the tensors of a checkpoint, which it takes its weights from.

import type { HostTensor } from '../checkpoints/hostTensor.ts';
import {
  loadModelTensors,
  type LoadModelOptions,
  type LoadReport,
} from '../checkpoints/modelState.ts';
import { tensorReports, type AdaptChange, type TensorReport } from '../checkpoints/tensorReport.ts';
import { InputError, expected } from '../core/errors.ts';
import { buildOf, parsedModel } from './createModel.ts';
import type { ModelFamily } from './family.ts';
import { loadWarnings } from './loadWarnings.ts';
import type { BuildOptions, Model } from './model.ts';

/**
 * The options of `buildLoaded`, besides those of `loadModelTensors`.
 *
 * @property family     the family that the model must be of, which also types the result; default: the one that the
 *                      configuration names or that recognizes it
 * @property onWarning  told what is unusual in the configuration; default: nobody
 * @property onAdapt    told, in a sentence each, which tensors of the checkpoint were left out or resampled; default: nobody
 * @property onReport   told what became of every tensor; default: nobody
 * @property stored     the configuration that is stored with the checkpoint, which `warnings` compare the model with
 * @property record     the content of config.json beside it, for the same
 */
export interface BuildLoadedOptions<M extends Model = Model>
  extends LoadModelOptions, Pick<BuildOptions, 'onWarning'> {
  family?: ModelFamily<object, M> | undefined;
  onAdapt?: (text: string) => void;
  onReport?: (report: ModelLoadReport) => void;
  stored?: object | undefined;
  record?: object | undefined;
}

/**
 * The outcome of a loading.
 *
 * @property tensors   the outcome of every tensor and every parameter
 * @property warnings  in which the model computes otherwise than the one that the checkpoint was made for: `loadWarnings`
 * @property notes     sentences about what was converted, resampled or left out
 */
export interface ModelLoadReport extends LoadReport {
  tensors: TensorReport[];
  warnings: string[];
  notes: string[];
}

/**
 * Builds a model without drawing weights and loads tensors into it; where that fails, nothing stays allocated.
 *
 * Weights are drawn only with `strict: false` or `allow`, where some of them may keep their own value. The weights of the images' channels are
 * adapted to those of the configuration.
 *
 * @param config   in any vocabulary of its family
 * @param tensors  by the names of the checkpoint; the family's `adapt` brings them to those of its parameters
 * @returns the model, which the caller owns, and what became of every tensor; `notes` say what was converted, resampled or left out
 * @throws CheckpointError as `loadModelTensors`; InputError if no model of the family can be built of the configuration
 */
export function buildLoaded<M extends Model = Model>(
  config: object,
  tensors: ReadonlyMap<string, HostTensor>,
  options: BuildLoadedOptions<M> = {},
): { model: M; report: ModelLoadReport } {
  const {
    family,
    onWarning = () => undefined,
    onAdapt,
    onReport,
    stored,
    record,
    ...load
  } = options;
  const parsed = parsedModel(family === undefined ? config : { family: family.family, ...config });
  if (family !== undefined && parsed.family !== family) {
    const received = parsed.family.family;
    throw new InputError(expected(`a model of family ${family.family}`, 'config', received));
  }
  const found = parsed.family as ModelFamily<object, M>;
  const notes: string[] = [];
  const note = (text: string): void => {
    notes.push(text);
    onAdapt?.(text);
  };
  const changes: AdaptChange[] = [];
  const onChange = (change: AdaptChange): void => void changes.push(change);
  const adapting = { inputChannels: true, onChange };
  const own = found.adapt?.(tensors, parsed.config, note, adapting) ?? tensors;
  // Parameters that may be missing keep their first weights.
  const isPart = load.strict === false || (load.allow ?? []).length > 0;
  const build = { initialize: isPart, onWarning };
  const model = buildOf(found, parsed.config, build);
  try {
    const outcome = loadModelTensors(model, own, load);
    const reports = tensorReports(tensors, own, model.stateDict(), changes);
    const warnings = loadWarnings(model.config, { tensors, stored, record });
    warnings.forEach((text) => onAdapt?.(text));
    const report = { ...outcome, tensors: reports, warnings, notes };
    onReport?.(report);
    return { model, report };
  } catch (error) {
    model.dispose();
    throw error;
  }
}
