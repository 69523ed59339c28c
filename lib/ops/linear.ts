// A linear layer with an optional GELU.

import { assertKind } from '../core/kinds.ts';
import * as tf from '@tensorflow/tfjs';
import { assertOneOf, assertRank, assertShape, sizeOf, assertTensor } from '../core/check.ts';
import { ShapeError, UnsupportedError, expected } from '../core/errors.ts';
import { precisions, type Precision } from '../core/precision.ts';
import * as kernels from '../core/kernels.ts';
import type { BiasGradInputs, GeluForm, LinearAttrs, LinearInputs } from '../core/kernels.ts';
import { geluForms, gelu, referenceGelu } from './gelu.ts';
import { isRecording } from './gradients.ts';
import { defineKernel } from './kernel.ts';
import { matMul } from './matMul.ts';

const activations = ['none', ...geluForms] as const;

/**
 * A linear layer on the last axis, optionally followed by a GELU.
 *
 * out[…,o] = act(Σ_i x[…,i]·weight[o,i] + bias[o])
 *
 * @param x       [..., I], at least one axis
 * @param weight  [O, I], torch's layout
 * @param bias    [O], or left out
 * @param options.activation  'none' (default) or a form of `gelu`
 * @param options.precision   precision of the matrix product and of the two of its gradient; default 'fp32'
 * @returns [..., O]
 * @throws ShapeError if the sizes do not fit; InputError for an unknown activation or precision
 *
 * Differentiable in x, weight and bias. Product and activation are one kernel unless the pass is recorded for a gradient.
 */
export function linear(
  x: tf.Tensor,
  weight: tf.Tensor2D,
  bias?: tf.Tensor1D,
  options: { activation?: 'none' | GeluForm; precision?: Precision | undefined } = {},
): tf.Tensor {
  assertTensor('x', x);
  assertKind('options of linear', options, 'instance');
  const { activation = 'none', precision = 'fp32' } = options;
  assertOneOf('activation', activation, activations);
  assertOneOf('precision', precision, precisions);
  assertRank('weight', weight, 2);
  const [outSize, inSize] = weight.shape;
  if (x.shape.at(-1) !== inSize) {
    throw new ShapeError(expected(`a last axis of ${inSize} (weight is [out, in])`, 'x', x.shape));
  }
  if (bias !== undefined) assertShape('bias', bias, [outSize]);
  return tf.tidy(() => {
    const leading = x.shape.slice(0, -1);
    const rows = tf.reshape<tf.Rank.R2>(x, [sizeOf(leading), inSize]);
    const inputs = { x: rows, weight, ...(bias && { bias }) };
    // The backward pass reads the value before the activation, so only a pass that is not recorded fuses the two.
    const apart = activation !== 'none' && isRecording();
    const [y] = linearKernel(inputs, { activation: apart ? 'none' : activation, precision });
    const out = tf.reshape(y!, [...leading, outSize]);
    return apart ? gelu(out, { form: activation }) : out;
  });
}

// `Linear` in plain tfjs ops.
function referenceLinear(
  { x, weight, bias }: LinearInputs,
  { activation, precision }: LinearAttrs,
): tf.Tensor[] {
  const sums = matMul(x, weight, { transposeB: true, precision });
  const pre = bias === undefined ? sums : tf.add(sums, bias);
  if (activation === 'none') return [pre];
  return referenceGelu({ x: pre }, { form: activation });
}

// `BiasGrad` in plain tfjs ops.
function referenceBiasGrad({ dOut }: BiasGradInputs): tf.Tensor[] {
  return [tf.sum(dOut, 0)];
}

const biasGradKernel = defineKernel(kernels.BiasGrad, { reference: referenceBiasGrad });

const linearKernel = defineKernel(kernels.Linear, {
  reference: referenceLinear,
  gradient: {
    saveInputs: ['x', 'weight'],
    saveOutputs: [false],
    of: ([dOut], [x, weight], { activation, precision }) => {
      if (activation !== 'none') {
        const remedy = 'It has no gradient with one: use linear().';
        throw new UnsupportedError(expected('no activation', kernels.Linear, activation, remedy));
      }
      return {
        x: () => matMul(dOut!, weight!, { precision }),
        weight: () => matMul(dOut!, x!, { transposeA: true, precision }),
        bias: () => biasGradKernel({ dOut: dOut as tf.Tensor2D }, {})[0]!,
      };
    },
  },
});
