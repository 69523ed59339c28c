// Rows of a matrix by their numbers, none of them twice.

import * as tf from '@tensorflow/tfjs';
import { assertInteger, assertRank } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { assertKind } from '../core/kinds.ts';

/**
 * Rows of a matrix: out[i, :] = x[rows[i], :].
 *
 * @param x     [M, C]
 * @param rows  numbers from 0 to M − 1, each at most once
 * @returns [rows.length, C]
 * @throws InputError for a number that is none of the rows, or that comes twice
 *
 * Because no row is taken twice, the gradient is a gather as well, and every backend has it.
 */
export function takeRows(x: tf.Tensor2D, rows: readonly number[]): tf.Tensor2D {
  assertRank('x', x, 2);
  assertKind('rows', rows, 'list');
  const [count] = x.shape;
  // Where each row of x went; those that were left out get the row of zeros behind the last.
  const places = new Int32Array(count).fill(rows.length);
  rows.forEach((row, i) => {
    assertInteger('a row', row, { min: 0, max: count - 1 });
    if (places[row] !== rows.length) throw new InputError(expected('a row once', 'rows', row));
    places[row] = i;
  });
  const take = tf.customGrad((given) => ({
    value: tf.gather(given as tf.Tensor, tf.tensor1d([...rows], 'int32')),
    gradFunc: (dOut: tf.Tensor) => {
      const padded = tf.concat([dOut, tf.zeros([1, dOut.shape[1]!])]);
      return tf.gather(padded, tf.tensor1d(places, 'int32'));
    },
  }));
  return tf.tidy(() => take(x) as tf.Tensor2D);
}
