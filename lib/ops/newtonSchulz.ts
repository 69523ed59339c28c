// The orthogonalisation of matrices by Newton–Schulz iterations, which Muon is named after.

import * as tf from '@tensorflow/tfjs';
import { assertInteger, assertNumber, assertShape } from '../core/check.ts';
import { assertListOf } from '../core/kinds.ts';

/** The three coefficients of an iteration: X ← a·X + (b·A + c·A²)·X with A = X·Xᵀ. */
export type NewtonSchulzCoefficients = readonly [a: number, b: number, c: number];

/**
 * The options of `newtonSchulz`.
 *
 * @property coefficients  of the iterations in order; the last ones are repeated if there are more steps
 * @property steps         number of iterations; default 5
 * @property epsilon       the norm that a matrix is divided by is at least this; default 1e-7
 */
export interface NewtonSchulzOptions {
  coefficients: readonly NewtonSchulzCoefficients[];
  steps?: number;
  epsilon?: number;
}

/**
 * The nearest semi-orthogonal matrix, roughly: U·Vᵀ of the decomposition U·S·Vᵀ, with singular values near 1.
 *
 * X = G / ‖G‖; then each step X ← a·X + (b·A + c·A²)·X with A = X·Xᵀ
 *
 * Matrices with more rows than columns are transposed first, so that A is the smaller of the two products.
 *
 * @param matrices  [n, R, C]
 * @returns [n, R, C]; not differentiable
 *
 * All of it is float32, where timm computes in bfloat16. Source: Jordan et al. 2024, "Muon: an optimizer for hidden layers";
 * timm/optim/muon.py, `zeropower_via_newtonschulz`.
 */
export function newtonSchulz(
  matrices: tf.Tensor3D,
  { coefficients, steps = 5, epsilon = 1e-7 }: NewtonSchulzOptions,
): tf.Tensor3D {
  assertShape('matrices', matrices, [-1, -1, -1]);
  assertListOf('coefficients', coefficients, 'list');
  assertInteger('steps', steps, { min: 1 });
  assertNumber('epsilon', epsilon, { min: 0 });
  const [, rows, columns] = matrices.shape;
  return tf.tidy(() => {
    const tall = rows > columns;
    const wide = tall ? tf.transpose<tf.Tensor3D>(matrices, [0, 2, 1]) : matrices;
    const norm = tf.sqrt(tf.sum(tf.square(wide), [1, 2], true));
    let x = tf.div<tf.Tensor3D>(wide, tf.maximum(norm, epsilon));
    for (let step = 0; step < steps; step += 1) {
      const [a, b, c] = coefficients[Math.min(step, coefficients.length - 1)]!;
      const gram = tf.matMul(x, x, false, true);
      const both = tf.add(tf.mul(gram, b), tf.mul(tf.matMul(gram, gram), c));
      x = tf.add(tf.mul(x, a), tf.matMul(both, x));
    }
    return tall ? tf.transpose<tf.Tensor3D>(x, [0, 2, 1]) : x;
  });
}
