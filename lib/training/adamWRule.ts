// Adam with decoupled weight decay, as an update rule.

import { adamW, adamWNorm } from '../ops/adamW.ts';
import type { AdamWOptions, AdamWTensors } from '../ops/adamW.ts';
import { hasFastKernel } from '../ops/kernel.ts';
import { AdamW, AdamWNorm } from '../core/kernels.ts';
import type { OptimizerConfig } from './options/types.ts';
import type { RuleInput, UpdateRule } from './updateRule.ts';

/**
 * Adam with decoupled weight decay, all parameters in one call. The bias correction is 1 − β^step, from the integer step, so a
 * resumed run has the correction of an uninterrupted one.
 *
 * Slots: `exp_avg` (m), `exp_avg_sq` (v).
 *
 * Source: Loshchilov and Hutter 2019, alg. 2, in the form of torch.optim.AdamW.
 */
export function adamWRule({
  betas: [beta1, beta2] = [0.9, 0.999],
  epsilon = 1e-8,
}: Pick<OptimizerConfig, 'betas' | 'epsilon'>): UpdateRule {
  const tensorsOf = (inputs: readonly RuleInput[]): AdamWTensors => ({
    parameters: inputs.map(({ parameter }) => parameter),
    gradients: inputs.map(({ gradient }) => gradient),
    firstMoments: inputs.map(({ state }) => state[0]!),
    secondMoments: inputs.map(({ state }) => state[1]!),
  });
  const optionsOf = (inputs: readonly RuleInput[], step: number): AdamWOptions => ({
    learningRate: inputs.map(({ learningRate }) => learningRate),
    weightDecay: inputs.map(({ weightDecay }) => weightDecay),
    beta1,
    beta2,
    epsilon,
    step,
  });
  return {
    slots: () => ['exp_avg', 'exp_avg_sq'],
    update: (inputs, step, { reuse } = { reuse: false }) => {
      const options = { ...optionsOf(inputs, step), reuse };
      const { parameters, firstMoments, secondMoments } = adamW(tensorsOf(inputs), options);
      return parameters.map((weight, i) => [weight, firstMoments[i]!, secondMoments[i]!]);
    },
    inPlace: () => hasFastKernel(AdamW),
    // The reference would compute the whole update only to take its norm.
    norm: (inputs, step) =>
      hasFastKernel(AdamWNorm) ? adamWNorm(tensorsOf(inputs), optionsOf(inputs, step)) : undefined,
  };
}
