// NumPy's format of one array, .npy.

import { CheckpointError, UnsupportedError, show } from '../core/errors.ts';
import { bitsPerElement, elementsOf, type Dtype, type HostTensor } from './hostTensor.ts';

const dtypes: Readonly<Record<string, Dtype>> = {
  f8: 'F64', f4: 'F32', f2: 'F16', i8: 'I64', i4: 'I32', i2: 'I16', i1: 'I8', u8: 'U64', u4: 'U32', u2: 'U16', u1: 'U8',
  b1: 'BOOL', c8: 'C64',
  // JAX writes bfloat16 as bytes without a kind.
  V2: 'BF16',
}; // prettier-ignore

/** The dtype that NumPy writes as a text, `<f4`; undefined for objects, text, big endian and what has no place among ours. */
export function numpyDtype(text: string): Dtype | undefined {
  const [, order, kind = ''] = /^([<>|=]?)([a-zA-Z]\d+)$/.exec(text) ?? [];
  if (order === '>' && !kind.endsWith('1')) return undefined;
  return Object.hasOwn(dtypes, kind) ? dtypes[kind] : undefined;
}

// A dictionary of Python with exactly these keys, in any order and layout that NumPy has written.
const field = {
  descr: /'descr'\s*:\s*(?:'([^']{1,16})'|(\[))/,
  order: /'fortran_order'\s*:\s*(True|False)/,
  shape: /'shape'\s*:\s*\(([\d\s,L]*)\)/,
};

/** Whether bytes begin as an array of NumPy does. */
export function isNpy(bytes: Uint8Array): boolean {
  return [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59].every((byte, i) => bytes[i] === byte);
}

/**
 * Reads one array. Its header is taken apart by patterns; nothing is evaluated, and an array of objects, which would be a pickle, is
 * refused. An array in Fortran's order is brought to C's.
 *
 * @param name  how errors call it
 * @throws CheckpointError if it is damaged, UnsupportedError for a dtype that has no place among ours
 *
 * Source: numpy/lib/format.py.
 */
export function parseNpy(bytes: Uint8Array, name: string): HostTensor {
  const bad = (what: string, received: unknown): CheckpointError =>
    new CheckpointError(`Expected ${what} for array ${show(name)}, received ${show(received)}.`);
  const major = bytes[6] ?? 0;
  if (!isNpy(bytes) || bytes.length < 12 || major < 1 || major > 3) {
    throw bad('an array of NumPy', `${bytes.length} other bytes`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const start = (major === 1 ? 10 : 12) + length;
  if (length > 65_536 || start > bytes.length) throw bad('a header within its bytes', length);
  const header = new TextDecoder('latin1').decode(bytes.subarray(major === 1 ? 10 : 12, start));
  const [, descr, record] = field.descr.exec(header) ?? [];
  const [, order] = field.order.exec(header) ?? [];
  const [, sizes] = field.shape.exec(header) ?? [];
  if (order === undefined || sizes === undefined || (descr ?? record) === undefined) {
    throw bad('descr, fortran_order and shape', header.trim());
  }
  const dtype = descr === undefined ? undefined : numpyDtype(descr);
  if (dtype === undefined) {
    throw new UnsupportedError(
      `Expected numbers in little endian for array ${show(name)}, received dtype ${show(descr ?? 'of records')}.`,
    );
  }
  const shape = (sizes.match(/\d+/g) ?? []).map(Number);
  const count = shape.reduce((product, size) => product * size, 1);
  const itemSize = bitsPerElement(dtype) / 8;
  if (!Number.isSafeInteger(count) || count * itemSize !== bytes.length - start) {
    throw bad(`the bytes of ${dtype} ${show(shape)}`, bytes.length - start);
  }
  const data = bytes.subarray(start);
  if (order === 'False' || shape.length < 2) return { dtype, shape, data: elementsOf(dtype, data) };
  return { dtype, shape, data: elementsOf(dtype, rowMajor(data, shape, itemSize)) };
}

// Elements whose first axis runs fastest, with the last axis running fastest.
function rowMajor(bytes: Uint8Array, shape: readonly number[], itemSize: number): Uint8Array {
  const out = new Uint8Array(bytes.length);
  const index = new Array<number>(shape.length).fill(0);
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((p, size) => p * size, 1));
  for (let at = 0; at < bytes.length; at += itemSize) {
    const to = index.reduce((sum, i, axis) => sum + i * strides[axis]!, 0) * itemSize;
    out.set(bytes.subarray(at, at + itemSize), to);
    for (let axis = 0; axis < shape.length; axis += 1) {
      index[axis]! += 1;
      if (index[axis]! < shape[axis]!) break;
      index[axis] = 0;
    }
  }
  return out;
}
