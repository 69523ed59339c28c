// The format safetensors: eight bytes of header length, a JSON header, the elements. The reader refuses whatever the format does
// not allow, before it allocates. Source: https://github.com/huggingface/safetensors, section "Format".

import { assertFields, assertKind } from '../core/kinds.ts';
import { CheckpointError, InputError, expected, show } from '../core/errors.ts';
import { recognizeForeignFile } from './foreignFile.ts';
import { bitsPerElement, dtypes, elementsOf, isDtype } from './hostTensor.ts';
import { parseStrictJson } from './strictJson.ts';
import type { CheckpointFormat, TensorFile } from './checkpointFormat.ts';
import type { Dtype, HostTensor } from './hostTensor.ts';
import type { StrictJson } from './strictJson.ts';

// The longest header a file may have; the format's own limit.
const maxHeaderBytes = 100_000_000;
const maxNameLength = 4096;

interface Entry {
  name: string;
  dtype: Dtype;
  shape: number[];
  begin: number;
  end: number;
}

/**
 * Reads a safetensors file strictly.
 *
 * It refuses a header past 100 MB or past the file, not UTF-8, not one JSON object or with a key used twice; a dtype that
 * safetensors does not have; a shape whose product times the element size is not the length of its range, is no whole number of
 * bytes (F6, F4), or leaves the safe integers; ranges that overlap, leave a hole, do not start at 0 or do not end with the file;
 * metadata that is not text.
 * It accepts spaces after the header, tensors in any order, scalars, sizes of 0, any alignment, `"__metadata__": null`.
 *
 * It is stricter than the official reader (safetensors 0.8), which takes white space before the header, the last of two equal
 * tensor names where their ranges agree, a name with NUL or of any length, and numbers with a fraction in fields it does not know.
 *
 * The tensors are views of `bytes` where alignment allows: do not write to either.
 *
 * @param name  how errors call the file
 * @throws CheckpointError with one sentence that names the file and the tensor
 *
 * @example
 * const {tensors} = parseSafetensors(bytes, 'model.safetensors');
 * const weight = toFloat32(tensors.get('head.weight')!);
 */
export function parseSafetensors(bytes: Uint8Array, name = 'safetensors file'): TensorFile {
  assertKind('the bytes of a safetensors file', bytes, 'bytes');
  assertKind('name', name, 'text');
  const { text, dataStart } = readHeader(bytes, name);
  const header = parseStrictJson(text, {
    name: `the header of ${show(name)}`,
    maxDepth: 16,
    integersOnly: true,
  });
  if (!(header instanceof Map)) throw broken(name, 'a JSON object as header', { value: header });

  const metadata = readMetadata(header.get('__metadata__'), name);
  header.delete('__metadata__');
  const entries = [...header].map(([key, value]) => readEntry(key, value, name));
  assertContiguous(entries, bytes.length - dataStart, name);

  const tensors = new Map<string, HostTensor>();
  for (const { name: key, dtype, shape, begin, end } of entries) {
    const data = elementsOf(dtype, bytes.subarray(dataStart + begin, dataStart + end));
    tensors.set(key, { dtype, shape, data });
  }
  return { tensors, metadata };
}

/** The safetensors format: eight bytes of a length that a header may have, then the `{` that the format asks for. */
export const safetensorsFormat: CheckpointFormat = {
  name: 'safetensors',
  matches: (bytes) =>
    bytes.length > 8 && bytes[8] === 0x7b && headerLength(bytes) <= BigInt(maxHeaderBytes),
  read: parseSafetensors,
};

function headerLength(bytes: Uint8Array): bigint {
  return new DataView(bytes.buffer, bytes.byteOffset, 8).getBigUint64(0, true);
}

