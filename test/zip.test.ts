// Zip archives, arrays of NumPy and checkpoints in several files: what is read, and what is refused before anything is inflated.

import { deflateRawSync, crc32 as systemCrc32 } from 'node:zlib';
import { CheckpointError, VitError } from '../lib/core/errors.ts';
import { Rng } from '../lib/core/rng.ts';
import { hostTensor, type HostTensor } from '../lib/checkpoints/hostTensor.ts';
import { parseNpy } from '../lib/checkpoints/npy.ts';
import { readTensors } from '../lib/checkpoints/readTensors.ts';
import { formatSafetensors } from '../lib/checkpoints/safetensors.ts';
import { formatTorch } from '../lib/checkpoints/pytorch/writeTorch.ts';
import { crc32 } from '../lib/core/crc32.ts';
import { writeZip } from '../lib/checkpoints/zip/writeZip.ts';
import { ZipArchive } from '../lib/checkpoints/zip/zipArchive.ts';
import { bytesOf } from './support/pickleBytes.ts';

const content = bytesOf('hello '.repeat(50));
const stored = () => writeZip(new Map([['a', content], ['b/c', bytesOf('x')]])); // prettier-ignore

interface Parts {
  method?: number;
  flags?: number;
  crc?: number;
  size?: number;
  packed?: number;
  name?: string;
  localName?: string;
  bytes?: Uint8Array;
  extra?: Uint8Array;
  comment?: string;
  count?: number;
  zip64?: boolean;
}

/** An archive of one entry in which any field may lie. */
function entry(parts: Parts = {}): Uint8Array {
  const { bytes = content, name = 'a', method = 0, flags = 0, comment = '', count = 1 } = parts;
  const { packed = bytes.length, size = bytes.length, crc = crc32(content) } = parts;
  const { localName = name, extra = new Uint8Array(0), zip64 = false } = parts;
  const fields = (): number[][] => [[20, 2], [flags, 2], [method, 2], [0, 4], [crc, 4], [packed, 4], [size, 4]]; // prettier-ignore
  const pack = (list: number[][]) =>
    list.flatMap(([value, length]) =>
      Array.from({ length: length! }, (_, i) => Math.floor(value! / 256 ** i) % 256),
    );
  const local = [...bytesOf('PK\x03\x04'), ...pack(fields()), ...pack([[localName.length, 2], [0, 2]]), ...bytesOf(localName), ...bytes]; // prettier-ignore
  const table = [...bytesOf('PK\x01\x02'), ...pack([[20, 2], ...fields(), [name.length, 2], [extra.length, 2], [0, 2], [0, 2], [0, 2], [0, 4], [0, 4]]), ...bytesOf(name), ...extra]; // prettier-ignore
  const at = local.length;
  const long = zip64
    ? [...bytesOf('PK\x06\x06'), ...pack([[44, 8], [45, 2], [45, 2], [0, 4], [0, 4], [count, 8], [count, 8], [table.length, 8], [at, 8]]), ...bytesOf('PK\x06\x07'), ...pack([[0, 4], [at + table.length, 8], [1, 4]])] // prettier-ignore
    : [];
  const last = zip64
    ? [0xffff, 0xffff, 2 ** 32 - 1, 2 ** 32 - 1]
    : [count, count, table.length, at];
  const end = [...bytesOf('PK\x05\x06'), ...pack([[0, 2], [0, 2], [last[0]!, 2], [last[1]!, 2], [last[2]!, 4], [last[3]!, 4], [comment.length, 2]]), ...bytesOf(comment)]; // prettier-ignore
  return Uint8Array.from([...local, ...table, ...long, ...end]);
}

