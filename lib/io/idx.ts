// IDX files, the format of MNIST.

import { assertInteger, isRecord } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';

/** A checked IDX file: its sizes, and its bytes as a view. */
export interface IdxArray {
  shape: number[];
  data: Uint8Array;
}

/**
 * The properties that an IDX file is checked for.
 *
 * @property rank      the number of dimensions: 1 for labels, 3 for grey images
 * @property sizes     the sizes after the first, for example [28, 28]
 * @property maxValue  the largest value allowed, for example 9 for digits; default 255
 */
export interface IdxOptions {
  rank: number;
  sizes?: readonly number[];
  maxValue?: number;
}

/**
 * Reads an IDX file of unsigned bytes.
 *
 * Big-endian: 0, 0, type 8, the number of dimensions, each size in four bytes, then the values, nothing after them.
 *
 * @param name  how errors call the file
 * @throws InputError if the magic number, a size, the length or a value is not as asked for; nothing is allocated before
 *
 * Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits" (1998), section "File formats".
 *
 * @example const {shape, data} = readIdx(bytes, 'train-labels', {rank: 1, maxValue: 9});   // shape [60000]
 */
export function readIdx(bytes: Uint8Array, name: string, options: IdxOptions): IdxArray {
  if (!ArrayBuffer.isView(bytes)) throw new InputError(expected('a Uint8Array', name, bytes));
  if (!isRecord(options)) {
    throw new InputError(expected('an object', 'the options of readIdx', options));
  }
  const { rank, sizes = [], maxValue = 255 } = options;
  assertInteger('rank', rank, { min: 1, max: 255 });
  const headerBytes = 4 + 4 * rank;
  if (bytes.length < headerBytes) {
    throw new InputError(expected(`at least ${headerBytes} bytes`, name, bytes.length));
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const magic = view.getUint32(0);
  if (magic !== 0x0800 + rank) {
    const remedy = bytes[0] === 0x1f && bytes[1] === 0x8b ? 'It is compressed: gunzip it.' : '';
    throw new InputError(expected(`magic number ${0x0800 + rank}`, name, magic, remedy));
  }
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const wrongAxis = sizes.findIndex((size, axis) => shape[axis + 1] !== size);
  if (wrongAxis >= 0)
    throw new InputError(expected(`[n, ${sizes.join(', ')}]`, `shape of ${name}`, shape));
  // Sizes are below 2^32: an inexact product is far beyond any length of bytes, and so refused all the same.
  const size = shape.reduce((product, length) => product * length, 1);
  if (bytes.length !== headerBytes + size) {
    const what = `${headerBytes + size} bytes ([${shape.join(', ')}])`;
    throw new InputError(expected(what, name, bytes.length));
  }
  const data = bytes.subarray(headerBytes);
  const bad = maxValue < 255 ? data.findIndex((value) => value > maxValue) : -1;
  if (bad >= 0) {
    throw new InputError(
      expected(`a value of at most ${maxValue}`, `item ${bad} of ${name}`, data[bad]),
    );
  }
  return { shape, data };
}
