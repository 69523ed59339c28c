// Which parameters decay and how fast each layer learns: timm's parameter groups, by name.

import { assertNumber } from '../core/check.ts';

/** What the groups need of a model. */
export interface GroupedModel {
  namedParameters(): ReadonlyMap<string, { readonly shape: readonly number[] }>;
  /** Names that never decay; default none. */
  noWeightDecay?(): ReadonlySet<string>;
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
  const ids = layerIds(model);
  const last = Math.max(...ids.values());
  const never = model.noWeightDecay?.() ?? new Set<string>();
  const groups = new Map<string, ParamGroup>();
  for (const [name, { shape }] of model.namedParameters()) {
    const layer = ids.get(name)!;
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

/**
 * The layer of each parameter, from 0 without gaps: the embedding, each block, then whatever follows (head, `fc_norm`).
 * The final `norm` belongs to the last block.
 *
 * Source: `group_matcher` in timm/models/vision_transformer.py and deit.py.
 */
export function layerIds(model: GroupedModel): Map<string, number> {
  const names = [...model.namedParameters().keys()];
  // timm's distilled model has an embedding rule of its own.
  const stem = names.includes('dist_token')
    ? /^(cls_token|pos_embed|patch_embed|dist_token)/
    : /^(cls_token|reg_token|pos_embed|patch_embed|norm_pre)/;
  const depth = 1 + Math.max(-1, ...names.map(blockOf));
  const rank = (name: string): number => {
    if (stem.test(name)) return 0;
    const block = blockOf(name);
    if (block >= 0) return block + 1;
    return name.startsWith('norm') ? depth : depth + 1;
  };
  const used = [...new Set(names.map(rank))].sort((a, b) => a - b);
  return new Map(names.map((name) => [name, used.indexOf(rank(name))]));
}

function blockOf(name: string): number {
  const match = /^blocks\.(\d+)/.exec(name);
  return match === null ? -1 : Number(match[1]);
}