describe('zip archives', () => {
  test('the checksum is that of zlib, for every length up to a few steps', () => {
    const rng = new Rng(3);
    expect(crc32(bytesOf('123456789'))).toBe(0xcbf43926);
    for (let length = 0; length < 40; length += 1) {
      const bytes = Uint8Array.from({ length }, () => rng.integer(256));
      expect(crc32(bytes)).toBe(systemCrc32(bytes));
    }
  });

  test('stored entries are views, aligned, and in the order of the table', async () => {
    const file = stored();
    const archive = new ZipArchive(file, 'x.zip');
    expect(archive.names()).toEqual(['a', 'b/c']);
    const read = await archive.read('a');
    expect(read).toEqual(content);
    expect(read.buffer).toBe(file.buffer);
    expect(read.byteOffset % 64).toBe(0);
  });

  test('deflated entries, zip64, a comment, an absent checksum', async () => {
    const packed = new Uint8Array(deflateRawSync(content));
    const sizes = new Uint8Array(20);
    new DataView(sizes.buffer).setUint16(0, 1, true);
    new DataView(sizes.buffer).setUint16(2, 16, true);
    for (const at of [4, 12]) {
      new DataView(sizes.buffer).setBigUint64(at, BigInt(content.length), true);
    }
    for (const file of [
      entry({ method: 8, bytes: packed, size: content.length }),
      entry({ zip64: true }),
      entry({ zip64: true, size: 2 ** 32 - 1, packed: 2 ** 32 - 1, extra: sizes }),
      entry({ comment: 'made by hand' }),
      entry({ crc: 0 }),
    ]) {
      expect(await new ZipArchive(file, 'x.zip').read('a')).toEqual(content);
    }
  });

  const bomb = new Uint8Array(deflateRawSync(new Uint8Array(2 ** 24)));
  test.each<[string, () => Uint8Array, RegExp]>([
    ['a wrong checksum', () => entry({ crc: 5 }), /checksum of "a".*damaged/],
    ['an encrypted entry', () => entry({ flags: 1 }), /encrypted/],
    ['another compression', () => entry({ method: 93 }), /method 93/],
    [
      'a bomb that says so',
      () => entry({ method: 8, bytes: bomb, size: 2 ** 24 }),
      /at most 100 bytes for each/,
    ],
    [
      'a bomb that does not',
      () => entry({ method: 8, bytes: bomb, size: 100 }),
      /100 bytes in "a"/,
    ],
    ['deflated bytes that are damaged', () => entry({ method: 8 }), /300 bytes in "a"/],
    ['two sizes of a stored entry', () => entry({ size: 299 }), /one size/],
    [
      'an entry that reaches into the table',
      () => entry({ size: 400, packed: 400 }),
      /before the table/,
    ],
    ['another name in the local header', () => entry({ localName: 'b' }), /that of another entry/],
    ['a name without end', () => entry({ name: 'a'.repeat(5000) }), /names of 1 to 4096/],
    ['a name that is not UTF-8', () => entry({ name: '\xff' }), /UTF-8/],
    ['fewer entries than it says', () => entry({ count: 2 }), /2 entries/],
    ['more entries than it says', () => entry({ count: 0 }), /0 entries/],
    [
      'bytes before it',
      () => Uint8Array.from([...bytesOf('GIF89a'), ...entry()]),
      /up to its end record/,
    ],
    ['bytes behind it', () => Uint8Array.from([...entry(), 0]), /table of entries at its end/],
    ['an archive cut at its end', () => entry().subarray(0, 380), /cut short/],
    ['nothing but an end', () => bytesOf(`PK\x05\x06${'\0'.repeat(18)}`), /an entry "a".*none/],
    [
      'one entry twice',
      () => writeZip(new Map([['a', content], ['b', content]])).map((byte) => (byte === 0x62 ? 0x61 : byte)), // prettier-ignore
      /each name once/,
    ],
    [
      'entries that overlap',
      () => {
        const file = writeZip(new Map([['aa', content], ['ab', content]])); // prettier-ignore
        // The second entry of the table points at the first.
        const at = new DataView(file.buffer).getUint32(file.length - 6, true);
        file.set([0, 0, 0, 0], at + 48 + 42);
        return file;
      },
      /do not overlap/,
    ],
  ])('%s is refused', async (_, file, message) => {
    const read = async () => new ZipArchive(file(), 'x.zip').read('a');
    await expect(read()).rejects.toThrow(message);
    await expect(read()).rejects.toBeInstanceOf(VitError);
  });
});

