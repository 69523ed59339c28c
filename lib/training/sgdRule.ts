// Stochastic gradient descent with momentum, as an update rule.

import * as t from '../ops/tensor.ts';
import type { OptimizerConfig } from './options/types.ts';
import type { UpdateRule } from './updateRule.ts';

/**
 * Stochastic gradient descent with momentum.
 *
 * g' = g + wd·p;  b = momentum·b + g';  p ← p − lr·(g' + momentum·b) with Nesterov, else p − lr·b
 *
 * Slot: `momentum_buffer` (b).
 *
 * Source: Sutskever et al. 2013, in the form of torch.optim.SGD without dampening.
 */
export function sgdRule({
  momentum = 0.9,
  nesterov = true,
}: Pick<OptimizerConfig, 'momentum' | 'nesterov'>): UpdateRule {
  return {
    slots: () => ['momentum_buffer'],
    update: (inputs) =>
      inputs.map(({ parameter, gradient, state, learningRate, weightDecay }) => {
        const full = weightDecay === 0 ? gradient : t.add(gradient, t.mul(parameter, weightDecay));
        const buffer = t.add(t.mul(state[0]!, momentum), full);
        const direction = nesterov ? t.add(full, t.mul(buffer, momentum)) : buffer;
        return [t.sub(parameter, t.mul(direction, learningRate)), buffer];
      }),
  };
}
