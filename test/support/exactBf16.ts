// An independent implementation of the bf16 ops and their gradients: loops over float64 that round where the ops document it,
// written from the formulas without code of lib/ops.

import { gelu, type Exact } from './exactOps.ts';

const { exp, floor, max } = Math;
const float = new Float32Array(1);
const bits = new Uint32Array(float.buffer);

/** The nearest bfloat16 of a float32, ties to even, by its bits. */
export function bf16(x: number): number {
  float[0] = x;
  if (Number.isNaN(float[0])) return NaN;
  bits[0] = (bits[0]! + 0x7fff + ((bits[0]! >>> 16) & 1)) & 0xffff0000;
  return float[0];
}

/** The result of an op, and the gradients of Σ dOut·out by input. */
export interface Passed {
  out: Float64Array;
  gradients: Record<string, Float64Array>;
}

/** y = f(bf16(x)·bf16(W)ᵀ + b) with its gradients. */
export function linear(
  { x, weight, bias }: Record<'x' | 'weight' | 'bias', Exact>,
  dOut: ArrayLike<number>,
  form?: keyof typeof gelu,
): Passed {
  const [outSize, inSize] = weight.shape as [number, number];
  const rows = x.data.length / inSize;
  const [a, w] = [x.data.map(bf16), weight.data.map(bf16)];
  const out = new Float64Array(rows * outSize);
  const [dX, dW] = [new Float64Array(a.length), new Float64Array(w.length)];
  const dBias = new Float64Array(outSize);
  for (let m = 0; m < rows; m += 1) {
    for (let o = 0; o < outSize; o += 1) {
      let sum = bias.data[o]!;
      for (let i = 0; i < inSize; i += 1) sum += a[m * inSize + i]! * w[o * inSize + i]!;
      const at = m * outSize + o;
      out[at] = form === undefined ? sum : gelu[form](sum);
      const d = dOut[at]! * (form === undefined ? 1 : slope(gelu[form], sum));
      dBias[o]! += d;
      for (let i = 0; i < inSize; i += 1) {
        dX[m * inSize + i]! += bf16(d) * w[o * inSize + i]!;
        dW[o * inSize + i]! += bf16(d) * a[m * inSize + i]!;
      }
    }
  }
  return { out, gradients: { x: dX, weight: dW, bias: dBias } };
}

/**
 * Attention in bf16 with its gradients. The fused kernel rounds exp(logit − maximum) and dS before the scale. With `open` it is
 * the form of plain ops, which rounds the probabilities and dS after the scale, and the probabilities follow the result.
 */
export function attention(
  { q, k, v }: Record<'q' | 'k' | 'v', Exact>,
  dOut: ArrayLike<number>,
  { open = false } = {},
): Passed {
  const [batch, heads, queries, dim] = q.shape as [number, number, number, number];
  const keys = k.shape[2]!;
  const scale = dim ** -0.5;
  const [rq, rk, rv] = [q, k, v].map(({ data }) => data.map(bf16)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const size = q.data.length;
  const out = new Float64Array(size + (open ? batch * heads * queries * keys : 0));
  const [dQ, dK, dV] = [rq, rk, rv].map((x) => new Float64Array(x.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  for (let row = 0; row < batch * heads * queries; row += 1) {
    const first = floor(row / queries) * keys;
    const dot = (a: ArrayLike<number>, b: Float64Array, j: number, round = false): number => {
      let sum = 0;
      for (let d = 0; d < dim; d += 1) {
        const left = a[row * dim + d]!;
        sum += (round ? bf16(left) : left) * b[(first + j) * dim + d]!;
      }
      return sum;
    };
    const logits = Float64Array.from({ length: keys }, (_, j) => scale * dot(rq, rk, j));
    const top = logits.reduce((a, b) => max(a, b), -Infinity);
    const e = logits.map((z) => exp(z - top));
    const total = e.reduce((a, b) => a + b, 0);
    const p = e.map((x) => x / total);
    const used = open ? p.map(bf16) : e.map((x) => bf16(x) / total);
    for (let j = 0; j < keys; j += 1) {
      if (open) out[size + row * keys + j] = p[j]!;
      for (let d = 0; d < dim; d += 1) out[row * dim + d]! += used[j]! * rv[(first + j) * dim + d]!;
    }
    const dP = p.map((_, j) => dot(dOut, rv, j, true) + (open ? dOut[size + row * keys + j]! : 0));
    let mean = 0;
    for (let d = 0; d < dim; d += 1) mean += dOut[row * dim + d]! * out[row * dim + d]!;
    if (open) mean = dP.reduce((sum, x, j) => sum + x * p[j]!, 0);
    for (let j = 0; j < keys; j += 1) {
      const dS = p[j]! * (dP[j]! - mean);
      const dLogit = open ? bf16(scale * dS) : scale * bf16(dS);
      for (let d = 0; d < dim; d += 1) {
        const [at, other] = [row * dim + d, (first + j) * dim + d];
        dQ[at]! += dLogit * rk[other]!;
        dK[other]! += dLogit * rq[at]!;
        dV[other]! += bf16(p[j]!) * bf16(dOut[at]!);
      }
    }
  }
  return { out, gradients: { q: dQ, k: dK, v: dV } };
}

/** `attention` of packed qkv [B, N, 3·C] → [B, N, C]. */
export function qkvAttention(qkv: Exact, heads: number, dOut: ArrayLike<number>): Passed {
  const [batch, tokens, packed] = qkv.shape as [number, number, number];
  const dim = packed / 3 / heads;
  const shape = [batch, heads, tokens, dim];
  const count = (batch * tokens * packed) / 3;
  // The index of element i of a [B, h, N, D] array in rows of `width`, shifted by `offset`.
  const place = (i: number, width: number, offset: number): number => {
    const [d, n] = [i % dim, floor(i / dim) % tokens];
    const [h, b] = [floor(i / dim / tokens) % heads, floor(i / dim / tokens / heads)];
    return (b * tokens + n) * width + offset + h * dim + d;
  };
  const part = (index: number): Exact => ({
    shape,
    data: Float64Array.from(
      { length: count },
      (_, i) => qkv.data[place(i, packed, (index * packed) / 3)]!,
    ),
  });
  const above = Float64Array.from({ length: count }, (_, i) => dOut[place(i, packed / 3, 0)]!);
  const { out, gradients } = attention({ q: part(0), k: part(1), v: part(2) }, above);
  const merged = new Float64Array(count);
  out.forEach((value, i) => (merged[place(i, packed / 3, 0)] = value));
  const dQkv = new Float64Array(qkv.data.length);
  Object.values(gradients).forEach((gradient, index) =>
    gradient.forEach((value, i) => (dQkv[place(i, packed, (index * packed) / 3)] = value)),
  );
  return { out: merged, gradients: { qkv: dQkv } };
}

function slope(f: (x: number) => number, x: number): number {
  return (f(x + 1e-5) - f(x - 1e-5)) / 2e-5;
}
