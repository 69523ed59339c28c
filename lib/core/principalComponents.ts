// Principal components of rows of numbers.

import { assertInteger } from './check.ts';
import { ShapeError, expected } from './errors.ts';
import { Rng } from './rng.ts';

/**
 * The principal components of rows.
 *
 * @property mean       [D]
 * @property components  [k, D], orthonormal, the one that explains most first; the largest entry of each by size is positive, so that
 *                      signs do not depend on anything else
 * @property variances  [k], of the rows along each component
 * @property total      the variance of the rows along all directions
 */
export interface PrincipalComponents {
  mean: Float64Array;
  components: Float64Array[];
  variances: number[];
  total: number;
}

/**
 * The first k principal components of n rows, by orthogonal iteration.
 *
 * @param rows  [n, D], row by row
 * @throws ShapeError if the values are not whole rows
 */
export function principalComponents(
  rows: ArrayLike<number>,
  dim: number,
  count: number,
  { rounds = 200 }: { rounds?: number } = {},
): PrincipalComponents {
  assertInteger('dim', dim, { min: 1 });
  const n = rows.length / dim;
  if (!Number.isInteger(n) || n < 1) {
    throw new ShapeError(expected(`rows of ${dim} values`, 'rows', rows.length));
  }
  assertInteger('count', count, { min: 1, max: dim });
  const mean = new Float64Array(dim);
  for (let i = 0; i < rows.length; i += 1) mean[i % dim] = mean[i % dim]! + rows[i]! / n;
  const centred = Float64Array.from({ length: rows.length }, (_, i) => rows[i]! - mean[i % dim]!);
  const total = centred.reduce((sum, value) => sum + value * value, 0) / n;
  const rng = new Rng(0).split('principalComponents');
  let basis = orthonormal(
    Array.from({ length: count }, () => Float64Array.from({ length: dim }, () => rng.normal())),
  );
  for (let round = 0; round < rounds; round += 1) {
    const next = orthonormal(basis.map((vector) => covariance(centred, n, vector)));
    const moved = Math.max(...next.map((vector, k) => 1 - Math.abs(dot(vector, basis[k]!))));
    basis = next;
    if (moved < 1e-12) break;
  }
  const found = basis.map((vector) => ({
    vector,
    variance: dot(vector, covariance(centred, n, vector)),
  }));
  found.sort((a, b) => b.variance - a.variance);
  return {
    mean,
    components: found.map(({ vector }) => signed(vector)),
    variances: found.map(({ variance }) => Math.max(0, variance)),
    total,
  };
}

/** The coordinates of rows along components, [n, k] row by row. */
export function project(
  rows: ArrayLike<number>,
  { mean, components }: Pick<PrincipalComponents, 'mean' | 'components'>,
): Float64Array {
  const dim = mean.length;
  const n = rows.length / dim;
  const result = new Float64Array(n * components.length);
  for (let i = 0; i < n; i += 1) {
    components.forEach((component, k) => {
      let sum = 0;
      for (let d = 0; d < dim; d += 1) sum += (rows[i * dim + d]! - mean[d]!) * component[d]!;
      result[i * components.length + k] = sum;
    });
  }
  return result;
}

function covariance(centred: Float64Array, n: number, vector: Float64Array): Float64Array {
  const dim = vector.length;
  const result = new Float64Array(dim);
  for (let i = 0; i < n; i += 1) {
    let along = 0;
    for (let d = 0; d < dim; d += 1) along += centred[i * dim + d]! * vector[d]!;
    for (let d = 0; d < dim; d += 1) result[d] = result[d]! + (along * centred[i * dim + d]!) / n;
  }
  return result;
}

// Gram and Schmidt, twice; a vector with nothing left becomes an axis that is free.
function orthonormal(vectors: Float64Array[]): Float64Array[] {
  const done: Float64Array[] = [];
  for (const vector of vectors) {
    let own = vector;
    for (let axis = -1; ; axis += 1) {
      for (let pass = 0; pass < 2; pass += 1) {
        for (const other of done) {
          const along = dot(own, other);
          own = own.map((value, d) => value - along * other[d]!);
        }
      }
      const length = Math.sqrt(dot(own, own));
      if (length > 1e-12) {
        done.push(own.map((value) => value / length));
        break;
      }
      own = new Float64Array(vector.length);
      own[axis + 1] = 1;
    }
  }
  return done;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!;
  return sum;
}

function signed(vector: Float64Array): Float64Array {
  const largest = vector.reduce(
    (best, value) => (Math.abs(value) > Math.abs(best) ? value : best),
    0,
  );
  return largest < 0 ? vector.map((value) => -value) : vector;
}
