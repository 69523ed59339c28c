// Numerical integration over an interval.

import { assertInteger } from './check.ts';

/**
 * The Gauss-Legendre rule of n points on [0, 1]: ∫₀¹ f ≈ Σ weights_i · f(points_i), exact for polynomials up to degree 2n − 1.
 *
 * Points rise; weights sum to 1.
 *
 * Source: Newton's method on the Legendre polynomials, with Tricomi's first guess.
 */
export function gaussLegendre(n: number): { points: number[]; weights: number[] } {
  assertInteger('the points of a quadrature', n, { min: 1, max: 65_536 });
  const points: number[] = [];
  const weights: number[] = [];
  for (let i = n; i >= 1; i -= 1) {
    let x = Math.cos((Math.PI * (i - 0.25)) / (n + 0.5));
    for (let round = 0; round < 100; round += 1) {
      const [value, derivative] = legendre(n, x);
      const moved = value / derivative;
      x -= moved;
      if (Math.abs(moved) < 1e-16) break;
    }
    const [, slope] = legendre(n, x);
    points.push((x + 1) / 2);
    weights.push(1 / ((1 - x * x) * slope * slope));
  }
  return { points, weights };
}

// P_n(x) and its derivative.
function legendre(n: number, x: number): [value: number, derivative: number] {
  let [before, value] = [1, x];
  for (let k = 2; k <= n; k += 1) {
    [before, value] = [value, ((2 * k - 1) * x * value - (k - 1) * before) / k];
  }
  return [value, (n * (x * value - before)) / (x * x - 1)];
}
