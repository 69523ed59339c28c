import * as tf from '@tensorflow/tfjs';
import { assertOneOf, assertRank, assertShape, sizeOf } from '../core/check.ts';
import { ShapeError, expected } from '../core/errors.ts';
import * as kernels from '../core/kernels.ts';
import type { BiasGradInputs, GeluForm, LinearAttrs, LinearInputs } from '../core/kernels.ts';
import { GELU_FORMS, geluGradKernel, referenceGelu } from './gelu.ts';
import { defineKernel } from './kernel.ts';

const ACTIVATIONS = ['none', ...GELU_FORMS] as const;

/**
 * A dense layer on the last axis, optionally followed by a GELU.
 *
 * out[…,o] = act(Σ_i x[…,i]·weight[o,i] + bias[o])
 *
 * @param x       [..., I], at least one axis
 * @param weight  [O, I], torch's layout
 * @param bias    [O], or left out
 * @param options.activation  'none' (default) or a form of `gelu`
 * @returns [..., O]
 * @throws ShapeError if the sizes do not fit; InputError for an unknown activation
 *
 * Differentiable in x, weight and bias; with an activation the value before it is kept for the backward pass.
 */
export function linear(
  x: tf.Tensor,
  weight: tf.Tensor2D,
  bias?: tf.Tensor1D,
  { activation = 'none' }: { activation?: 'none' | GeluForm } = {},
): tf.Tensor {
  assertOneOf('activation', activation, ACTIVATIONS);
  assertRank('weight', weight, 2);
  const [outSize, inSize] = weight.shape;
  if (x.shape.at(-1) !== inSize) {
    throw new ShapeError(expected(`a last axis of ${inSize} (weight is [out, in])`, 'x', x.shape));
  }
  if (bias !== undefined) assertShape('bias', bias, [outSize]);
  return tf.tidy(() => {
    const leading = x.shape.slice(0, -1);
    const rows = tf.reshape(x, [sizeOf(leading), inSize]) as tf.Tensor2D;
    const inputs = { x: rows, weight, ...(bias && { bias }) };
    const y =
      activation === 'none'
        ? linearKernel(inputs, { activation })[0]!
        : activatedLinear(inputs, activation);
    return tf.reshape(y, [...leading, outSize]);
  });
}

/** `Linear` in plain tfjs ops. */
export function referenceLinear(
  { x, weight, bias }: LinearInputs,
  { activation }: LinearAttrs,
): tf.Tensor[] {
  const product = tf.matMul(x, weight, false, true);
  const pre = bias === undefined ? product : tf.add(product, bias);
  if (activation === 'none') return [pre];
  return [referenceGelu({ x: pre }, { form: activation })[0]!, pre];
}

/** `BiasGrad` in plain tfjs ops. */
export function referenceBiasGrad({ dOut }: BiasGradInputs): tf.Tensor[] {
  return [tf.sum(dOut, 0)];
}

const biasGradKernel = defineKernel(kernels.BiasGrad, { reference: referenceBiasGrad });

const linearKernel = defineKernel(kernels.Linear, {
  reference: referenceLinear,
  gradient: {
    saveInputs: ['x', 'weight'],
    saveOutputs: [false, true],
    of: ([dOut], [x, weight, pre], { activation }) =>
      linearGradients(dOut!, x!, weight!, activation, pre),
  },
});

// The tape would make zeros of pre's size as the gradient of a second output, so it is shown the first output only.
function activatedLinear(inputs: LinearInputs, activation: GeluForm): tf.Tensor {
  const { x, weight, bias } = inputs;
  const op = tf.customGrad((...args) => {
    const save = args.at(-1) as tf.GradSaveFunc;
    const [y, pre] = linearKernel(inputs, { activation });
    save([x, weight, pre!]);
    return {
      value: y!,
      gradFunc: (dOut: tf.Tensor, saved: tf.Tensor[]) => {
        const d = linearGradients(dOut, saved[0]!, saved[1]!, activation, saved[2]);
        return bias === undefined ? [d.x(), d.weight()] : [d.x(), d.weight(), d.bias()];
      },
    };
  });
  return bias === undefined ? op(x, weight) : op(x, weight, bias);
}

function linearGradients(
  dOut: tf.Tensor,
  x: tf.Tensor,
  weight: tf.Tensor,
  activation: LinearAttrs['activation'],
  pre?: tf.Tensor,
): Record<'x' | 'weight' | 'bias', () => tf.Tensor> {
  const dPre =
    activation === 'none' ? dOut : geluGradKernel({ dOut, x: pre! }, { form: activation })[0]!;
  return {
    x: () => tf.matMul(dPre, weight),
    weight: () => tf.matMul(dPre, x, true, false),
    bias: () => biasGradKernel({ dOut: dPre as tf.Tensor2D }, {})[0]!,
  };
}
