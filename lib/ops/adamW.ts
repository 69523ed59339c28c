// The AdamW update of many tensors in one op.

import { assertFields, assertKind } from '../core/kinds.ts';
import * as tf from '@tensorflow/tfjs';
import { assertInteger, assertNumber, assertShape } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import * as kernels from '../core/kernels.ts';
import type { AdamWAttrs } from '../core/kernels.ts';
import { defineKernel } from './kernel.ts';

/** The tensors of an update, one of each list for a parameter, all in one order; the four of a parameter have one shape. */
export type AdamWTensors = {
  parameters: readonly tf.Tensor[];
  gradients: readonly tf.Tensor[];
  firstMoments: readonly tf.Tensor[];
  secondMoments: readonly tf.Tensor[];
};

/**
 * Options of `adamW`.
 *
 * @property learningRate  one number for all, or one for each parameter
 * @property weightDecay   one number for all, or one for each parameter; default 0.01
 * @property step          the number of this update, from 1
 * @property beta1, beta2  decay of the moments, in [0, 1); default 0.9 and 0.999
 * @property epsilon       added to the root of the second moment; default 1e-8
 * @property reuse         true: the caller donates the parameters and moments, and a result may lie in the memory of one. They
 *                         may then only be disposed or assigned. Default false
 */
export interface AdamWOptions {
  learningRate: number | readonly number[];
  weightDecay?: number | readonly number[];
  step: number;
  beta1?: number;
  beta2?: number;
  epsilon?: number;
  reuse?: boolean;
}

/** The result of `adamW`, in the order of its input. */
export type AdamWResult = {
  parameters: tf.Tensor[];
  firstMoments: tf.Tensor[];
  secondMoments: tf.Tensor[];
};

/**
 * One AdamW update of many tensors: Adam with the weight decay taken off the parameter, not added to the gradient.
 *
 * p₁ = p·(1 − lr·wd);  m' = β1·m + (1 − β1)·g;  v' = β2·v + (1 − β2)·g²;
 * p' = p₁ − lr/(1 − β1^step) · m' / (√v'/√(1 − β2^step) + epsilon)
 *
 * @returns new tensors, which the caller assigns and frees. Without `reuse` nothing is changed in place, since a variable of tfjs
 *          may share its data with clones. With `reuse`, data that clones share is left alone too
 * @throws ShapeError or InputError if the lists do not match or an option is out of range
 *
 * The scalars are computed in float64 and rounded once; the state is float32. Source: Loshchilov & Hutter 2019; the arithmetic
 * is torch's `AdamW`.
 */
export function adamW(tensors: AdamWTensors, options: AdamWOptions): AdamWResult {
  const { inputs, attrs } = checkAdamW(tensors, options);
  const count = tensors.parameters.length;
  if (count === 0) return { parameters: [], firstMoments: [], secondMoments: [] };
  const out = adamWKernel(inputs, attrs);
  return {
    parameters: out.slice(0, count),
    firstMoments: out.slice(count, 2 * count),
    secondMoments: out.slice(2 * count),
  };
}

/**
 * √Σ (p'² + m'² + v'²) over all tensors that `adamW` would return, without making them. It is not finite if one of their elements
 * is not, or is above 1e19.
 *
 * @throws ShapeError or InputError as `adamW`
 */
export function adamWNorm(tensors: AdamWTensors, options: AdamWOptions): tf.Scalar {
  const { inputs, attrs } = checkAdamW(tensors, options);
  if (inputs.length === 0) return tf.scalar(0);
  return adamWNormKernel(inputs, attrs)[0] as tf.Scalar;
}

function checkAdamW(
  tensors: AdamWTensors,
  options: AdamWOptions,
): { inputs: tf.Tensor[]; attrs: AdamWAttrs } {
  const lists = {
    parameters: 'list',
    gradients: 'list',
    firstMoments: 'list',
    secondMoments: 'list',
  } as const;
  assertFields('adamW', tensors, lists);
  assertKind('options of adamW', options, 'instance');
  const { parameters, gradients, firstMoments, secondMoments } = tensors;
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, step, weightDecay = 0.01 } = options;
  const count = parameters.length;
  for (const [name, list] of Object.entries({
    parameters,
    gradients,
    firstMoments,
    secondMoments,
  })) {
    assertCount(name, list.length, count);
    list.forEach((tensor, i) => assertShape(`${name}[${i}]`, tensor, parameters[i]!.shape));
  }
  assertInteger('step', step, { min: 1 });
  assertNumber('beta1', beta1, { min: 0, max: 1 - Number.EPSILON });
  assertNumber('beta2', beta2, { min: 0, max: 1 - Number.EPSILON });
  assertNumber('epsilon', epsilon, { min: 0 });
  const learningRates = perTensor('learningRate', options.learningRate, count);
  const weightDecays = perTensor('weightDecay', weightDecay, count);
  const reuse = options.reuse ?? false;
  const attrs = { learningRates, weightDecays, beta1, beta2, epsilon, step, reuse };
  return { inputs: [...parameters, ...gradients, ...firstMoments, ...secondMoments], attrs };
}

// `AdamW` in plain tfjs ops.
function referenceAdamW(inputs: readonly tf.Tensor[], attrs: AdamWAttrs): tf.Tensor[] {
  const { learningRates, weightDecays, beta1, beta2, epsilon, step } = attrs;
  const count = learningRates.length;
  const correction1 = 1 - beta1 ** step;
  const rootCorrection2 = Math.sqrt(1 - beta2 ** step);
  const out = learningRates.map((learningRate, i) => {
    const [p, g, m, v] = [0, 1, 2, 3].map((list) => inputs[list * count + i]!) as Four;
    const newM = tf.add(tf.mul(m, beta1), tf.mul(g, 1 - beta1));
    const newV = tf.add(tf.mul(v, beta2), tf.mul(tf.square(g), 1 - beta2));
    const decayed = tf.mul(p, 1 - learningRate * weightDecays[i]!);
    const scale = tf.add(tf.div(tf.sqrt(newV), rootCorrection2), epsilon);
    const change = tf.mul(tf.div(newM, scale), learningRate / correction1);
    return [tf.sub(decayed, change), newM, newV] as const;
  });
  return [0, 1, 2].flatMap((part) => out.map((tensors) => tensors[part]!));
}

type Four = [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];

// `AdamWNorm` by way of `AdamW`.
function referenceAdamWNorm(inputs: readonly tf.Tensor[], attrs: AdamWAttrs): tf.Tensor[] {
  const squares = referenceAdamW(inputs, attrs).map((tensor) => tf.sum(tf.square(tensor)));
  return [tf.sqrt(tf.sum(tf.stack(squares)))];
}

const adamWKernel = defineKernel(kernels.AdamW, { reference: referenceAdamW });
const adamWNormKernel = defineKernel(kernels.AdamWNorm, { reference: referenceAdamWNorm });

function perTensor(name: string, value: number | readonly number[], count: number): number[] {
  if (typeof value !== 'number') assertKind(name, value, 'list');
  const list = typeof value === 'number' ? new Array<number>(count).fill(value) : [...value];
  assertCount(name, list.length, count);
  for (const item of list) assertNumber(name, item, { min: 0 });
  return list;
}

function assertCount(name: string, length: number, count: number): void {
  if (length === count) return;
  throw new InputError(expected(`one entry for each of ${count} parameters`, name, length));
}