function readHeader(bytes: Uint8Array, name: string): { text: string; dataStart: number } {
  if (bytes.length === 0) throw broken(name, 'a safetensors file', 'an empty file');
  if (bytes.length < 8) throw broken(name, 'at least 8 bytes', `${bytes.length}`);
  const length = headerLength(bytes);
  const dataStart = 8 + Number(length);
  if (length > BigInt(maxHeaderBytes) || dataStart > bytes.length || bytes[8] !== 0x7b) {
    assertNotAnotherFormat(bytes, name);
  }
  if (length > BigInt(maxHeaderBytes)) {
    throw broken(name, `a header of at most ${maxHeaderBytes} bytes`, `${length}`);
  }
  if (dataStart > bytes.length) {
    throw broken(name, `a header within the ${bytes.length} bytes of the file`, `${length} bytes`);
  }
  if (length === 0n || bytes[8] !== 0x7b) {
    throw broken(name, 'a header that begins with {', 'another beginning');
  }
  try {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
    return { text: decoder.decode(bytes.subarray(8, dataStart)), dataStart };
  } catch (cause) {
    throw broken(name, 'a header in UTF-8', 'other bytes', cause);
  }
}

function assertNotAnotherFormat(bytes: Uint8Array, name: string): void {
  const foreign = recognizeForeignFile(bytes);
  if (foreign === undefined) return;
  throw new CheckpointError(
    `Expected a safetensors file as ${show(name)}, received ${foreign.what}. ${foreign.remedy}`,
  );
}

function readMetadata(value: StrictJson | undefined, name: string): Map<string, string> {
  const metadata = new Map<string, string>();
  if (value === undefined || value === null) return metadata;
  if (!(value instanceof Map)) throw broken(name, 'an object as __metadata__', { value });
  for (const [key, text] of value) {
    if (typeof text !== 'string')
      throw broken(name, `text as __metadata__ ${show(key)}`, { value: text });
    metadata.set(key, text);
  }
  return metadata;
}

function readEntry(key: string, value: StrictJson, file: string): Entry {
  if (key.length > maxNameLength || key.includes('\0')) {
    throw broken(file, `tensor names of at most ${maxNameLength} characters without NUL`, {
      value: key,
    });
  }
  const of = `of tensor ${show(key)}`;
  if (!(value instanceof Map)) throw broken(file, `an object as description ${of}`, { value });

  const dtype = value.get('dtype');
  if (!isDtype(dtype)) {
    throw broken(file, `a dtype ${of} among ${dtypes.join(', ')}`, { value: dtype });
  }
  const shape = value.get('shape');
  if (!isSizes(shape)) throw broken(file, `a shape ${of} of integers ≥ 0`, { value: shape });
  const offsets = value.get('data_offsets');
  if (!isSizes(offsets) || offsets.length !== 2) {
    throw broken(file, `data_offsets ${of} of two integers ≥ 0`, { value: offsets });
  }
  const [begin, end] = offsets as [number, number];
  const size = checkedBytes(shape, dtype);
  if (size === undefined) throw broken(file, `a shape ${of} that fits a file`, { value: shape });
  if (!Number.isInteger(size)) {
    throw broken(file, `a whole number of bytes ${of} (${dtype} ${show(shape)})`, `${size}`);
  }
  if (end - begin !== size) {
    throw broken(file, `${size} bytes ${of} (${dtype} ${show(shape)})`, `${end - begin}`);
  }
  return { name: key, dtype, shape, begin, end };
}

function isSizes(value: StrictJson | undefined): value is number[] {
  return (
    Array.isArray(value) &&
    value.every((size) => typeof size === 'number' && Number.isSafeInteger(size) && size >= 0)
  );
}

