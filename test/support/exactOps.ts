// An independent implementation of the ops as loops over float64 arrays, with which the op table compares every backend and every
// gradient. It is written from the formulas, one number at a time, without code of lib/ops.

// These are local because each look-up of a global costs 0.2 µs in jest's sandbox.
const { abs, exp, floor, log, log1p, max, min, sign, sqrt, tanh } = Math;

/** A tensor of float64, row-major. */
export interface Exact {
  shape: readonly number[];
  data: Float64Array;
}

const rowsOf = (x: Exact): number => x.data.length / x.shape.at(-1)!;

/** Σ_i x[m,i]·w[o,i] + b[o], then f. */
export function linear(
  x: Exact,
  weight: Exact,
  bias?: Exact,
  f: (v: number) => number = (v) => v,
): Float64Array {
  const [outSize, inSize] = weight.shape as [number, number];
  const out = new Float64Array(rowsOf(x) * outSize);
  for (let m = 0; m < rowsOf(x); m += 1) {
    for (let o = 0; o < outSize; o += 1) {
      let sum = bias?.data[o] ?? 0;
      for (let i = 0; i < inSize; i += 1) {
        sum += x.data[m * inSize + i]! * weight.data[o * inSize + i]!;
      }
      out[m * outSize + o] = f(sum);
    }
  }
  return out;
}

/** erf by e^(−x²)·Σ 2ⁿx^(2n+1)/(2n+1)!!, all terms of one sign; 1e-16. */
export function erf(x: number): number {
  if (abs(x) > 6) return sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 200 && abs(term) > 1e-18 * abs(sum); n += 1) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / sqrt(Math.PI)) * exp(-x * x) * sum;
}

/** The three forms of GELU, one number at a time. */
export const gelu = {
  erf: (x: number) => 0.5 * x * (1 + erf(x / Math.SQRT2)),
  tanh: (x: number) => 0.5 * x * (1 + tanh(sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3))),
  quick: (x: number) => x / (1 + exp(-1.702 * x)),
};

/** (x − mean)/√(variance + ε)·gamma + beta over the last axis. */
export function layerNorm(x: Exact, gamma: Exact, beta: Exact, epsilon: number): Float64Array {
  const size = x.shape.at(-1)!;
  const out = new Float64Array(x.data.length);
  for (let start = 0; start < out.length; start += size) {
    const row = x.data.subarray(start, start + size);
    const mean = row.reduce((sum, v) => sum + v, 0) / size;
    const variance = row.reduce((sum, v) => sum + (v - mean) ** 2, 0) / size;
    row.forEach((v, c) => {
      const normal = (v - mean) / sqrt(variance + epsilon);
      out[start + c] = normal * gamma.data[c]! + beta.data[c]!;
    });
  }
  return out;
}

/** x/√(mean(x²) + ε)·gamma over the last axis. */
export function rmsNorm(x: Exact, gamma: Exact, epsilon: number): Float64Array {
  const size = x.shape.at(-1)!;
  const out = new Float64Array(x.data.length);
  for (let start = 0; start < out.length; start += size) {
    const row = x.data.subarray(start, start + size);
    const power = row.reduce((sum, v) => sum + v * v, 0) / size;
    row.forEach((v, c) => (out[start + c] = (v / sqrt(power + epsilon)) * gamma.data[c]!));
  }
  return out;
}

/** x·σ(x). */
export const silu = (x: number): number => x / (1 + exp(-x));

/** Each column of x [..., C] to mean 0 and variance 1, then gamma and beta. */
export function batchNorm(x: Exact, gamma: Exact, beta: Exact, epsilon: number): Float64Array {
  const size = x.shape.at(-1)!;
  const rows = rowsOf(x);
  const out = new Float64Array(x.data.length);
  for (let c = 0; c < size; c += 1) {
    let mean = 0;
    for (let m = 0; m < rows; m += 1) mean += x.data[m * size + c]! / rows;
    let variance = 0;
    for (let m = 0; m < rows; m += 1) variance += (x.data[m * size + c]! - mean) ** 2 / rows;
    for (let m = 0; m < rows; m += 1) {
      const normal = (x.data[m * size + c]! - mean) / sqrt(variance + epsilon);
      out[m * size + c] = normal * gamma.data[c]! + beta.data[c]!;
    }
  }
  return out;
}

