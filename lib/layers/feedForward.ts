// The feed-forward layers of blocks by timm's names.

import { assertOneOf } from '../core/check.ts';
import { GluMlp } from './gluMlp.ts';
import type { InitScope } from './initScope.ts';
import { Mlp, type MlpConfig } from './mlp.ts';
import { SwiGlu } from './swiGlu.ts';

/** The kinds of feed-forward layers by the names of timm's classes. */
export const mlpKinds = ['Mlp', 'SwiGLUPacked', 'SwiGLU'] as const;

/** A kind of feed-forward layer: one of `mlpKinds`. */
export type MlpKind = (typeof mlpKinds)[number];

/** A feed-forward layer, [B, N, C] → [B, N, C]. */
export type FeedForward = Mlp | GluMlp | SwiGlu;

/** The feed-forward layer of a kind. @throws InputError for another kind */
export function makeFeedForward(kind: MlpKind, config: MlpConfig, scope: InitScope): FeedForward {
  assertOneOf('mlpLayer', kind, mlpKinds);
  if (kind === 'SwiGLU') return new SwiGlu(config, scope);
  return kind === 'SwiGLUPacked' ? new GluMlp(config, scope) : new Mlp(config, scope);
}
