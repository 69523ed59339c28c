// The activations of feed-forward layers by name.

import * as tf from '@tensorflow/tfjs';
import { assertOneOf, assertTensor } from '../core/check.ts';
import type { GeluForm } from '../core/kernels.ts';
import { gelu, geluForms } from './gelu.ts';

/** The form of an activation: one of GELU's, or `silu`. */
export type ActivationForm = GeluForm | 'silu';

/** The forms of activations by name. */
export const activationForms: readonly ActivationForm[] = [...geluForms, 'silu'];

/** Whether an activation is a form of GELU, which the fused ops know. */
export function isGelu(form: ActivationForm): form is GeluForm {
  return form !== 'silu';
}

/**
 * An activation, elementwise: a form of `gelu`, or silu, x·σ(x).
 *
 * @throws InputError for another form
 *
 * Source of silu: Elfwing et al. 2018; Ramachandran et al. 2017 ("swish").
 */
export function activate<T extends tf.Tensor>(x: T, form: ActivationForm): T {
  assertTensor('x', x);
  assertOneOf('form', form, activationForms);
  if (isGelu(form)) return gelu(x, { form });
  return tf.tidy(() => tf.mul(x, tf.sigmoid(x)));
}
