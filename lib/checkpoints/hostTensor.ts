// Host tensors: the elements of a tensor of a checkpoint in plain memory, outside any backend.

import { assertFields, assertKind } from '../core/kinds.ts';
import { sizeOf } from '../core/check.ts';
import { CheckpointError, InputError, expected, show } from '../core/errors.ts';

// The dtypes that a JavaScript array can hold. F16 and BF16 are kept as their 16 bits, BOOL as bytes.
const arrays = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U64: BigUint64Array,
  U32: Uint32Array,
  U16: Uint16Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const;

// The other dtypes of safetensors, kept as raw bytes, with the bits of one element. C64 is a pair of float32.
const rawBits = {
  C64: 64,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  F8_E4M3FNUZ: 8,
  F8_E5M2FNUZ: 8,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F4: 4,
} as const;

/** The dtypes that have a value in float32, under the names of safetensors. */
export type NumericDtype = keyof typeof arrays;

/** The dtypes of a checkpoint: the 22 of safetensors 0.8, under its names. */
export type Dtype = NumericDtype | keyof typeof rawBits;

/** The arrays that hold the elements of a host tensor. */
export type ElementArray =
  | Float64Array
  | Float32Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | BigUint64Array
  | Uint32Array
  | Uint16Array
  | Uint8Array;

/**
 * A tensor outside any backend: the elements exactly as a file stores them, row-major.
 *
 * @property data  one number an element; for C64, F8, F6 and F4 the raw bytes (F6 and F4 are packed without padding)
 */
export interface HostTensor {
  dtype: Dtype;
  shape: number[];
  data: ElementArray;
}

/** The names of all dtypes, those with a value in float32 first. */
export const dtypes: readonly Dtype[] = [
  ...(Object.keys(arrays) as NumericDtype[]),
  ...(Object.keys(rawBits) as (keyof typeof rawBits)[]),
];

/** Whether a word names a dtype. */
export function isDtype(word: unknown): word is Dtype {
  return typeof word === 'string' && (Object.hasOwn(arrays, word) || Object.hasOwn(rawBits, word));
}

/** Whether the elements of a dtype have a value in float32, so that a tensor of it can be a weight (`toFloat32`). */
export function isNumericDtype(dtype: Dtype): dtype is NumericDtype {
  return Object.hasOwn(arrays, dtype);
}

/** The bits of one element: 64, 32, 16, 8, 6 or 4. */
export function bitsPerElement(dtype: Dtype): number {
  return isNumericDtype(dtype) ? arrays[dtype].BYTES_PER_ELEMENT * 8 : rawBits[dtype];
}

/**
 * The elements over little-endian bytes.
 *
 * The array is a view of `bytes` where the alignment allows it, else a copy: do not write to it.
 *
 * @param bytes  a whole number of elements
 */
export function elementsOf(dtype: Dtype, bytes: Uint8Array): ElementArray {
  if (!isNumericDtype(dtype)) return bytes;
  const Elements = arrays[dtype];
  const size = Elements.BYTES_PER_ELEMENT;
  // `slice` would not copy a Buffer of Node.
  const aligned = bytes.byteOffset % size === 0 ? bytes : new Uint8Array(bytes);
  return new Elements(aligned.buffer as ArrayBuffer, aligned.byteOffset, aligned.byteLength / size);
}

/**
 * A float32 tensor over the given values.
 *
 * @throws InputError if their number is not the product of the shape
 *
 * @example hostTensor([2, 2], Float32Array.of(1, 2, 3, 4))
 */
export function hostTensor(shape: readonly number[], data: Float32Array): HostTensor {
  assertKind('shape', shape, 'list');
  assertKind('tensor data', data, 'floats');
  if (data.length !== sizeOf(shape)) {
    throw new InputError(
      expected(`${sizeOf(shape)} values ([${shape.join(', ')}])`, 'tensor data', data.length),
    );
  }
  return { dtype: 'F32', shape: [...shape], data };
}

/**
 * The elements of a tensor of tfjs as a host tensor: F32 of float32, over the array itself; I64 of int32, as torch stores its counters.
 *
 * @example hostTensorOf(variable, await variable.data());
 */