/** Softmax of one row. */
export function softmax(row: Float64Array): Float64Array {
  const top = row.reduce((a, b) => max(a, b), -Infinity);
  const powers = row.map((v) => exp(v - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((v) => v / sum);
}

/** Attention of q [B, h, N, D] over k, v [B, h, M, D]: the result and the probabilities. */
export function attention(
  q: Exact,
  k: Exact,
  v: Exact,
  scale: number,
): { out: Float64Array; probabilities: Float64Array } {
  const [batch, heads, queries, headDim] = q.shape as [number, number, number, number];
  const keys = k.shape[2]!;
  const out = new Float64Array(q.data.length);
  const probabilities = new Float64Array(batch * heads * queries * keys);
  for (let row = 0; row < batch * heads * queries; row += 1) {
    const first = floor(row / queries) * keys; // of this head's keys
    const logits = new Float64Array(keys);
    for (let j = 0; j < keys; j += 1) {
      for (let d = 0; d < headDim; d += 1) {
        logits[j]! += scale * q.data[row * headDim + d]! * k.data[(first + j) * headDim + d]!;
      }
    }
    const p = softmax(logits);
    probabilities.set(p, row * keys);
    for (let j = 0; j < keys; j += 1) {
      for (let d = 0; d < headDim; d += 1) {
        out[row * headDim + d]! += p[j]! * v.data[(first + j) * headDim + d]!;
      }
    }
  }
  return { out, probabilities };
}

/** Attention of packed qkv [B, N, 3·C] → [B, N, C]. */
export function qkvAttention(qkv: Exact, heads: number, scale: number): Float64Array {
  const [batch, tokens, packed] = qkv.shape as [number, number, number];
  const headDim = packed / 3 / heads;
  const shape = [batch, heads, tokens, headDim];
  const part = (index: number): Exact => {
    const data = new Float64Array((batch * tokens * packed) / 3);
    each(shape, ([b, h, n, d], i) => {
      data[i] = qkv.data[(b! * tokens + n!) * packed + (index * heads + h!) * headDim + d!]!;
    });
    return { shape, data };
  };
  const { out } = attention(part(0), part(1), part(2), scale);
  const merged = new Float64Array(out.length);
  each(shape, ([b, h, n, d], i) => {
    merged[((b! * tokens + n!) * heads + h!) * headDim + d!] = out[i]!;
  });
  return merged;
}

/** −Σ t·log softmax(z) of each row. */
export function softmaxCrossEntropy(logits: Exact, targets: Exact): Float64Array {
  return perRow(logits, (row, start) => {
    const top = row.reduce((a, b) => max(a, b), -Infinity);
    const logSum = top + log(row.reduce((sum, z) => sum + exp(z - top), 0));
    return row.reduce((loss, z, k) => loss + targets.data[start + k]! * (logSum - z), 0);
  });
}

/** mean −(t·log σ(z) + (1 − t)·log(1 − σ(z))) of each row. */
export function binaryCrossEntropy(logits: Exact, targets: Exact): Float64Array {
  const softplus = (z: number): number => max(z, 0) + log1p(exp(-abs(z)));
  return perRow(logits, (row, start) => {
    const terms = row.map((z, k) => {
      const t = targets.data[start + k]!;
      return t * softplus(-z) + (1 - t) * softplus(z);
    });
    return terms.reduce((a, b) => a + b, 0) / row.length;
  });
}

/** Patches of x [B, H, W, I] in the order (channel, row, column). */
export function patchify(x: Exact, patchHeight: number, patchWidth: number): Float64Array {
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  const [rows, columns] = [height / patchHeight, width / patchWidth];
  const out = new Float64Array(x.data.length);
  each([batch, rows, columns, channels, patchHeight, patchWidth], ([b, r, c, i, y, w], at) => {
    const pixel = (b! * height + r! * patchHeight + y!) * width + c! * patchWidth + w!;
    out[at] = x.data[pixel * channels + i!]!;
  });
  return out;
}

/** √Σ‖t‖². */
export function norm(tensors: readonly Exact[]): number {
  return sqrt(tensors.reduce((all, { data }) => data.reduce((sum, v) => sum + v * v, all), 0));
}

/** torch's AdamW on one tensor: new parameter, moments side by side. */
export function adamW(
  [p, g, m, v]: [Exact, Exact, Exact, Exact],
  o: { lr: number; decay: number; beta1: number; beta2: number; epsilon: number; step: number },
): Float64Array {
  const newM = m.data.map((value, i) => o.beta1 * value + (1 - o.beta1) * g.data[i]!);
  const newV = v.data.map((value, i) => o.beta2 * value + (1 - o.beta2) * g.data[i]! ** 2);
  const newP = p.data.map((value, i) => {
    const mean = newM[i]! / (1 - o.beta1 ** o.step);
    const root = sqrt(newV[i]! / (1 - o.beta2 ** o.step));
    return value - o.lr * o.decay * value - (o.lr * mean) / (root + o.epsilon);
  });
  return Float64Array.of(...newP, ...newM, ...newV);
}

/** A position embedding [1, h·w, C] sampled at every pixel of another grid, each from its own taps. */
export function resample(
  x: Exact,
  [height, width]: [number, number],
  [newHeight, newWidth]: [number, number],
  taps: (position: number, ratio: number, size: number) => Map<number, number>,
): Float64Array {
  const channels = x.shape[2]!;
  const out = new Float64Array(newHeight * newWidth * channels);
  each([newHeight, newWidth, channels], ([row, column, c], at) => {
    const vertical = taps(((row! + 0.5) * height) / newHeight, height / newHeight, height);
    const horizontal = taps(((column! + 0.5) * width) / newWidth, width / newWidth, width);
    for (const [y, a] of vertical) {
      for (const [w, b] of horizontal) out[at]! += a * b * x.data[(y * width + w) * channels + c!]!;
    }
  });
  return out;
}

/** Interpolation taps at the two or four neighbours, indices clamped. */
export function pointTaps(a: number | undefined) {
  return (centre: number, _ratio: number, size: number): Map<number, number> => {
    const position = a === undefined ? max(centre - 0.5, 0) : centre - 0.5;
    const weights = new Map<number, number>();
    const base = floor(position);
    for (let tap = base - 1; tap <= base + 2; tap += 1) {
      const weight = kernelAt(position - tap, a);
      const j = min(max(tap, 0), size - 1);
      if (weight !== 0) weights.set(j, (weights.get(j) ?? 0) + weight);
    }
    return weights;
  };
}

/** Taps of the filter stretched by the ratio when shrinking, cut at the edges, normalised. */
export function areaTaps(a: number | undefined) {
  return (centre: number, ratio: number, size: number): Map<number, number> => {
    const stretch = max(1, ratio);
    const weights = new Map<number, number>();
    for (let j = 0; j < size; j += 1) {
      const weight = kernelAt((j + 0.5 - centre) / stretch, a);
      if (weight !== 0) weights.set(j, weight);
    }
    const total = [...weights.values()].reduce((x, y) => x + y, 0);
    return new Map([...weights].map(([j, weight]) => [j, weight / total]));
  };
}

function kernelAt(distance: number, a: number | undefined): number {
  const x = abs(distance);
  if (a === undefined) return max(0, 1 - x);
  if (x <= 1) return (a + 2) * x ** 3 - (a + 3) * x ** 2 + 1;
  return x < 2 ? a * x ** 3 - 5 * a * x ** 2 + 8 * a * x - 4 * a : 0;
}

function perRow(x: Exact, f: (row: Float64Array, start: number) => number): Float64Array {
  const size = x.shape.at(-1)!;
  return Float64Array.from({ length: rowsOf(x) }, (_, r) =>
    f(x.data.subarray(r * size, (r + 1) * size), r * size),
  );
}

// Every index of a shape in row-major order, with its flat position.
function each(shape: readonly number[], f: (index: number[], flat: number) => void): void {
  const total = shape.reduce((a, b) => a * b, 1);
  for (let flat = 0; flat < total; flat += 1) {
    let rest = flat;
    const index = shape.map(() => 0);
    for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
      index[axis] = rest % shape[axis]!;
      rest = floor(rest / shape[axis]!);
    }
    f(index, flat);
  }
}
