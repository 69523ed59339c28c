// The residual branch of an MLP as one op.

import type * as tf from '@tensorflow/tfjs';
import { assertOneOf, assertShape } from '../core/check.ts';
import * as kernels from '../core/kernels.ts';
import type { GeluForm, MlpBranchInputs } from '../core/kernels.ts';
import { precisions, type Precision } from '../core/precision.ts';
import { addBranch, checkBranch, makeBranch, runBranch, type Branch } from './branch.ts';
import { geluForms } from './gelu.ts';
import { layerNorm } from './layerNorm.ts';
import { linear } from './linear.ts';

/** Options of `mlpBranch`; epsilon is the norm's, precision that of the products, default 'fp32'. */
export interface MlpBranchOptions {
  epsilon?: number;
  activation?: GeluForm;
  precision?: Precision | undefined;
}

/**
 * The whole residual branch of an MLP, from the norm to the sum.
 *
 * y = x + keep·scale·(fc2·gelu(fc1·norm(x) + bias1) + bias2)
 *
 * @param inputs.x      [B, N, C]
 * @param inputs.gamma  gain of the norm, [C]; beta its offset, [C]
 * @param inputs.fc1    [F, C], with bias1 [F] or none; fc2 [C, F], with bias2 [C] or none
 * @param inputs.scale  layer scale, [C], or none
 * @param inputs.keep   the factor of each sample's branch, [B], or none: 0 or 1 / (1 − rate) for stochastic depth
 * @returns [B, N, C]
 * @throws ShapeError if the sizes do not fit; InputError for an option out of range
 *
 * Differentiable in all inputs except keep. A backend with a fused kernel holds the inner values in the cache, and saves x, the
 * moments of the norm and the value before gelu, [B, N, F], in the precision of the products for the backward pass. Other backends
 * run it unfused: `layerNorm`, `linear`, `linear`, and the sum. Source: Dosovitskiy et al. 2021, eq. 3.
 */
export function mlpBranch(inputs: MlpBranchInputs, options: MlpBranchOptions = {}): tf.Tensor3D {
  return runBranch(prepareMlpBranch(inputs, options), inputs.x);
}

/** Checks the inputs of `mlpBranch`, to run it later or in a chain (`runBranches`). @throws ShapeError, InputError as that */
export function prepareMlpBranch(
  inputs: MlpBranchInputs,
  { epsilon = 1e-6, activation = 'erf', precision = 'fp32' }: MlpBranchOptions = {},
): Branch {
  assertOneOf('activation', activation, geluForms);
  assertOneOf('precision', precision, precisions);
  checkBranch(inputs, { epsilon });
  const { x, fc1, bias1, fc2, bias2 } = inputs;
  const dim = x.shape[2];
  const hidden = fc1.shape[0];
  assertShape('fc1', fc1, [hidden, dim]);
  assertShape('fc2', fc2, [dim, hidden]);
  if (bias1 !== undefined) assertShape('bias1', bias1, [hidden]);
  if (bias2 !== undefined) assertShape('bias2', bias2, [dim]);
  const unfused = (given: tf.Tensor3D, own: Branch['inputs']): tf.Tensor3D => {
    const now = { ...own, x: given } as unknown as MlpBranchInputs;
    const normed = layerNorm(given, now.gamma, now.beta, { epsilon });
    const h = linear(normed, now.fc1, now.bias1, { activation, precision });
    return addBranch(now, linear(h, now.fc2, now.bias2, { precision }) as tf.Tensor3D);
  };
  return makeBranch(kernels.MlpBranch, inputs, {
    attrs: { epsilon, activation, precision },
    required: ['fc1', 'fc2'],
    optional: ['scale', 'bias1', 'bias2'],
    unfused,
  });
}
