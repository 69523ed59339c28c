// The argument that tells a forward pass how to run.

import type * as tf from '@tensorflow/tfjs';
import { assertOneOf, assertRank, assertTensor } from './check.ts';
import { InputError, expected } from './errors.ts';
import { assertInterceptor, type Interceptor } from './intercept.ts';
import { assertFields, assertMethods } from './kinds.ts';
import { precisions, type Precision } from './precision.ts';
import type { Rng } from './rng.ts';

/**
 * The options of a forward pass. A model has no mode flag, and there is no global switch.
 *
 * @property training  true: dropouts and drop path act; default false
 * @property rng       the stream they draw from; needed when training with a rate above 0. The model splits it by the path of the
 *                     layer that draws, so the numbers do not depend on the order of evaluation
 * @property intercept  called around the steps of the pass: a `Capture`, a profiler, or several by `combineInterceptors`. It
 *                     costs nothing where it is absent
 * @property keepMask  gives a layer a 0/1 mask in place of one that it would draw, [B] for drop path: `blocks.1.drop_path2`. It
 *                     serves to reproduce a run of another library
 * @property precision  the precision of every matrix product of the pass and of its backward pass; default fp32. Results are
 *                     float32 in both
 * @property recompute  true: block activations are computed again in the backward pass instead of being kept (gradient
 *                     checkpointing)
 * @property attnMask  added to the logits of every self-attention of the blocks, [B or 1, h or 1, N, N]: 0 where a token is seen, a large
 *                     negative number where not; timm's `attn_mask`
 */
export interface ForwardContext {
  training?: boolean;
  rng?: Rng;
  intercept?: Interceptor | undefined;
  keepMask?: (name: string) => tf.Tensor1D | undefined;
  precision?: Precision;
  recompute?: boolean;
  attnMask?: tf.Tensor4D;
}

const known: ReadonlySet<string> = new Set([
  'training',
  'rng',
  'intercept',
  'keepMask',
  'precision',
  'recompute',
  'attnMask',
] satisfies (keyof ForwardContext)[]);

/**
 * Throws an InputError unless a value is the context of a forward pass.
 *
 * Models call it once a pass, their layers do not.
 *
 * @param others  names of options that stand beside those of the context
 */
export function assertContext(
  context: unknown,
  others: readonly string[] = [],
): asserts context is ForwardContext {
  assertFields('context', context, {
    training: 'boolean?',
    keepMask: 'function?',
    recompute: 'boolean?',
  });
  for (const name in context as object) {
    if (known.has(name) || others.includes(name)) continue;
    const what = `one of ${[...others, ...known].join(', ')}`;
    throw new InputError(expected(what, 'an option of context', name));
  }
  const { intercept, precision, rng, attnMask } = context as ForwardContext;
  if (attnMask !== undefined) {
    assertTensor('context.attnMask', attnMask);
    assertRank('context.attnMask', attnMask, 4);
  }
  if (intercept !== undefined) assertInterceptor(intercept);
  if (precision !== undefined) assertOneOf('context.precision', precision, precisions);
  if (rng !== undefined) assertMethods('an Rng', 'context.rng', rng, ['split', 'uint32']);
}
