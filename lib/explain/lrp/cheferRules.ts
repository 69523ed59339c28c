// The rules of relevance propagation of Chefer et al. 2021 (CVPR): positive parts of products, halves at attention.

import type * as tf from '@tensorflow/tfjs';
import type { Linear } from '../../layers/linear.ts';
import type { PatchProjection } from '../../layers/patchEmbed.ts';
import { innerGradients } from '../../ops/gradients.ts';
import { matMul } from '../../ops/matMul.ts';
import * as t from '../../ops/tensor.ts';
import { halves, pass, perSample, type Rule, type RuleCall, type RuleTable } from './rule.ts';

const tiny = 1e-9;

/**
 * The options of `cheferRules`.
 *
 * @property alpha     weight of the parts that speak for a result; those that speak against it have alpha − 1; default 1
 * @property separate  true: the older rules, where each part of a product or sum is divided by its own sum; default false
 */
export interface CheferOptions {
  alpha?: number;
  separate?: boolean;
}

/**
 * A rule for each step. Biases are left out; the softmax, the activation and norms pass relevance unchanged.
 *
 * linear: R_x = x⁺ ⊙ (S·W⁺) + x⁻ ⊙ (S·W⁻), S = R / (x⁺·W⁺ᵀ + x⁻·W⁻ᵀ) · products of attention: x ⊙ ∂(S·y)/∂x, S = R / y, half to each
 * factor, and so for gates · sums: x·R / (x + y), the two totals brought to the shares |Σ_x| and |Σ_y| of the whole, for each image by itself · pixels: the
 * z^B rule between the smallest and the largest value of the image · pools of several tokens: x ⊙ ∂(S·y)/∂x.
 *
 * Source: Chefer et al. 2021, "Transformer interpretability beyond attention visualization", section 3, as in its published code.
 */
export function cheferRules({ alpha = 1, separate = false }: CheferOptions = {}): RuleTable {
  const sum: Rule = (call) => (separate ? plainSum(call) : sharedSum(call));
  return {
    linear: (call) => [linearRule(call, alpha, separate)],
    patches: (call) => [boundedRule(call)],
    scores: scoresRule,
    mix: mixRule,
    sum,
    position: (call) => {
      const [x, embedding] = sum(call) as [tf.Tensor, tf.Tensor];
      call.take?.('position', perSample(embedding));
      return [x, t.sum(embedding, 0, true)];
    },
    bias: ({ relevance, inputs }) => [t.clone(relevance), t.zerosLike(inputs[1]!)],
    gate: halves,
    mean: sum,
    pool: poolRule,
    norm: pass,
    scale: pass,
    activation: pass,
    softmax: pass,
  };
}

/** a / b with b moved by 1e-9 away from where it would divide by nothing, and 0 where b is 0. */
export function safeDivide(a: tf.Tensor, b: tf.Tensor): tf.Tensor {
  const moved = t.add(b, tiny);
  const bottom = t.where(t.equal(moved, 0), t.fill(moved.shape, tiny), moved);
  return t.mul(t.div(a, bottom), t.cast(t.notEqual(b, 0), 'float32'));
}

// [..., O] → [..., I]; conserves what reaches an output with any positive part.
function linearRule(call: RuleCall, alpha: number, separate: boolean): tf.Tensor {
  const { relevance, inputs, module } = call;
  const x = inputs[0]!;
  const weight = (module as Linear).weight as tf.Tensor2D;
  const [outFeatures, inFeatures] = weight.shape;
  const r = t.reshape<tf.Rank.R2>(relevance, [-1, outFeatures]);
  const flat = t.reshape<tf.Rank.R2>(x, [-1, inFeatures]);
  const parts = { x: signs(flat), w: signs(weight) };
  const share = (w: readonly [tf.Tensor2D, tf.Tensor2D]) =>
    separate
      ? t.add(product(parts.x[0], w[0], r), product(parts.x[1], w[1], r))
      : jointProduct(parts.x, w, r);
  const active = share(parts.w);
  const result =
    alpha === 1
      ? active
      : t.sub(t.mul(alpha, active), t.mul(alpha - 1, share([parts.w[1], parts.w[0]])));
  const received = t.reshape(result, x.shape);
  call.take?.('lost', t.sub(perSample(relevance), perSample(received)));
  return received;
}

// max(0, x) and min(0, x).
function signs<T extends tf.Tensor>(x: T): readonly [T, T] {
  return [t.relu(x), t.neg(t.relu(t.neg(x)))];
}