describe('arrays of NumPy', () => {
  const npy = (descr: string, shape: string, data: ArrayBufferView, order = 'False', major = 1) => {
    const header = `{'descr': ${descr}, 'fortran_order': ${order}, 'shape': ${shape}, }`;
    const padded = header.padEnd(117, ' ') + '\n';
    const length = [padded.length & 255, padded.length >> 8, ...(major === 1 ? [] : [0, 0])];
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    return Uint8Array.from([...bytesOf(`\x93NUMPY${String.fromCharCode(major)}\0`), ...length, ...bytesOf(padded), ...bytes]); // prettier-ignore
  };
  const six = Float32Array.of(1, 2, 3, 4, 5, 6);

  test.each<[string, Uint8Array, HostTensor]>([
    ['float32', npy("'<f4'", '(2, 3)', six), hostTensor([2, 3], six)],
    ['version 2', npy("'<f4'", '(2, 3)', six, 'False', 2), hostTensor([2, 3], six)],
    ["Fortran's order", npy("'<f4'", '(3, 2)', six, 'True'), hostTensor([3, 2], Float32Array.of(1, 4, 2, 5, 3, 6))], // prettier-ignore
    ['a scalar', npy("'<f8'", '()', Float64Array.of(7)), { dtype: 'F64', shape: [], data: Float64Array.of(7) }], // prettier-ignore
    ['one axis, long as in Python 2', npy("'|u1'", '(2L,)', Uint8Array.of(8, 9)), { dtype: 'U8', shape: [2], data: Uint8Array.of(8, 9) }], // prettier-ignore
    ['bfloat16 of JAX', npy("'|V2'", '(1,)', Uint16Array.of(0x3f80)), { dtype: 'BF16', shape: [1], data: Uint16Array.of(0x3f80) }], // prettier-ignore
    ['none', npy("'<i8'", '(0, 4)', new BigInt64Array(0)), { dtype: 'I64', shape: [0, 4], data: new BigInt64Array(0) }], // prettier-ignore
  ])('%s', (_, bytes, tensor) => {
    expect(parseNpy(bytes, 'w')).toEqual(tensor);
  });

  test.each<[string, Uint8Array, RegExp]>([
    ['objects, which are a pickle', npy("'|O'", '(1,)', six), /dtype "\|O"/],
    ['text', npy("'<U4'", '(1,)', six), /dtype "<U4"/],
    ['big endian', npy("'>f4'", '(2, 3)', six), /little endian/],
    ['records', npy("[('a', '<f4')]", '(6,)', six), /records/],
    ['another size', npy("'<f4'", '(2, 4)', six), /the bytes of F32/],
    ['a size past 2⁵³', npy("'<f4'", '(9007199254740993, 4)', six), /the bytes of F32/],
    ['a negative size', npy("'<f4'", '(-2, -3)', six), /descr, fortran_order and shape/],
    ['an expression', npy("'<f4'", "(__import__('os'),)", six), /descr, fortran_order and shape/],
    ['a cut header', npy("'<f4'", '(2, 3)', six).subarray(0, 40), /header within/],
    ['another file', bytesOf('\x93NUMPX\x01\0aaaaaaaa'), /an array of NumPy/],
  ])('%s are refused', (_, bytes, message) => {
    expect(() => parseNpy(bytes, 'w')).toThrow(message);
  });

  test('an archive of them', async () => {
    const file = writeZip(new Map([['embedding/kernel.npy', npy("'<f4'", '(2, 3)', six)], ['cls.npy', npy("'<f4'", '(6,)', six)]])); // prettier-ignore
    const { format, tensors } = await readTensors(file, 'ViT-B_16.npz');
    expect(format).toBe('npz');
    expect([...tensors.keys()]).toEqual(['embedding/kernel', 'cls']);
    const mixed = writeZip(new Map([['a.npy', npy("'<f4'", '(6,)', six)], ['run.py', content]])); // prettier-ignore
    await expect(readTensors(mixed, 'x.npz')).rejects.toThrow(/entry "run.py"/);
  });
});

describe('a checkpoint in several files', () => {
  const one = (name: string) => formatSafetensors(new Map([[name, hostTensor([1], Float32Array.of(1))]])); // prettier-ignore
  const index = (map: object) => bytesOf(JSON.stringify({ metadata: { total_size: 8 }, weight_map: map })); // prettier-ignore
  const read = (map: object, files: Record<string, Uint8Array>) =>
    readTensors(index(map), 'model.safetensors.index.json', (name) => {
      const found = files[name];
      return found ? Promise.resolve(found) : Promise.reject(new Error('not there'));
    });

  test('every part, in any format', async () => {
    const files = { '1.safetensors': one('a'), '2.bin': formatTorch(new Map([['b', hostTensor([1], Float32Array.of(2))]])) }; // prettier-ignore
    const { tensors, format } = await read({ a: '1.safetensors', b: '2.bin' }, files);
    expect(format).toBe('sharded');
    expect([...tensors.keys()]).toEqual(['a', 'b']);
  });

  test.each<[string, object, Record<string, Uint8Array>, RegExp]>([
    ['a part that is missing', { a: '1', b: '2' }, { 1: one('a') }, /the part "2".*incomplete/],
    [
      'a part of another checkpoint',
      { a: '1', b: '1' },
      { 1: one('a') },
      /b in "1".*none.*do not belong/,
    ],
    ['a part with more', { a: '1' }, { 1: formatSafetensors(new Map([['a', hostTensor([], Float32Array.of(1))], ['b', hostTensor([], Float32Array.of(1))]])) }, /no b in "1"/], // prettier-ignore
    ['a path', { a: '../../etc/passwd' }, {}, /plain name/],
    ['an absolute path', { a: '/etc/passwd' }, {}, /plain name/],
    ['a URL', { a: 'https://x/y' }, {}, /plain name/],
    ['a number', { a: 5 }, {}, /name of a file for "a"/],
    ['itself', { a: 'i' }, { i: index({ a: 'i' }) }, /another index/],
    ['nothing', {}, {}, /weight_map/],
  ])('%s is refused', async (_, map, files, message) => {
    await expect(read(map, files)).rejects.toThrow(message);
    await expect(read(map, files)).rejects.toBeInstanceOf(CheckpointError);
  });

  test('without the folder', async () => {
    await expect(readTensors(index({ a: '1' }), 'x.json')).rejects.toThrow(/Give the folder/);
  });
});
