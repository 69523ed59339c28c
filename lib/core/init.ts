// Initial values of weights, drawn from a stream of random numbers.

import type { Rng } from './rng.ts';
import { sizeOf } from './check.ts';

/**
 * Values of a normal distribution cut at ± 2 units (not standard deviations), timm's `trunc_normal_`.
 *
 * x = mean + std · √2 · erf⁻¹(u), u uniform between the cut points' quantiles. With std 0.02 the cut is at 100 σ: never reached.
 *
 * Source: timm/layers/weight_init.py, `trunc_normal_`; drawn here by rejection from a normal stream.
 */
export function truncNormal(shape: readonly number[], rng: Rng, { std = 0.02 } = {}): Float32Array {
  return fill(shape, () => cutNormal(rng, std));
}

/** Values of a normal distribution. */
export function normal(
  shape: readonly number[],
  rng: Rng,
  { mean = 0, std = 1 } = {},
): Float32Array {
  return fill(shape, () => rng.normal(mean, std));
}

/** Values uniform in [−bound, bound). */
export function uniform(shape: readonly number[], rng: Rng, bound: number): Float32Array {
  return fill(shape, () => rng.uniform(-bound, bound));
}

/**
 * PyTorch's default for convolution and linear weights: uniform in ± 1/√fanIn.
 *
 * Source: He et al. 2015, eq. 10 with a = √5, as torch.nn.Linear.reset_parameters uses it.
 */
export function kaimingUniform(shape: readonly number[], rng: Rng, fanIn: number): Float32Array {
  return uniform(shape, rng, 1 / Math.sqrt(fanIn));
}

/**
 * Uniform in ± √(6 / (fanIn + fanOut)) for a matrix [out, in].
 *
 * Source: Glorot and Bengio 2010, eq. 16.
 */
export function xavierUniform(shape: readonly number[], rng: Rng): Float32Array {
  const [fanOut = 1, fanIn = 1] = shape;
  return uniform(shape, rng, Math.sqrt(6 / (fanIn + fanOut)));
}

/**
 * A truncated normal of variance 1/fanIn: it is cut at two standard deviations and scaled up by as much as the cut narrows it.
 *
 * Source: LeCun et al. 1998, "Efficient BackProp", eq. 16; the cut and its 0.87962566 as in timm's `lecun_normal_`.
 */
export function lecunNormal(shape: readonly number[], rng: Rng, fanIn: number): Float32Array {
  const std = 1 / Math.sqrt(fanIn) / 0.87962566103423978;
  return fill(shape, () => cutNormal(rng, 1) * std);
}

// One value of the normal distribution truncated at ± 2.
function cutNormal(rng: Rng, std: number): number {
  for (;;) {
    const x = rng.normal(0, std);
    if (Math.abs(x) <= 2) return x;
  }
}

function fill(shape: readonly number[], draw: () => number): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  for (let i = 0; i < values.length; i += 1) values[i] = draw();
  return values;
}
