// Moves of elements between the layouts of foreign checkpoints and ours: rows joined and cut, axes exchanged, dtype kept.

import { sizeOf } from '../../core/check.ts';
import { CheckpointError, expected, show } from '../../core/errors.ts';
import { toFloat32, type ElementArray, type HostTensor } from '../../checkpoints/hostTensor.ts';

/** Tensors one below the other, in their own dtype if it is the same. @throws CheckpointError if their rows differ in length */
export function joinRows(parts: readonly HostTensor[]): HostTensor {
  const [first, ...others] = parts;
  const { dtype, shape } = first!;
  const [, ...row] = shape;
  const fits = others.every((part) => part.shape.slice(1).join() === row.join());
  if (!fits) {
    const shapes = parts.map((part) => part.shape);
    throw new CheckpointError(expected('rows of one length', 'queries, keys and values', shapes));
  }
  const rows = parts.reduce((sum, part) => sum + part.shape[0]!, 0);
  const same = others.every((part) => part.dtype === dtype);
  const arrays = parts.map((part) => (same ? part.data : toFloat32(part)));
  const length = arrays.reduce((sum, { length: own }) => sum + own, 0);
  const Elements = arrays[0]!.constructor as new (length: number) => Float32Array;
  const data = new Elements(length);
  let at = 0;
  for (const array of arrays as Float32Array[]) {
    data.set(array, at);
    at += array.length;
  }
  return { dtype: same ? dtype : 'F32', shape: [rows, ...row], data };
}

/** The rows from ≤ i < to, a view. */
export function rowsOf({ dtype, shape, data }: HostTensor, from: number, to: number): HostTensor {
  const [, ...row] = shape;
  const size = sizeOf(row);
  return { dtype, shape: [to - from, ...row], data: data.subarray(from * size, to * size) };
}

/** The same elements under another shape. @throws CheckpointError if it has another number of them */
export function shaped(tensor: HostTensor, shape: number[], name: string): HostTensor {
  if (sizeOf(shape) === sizeOf(tensor.shape)) return { ...tensor, shape };
  throw new CheckpointError(
    `Expected shape ${show(shape)} for ${show(name)}, received ${show(tensor.shape)}.`,
  );
}

/** A tensor whose axis i is axis `axes[i]` of the given one, row-major again. */
export function permuted({ dtype, shape, data }: HostTensor, axes: readonly number[]): HostTensor {
  const to = axes.map((axis) => shape[axis]!);
  const strides = shape.map((_, axis) => sizeOf(shape.slice(axis + 1)));
  const steps = axes.map((axis) => strides[axis]!);
  const out = new (data.constructor as new (length: number) => ElementArray)(data.length);
  const index = new Array<number>(to.length).fill(0);
  let from = 0;
  for (let at = 0; at < out.length; at += 1) {
    out[at] = data[from]!;
    for (let axis = to.length - 1; axis >= 0; axis -= 1) {
      index[axis]! += 1;
      from += steps[axis]!;
      if (index[axis]! < to[axis]!) break;
      from -= to[axis]! * steps[axis]!;
      index[axis] = 0;
    }
  }
  return { dtype, shape: to, data: out };
}

/** The sum of two tensors of one size, in float32 and in the shape of the first. */
export function sumOf(a: HostTensor, b: HostTensor): HostTensor {
  const [left, right] = [toFloat32(a), toFloat32(b)];
  return { dtype: 'F32', shape: a.shape, data: left.map((value, i) => value + right[i]!) };
}
