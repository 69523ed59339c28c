// The part of a model that is trained: what freezing leaves of its parameters.

import { InputError, expected } from '../core/errors.ts';
import { namePattern } from '../core/namePattern.ts';
import { didYouMean } from '../core/nearest.ts';
import { parseNames } from './parseNames.ts';
import type { TrainConfig } from './trainConfig.ts';
import type { TrainableModel } from './trainableModel.ts';

/** The part of a model that is trained, as an optimizer and `valueAndGrad` read it. */
export type TrainablePart = Pick<
  TrainableModel,
  'namedParameters' | 'noWeightDecay' | 'layerGroups'
>;

type Choice = Pick<TrainConfig, 'freeze' | 'unfreeze' | 'attnOnly'>;

/**
 * The parameters of a model that a config trains, with what an optimizer asks about them; the model itself where it trains all.
 *
 * A frozen parameter has no gradient, no state in the optimizer and no weight decay, and its average stays too. A name stands
 * for the parameter, or for all parameters of the module.
 *
 * @throws InputError for a name that the model does not have, with the nearest; for attnOnly of a model without attention; if nothing is
 *   left to train
 *
 * Source: `--attn-only` of DeiT's main.py, which trains the head and the position embedding too: unfreeze 'head,pos_embed'.
 *
 * @example trainablePart(model, {freeze: 'patch_embed,blocks.0'}).namedParameters();
 */
export function trainablePart(
  model: TrainableModel,
  { freeze = null, unfreeze = null, attnOnly = false }: Choice,
): TrainablePart {
  if (unfreeze !== null && freeze === null && !attnOnly) {
    const remedy = 'Nothing is frozen: leave it out.';
    throw new InputError(expected('freeze or attnOnly', 'unfreeze', unfreeze, remedy));
  }
  if (freeze === null && !attnOnly) return model;
  const names = [...model.namedParameters().keys()];
  const [frozen, freed] = [chosen('freeze', freeze, names), chosen('unfreeze', unfreeze, names)];
  const isAttention = (name: string) => name.split('.').includes('attn');
  if (attnOnly && !names.some(isAttention)) {
    throw new InputError(expected('a model with attention', 'attnOnly', names[0]));
  }
  const isTrained = (name: string) =>
    freed.has(name) || (!frozen.has(name) && (!attnOnly || isAttention(name)));
  const trained = new Set(names.filter(isTrained));
  if (trained.size === 0) {
    const remedy = 'Everything is frozen.';
    throw new InputError(expected('a parameter to train', 'freeze', freeze, remedy));
  }
  return {
    namedParameters: () =>
      new Map([...model.namedParameters()].filter(([name]) => trained.has(name))),
    ...(model.noWeightDecay && { noWeightDecay: () => model.noWeightDecay!() }),
    ...(model.layerGroups && { layerGroups: () => model.layerGroups!() }),
  };
}

/** A sentence on how much of a model is frozen; none where all of it is trained. */
export function frozenNotes(model: TrainableModel, trainable: TrainablePart): string[] {
  const [all, part] = [model, trainable].map((one) => [...one.namedParameters().values()]);
  if (all!.length === part!.length) return [];
  const count = (parameters: typeof all) =>
    parameters!.reduce((sum, { size }) => sum + size, 0).toLocaleString('en-US');
  return [
    `Training ${part!.length} of ${all!.length} tensors, ${count(part)} of ${count(all)} parameters; the others are frozen.`,
  ];
}

// The parameters that names stand for: those of that name, and those of the modules.
function chosen(
  option: 'freeze' | 'unfreeze',
  given: string | readonly string[] | null,
  names: readonly string[],
): Set<string> {
  const found = new Set<string>();
  if (given === null) return found;
  for (const word of parseNames(given, option)) {
    const pattern = namePattern(word);
    const matched = names.filter((name) => placesOf(name).some((place) => pattern.test(place)));
    if (matched.length === 0) throw unknownName(option, word, names);
    matched.forEach((name) => found.add(name));
  }
  return found;
}

function unknownName(option: string, word: string, names: readonly string[]): InputError {
  const known = [...new Set(names.flatMap(placesOf))];
  const remedy = didYouMean(word, known, 'tfjs-vit summary lists the modules.');
  return new InputError(expected('a parameter or module of the model', option, word, remedy));
}

// A parameter's name, and those of the modules that it is in.
function placesOf(name: string): string[] {
  const parts = name.split('.');
  return parts.map((_, i) => parts.slice(0, i + 1).join('.'));
}