export function hostTensorOf(
  { shape, dtype }: { readonly shape: readonly number[]; readonly dtype: string },
  data: Float32Array | Int32Array | Uint8Array,
): HostTensor {
  if (dtype !== 'int32') return hostTensor(shape, data as Float32Array);
  return { dtype: 'I64', shape: [...shape], data: BigInt64Array.from(data as Int32Array, BigInt) };
}

/**
 * The elements as int32, a fraction cut off.
 *
 * @param name  how errors call the tensor
 * @throws CheckpointError for C64, F8, F6 and F4, and for an element that int32 cannot hold
 */
export function toInt32(tensor: HostTensor, name = 'a tensor'): Int32Array {
  const { data } = tensor;
  const values =
    tensor.dtype === 'I64' || tensor.dtype === 'U64'
      ? Array.from(data as BigInt64Array, Number)
      : Array.from(toFloat32(tensor, name));
  const bad = values.find((value) => !(Math.abs(value) < 2 ** 31));
  if (bad === undefined) return Int32Array.from(values);
  throw new CheckpointError(expected('an integer below 2³¹', name, bad));
}

/**
 * The elements as float32.
 *
 * Exact for F32 (the array itself), F16, BF16 (subnormals, infinities and NaN payloads kept), I16, I8, U16, U8 and BOOL; F64, I64,
 * I32, U64 and U32 are rounded to the nearest float32, ties to even.
 *
 * C64, F8, F6 and F4 have no value here: an F8 weight means nothing without the scales that its writer keeps in other tensors.
 *
 * @param name  how errors call the tensor
 * @throws CheckpointError for C64, F8, F6 and F4, naming the tensor and its dtype
 */
export function toFloat32(tensor: HostTensor, name = 'a tensor'): Float32Array {
  assertFields('a host tensor', tensor, { dtype: 'text', shape: 'list', data: 'array' });
  const { dtype, data } = tensor;
  if (!isNumericDtype(dtype)) {
    const remedy = 'Convert it to F32, F16 or BF16 first.';
    throw new CheckpointError(
      `Expected a dtype with values in float32 for ${show(name)}, received ${dtype}. ${remedy}`,
    );
  }
  switch (dtype) {
    case 'F32':
      return data as Float32Array;
    case 'F16':
      return fromBits(data as Uint16Array, halfBits);
    case 'BF16':
      return fromBits(data as Uint16Array, (bits) => bits << 16);
    case 'I64':
    case 'U64':
      return Float32Array.from(data as BigInt64Array | BigUint64Array, nearFloat32);
    default:
      return Float32Array.from(data as Exclude<ElementArray, BigInt64Array | BigUint64Array>);
  }
}

// A double that rounds to the same float32 as the 64-bit integer. Number(value) alone would round twice: past 2^53 the 11 bits
// that a double has no room for are folded into its last bit (rounding to odd).
function nearFloat32(value: bigint): number {
  const number = Number(value);
  if (Number.isSafeInteger(number)) return number;
  const magnitude = value < 0n ? -value : value;
  const odd = (magnitude & 2047n) === 0n ? 0n : 1n;
  const rounded = Number((magnitude >> 11n) | odd) * 2048;
  return value < 0n ? -rounded : rounded;
}

function fromBits(data: Uint16Array, toFloat32Bits: (bits: number) => number): Float32Array {
  // Written as integers: a store of a NaN as a float may change its payload.
  const bits = new Uint32Array(data.length);
  for (let i = 0; i < data.length; i += 1) bits[i] = toFloat32Bits(data[i]!);
  return new Float32Array(bits.buffer);
}

// IEEE 754 binary16 → binary32, bit for bit.
function halfBits(half: number): number {
  const sign = (half & 0x8000) << 16;
  const exponent = (half >>> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0x1f) return sign | 0x7f800000 | (fraction << 13);
  if (exponent !== 0) return sign | ((exponent + 112) << 23) | (fraction << 13);
  if (fraction === 0) return sign;
  // A subnormal half is a normal float: move the leading one to the implicit place.
  const shift = Math.clz32(fraction) - 21;
  return sign | ((113 - shift) << 23) | (((fraction << shift) & 0x3ff) << 13);
}
