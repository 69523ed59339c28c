// The rules of AttnLRP: every step as a linear map at the point where it is, with what biases and ε take.

import type * as tf from '@tensorflow/tfjs';
import { LayerNorm } from '../../layers/layerNorm.ts';
import type { Linear } from '../../layers/linear.ts';
import type { PatchProjection } from '../../layers/patchEmbed.ts';
import { innerGradients } from '../../ops/gradients.ts';
import { matMul } from '../../ops/matMul.ts';
import * as t from '../../ops/tensor.ts';
import { halves, pass, perSample, type Rule, type RuleCall, type RuleTable } from './rule.ts';

/**
 * The options of `attnLrpRules`.
 *
 * @property epsilon     moves each divisor away from zero; default 1e-6
 * @property gamma       how much more parts count in linear layers that speak for the sign of a result; 0: the ε rule; default 0
 * @property patchGamma  the same in the projection of patches; default that of `gamma`
 */
export interface AttnLrpRuleOptions {
  epsilon?: number;
  gamma?: number;
  patchGamma?: number;
}

/**
 * A rule for each step; [y] = y + ε·sign(y).
 *
 * linear: x_i Σ_j w_ji R_j / [y_j], the bias takes b_j R_j / [y_j]; with γ, w + γ·w of the sign that speaks for y_j, and b likewise · softmax:
 * s (R − s ΣR); its constant takes the rest · products of attention: ½ x ∂(S·y)/∂x, S = R / [y] · norm: linear in x with its deviation
 * or root mean square held · gate: half to each factor · activation: unchanged · sums: x R / [x + y].
 *
 * Source: Achtibat et al. 2024, "AttnLRP", section 3; γ for inputs of either sign as in zennit.
 */
export function attnLrpRules(options: AttnLrpRuleOptions = {}): RuleTable {
  const { epsilon = 1e-6, gamma = 0, patchGamma = gamma } = options;
  const linear =
    (strength: number): Rule =>
    (call) => [strength === 0 ? plainLinear(call, epsilon) : gammaLinear(call, epsilon, strength)];
  const sum: Rule = ({ relevance, inputs, output, take }) => {
    const s = divided(relevance, output, epsilon, take);
    return inputs.map((x) => t.mul(x, s));
  };
  return {
    linear: linear(gamma),
    patches: linear(patchGamma),
    norm: (call) => [normRule(call, epsilon)],
    scale: pass,
    activation: pass,
    softmax: softmaxRule,
    scores: (call) => productRule(call, epsilon),
    mix: (call) => productRule(call, epsilon),
    sum,
    position: (call) => {
      const [x, embedding] = sum(call) as [tf.Tensor, tf.Tensor];
      call.take?.('position', perSample(embedding));
      return [x, t.sum(embedding, 0, true)];
    },
    bias: (call) => {
      const [x, bias] = sum(call) as [tf.Tensor, tf.Tensor];
      call.take?.('bias', perSample(bias));
      return [x, t.zerosLike(call.inputs[1]!)];
    },
    gate: halves,
    mean: (call) => sum(call).map((x) => t.mul(0.5, x)),
    pool: (call) => [poolRule(call, epsilon)],
  };
}

// R / [y], and ε takes the part ε·sign(y)·R / [y].
function divided(
  relevance: tf.Tensor,
  output: tf.Tensor,
  epsilon: number,
  take: RuleCall['take'],
): tf.Tensor {
  const ones = t.ones(output.shape);
  const shift = t.mul(epsilon, t.where(t.greaterEqual(output, 0), ones, t.neg(ones)));
  const s = t.div(relevance, t.add(output, shift));
  take?.('epsilon', perSample(t.mul(s, shift)));
  return s;
}

function flatWeight(module: RuleCall['module']): tf.Tensor2D {
  const { weight } = module as Linear | PatchProjection;
  return t.reshape(weight, [weight.shape[0]!, -1]);
}

function plainLinear({ relevance, inputs, output, module, take }: RuleCall, epsilon: number) {
  const x = inputs[0]!;
  const w = flatWeight(module);
  const s = divided(relevance, output, epsilon, take);
  const { bias } = module as Linear;
  if (bias !== undefined) take?.('bias', perSample(t.mul(s, bias)));
  const back = matMul(t.reshape<tf.Rank.R2>(s, [-1, w.shape[0]]), w);
  return t.mul(x, t.reshape(back, x.shape));
}

