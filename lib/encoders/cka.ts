// Linear CKA: how alike two encoders see the same images.

import { InputError, ShapeError, expected } from '../core/errors.ts';
import { assertListOf } from '../core/kinds.ts';

/**
 * Linear centred kernel alignment of the vectors that two encoders give for the same images, 0 … 1.
 *
 * CKA = ‖YᵀX‖² / (‖XᵀX‖·‖YᵀY‖), Frobenius norms, the columns of X and Y centred. It is 1 for encodings that differ by a rotation and a factor,
 * and does not ask for vectors of one length. 0 where one of the encoders gives the same vector for all images.
 *
 * @param x  [n, d], a vector for each image
 * @param y  [n, e], for the same images in the same order
 * @throws ShapeError for another number of images or vectors of several lengths; InputError for fewer than 2 images or a number that is not
 *   finite
 *
 * Source: Kornblith et al. 2019, eq. 6.
 */
export function linearCka(
  x: readonly ArrayLike<number>[],
  y: readonly ArrayLike<number>[],
): number {
  const [k, l] = [centredGram('x', x), centredGram('y', y)];
  if (x.length !== y.length) {
    throw new ShapeError(expected(`${x.length} vectors, as x has,`, 'y', y.length));
  }
  const scale = Math.sqrt(product(k, k) * product(l, l));
  return scale > 0 ? Math.min(1, product(k, l) / scale) : 0;
}

// The products of all pairs of centred vectors, [n·n].
function centredGram(name: string, vectors: readonly ArrayLike<number>[]): Float64Array {
  assertListOf(name, vectors, 'array');
  const count = vectors.length;
  if (count < 2) throw new InputError(expected('at least 2 vectors', name, count));
  const length = vectors[0]!.length;
  const mean = new Float64Array(length);
  vectors.forEach((vector, i) => {
    if (vector.length !== length) {
      throw new ShapeError(expected(`${length} numbers`, `${name}[${i}]`, vector.length));
    }
    for (let d = 0; d < length; d += 1) {
      const value = vector[d]!;
      if (!Number.isFinite(value)) {
        throw new InputError(expected('finite numbers', `${name}[${i}]`, value));
      }
      mean[d] = mean[d]! + value / count;
    }
  });
  const gram = new Float64Array(count * count);
  for (let i = 0; i < count; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      let sum = 0;
      for (let d = 0; d < length; d += 1) {
        sum += (vectors[i]![d]! - mean[d]!) * (vectors[j]![d]! - mean[d]!);
      }
      gram[i * count + j] = sum;
      gram[j * count + i] = sum;
    }
  }
  return gram;
}

function product(a: Float64Array, b: Float64Array): number {
  return a.reduce((sum, value, i) => sum + value * b[i]!, 0);
}
