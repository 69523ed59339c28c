// Numbers of the Beta and the Gamma distribution.

import type { Rng } from './rng.ts';

/**
 * A number of the Beta(a, b) distribution, in [0, 1]: x / (x + y) with x of Gamma(a) and y of Gamma(b).
 *
 * @param a, b  above 0
 */
export function drawBeta(rng: Rng, a: number, b: number): number {
  const x = drawGamma(rng, a);
  const y = drawGamma(rng, b);
  // Both vanish only when a and b are tiny, and then the distribution has its mass at 0 and 1.
  return x + y > 0 ? x / (x + y) : rng.bernoulli(a / (a + b)) ? 1 : 0;
}

/**
 * A number of the Gamma(shape) distribution with scale 1.
 *
 * Source: Marsaglia and Tsang 2000; below shape 1, Gamma(shape + 1) · U^(1 / shape).
 */
export function drawGamma(rng: Rng, shape: number): number {
  if (shape < 1) return drawGamma(rng, shape + 1) * (1 - rng.uniform()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = rng.normal();
    const v = (1 + c * x) ** 3;
    if (v <= 0) continue;
    if (Math.log(1 - rng.uniform()) < 0.5 * x * x + d * (1 - v + Math.log(v))) return d * v;
  }
}
