// The weights of torch's 1-D resampling as dense matrices. Plain arrays, no tensors.

import { assertInteger } from '../core/check.ts';

/** The filters of torch's `interpolate` that position embeddings are resampled with. */
export type ResampleMethod = 'bicubic' | 'bilinear';

/**
 * The matrix that resamples a signal of inSize samples to outSize, sample centres at (i + ½)·inSize/outSize − ½.
 *
 * Each row sums to 1. Without antialias, the filter has 2 or 4 taps around the centre, indices are clamped at the edges, and the
 * cubic has a = −0.75. With antialias, the filter is stretched by inSize/outSize when shrinking, cut at the edges and normalised,
 * and the cubic has a = −0.5 (as in PIL), when enlarging too.
 *
 * @returns [outSize, inSize], row-major; computed in float64, rounded once
 *
 * Source: torch's `UpSampleKernel.cpp` (align_corners = false); Keys 1981 for the cubic.
 */
export function resampleMatrix(
  inSize: number,
  outSize: number,
  { method, antialias }: { method: ResampleMethod; antialias: boolean },
): Float32Array {
  assertInteger('inSize', inSize, { min: 1, max: 65_536 });
  assertInteger('outSize', outSize, { min: 1, max: 65_536 });
  const matrix = new Float64Array(outSize * inSize);
  for (let row = 0; row < outSize; row += 1) {
    const weights = matrix.subarray(row * inSize, (row + 1) * inSize);
    const centre = ((row + 0.5) * inSize) / outSize;
    if (antialias) stretchedTaps(weights, centre, Math.max(inSize / outSize, 1), method);
    else if (method === 'bicubic') cubicTaps(weights, centre - 0.5);
    else linearTaps(weights, Math.max(centre - 0.5, 0));
  }
  return Float32Array.from(matrix);
}

// `centre` in edge coordinates: sample j covers [j, j + 1].
function stretchedTaps(
  weights: Float64Array,
  centre: number,
  stretch: number,
  method: ResampleMethod,
): void {
  const support = (method === 'bicubic' ? 2 : 1) * stretch;
  const first = Math.max(Math.trunc(centre - support + 0.5), 0);
  const end = Math.min(Math.trunc(centre + support + 0.5), weights.length);
  let total = 0;
  for (let j = first; j < end; j += 1) {
    const distance = (j + 0.5 - centre) / stretch;
    const weight = method === 'bicubic' ? cubic(distance, -0.5) : triangle(distance);
    weights[j] = weight;
    total += weight;
  }
  for (let j = first; j < end; j += 1) weights[j]! /= total;
}

function cubicTaps(weights: Float64Array, position: number): void {
  const base = Math.floor(position);
  for (let tap = base - 1; tap <= base + 2; tap += 1) {
    const j = Math.min(Math.max(tap, 0), weights.length - 1);
    weights[j]! += cubic(position - tap, -0.75);
  }
}

function linearTaps(weights: Float64Array, position: number): void {
  const base = Math.floor(position);
  const fraction = position - base;
  weights[base]! += 1 - fraction;
  weights[Math.min(base + 1, weights.length - 1)]! += fraction;
}

// Keys' cubic convolution with the free parameter a.
function cubic(distance: number, a: number): number {
  const x = Math.abs(distance);
  if (x < 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

function triangle(distance: number): number {
  return Math.max(1 - Math.abs(distance), 0);
}
