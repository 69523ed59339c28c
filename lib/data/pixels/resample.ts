// Resampling of rows and of columns by Pillow's integer weights.

import { pixelKernels, type ResamplePlan } from './pixelKernels.ts';

/** A filter: its support in source pixels at scale 1, and the weight at a distance from the centre. */
export interface FilterShape {
  readonly support: number;
  readonly weight: (x: number) => number;
}

// As in PIL: sums of 8-bit pixels stay below 2³¹.
const precision = 22;
const one = 2 ** precision;

/** The plan of a length that becomes another. */
export function resamplePlan(
  from: number,
  to: number,
  { support, weight }: FilterShape,
): ResamplePlan {
  const scale = from / to;
  const stretch = Math.max(1, scale);
  const reach = support * stretch;
  const shrink = 1 / stretch;
  const taps = Math.min(from, Math.ceil(reach) * 2 + 1);
  const firsts = new Int32Array(to);
  const weights = new Int32Array(to * taps);
  const raw = new Float64Array(taps);
  for (let i = 0; i < to; i += 1) {
    const centre = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(from, Math.trunc(centre + reach + 0.5));
    let sum = 0;
    for (let x = first; x < end; x += 1) {
      const value = weight((x - centre + 0.5) * shrink);
      raw[x - first] = value;
      sum += value;
    }
    // All windows have as many pixels; at the right edge one begins further to the left.
    const begin = Math.min(first, from - taps);
    firsts[i] = begin;
    for (let x = first; x < end; x += 1) {
      const value = raw[x - first]!;
      const fixed = (sum === 0 ? value : value / sum) * one;
      weights[i * taps + x - begin] = Math.trunc(fixed < 0 ? fixed - 0.5 : fixed + 0.5);
    }
  }
  return { count: to, taps, firsts, weights };
}

/** Rows of `width` pixels as rows of `plan.count`. @param data  [height, width, channels] */
export function resampleRows(
  data: Uint8Array,
  sizes: { height: number; width: number; channels: number },
  plan: ResamplePlan,
): Uint8Array {
  const { height, width, channels } = sizes;
  const { count, taps, firsts, weights } = plan;
  const out = new Uint8Array(height * count * channels);
  const fast = pixelKernels(channels);
  if (fast !== undefined) {
    fast.resampleRows(data, sizes, plan, out);
    return out;
  }
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let i = 0; i < count; i += 1) {
      const from = (y * width + firsts[i]!) * channels;
      for (let c = 0; c < channels; c += 1, at += 1) {
        out[at] = weighted(data, from + c, channels, weights, i * taps, taps);
      }
    }
  }
  return out;
}

/** Columns of `height` pixels as columns of `plan.count`. @param data  [height, stride] */
export function resampleColumns(
  data: Uint8Array,
  sizes: { height: number; stride: number },
  plan: ResamplePlan,
): Uint8Array {
  const { stride } = sizes;
  const { count, taps, firsts, weights } = plan;
  const out = new Uint8Array(count * stride);
  const fast = pixelKernels(1);
  if (fast !== undefined) {
    fast.resampleColumns(data, sizes, plan, out);
    return out;
  }
  for (let i = 0, at = 0; i < count; i += 1) {
    for (let x = 0; x < stride; x += 1, at += 1) {
      out[at] = weighted(data, firsts[i]! * stride + x, stride, weights, i * taps, taps);
    }
  }
  return out;
}

function weighted(
  data: Uint8Array,
  from: number,
  step: number,
  weights: Int32Array,
  first: number,
  taps: number,
): number {
  let sum = 1 << (precision - 1);
  for (let k = 0, at = from; k < taps; k += 1, at += step) {
    sum = (sum + Math.imul(weights[first + k]!, data[at]!)) | 0;
  }
  const level = sum >> precision;
  return level < 0 ? 0 : level > 255 ? 255 : level;
}
