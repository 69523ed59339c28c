// The GELU activation in its three forms.

import { assertKind } from '../core/kinds.ts';
import * as tf from '@tensorflow/tfjs';
import { assertOneOf, assertTensor } from '../core/check.ts';
import * as kernels from '../core/kernels.ts';
import type { GeluAttrs, GeluForm, GeluGradInputs, GeluInputs } from '../core/kernels.ts';
import { defineKernel } from './kernel.ts';

/** The forms of GELU by name. */
export const geluForms = ['erf', 'tanh', 'quick'] as const satisfies readonly GeluForm[];

const rootOf2OverPi = Math.sqrt(2 / Math.PI);
const cubicTerm = 0.044715;
const quickSlope = 1.702;

/**
 * Gaussian error linear unit, elementwise.
 *
 * erf: x·Φ(x), Φ the normal distribution function · tanh: ½x(1 + tanh(√(2/π)(x + 0.044715x³))) · quick: x·σ(1.702x)
 *
 * @param x  any shape
 * @param options.form  default 'erf', as torch's `nn.GELU()`
 * @throws InputError for another form
 *
 * The erf of tfjs is a polynomial with an absolute error of 1.5e-7, so the result of 'erf' is within 1e-7·|x| of the exact
 * function, plus float32 rounding. The gradient is that of the form itself.
 *
 * Source: Hendrycks & Gimpel 2016, section 2; erf: Abramowitz & Stegun 7.1.26.
 */
export function gelu<T extends tf.Tensor>(x: T, options: { form?: GeluForm } = {}): T {
  assertTensor('x', x);
  assertKind('options of gelu', options, 'instance');
  const { form = 'erf' } = options;
  assertOneOf('form', form, geluForms);
  return geluKernel({ x }, { form })[0] as T;
}

/** `Gelu` in plain tfjs ops. */
export function referenceGelu({ x }: GeluInputs, { form }: GeluAttrs): tf.Tensor[] {
  return [tf.mul(x, gate(x, form))];
}

// `GeluGrad` in plain tfjs ops.
function referenceGeluGrad({ dOut, x }: GeluGradInputs, { form }: GeluAttrs): tf.Tensor[] {
  return [tf.mul(dOut, tf.add(gate(x, form), tf.mul(x, gateSlope(x, form))))];
}

// Every form is x·g(x), with g the gate.
function gate(x: tf.Tensor, form: GeluForm): tf.Tensor {
  switch (form) {
    case 'erf':
      return tf.mul(0.5, tf.add(1, tf.erf(tf.mul(x, Math.SQRT1_2))));
    case 'tanh':
      return tf.mul(0.5, tf.add(1, tf.tanh(tanhArgument(x))));
    case 'quick':
      return tf.sigmoid(tf.mul(quickSlope, x));
  }
}

function gateSlope(x: tf.Tensor, form: GeluForm): tf.Tensor {
  switch (form) {
    case 'erf':
      return tf.mul(1 / Math.sqrt(2 * Math.PI), tf.exp(tf.mul(-0.5, tf.square(x))));
    case 'tanh': {
      const t = tf.tanh(tanhArgument(x));
      const inner = tf.mul(rootOf2OverPi, tf.add(1, tf.mul(3 * cubicTerm, tf.square(x))));
      return tf.mul(tf.mul(0.5, tf.sub(1, tf.square(t))), inner);
    }
    case 'quick': {
      const s = tf.sigmoid(tf.mul(quickSlope, x));
      return tf.mul(quickSlope, tf.mul(s, tf.sub(1, s)));
    }
  }
}

function tanhArgument(x: tf.Tensor): tf.Tensor {
  return tf.mul(rootOf2OverPi, tf.mul(x, tf.add(1, tf.mul(cubicTerm, tf.square(x)))));
}

const geluGradKernel = defineKernel(kernels.GeluGrad, { reference: referenceGeluGrad });

const geluKernel = defineKernel(kernels.Gelu, {
  reference: referenceGelu,
  gradient: {
    saveInputs: ['x'],
    saveOutputs: [false],
    of: ([dOut], [x], attrs) => ({ x: () => geluGradKernel({ dOut: dOut!, x: x! }, attrs)[0]! }),
  },
});
