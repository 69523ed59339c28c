// A patch embedding for patches of another size, by the pseudo-inverse of resizing.

import { toFloat32, type HostTensor } from '../../checkpoints/hostTensor.ts';
import { CheckpointError, expected } from '../../core/errors.ts';
import { resampleMatrix } from '../../ops/resampleMatrix.ts';

/**
 * The weight of a patch embedding [C, I, h, w] for patches of another size, so that a patch and its resized copy give the same token.
 *
 * With R the matrix that resizes a patch (bicubic, antialias), the new weight is W·R⁺. R is a product of one matrix for rows and one for
 * columns, and so is its pseudo-inverse: W'[y, x] = Σ_v Σ_u W[v, u] R_h⁺[v, y] R_w⁺[u, x], summed in float64.
 *
 * Source: Beyer et al. 2023, FlexiViT, section 3.4; timm/layers/patch_embed.py, `resample_patch_embed`.
 */
export function resamplePatchEmbed(
  tensor: HostTensor,
  [height, width]: readonly [number, number],
  name = 'patch_embed.proj.weight',
): HostTensor {
  const [out = 0, channels = 0, oldHeight = 0, oldWidth = 0] = tensor.shape;
  if (tensor.shape.length !== 4 || tensor.shape.some((size) => size === 0)) {
    throw new CheckpointError(expected('a convolution [C, I, h, w]', name, tensor.shape));
  }
  if (oldHeight === height && oldWidth === width) return tensor;
  const values = toFloat32(tensor, name);
  const rows = pseudoInverse(oldHeight, height);
  const columns = pseudoInverse(oldWidth, width);
  const kernels = out * channels;
  const data = new Float32Array(kernels * height * width);
  const wide = new Float64Array(oldHeight * width);
  for (let kernel = 0; kernel < kernels; kernel += 1) {
    const from = kernel * oldHeight * oldWidth;
    for (let v = 0; v < oldHeight; v += 1) {
      for (let x = 0; x < width; x += 1) {
        let sum = 0;
        for (let u = 0; u < oldWidth; u += 1) {
          sum += values[from + v * oldWidth + u]! * columns[u * width + x]!;
        }
        wide[v * width + x] = sum;
      }
    }
    for (let y = 0; y < height; y += 1) {
      for (let x = 0; x < width; x += 1) {
        let sum = 0;
        for (let v = 0; v < oldHeight; v += 1) {
          sum += wide[v * width + x]! * rows[v * height + y]!;
        }
        data[(kernel * height + y) * width + x] = sum;
      }
    }
  }
  return { dtype: 'F32', shape: [out, channels, height, width], data };
}

// R⁺ of the matrix R [to, from] that resizes one axis: [from, to], row-major. R has full rank: (RᵀR)⁻¹Rᵀ or Rᵀ(RRᵀ)⁻¹.
function pseudoInverse(from: number, to: number): Float64Array {
  const matrix = resampleMatrix(from, to, { method: 'bicubic', antialias: true });
  const [rank, isTall] = [Math.min(from, to), to >= from];
  const at = (row: number, column: number) => matrix[row * from + column]!;
  const gram = new Float64Array(rank * rank);
  for (let i = 0; i < rank; i += 1) {
    for (let j = 0; j < rank; j += 1) {
      let sum = 0;
      if (isTall) for (let k = 0; k < to; k += 1) sum += at(k, i) * at(k, j);
      else for (let k = 0; k < from; k += 1) sum += at(i, k) * at(j, k);
      gram[i * rank + j] = sum;
    }
  }
  // Right-hand sides: Rᵀ, of which each column is solved for; for a wide R the transpose of the result is what is solved.
  const sides = isTall ? to : from;
  const right = new Float64Array(rank * sides);
  for (let i = 0; i < rank; i += 1) {
    for (let j = 0; j < sides; j += 1) right[i * sides + j] = isTall ? at(j, i) : at(i, j);
  }
  solve(gram, right, rank, sides);
  if (isTall) return right;
  const inverse = new Float64Array(from * to);
  for (let i = 0; i < to; i += 1) {
    for (let j = 0; j < from; j += 1) inverse[j * to + i] = right[i * from + j]!;
  }
  return inverse;
}

// Gauss-Jordan elimination with the largest pivot, in place.
function solve(matrix: Float64Array, right: Float64Array, n: number, sides: number): void {
  const swap = (values: Float64Array, width: number, a: number, b: number) => {
    for (let k = 0; k < width; k += 1) {
      const kept = values[a * width + k]!;
      values[a * width + k] = values[b * width + k]!;
      values[b * width + k] = kept;
    }
  };
  for (let column = 0; column < n; column += 1) {
    let pivot = column;
    for (let row = column + 1; row < n; row += 1) {
      if (Math.abs(matrix[row * n + column]!) > Math.abs(matrix[pivot * n + column]!)) pivot = row;
    }
    swap(matrix, n, column, pivot);
    swap(right, sides, column, pivot);
    const scale = 1 / matrix[column * n + column]!;
    for (let k = 0; k < n; k += 1) matrix[column * n + k]! *= scale;
    for (let k = 0; k < sides; k += 1) right[column * sides + k]! *= scale;
    for (let row = 0; row < n; row += 1) {
      const factor = matrix[row * n + column]!;
      if (row === column || factor === 0) continue;
      for (let k = 0; k < n; k += 1) matrix[row * n + k]! -= factor * matrix[column * n + k]!;
      for (let k = 0; k < sides; k += 1) {
        right[row * sides + k]! -= factor * right[column * sides + k]!;
      }
    }
  }
}
