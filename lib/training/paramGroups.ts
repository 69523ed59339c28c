// timm's parameter groups by name: weight decay and learning rate scale of each parameter.

import { assertNumber } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';

/** The part of a model that the groups are made from. */
export interface GroupedModel {
  namedParameters(): ReadonlyMap<string, { readonly shape: readonly number[] }>;
  /** Names that never decay; default none. */
  noWeightDecay?(): ReadonlySet<string>;
  /** The layer number of each parameter, from 0 at the images; needed for layer decay. */
  layerGroups?(): ReadonlyMap<string, number>;
}

/**
 * Parameters with one weight decay and one factor on the learning rate.
 *
 * @property params   names in the model's order
 * @property lrScale  factor on the schedule's rate, 1 unless layers have their own
 */
export interface ParamGroup {
  weightDecay: number;
  lrScale: number;
  params: string[];
}

/**
 * Two groups: those without decay (tensors of one dimension, biases, the model's `noWeightDecay` names), then the others.
 *
 * An empty group is left out; with decay 0 all are in one.
 *
 * Source: timm/optim/_param_groups.py, `param_groups_weight_decay`.
 */
export function paramGroupsWeightDecay(model: GroupedModel, weightDecay: number): ParamGroup[] {
  assertNumber('weightDecay', weightDecay, { min: 0 });
  const without: ParamGroup = { weightDecay: 0, lrScale: 1, params: [] };
  const withDecay: ParamGroup = { weightDecay, lrScale: 1, params: [] };
  const never = model.noWeightDecay?.() ?? new Set<string>();
  for (const [name, { shape }] of model.namedParameters()) {
    const exempt = shape.length <= 1 || name.endsWith('.bias') || never.has(name);
    (weightDecay === 0 || exempt ? without : withDecay).params.push(name);
  }
  return [without, withDecay].filter(({ params }) => params.length > 0);
}

/**
 * Two groups a layer, in the order in which they first occur: layer i of L + 1 learns at layerDecay^(L − i) of the rate.
 *
 * @param options.layerDecay  0 … 1; 1 gives every layer the full rate
 * @param options.minScale    the factor is at least this; default 0
 *
 * @throws InputError if the model does not say which layer a parameter belongs to
 *
 * Source: timm/optim/_param_groups.py, `param_groups_layer_decay`; Bao et al. 2021 (BEiT), appendix.
 */
export function paramGroupsLayerDecay(
  model: GroupedModel,
  {
    weightDecay,
    layerDecay,
    minScale = 0,
  }: { weightDecay: number; layerDecay: number; minScale?: number },
): ParamGroup[] {
  assertNumber('weightDecay', weightDecay, { min: 0 });
  assertNumber('layerDecay', layerDecay, { min: 0, max: 1 });
  assertNumber('minScale', minScale, { min: 0, max: 1 });
  const layers = model.layerGroups?.();
  if (layers === undefined) {
    const remedy = 'Leave layerDecay out, or give the model layerGroups().';
    throw new InputError(expected('a model with layer groups', 'layerDecay', layerDecay, remedy));
  }
  const last = Math.max(...layers.values());
  const never = model.noWeightDecay?.() ?? new Set<string>();
  const groups = new Map<string, ParamGroup>();
  for (const [name, { shape }] of model.namedParameters()) {
    const layer = layers.get(name);
    if (layer === undefined) {
      throw new InputError(expected('the layer of every parameter', 'layerGroups()', name));
    }
    const exempt = shape.length <= 1 || never.has(name);
    const key = `${layer} ${exempt}`;
    let group = groups.get(key);
    if (group === undefined) {
      const lrScale = Math.max(minScale, layerDecay ** (last - layer));
      group = { weightDecay: exempt ? 0 : weightDecay, lrScale, params: [] };
      groups.set(key, group);
    }
    group.params.push(name);
  }
  return [...groups.values()];
}
