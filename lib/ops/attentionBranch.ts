// The residual branch of self-attention as one op.

import type * as tf from '@tensorflow/tfjs';
import { assertNumber, assertOneOf, assertShape } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import * as kernels from '../core/kernels.ts';
import type { AttentionBranchInputs } from '../core/kernels.ts';
import { precisions, type Precision } from '../core/precision.ts';
import { addBranch, checkBranch, makeBranch, runBranch, type Branch } from './branch.ts';
import { layerNorm } from './layerNorm.ts';
import { linear } from './linear.ts';
import { qkvAttention } from './qkvAttention.ts';

/** Options of `attentionBranch`; scale is the factor on q·kᵀ, default 1/√D, epsilon the norm's, precision that of the products. */
export interface AttentionBranchOptions {
  numHeads: number;
  scale?: number;
  epsilon?: number;
  precision?: Precision | undefined;
}

/**
 * The whole residual branch of self-attention, from the norm to the sum.
 *
 * y = x + keep·scale·(proj·attention(qkv·norm(x) + qkvBias) + projBias)
 *
 * @param inputs.x      [B, N, C]
 * @param inputs.gamma  gain of the norm, [C]; beta its offset, [C]
 * @param inputs.qkv    [3·C, C], with qkvBias [3·C] or none; proj [C, C], with projBias [C] or none
 * @param inputs.scale  layer scale, [C], or none
 * @param inputs.keep   the factor of each sample's branch, [B], or none: 0 or 1 / (1 − rate) for stochastic depth
 * @returns [B, N, C]
 * @throws ShapeError if the sizes do not fit; InputError for an option out of range
 *
 * Differentiable in all inputs except keep. A backend with a fused kernel saves x, the moments of the norm, q, k, v, the result of
 * attention and its logSumExp for the backward pass, and nothing of N·N elements. Other backends run it unfused: `layerNorm`,
 * `linear`, `qkvAttention`, `linear`, and the sum. Source: Dosovitskiy et al. 2021, eq. 2; Dao et al. 2022, alg. 4.
 */
export function attentionBranch(
  inputs: AttentionBranchInputs,
  options: AttentionBranchOptions,
): tf.Tensor3D {
  return runBranch(prepareAttentionBranch(inputs, options), inputs.x);
}

/** Checks the inputs of `attentionBranch`, to run it later or in a chain (`runBranches`). @throws ShapeError, InputError as that */
export function prepareAttentionBranch(
  inputs: AttentionBranchInputs,
  { numHeads, scale, epsilon = 1e-6, precision = 'fp32' }: AttentionBranchOptions,
): Branch {
  assertOneOf('precision', precision, precisions);
  checkBranch(inputs, { epsilon });
  const { x, qkv, qkvBias, proj, projBias } = inputs;
  const dim = x.shape[2];
  if (!Number.isInteger(numHeads) || numHeads < 1 || dim % numHeads !== 0) {
    throw new InputError(expected(`a divisor of ${dim}`, 'numHeads', numHeads));
  }
  assertShape('qkv', qkv, [3 * dim, dim]);
  assertShape('proj', proj, [dim, dim]);
  if (qkvBias !== undefined) assertShape('qkvBias', qkvBias, [3 * dim]);
  if (projBias !== undefined) assertShape('projBias', projBias, [dim]);
  const factor = scale ?? (dim / numHeads) ** -0.5;
  assertNumber('scale', factor);
  const unfused = (given: tf.Tensor3D, own: Branch['inputs']): tf.Tensor3D => {
    const now = { ...own, x: given } as unknown as AttentionBranchInputs;
    const normed = layerNorm(given, now.gamma, now.beta, { epsilon });
    const packed = linear(normed, now.qkv, now.qkvBias, { precision }) as tf.Tensor3D;
    const mixed = qkvAttention(packed, { numHeads, scale: factor, precision });
    const inner = linear(mixed, now.proj, now.projBias, { precision }) as tf.Tensor3D;
    return addBranch(now, inner);
  };
  return makeBranch(kernels.AttentionBranch, inputs, {
    attrs: { numHeads, scale: factor, epsilon, precision },
    required: ['qkv', 'proj'],
    optional: ['scale', 'qkvBias', 'projBias'],
    unfused,
  });
}
