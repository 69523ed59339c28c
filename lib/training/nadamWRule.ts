// Adam with Nesterov momentum and decoupled weight decay, as an update rule; Muon's for vectors.

import * as t from '../ops/tensor.ts';
import type { OptimizerConfig } from './options/types.ts';
import type { UpdateRule } from './updateRule.ts';

/**
 * AdamW whose step looks one moment ahead: β1·m' + (1 − β1)·g in place of m'.
 *
 * Slots: `exp_avg` (m), `exp_avg_sq` (v).
 *
 * Source: Dozat 2016, in the form of timm/optim/nadamw.py.
 */
export function nadamWRule({
  betas: [beta1, beta2] = [0.9, 0.999],
  epsilon = 1e-8,
}: Pick<OptimizerConfig, 'betas' | 'epsilon'>): UpdateRule {
  return {
    slots: () => ['exp_avg', 'exp_avg_sq'],
    update: (inputs, step) => {
      const correction1 = 1 - beta1 ** step;
      const rootCorrection2 = Math.sqrt(1 - beta2 ** step);
      return inputs.map(({ parameter, gradient, state, learningRate, weightDecay }) => {
        const fresh = t.mul(gradient, 1 - beta1);
        const m = t.add(t.mul(state[0]!, beta1), fresh);
        const v = t.add(t.mul(state[1]!, beta2), t.mul(t.square(gradient), 1 - beta2));
        const scale = t.add(t.div(t.sqrt(v), rootCorrection2), epsilon);
        const ahead = t.div(t.add(t.mul(m, beta1), fresh), scale);
        const decayed =
          weightDecay === 0 ? parameter : t.mul(parameter, 1 - learningRate * weightDecay);
        return [t.sub(decayed, t.mul(ahead, learningRate / correction1)), m, v];
      });
    },
  };
}
