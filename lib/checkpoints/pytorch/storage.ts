// Storages and tensors of PyTorch as a pickle describes them: where the elements lie, before any is read.

import { CheckpointError, show } from '../../core/errors.ts';
import { bitsPerElement, elementsOf, type Dtype, type HostTensor } from '../hostTensor.ts';
import { PyExtension } from '../pickle/values.ts';

/**
 * A storage that a pickle refers to.
 *
 * @property key    its name in the file
 * @property dtype  undefined: bytes, which each tensor over it reads in its own dtype
 * @property size   the number of elements, of bytes where there is no dtype
 * @property start  the first element within the storage of this key, of a view of files before 1.6
 */
export class StorageNode extends PyExtension {
  readonly kind = 'storage';
  readonly key: string;
  readonly dtype: Dtype | undefined;
  readonly size: number;
  readonly start: number;

  constructor(key: string, dtype: Dtype | undefined, size: number, start = 0) {
    super();
    this.key = key;
    this.dtype = dtype;
    this.size = size;
    this.start = start;
  }

  /** The bytes of the whole storage. */
  get byteLength(): number {
    return this.size * (this.dtype === undefined ? 1 : bitsPerElement(this.dtype) / 8);
  }
}

/**
 * A tensor: a view of a storage.
 *
 * @property offset  of its first element, in elements
 * @property stride  elements between neighbours along each axis
 */
export class TensorNode extends PyExtension {
  readonly kind = 'tensor';
  readonly storage: StorageNode;
  readonly dtype: Dtype;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];

  constructor(
    storage: StorageNode,
    dtype: Dtype,
    view: { offset: number; shape: readonly number[]; stride: readonly number[] },
  ) {
    super();
    this.storage = storage;
    this.dtype = dtype;
    this.offset = view.offset;
    this.shape = view.shape;
    this.stride = view.stride;
  }

  /** The number of elements; may leave the safe integers in a hostile file. */
  get size(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }
}

/** A tensor of a kind that has no place among ours: sparse, quantized, nested. @property what  its kind in words */
export class OtherTensor extends PyExtension {
  readonly kind = 'other tensor';
  readonly what: string;

  constructor(what: string) {
    super();
    this.what = what;
  }
}

/**
 * The elements of a tensor, row-major. A contiguous one is a view of the storage's bytes, any other a copy.
 *
 * @param bytes   of the whole storage of its key
 * @param budget  told the bytes of a copy before it is made; throws where they are too many
 * @throws CheckpointError if a size, stride or offset leaves the storage
 */
export function elementsOfTensor(
  { storage, dtype, offset, shape, stride, size }: TensorNode,
  bytes: Uint8Array,
  name: string,
  budget: (bytes: number) => void,
): HostTensor {
  const itemSize = bitsPerElement(dtype) / 8;
  const held = bytes.length / itemSize;
  const own = [...shape];
  const bad = (what: string, received: unknown): CheckpointError =>
    new CheckpointError(`Expected ${what} for tensor ${show(name)}, received ${show(received)}.`);
  const whole = (value: number) => Number.isSafeInteger(value) && value >= 0;
  if (shape.length !== stride.length) throw bad('a stride for each size', stride);
  if (!shape.every(whole)) throw bad('sizes of integers ≥ 0', shape);
  if (!stride.every(whole)) throw bad('strides of integers ≥ 0', stride);
  if (!whole(offset)) throw bad('an offset of an integer ≥ 0', offset);
  if (size === 0) return { dtype, shape: own, data: elementsOf(dtype, new Uint8Array(0)) };
  const first = storage.start + offset;
  const last = shape.reduce((sum, axis, i) => sum + (axis - 1) * stride[i]!, first);
  if (!whole(size) || !whole(last) || last >= held) {
    throw bad(`elements within the ${Math.floor(held)} of its storage`, `up to ${last}`);
  }
  const range = (from: number, to: number) => bytes.subarray(from * itemSize, to * itemSize);
  if (isContiguous(shape, stride)) {
    return { dtype, shape: own, data: elementsOf(dtype, range(first, first + size)) };
  }
  budget(size * itemSize);
  const out = new Uint8Array(size * itemSize);
  gather(range(first, last + 1), out, { shape, stride, itemSize });
  return { dtype, shape: own, data: elementsOf(dtype, out) };
}

function isContiguous(shape: readonly number[], stride: readonly number[]): boolean {
  let wanted = 1;
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    if (shape[axis] !== 1 && stride[axis] !== wanted) return false;
    wanted *= shape[axis]!;
  }
  return true;
}

// Copies a strided view element by element; an odometer counts the outer axes.
function gather(
  from: Uint8Array,
  out: Uint8Array,
  view: { shape: readonly number[]; stride: readonly number[]; itemSize: number },
): void {
  const { shape, stride, itemSize } = view;
  const inner = shape.at(-1)!;
  const step = stride.at(-1)! * itemSize;
  const index = new Array<number>(shape.length - 1).fill(0);
  let row = 0;
  for (let at = 0; at < out.length; ) {
    for (let i = 0, source = row; i < inner; i += 1, source += step) {
      for (let b = 0; b < itemSize; b += 1) out[at + b] = from[source + b]!;
      at += itemSize;
    }
    for (let axis = index.length - 1; axis >= 0; axis -= 1) {
      index[axis]! += 1;
      row += stride[axis]! * itemSize;
      if (index[axis]! < shape[axis]!) break;
      row -= shape[axis]! * stride[axis]! * itemSize;
      index[axis] = 0;
    }
  }
}
