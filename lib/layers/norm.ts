// The norms of a Transformer by timm's names.

import { assertOneOf } from '../core/check.ts';
import { LayerNorm, type LayerNormConfig } from './layerNorm.ts';
import { RmsNorm } from './rmsNorm.ts';
import type { PathScope } from './initScope.ts';

/** The kinds of norms by timm's names. */
export const normKinds = ['LayerNorm', 'RmsNorm'] as const;

/** A kind of norm: one of `normKinds`. */
export type NormKind = (typeof normKinds)[number];

/** A norm over the last axis. */
export type Norm = LayerNorm | RmsNorm;

/** The norm of a kind. @throws InputError for another kind */
export function makeNorm(kind: NormKind, config: LayerNormConfig, scope: PathScope): Norm {
  assertOneOf('norm', kind, normKinds);
  return kind === 'RmsNorm' ? new RmsNorm(config, scope) : new LayerNorm(config, scope);
}