// The bytes of a tensor, with a fraction where F6 or F4 elements end inside a byte; undefined where the product, at any step, is
// past the safe integers.
function checkedBytes(shape: readonly number[], dtype: Dtype): number | undefined {
  let bytes = bitsPerElement(dtype) / 8;
  for (const size of shape) {
    bytes *= size;
    if (bytes > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return bytes;
}

function assertContiguous(entries: readonly Entry[], dataBytes: number, file: string): void {
  const sorted = [...entries].sort((a, b) => a.begin - b.begin || a.end - b.end);
  let covered = 0;
  for (const { name, begin, end } of sorted) {
    if (begin !== covered) {
      const what = begin < covered ? 'overlaps the one before' : 'leaves a hole';
      throw broken(
        file,
        `tensor ${show(name)} to begin at byte ${covered}`,
        `${begin}, which ${what}`,
      );
    }
    covered = end;
  }
  if (covered !== dataBytes) {
    const what = covered > dataBytes ? 'the file is cut short' : 'bytes follow the last tensor';
    throw broken(file, `${covered} bytes of data`, `${dataBytes}: ${what}`);
  }
}

// `received` is a phrase of ours, or a value of the file, which is shown in the form of show().
function broken(
  file: string,
  what: string,
  received: string | { value: unknown },
  cause?: unknown,
) {
  const text = typeof received === 'string' ? received : showJson(received.value);
  return new CheckpointError(`Expected ${what} in ${show(file)}, received ${text}.`, { cause });
}

function showJson(value: unknown): string {
  return value instanceof Map ? 'an object' : show(value);
}

/**
 * The bytes of a safetensors file, tensors in the order given.
 *
 * The header is padded with spaces so that the data begin at a multiple of 8. The same input gives the same bytes.
 *
 * @param metadata  text by key, in the order given; absent when empty
 * @throws InputError for a tensor whose elements do not fit its shape and dtype, or one named `__metadata__`
 *
 * @example
 * const bytes = formatSafetensors(modelTensors(model), {format: 'pt'});
 */
export function formatSafetensors(
  tensors: ReadonlyMap<string, HostTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  assertKind('tensors', tensors, 'map');
  assertKind('metadata', metadata, 'object');
  // Text is joined by hand: an object would move integer-like names to the front and lose `__proto__`.
  const members: string[] = [];
  const described = Object.entries(metadata).map(([key, text]) => pair(key, JSON.stringify(text)));
  if (described.length > 0) members.push(pair('__metadata__', `{${described.join(',')}}`));
  let dataBytes = 0;
  for (const [name, tensor] of tensors) {
    assertFields(name, tensor, { dtype: 'text', shape: 'list', data: 'array' });
    const { dtype, shape, data } = tensor;
    if (name === '__metadata__' || name.length > maxNameLength || name.includes('\0')) {
      throw new InputError(expected('a name that safetensors allows', 'tensor', name));
    }
    const bytes = checkedBytes(shape, dtype);
    if (bytes === undefined || bytes !== data.byteLength) {
      throw new InputError(
        expected(
          `${bytes ?? 'fewer'} bytes (${dtype} [${shape.join(', ')}])`,
          name,
          data.byteLength,
        ),
      );
    }
    const end = dataBytes + bytes;
    const fields = `"dtype":"${dtype}","shape":[${shape.join(',')}],"data_offsets":[${dataBytes},${end}]`;
    members.push(pair(name, `{${fields}}`));
    dataBytes = end;
  }
  return joinFile(`{${members.join(',')}}`, tensors, dataBytes);
}

function pair(key: string, value: string): string {
  return `${JSON.stringify(key)}:${value}`;
}

function joinFile(
  header: string,
  tensors: ReadonlyMap<string, HostTensor>,
  dataBytes: number,
): Uint8Array {
  const text = new TextEncoder().encode(header);
  const length = Math.ceil(text.length / 8) * 8;
  if (length > maxHeaderBytes) {
    throw new InputError(expected(`at most ${maxHeaderBytes} bytes`, 'safetensors header', length));
  }
  const file = new Uint8Array(8 + length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(length), true);
  file.fill(0x20, 8, 8 + length);
  file.set(text, 8);
  let at = 8 + length;
  for (const { data } of tensors.values()) {
    file.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
    at += data.byteLength;
  }
  return file;
}