// With z⁺ = Σ x⁺(w + γw⁺) + x⁻(w + γw⁻) + b + γb⁺ where y ≥ 0, and the signs of w and b turned where y < 0.
function gammaLinear(call: RuleCall, epsilon: number, gamma: number): tf.Tensor {
  const { relevance, inputs, output, module, take } = call;
  const x = inputs[0]!;
  const w = flatWeight(module);
  const [outFeatures, inFeatures] = w.shape;
  const flat = t.reshape<tf.Rank.R2>(x, [-1, inFeatures]);
  const up: tf.Tensor2D = t.add(w, t.mul(gamma, t.relu(w)));
  const down: tf.Tensor2D = t.sub(w, t.mul(gamma, t.relu(t.neg(w))));
  const parts = [t.relu(flat), t.neg(t.relu(t.neg(flat)))] as const;
  const y = t.reshape<tf.Rank.R2>(output, [-1, outFeatures]);
  const isUp = t.greaterEqual(y, 0);
  const r = t.reshape<tf.Rank.R2>(relevance, [-1, outFeatures]);
  const { bias } = module as Linear;
  const side = (first: tf.Tensor2D, second: tf.Tensor2D, sign: 1 | -1): tf.Tensor => {
    const mask = t.cast(sign === 1 ? isUp : t.equal(t.cast(isUp, 'float32'), 0), 'float32');
    const shifted =
      bias === undefined
        ? t.zeros([outFeatures])
        : t.add(bias, t.mul(gamma * sign, t.relu(t.mul(sign, bias))));
    const products = t.add(
      matMul(parts[0], first, { transposeB: true }),
      matMul(parts[1], second, { transposeB: true }),
    );
    const z = t.add(t.add(products, shifted), sign * epsilon);
    // Where the mask is 0 the quotient has no meaning, and z may be 0.
    const s = t.div<tf.Tensor2D>(t.mul(r, mask), t.where(t.equal(mask, 1), z, t.ones(z.shape)));
    const spread = (amount: tf.Tensor) =>
      perSample(t.reshape(amount, [...output.shape.slice(0, 1), -1]));
    if (take !== undefined) {
      take('epsilon', spread(t.mul(s, sign * epsilon)));
      if (bias !== undefined) take('bias', spread(t.mul(s, shifted)));
    }
    return t.add(t.mul(parts[0], matMul(s, first)), t.mul(parts[1], matMul(s, second)));
  };
  return t.reshape(t.add(side(up, down, 1), side(down, up, -1)), x.shape);
}

// y = γ(x − μ)/σ + β with σ held; without a mean and β all of it passes.
function normRule({ relevance, inputs, output, module, take }: RuleCall, epsilon: number) {
  const x = inputs[0]!;
  if (!(module instanceof LayerNorm)) return t.clone(relevance);
  const { weight, bias, epsilon: inner } = module;
  const axis = x.rank - 1;
  const mean = t.mean(x, axis, true);
  const variance = t.mean(t.square(t.sub(x, mean)), axis, true);
  const s = divided(relevance, output, epsilon, take);
  take?.('bias', perSample(t.mul(s, bias)));
  const scaled = t.div(t.mul(s, weight), t.sqrt(t.add(variance, inner)));
  return t.mul(x, t.sub(scaled, t.mean(scaled, axis, true)));
}

function softmaxRule({ relevance, inputs, output, take }: RuleCall): tf.Tensor[] {
  const x = inputs[0]!;
  const total = t.sum(relevance, relevance.rank - 1, true);
  const received = t.mul(x, t.sub(relevance, t.mul(output, total)));
  take?.('softmax', t.sub(perSample(relevance), perSample(received)));
  return [received];
}

function productRule({ relevance, inputs, output, forward, take }: RuleCall, epsilon: number) {
  const s = divided(relevance, output, epsilon, take);
  const gradients = innerGradients(() => forward(...(inputs as tf.Tensor[])), inputs, s);
  return inputs.map((x, i) => t.mul(0.5, t.mul(x, gradients[i]!)));
}

function poolRule({ relevance, inputs, output, forward, take }: RuleCall, epsilon: number) {
  const x = inputs[0]!;
  const s = divided(relevance, output, epsilon, take);
  const [gradient] = innerGradients(() => forward(x), [x], s);
  return t.mul(x, gradient!);
}
