// A model built for the tensors of a checkpoint, which it takes its weights from.

import type { HostTensor } from '../checkpoints/hostTensor.ts';
import {
  loadModelTensors,
  type LoadModelOptions,
  type LoadReport,
} from '../checkpoints/modelState.ts';
import { InputError, expected } from '../core/errors.ts';
import { buildOf, parsedModel } from './createModel.ts';
import type { ModelFamily } from './family.ts';
import type { BuildOptions, Model } from './model.ts';

/**
 * The options of `buildLoaded`, besides those of `loadModelTensors`.
 *
 * @property family     the family that the model must be of, which also types the result; default: the one that the
 *                      configuration names or that recognizes it
 * @property onWarning  told what is unusual in the configuration; default: nobody
 * @property onAdapt    told, in a sentence each, which tensors of the checkpoint were left out or resampled; default: nobody
 */
export interface BuildLoadedOptions<M extends Model = Model>
  extends LoadModelOptions, Pick<BuildOptions, 'onWarning'> {
  family?: ModelFamily<object, M> | undefined;
  onAdapt?: (text: string) => void;
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
  { family, onWarning = () => undefined, onAdapt, ...load }: BuildLoadedOptions<M> = {},
): { model: M; report: LoadReport & { notes: string[] } } {
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
  const own = found.adapt?.(tensors, parsed.config, note, { inputChannels: true }) ?? tensors;
  // Parameters that may be missing keep their first weights.
  const isPart = load.strict === false || (load.allow ?? []).length > 0;
  const build = { initialize: isPart, onWarning };
  const model = buildOf(found, parsed.config, build);
  try {
    return { model, report: { ...loadModelTensors(model, own, load), notes } };
  } catch (error) {
    model.dispose();
    throw error;
  }
}
