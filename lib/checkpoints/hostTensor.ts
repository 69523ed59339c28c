import { sizeOf } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';

/** The element types of a checkpoint, as safetensors names them. */
export type Dtype = 'F64' | 'F32' | 'F16' | 'BF16' | 'I64' | 'I32' | 'I16' | 'I8' | 'U8' | 'BOOL';

/** The arrays that hold raw elements; F16 and BF16 are kept as their 16 bits, BOOL as bytes 0 and 1. */
export type ElementArray =
  | Float64Array
  | Float32Array
  | Uint16Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array;

/** A tensor outside any backend: the elements exactly as a file stores them, row-major. */
export interface HostTensor {
  dtype: Dtype;
  shape: number[];
  data: ElementArray;
}

const arrays = {
  F64: Float64Array,
  F32: Float32Array,
  F16: Uint16Array,
  BF16: Uint16Array,
  I64: BigInt64Array,
  I32: Int32Array,
  I16: Int16Array,
  I8: Int8Array,
  U8: Uint8Array,
  BOOL: Uint8Array,
} as const satisfies Record<Dtype, unknown>;

/** Whether a word names an element type. */
export function isDtype(word: unknown): word is Dtype {
  return typeof word === 'string' && Object.hasOwn(arrays, word);
}

/** The bytes of one element: 8, 4, 2 or 1. */
export function bytesPerElement(dtype: Dtype): number {
  return arrays[dtype].BYTES_PER_ELEMENT;
}

/**
 * The elements over little-endian bytes.
 *
 * A view of `bytes` where the alignment allows it, else a copy: do not write to it.
 *
 * @param bytes  a whole number of elements
 */
export function elementsOf(dtype: Dtype, bytes: Uint8Array): ElementArray {
  const Elements = arrays[dtype];
  const size = Elements.BYTES_PER_ELEMENT;
  const aligned = bytes.byteOffset % size === 0 ? bytes : bytes.slice();
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
  if (data.length !== sizeOf(shape)) {
    throw new InputError(
      expected(`${sizeOf(shape)} values ([${shape.join(', ')}])`, 'tensor data', data.length),
    );
  }
  return { dtype: 'F32', shape: [...shape], data };
}

/**
 * The elements as float32.
 *
 * Exact for F32 (the array itself), F16, BF16 (subnormals, infinities and NaN payloads kept), I16, I8, U8 and BOOL; F64, I64
 * and I32 are rounded to the nearest float32, ties to even.
 */
export function widen(tensor: HostTensor): Float32Array {
  const { dtype, data } = tensor;
  switch (dtype) {
    case 'F32':
      return data as Float32Array;
    case 'F16':
      return fromBits(data as Uint16Array, halfBits);
    case 'BF16':
      return fromBits(data as Uint16Array, (bits) => bits << 16);
    case 'I64':
      return Float32Array.from(data as BigInt64Array, Number);
    default:
      return Float32Array.from(data as Exclude<ElementArray, BigInt64Array>);
  }
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
