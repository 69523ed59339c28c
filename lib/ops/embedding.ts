// Rows of a table by numbers that may repeat: the embedding of tokens.

import * as tf from '@tensorflow/tfjs';
import { assertInteger, assertRank } from '../core/check.ts';
import { assertKind } from '../core/kinds.ts';

/**
 * Rows of a table: out[i, :] = table[ids[i], :].
 *
 * @param table  [V, C]
 * @param ids    M numbers from 0 to V − 1
 * @returns [M, C]
 * @throws InputError for a number that is none of the rows
 *
 * The gradient of a row is the sum over its places: one product with a 0/1 matrix of the different numbers and the places, and a gather. So
 * every backend has it, and nothing of the table's size is multiplied.
 */
export function embedding(table: tf.Tensor2D, ids: ArrayLike<number>): tf.Tensor2D {
  assertRank('table', table, 2);
  assertKind('ids', ids, 'array');
  const [rows, dim] = table.shape;
  const places = Array.from(ids);
  places.forEach((id) => assertInteger('an id', id, { min: 0, max: rows - 1 }));
  if (places.length === 0) return tf.zeros([0, dim]);
  const look = tf.customGrad((given) => ({
    value: tf.gather(given as tf.Tensor, tf.tensor1d(places, 'int32')),
    gradFunc: (dOut: tf.Tensor) => sumsOfRows(dOut as tf.Tensor2D, places, rows),
  }));
  return tf.tidy(() => look(table) as tf.Tensor2D);
}

// [M, C] → [V, C]: the sum of the rows at the places of each number.
function sumsOfRows(dOut: tf.Tensor2D, ids: readonly number[], rows: number): tf.Tensor2D {
  const [count, dim] = dOut.shape;
  const different = [...new Set(ids)];
  const numbers = new Map(different.map((id, i) => [id, i]));
  const member = new Float32Array(different.length * count);
  ids.forEach((id, i) => (member[numbers.get(id)! * count + i] = 1));
  const sums = tf.matMul<tf.Tensor2D>(tf.tensor2d(member, [different.length, count]), dOut);
  // The row of zeros behind the last is that of the numbers that do not occur.
  const from = new Int32Array(rows).fill(different.length);
  different.forEach((id, i) => (from[id] = i));
  const padded: tf.Tensor2D = tf.concat([sums, tf.zeros([1, dim])]);
  return tf.gather(padded, tf.tensor1d(from, 'int32'));
}