function product(x: tf.Tensor2D, w: tf.Tensor2D, r: tf.Tensor2D): tf.Tensor2D {
  const s = safeDivide(r, matMul(x, w, { transposeB: true })) as tf.Tensor2D;
  return t.mul(x, matMul(s, w));
}

// Both parts in one product of double width, divided by their joint sum.
function jointProduct(
  x: readonly [tf.Tensor2D, tf.Tensor2D],
  w: readonly [tf.Tensor2D, tf.Tensor2D],
  r: tf.Tensor2D,
): tf.Tensor2D {
  const wide = t.concat([...x], 1);
  const parts = product(wide, t.concat([...w], 1), r);
  const [rows, width] = x[0].shape;
  return t.add(t.slice(parts, [0, 0], [rows, width]), t.slice(parts, [0, width], [rows, width]));
}

// The z^B rule: pixels x lie between the smallest value L and the largest H of their image.
function boundedRule({ relevance, inputs, module }: RuleCall): tf.Tensor {
  const x = inputs[0] as tf.Tensor3D;
  const weight = (module as PatchProjection).weight;
  const w = t.reshape<tf.Rank.R2>(weight, [weight.shape[0]!, -1]);
  const [up, down] = signs(w);
  const [batch, patches, size] = x.shape;
  const flat = (y: tf.Tensor) => t.reshape<tf.Rank.R2>(y, [batch * patches, -1]);
  const whole = t.reshape(x, [batch, patches * size]);
  const spread = (y: tf.Tensor) =>
    flat(t.broadcastTo(t.reshape(y, [batch, 1, 1]), [batch, patches, size]));
  const [low, high] = [spread(t.min(whole, 1)), spread(t.max(whole, 1))];
  const pixels = flat(x);
  const times = (y: tf.Tensor2D, v: tf.Tensor2D) => matMul(y, v, { transposeB: true });
  const z = t.add(t.sub(t.sub(times(pixels, w), times(low, up)), times(high, down)), tiny);
  const s = t.div<tf.Tensor2D>(flat(relevance), z);
  const part = (y: tf.Tensor2D, v: tf.Tensor2D) => t.mul(y, matMul(s, v));
  return t.reshape(t.sub(t.sub(part(pixels, w), part(low, up)), part(high, down)), x.shape);
}

// q·kᵀ, without its scale.
function scoresRule({ relevance, inputs }: RuleCall): tf.Tensor[] {
  const [q, k] = inputs as [tf.Tensor4D, tf.Tensor4D];
  const s = safeDivide(relevance, matMul(q, k, { transposeB: true })) as tf.Tensor4D;
  return [
    t.mul(0.5, t.mul(q, matMul(s, k))),
    t.mul(0.5, t.mul(k, matMul(s, q, { transposeA: true }))),
  ];
}

function mixRule({ relevance, inputs, output }: RuleCall): tf.Tensor[] {
  const [a, v] = inputs as [tf.Tensor4D, tf.Tensor4D];
  const s = safeDivide(relevance, output) as tf.Tensor4D;
  return [
    t.mul(0.5, t.mul(a, matMul(s, v, { transposeB: true }))),
    t.mul(0.5, t.mul(v, matMul(a, s, { transposeA: true }))),
  ];
}

function plainSum({ relevance, inputs }: RuleCall): [tf.Tensor, tf.Tensor] {
  const [a, b] = inputs as [tf.Tensor, tf.Tensor];
  const s = safeDivide(relevance, t.add(a, b));
  return [t.mul(a, s), t.mul(b, s)];
}

function sharedSum(call: RuleCall): [tf.Tensor, tf.Tensor] {
  const parts = plainSum(call);
  const ones = call.relevance.shape.map(() => 1);
  const column = (x: tf.Tensor1D) => t.reshape(x, [-1, ...ones.slice(1)]);
  const sums = parts.map((part) => column(perSample(part))) as [tf.Tensor, tf.Tensor];
  const sizes = sums.map((sum) => t.abs(sum)) as [tf.Tensor, tf.Tensor];
  const whole = t.add(...sizes);
  const total = column(perSample(call.relevance));
  const shared = (i: 0 | 1) =>
    t.mul(parts[i], safeDivide(t.mul(safeDivide(sizes[i], whole), total), sums[i]));
  return [shared(0), shared(1)];
}

function poolRule({ relevance, inputs, output, forward }: RuleCall): tf.Tensor[] {
  const x = inputs[0]!;
  const s = safeDivide(relevance, output);
  const [gradient] = innerGradients(() => forward(x), [x], s);
  return [t.mul(x, gradient!)];
}
