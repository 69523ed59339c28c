// LAMB, Adam with a trust ratio for each layer, as an update rule.

import { globalNorm } from '../ops/globalNorm.ts';
import * as t from '../ops/tensor.ts';
import type * as tf from '@tensorflow/tfjs';
import type { OptimizerConfig } from './options/types.ts';
import type { RuleInput, UpdateRule } from './updateRule.ts';

/**
 * LAMB: the step of Adam, scaled for each parameter to the size of its weights.
 *
 * g' = g / max(1, ‖all g‖ / maxGradNorm);  m' = β1·m + β3·g' with β3 = 1 − β1, or 1 without gradient averaging;
 * v' = β2·v + (1 − β2)·g'²;  u = (m' / c1) / (√v' / √c2 + epsilon) + wd·p with the bias corrections c = 1 − β^step;
 * p ← p − lr·(‖p‖ / ‖u‖)·u
 *
 * The ratio of norms is 1 where one of them is 0, and for parameters without weight decay unless `alwaysAdapt`. With
 * `decoupledDecay` the decay is taken off the weights first, p·(1 − lr·wd), and u has no part of it.
 *
 * Slots: `exp_avg` (m), `exp_avg_sq` (v).
 *
 * Source: You et al. 2020, in the form of timm/optim/lamb.py, which follows NVIDIA's FusedLAMB.
 */
export function lambRule({
  betas: [beta1, beta2] = [0.9, 0.999],
  epsilon = 1e-6,
  biasCorrection = true,
  gradAveraging = true,
  maxGradNorm = 1,
  trustClip = false,
  alwaysAdapt = false,
  decoupledDecay = false,
}: OptimizerConfig): UpdateRule {
  const beta3 = gradAveraging ? 1 - beta1 : 1;
  const updateOf = (input: RuleInput, divisor: tf.Tensor | undefined, step: number) => {
    const { gradient, state, learningRate, weightDecay } = input;
    const g = divisor === undefined ? gradient : t.div(gradient, divisor);
    const m = t.add(t.mul(state[0]!, beta1), t.mul(g, beta3));
    const v = t.add(t.mul(state[1]!, beta2), t.mul(t.square(g), 1 - beta2));
    const correction1 = biasCorrection ? 1 - beta1 ** step : 1;
    const rootCorrection2 = biasCorrection ? Math.sqrt(1 - beta2 ** step) : 1;
    const scale = t.add(t.div(t.sqrt(v), rootCorrection2), epsilon);
    const adam = t.div(t.div(m, correction1), scale);
    const decays = weightDecay !== 0;
    const taken = decays && decoupledDecay;
    const weight = taken ? t.mul(input.parameter, 1 - learningRate * weightDecay) : input.parameter;
    const full = decays && !taken ? t.add(adam, t.mul(weight, weightDecay)) : adam;
    const adapted = decays || alwaysAdapt ? t.mul(full, trustRatio(weight, full, trustClip)) : full;
    return [t.sub(weight, t.mul(adapted, learningRate)), m, v];
  };
  return {
    slots: () => ['exp_avg', 'exp_avg_sq'],
    update: (inputs, step) => {
      const divisor = maxGradNorm === null ? undefined : clipDivisor(inputs, maxGradNorm);
      return inputs.map((input) => updateOf(input, divisor, step));
    },
  };
}

// The gradients are divided by this, so that their common norm is at most `maxGradNorm`.
function clipDivisor(inputs: readonly RuleInput[], maxGradNorm: number): tf.Tensor {
  const norm = globalNorm(inputs.map(({ gradient }) => gradient));
  return t.maximum(t.div(norm, maxGradNorm), 1);
}

// ‖p‖ / ‖u‖, and 1 where one of them is 0.
function trustRatio(weight: tf.Tensor, update: tf.Tensor, clip: boolean): tf.Tensor {
  const [ofWeight, ofUpdate] = [globalNorm([weight]), globalNorm([update])];
  const one = t.ones([]);
  const whole = t.where(t.less(0, ofUpdate), t.div(ofWeight, ofUpdate), one);
  const ratio = t.where(t.less(0, ofWeight), whole, one);
  return clip ? t.minimum(ratio, 1) : ratio;
}
