import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CheckpointError, InputError } from '../lib/core/errors.ts';
import { Rng } from '../lib/core/rng.ts';
import { bitsPerElement, dtypes, elementsOf, hostTensor } from '../lib/checkpoints/hostTensor.ts';
import { formatSafetensors, parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import { parseStrictJson } from '../lib/checkpoints/strictJson.ts';
import type { Dtype, HostTensor } from '../lib/checkpoints/hostTensor.ts';

const goldens = join(__dirname, 'goldens/checkpoints');

/** A file with the given header text, padded or not, and zeros as data. */
function fileOf(header: string | Uint8Array, dataBytes = 0, length?: bigint): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

function entry(dtype: string, shape: unknown, offsets: unknown): string {
  return JSON.stringify({ dtype, shape, data_offsets: offsets });
}

function refusal(bytes: Uint8Array): string {
  try {
    parseSafetensors(bytes, 'x.safetensors');
  } catch (error) {
    if (!(error instanceof CheckpointError)) throw error;
    return error.message;
  }
  return 'accepted';
}

describe('the broken and hostile files of the goldens', () => {
  const expectations = JSON.parse(readFileSync(join(goldens, 'expected.json'), 'utf8')) as Record<
    string,
    { expect: 'load' | 'refuse' | 'either'; why: string }
  >;
  test.each(Object.entries(expectations))('%s', (name, { expect: wanted }) => {
    const message = refusal(new Uint8Array(readFileSync(join(goldens, name))));
    if (wanted === 'load') expect(message).toBe('accepted');
    if (wanted === 'refuse') {
      expect(message).toMatch(/^Expected .* received .*\.( .*)?$/);
      expect(message).toContain('x.safetensors');
    }
    expect(({} as Record<string, unknown>).dtype).toBeUndefined();
  });
});

describe('parseSafetensors refuses', () => {
  const good = entry('F32', [1], [0, 4]);
  test.each<[string, Uint8Array, RegExp]>([
    ['nothing', new Uint8Array(0), /empty file/],
    ['one byte', new Uint8Array(1), /at least 8 bytes/],
    ['a header length of 0', new Uint8Array(8), /begins with \{/],
    ['a header length of 2^53', fileOf('{}', 0, 2n ** 53n), /at most 100000000 bytes/],
    ['a header length of 2^64 - 1', fileOf('{}', 0, 2n ** 64n - 1n), /18446744073709551615/],
    ['a byte order mark', fileOf('\ufeff{}'), /begins with \{/],
    ['null', fileOf('null'), /begins with \{/],
    ['an unterminated object', fileOf('{"w":'), /a JSON value/],
    ['two objects', fileOf('{}{}'), /the end of the text/],
    ['deep nesting', fileOf(`{"w":${'['.repeat(100_000)}`), /levels of nesting/],
    ['deep objects', fileOf('{"w":'.repeat(100_000)), /levels of nesting/],
    ['a name twice', fileOf(`{"w":${good},"w":${good}}`, 4), /not used before/],
    ['a name twice by escape', fileOf(`{"w":${good},"\\u0077":${good}}`, 4), /not used before/],
    ['__metadata__ twice', fileOf('{"__metadata__":{},"__metadata__":{}}'), /not used before/],
    ['metadata of numbers', fileOf('{"__metadata__":{"a":1}}'), /text as __metadata__/],
    ['metadata of objects', fileOf('{"__metadata__":{"a":{}}}'), /text as __metadata__/],
    ['metadata as a list', fileOf('{"__metadata__":[]}'), /object as __metadata__/],
    ['a name with NUL', fileOf(`{"a\\u0000":${good}}`, 4), /without NUL/],
    ['a name of 1 MB', fileOf(`{"${'a'.repeat(1e6)}":${good}}`, 4), /at most 4096/],
    ['a lone surrogate', fileOf(`{"\\ud800":${good}}`, 4), /well-formed/],
    ['a control character', fileOf(`{"a\n":${good}}`, 4), /closed string/],
    ['a tensor that is a number', fileOf('{"w":1}'), /object as description/],
    ['a negative offset', fileOf(`{"w":${entry('F32', [1], [-4, 0])}}`, 4), /data_offsets/],
    ['a fractional offset', fileOf(`{"w":${entry('F32', [1], [0, 4.5])}}`, 4), /an integer/],
    [
      'an exponent',
      fileOf('{"w":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}', 4),
      /an int/,
    ],
    ['an offset of 2^53 + 1', fileOf('{"w":{"shape":[9007199254740993]}}'), /an integer within/],
    ['an offset as text', fileOf(`{"w":${entry('F32', [1], ['0', 4])}}`, 4), /data_offsets/],
    ['three offsets', fileOf(`{"w":${entry('F32', [1], [0, 4, 8])}}`, 4), /data_offsets/],
    ['end before begin', fileOf(`{"w":${entry('F32', [1], [4, 0])}}`, 4), /4 bytes of tensor/],
    [
      'a product past 2^53',
      fileOf(`{"w":${entry('U8', [2 ** 30, 2 ** 30], [0, 0])}}`),
      /fits a file/,
    ],
    [
      'a product past 2^64',
      fileOf(`{"w":${entry('U8', [2 ** 32, 2 ** 32], [0, 0])}}`),
      /fits a file/,
    ],
    ['a first offset of 4', fileOf(`{"w":${entry('F32', [1], [4, 8])}}`, 8), /leaves a hole/],
    ['a range twice', fileOf(`{"a":${good},"b":${good}}`, 4), /overlaps/],
    [
      'a dtype of none',
      fileOf(`{"w":${entry('F7', [4], [0, 4])}}`, 4),
      /a dtype of tensor.*F8_E4M3/,
    ],
    ['a dtype in lower case', fileOf(`{"w":${entry('f32', [1], [0, 4])}}`, 4), /a dtype of tensor/],
    ['three F4 in a byte', fileOf(`{"w":${entry('F4', [3], [0, 1])}}`, 1), /whole number of bytes/],
    [
      'three F4 in two bytes',
      fileOf(`{"w":${entry('F4', [3], [0, 2])}}`, 2),
      /whole number of bytes/,
    ],
    ['an F4 scalar', fileOf(`{"w":${entry('F4', [], [0, 1])}}`, 1), /whole number of bytes/],
    ['two F6 in two bytes', fileOf(`{"w":${entry('F6_E2M3', [2], [0, 2])}}`, 2), /whole number/],
    ['a U64 of 4 bytes', fileOf(`{"w":${entry('U64', [1], [0, 4])}}`, 4), /8 bytes of tensor/],
    ['metadata with a null in it', fileOf('{"__metadata__":{"a":null}}'), /text as __metadata__/],
    [
      'null as __metadata__ twice',
      fileOf('{"__metadata__":null,"__metadata__":null}'),
      /not used before/,
    ],
    ['a dtype from the prototype', fileOf(`{"w":${entry('toString', [4], [0, 4])}}`, 4), /a dtype/],
    ['a byte too many', fileOf(`{"w":${good}}`, 5), /bytes follow/],
    ['a byte too few', fileOf(`{"w":${good}}`, 3), /cut short/],
    [
      'a zip archive',
      new TextEncoder().encode('PK\u0003\u0004 and so on for a while'),
      /zip archive/,
    ],
    ['a web page', new TextEncoder().encode('<!DOCTYPE html><html></html>'), /HTML page/],
  ])('%s', (_, bytes, message) => {
    expect(refusal(bytes)).toMatch(message);
  });

  test('control characters of a file do not reach the message, those past ASCII neither', () => {
    // eslint-disable-next-line no-control-regex
    expect(refusal(fileOf('{\u009b2J\u202e'))).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
    const message = refusal(fileOf(`{"\\u001b[31m":${entry('F33', [1], [0, 4])}}`, 4));
    // eslint-disable-next-line no-control-regex
    expect(message).not.toMatch(/[\u0000-\u001f]/);
    expect(message.length).toBeLessThan(400);
  });
});

describe('parseSafetensors accepts', () => {
  test('spaces after the header, any order of ranges, scalars, sizes of 0, odd names', () => {
    const names = ['__proto__', 'constructor', '', '../x', '日本'];
    const header = names.map((name, i) => {
      const begin = (names.length - 1 - i) * 4;
      return `${JSON.stringify(name)}:${entry('F32', i === 0 ? [] : [1], [begin, begin + 4])}`;
    });
    const text = `{${header.join(',')},"empty":${entry('I64', [2, 0], [8, 8])}}   `;
    const { tensors } = parseSafetensors(fileOf(text, 20));
    expect([...tensors.keys()]).toEqual([...names, 'empty']);
    expect(tensors.get('__proto__')!.shape).toEqual([]);
    expect(tensors.get('empty')!.data).toHaveLength(0);
  });

  test('data at any alignment, in a buffer at any offset', () => {
    const values = new Map<string, HostTensor>([
      ['byte', { dtype: 'U8', shape: [1], data: Uint8Array.of(7) }],
      ['double', { dtype: 'F64', shape: [2], data: Float64Array.of(Math.PI, -0) }],
      ['long', { dtype: 'I64', shape: [1], data: BigInt64Array.of(-(2n ** 63n)) }],
    ]);
    const file = formatSafetensors(values);
    for (let offset = 0; offset < 8; offset += 1) {
      const buffer = new Uint8Array(file.length + offset);
      buffer.set(file, offset);
      const { tensors } = parseSafetensors(buffer.subarray(offset));
      expect(tensors).toEqual(values);
      // A Buffer's slice does not copy.
      const pooled = Buffer.from(buffer.buffer, offset);
      expect(parseSafetensors(pooled).tensors).toEqual(values);
    }
  });

  test('null as __metadata__, as the official reader does', () => {
    const text = `{"__metadata__":null,"w":${entry('F32', [1], [0, 4])}}`;
    const { tensors, metadata } = parseSafetensors(fileOf(text, 4));
    expect([...tensors.keys()]).toEqual(['w']);
    expect(metadata.size).toBe(0);
  });

  // The dtypes that safetensors 0.8 reads, with the bytes of 8 elements.
  test.each<[Dtype, number]>([
    ['C64', 64],
    ['U64', 64],
    ['U32', 32],
    ['U16', 16],
    ['F8_E4M3', 8],
    ['F8_E5M2', 8],
    ['F8_E8M0', 8],
    ['F8_E4M3FNUZ', 8],
    ['F8_E5M2FNUZ', 8],
    ['F6_E2M3', 6],
    ['F6_E3M2', 6],
    ['F4', 4],
  ])('a tensor of dtype %s, its bytes as they stand', (dtype, size) => {
    const file = fileOf(`{"w":${entry(dtype, [2, 4], [0, size])}}`, size);
    for (let i = 0; i < size; i += 1) file[file.length - size + i] = i + 1;
    const { dtype: read, shape, data } = parseSafetensors(file).tensors.get('w')!;
    expect([read, shape]).toEqual([dtype, [2, 4]]);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    expect([...bytes]).toEqual(Array.from({ length: size }, (_, i) => i + 1));
  });

  test('many tiny tensors in bounded time', () => {
    const count = 200_000;
    const members: string[] = [];
    for (let i = 0; i < count; i += 1) {
      members.push(`"t${i}":{"dtype":"U8","shape":[1],"data_offsets":[${i},${i + 1}]}`);
    }
    const file = fileOf(`{${members.join(',')}}`, count);
    const start = process.cpuUsage();
    expect(parseSafetensors(file).tensors.size).toBe(count);
    expect(cpuMs(start)).toBeLessThan(10_000);
  }, 60_000);
});

describe('formatSafetensors', () => {
  test('tensors are read back as they were written, every dtype, random bits', () => {
    const rng = new Rng(5);
    for (let round = 0; round < 50; round += 1) {
      const tensors = new Map<string, HostTensor>();
      for (const dtype of dtypes) {
        // The last axis makes whole bytes of 4 and 6 bits.
        const shape = [...Array.from({ length: rng.integer(4) }, () => rng.integer(4)), 4];
        const size = shape.reduce((product, n) => product * n, 1);
        const bytes = Uint8Array.from({ length: (size * bitsPerElement(dtype)) / 8 }, () =>
          rng.integer(256),
        );
        tensors.set(`${dtype}.${rng.integer(1000)}`, {
          dtype,
          shape,
          data: elementsOf(dtype, bytes),
        });
      }
      const metadata = { format: 'pt', note: 'a "quoted"\n日本\u0000' };
      const file = formatSafetensors(tensors, metadata);
      const read = parseSafetensors(file);
      expect(bitsOf(read.tensors)).toEqual(bitsOf(tensors));
      expect(Object.fromEntries(read.metadata)).toEqual(metadata);
      expect((new DataView(file.buffer).getUint32(0, true) + 8) % 8).toBe(0);
      expect(formatSafetensors(read.tensors, Object.fromEntries(read.metadata))).toEqual(file);
    }
  });

  test('keeps the order given, integer-like names too', () => {
    const one = hostTensor([1], Float32Array.of(1));
    const names = ['b', '10', '__proto__', '2', 'a'];
    const file = formatSafetensors(new Map(names.map((name) => [name, one])));
    expect([...parseSafetensors(file).tensors.keys()]).toEqual(names);
  });

  test('no tensors at all', () => {
    expect(parseSafetensors(formatSafetensors(new Map())).tensors.size).toBe(0);
  });

  test('refuses a shape that does not fit and a reserved name', () => {
    const wrong: HostTensor = { dtype: 'F32', shape: [3], data: Float32Array.of(1, 2) };
    expect(() => formatSafetensors(new Map([['w', wrong]]))).toThrow(InputError);
    const one = hostTensor([], Float32Array.of(1));
    expect(() => formatSafetensors(new Map([['__metadata__', one]]))).toThrow(InputError);
    expect(() => hostTensor([2], Float32Array.of(1))).toThrow(InputError);
  });
});

describe('parseStrictJson', () => {
  test('agrees with JSON.parse on good texts', () => {
    const texts = ['[]', '{}', ' [1, -2.5e3, "a\\n\\u00e9", true, false, null] ', '"\\"\\\\"', '0'];
    for (const text of texts) {
      expect(plain(parseStrictJson(text, { name: 'test' }))).toEqual(JSON.parse(text));
    }
  });

  test.each([
    '',
    '01',
    '+1',
    '.5',
    '1.',
    'nul',
    '[1,]',
    '{"a":1,}',
    "{'a':1}",
    '"\\x"',
    '1e999',
    '// c',
  ])('refuses %j', (text) => {
    expect(() => parseStrictJson(text, { name: 'test' })).toThrow(CheckpointError);
  });
});

describe('fuzz', () => {
  test('random bytes and mutants of a good file give CheckpointError or a file that is whole', () => {
    const rng = new Rng(11);
    const good = formatSafetensors(
      new Map<string, HostTensor>([
        ['blocks.0.weight', hostTensor([2, 3], new Float32Array(6))],
        ['scalar', { dtype: 'F16', shape: [], data: new Uint16Array(1) }],
        ['empty', { dtype: 'I64', shape: [0, 4], data: new BigInt64Array(0) }],
      ]),
      { format: 'pt' },
    );
    const start = process.cpuUsage();
    let refused = 0;
    for (let round = 0; round < 20_000; round += 1) {
      const bytes = round % 4 === 0 ? randomFile(rng) : mutant(good, rng);
      if (refusal(bytes) !== 'accepted') refused += 1;
    }
    expect(refused).toBeGreaterThan(10_000);
    expect(cpuMs(start)).toBeLessThan(20_000);
  });

  test('a file cut anywhere is refused', () => {
    const good = formatSafetensors(new Map([['w', hostTensor([64], new Float32Array(64))]]));
    for (let length = 0; length < good.length; length += 1) {
      expect(refusal(good.subarray(0, length))).not.toBe('accepted');
    }
  });
});

// The processor's time since `start`: what other processes do meanwhile does not count.
function cpuMs(start: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(start);
  return (user + system) / 1000;
}

function randomFile(rng: Rng): Uint8Array {
  const bytes = Uint8Array.from({ length: rng.integer(200) }, () => rng.integer(256));
  // Half of them get a plausible header length, so that the header is read at all.
  if (bytes.length > 16 && rng.bernoulli(0.5)) {
    bytes.fill(0, 1, 8);
    bytes[0] = rng.integer(bytes.length);
    bytes[8] = 0x7b;
  }
  return bytes;
}

const fragments = [
  '0',
  '-1',
  '1e3',
  '[]',
  '{}',
  '"',
  '\\',
  ',',
  ':',
  'null',
  '99999999999999999999',
  '"F64"',
  '[4,2]',
];

function mutant(good: Uint8Array, rng: Rng): Uint8Array {
  const headerEnd = 8 + good[0]! + 256 * good[1]!;
  const bytes = good.slice();
  switch (rng.integer(4)) {
    case 0:
      bytes[rng.integer(headerEnd)] = rng.integer(256);
      return bytes;
    case 1:
      return bytes.subarray(0, rng.integer(bytes.length));
    case 2: {
      const from = rng.integer(bytes.length);
      return Uint8Array.from([
        ...bytes.subarray(0, from),
        ...bytes.subarray(from + 1 + rng.integer(8)),
      ]);
    }
    default: {
      const header = new TextDecoder().decode(good.subarray(8, headerEnd));
      const at = rng.integer(header.length);
      const fragment = fragments[rng.integer(fragments.length)]!;
      const text = header.slice(0, at) + fragment + header.slice(at + rng.integer(6));
      return fileOf(text, good.length - headerEnd);
    }
  }
}

function bitsOf(tensors: ReadonlyMap<string, HostTensor>): [string, string, number[], number[]][] {
  return [...tensors].map(([name, { dtype, shape, data }]) => [
    name,
    dtype,
    shape,
    [...new Uint8Array(data.buffer, data.byteOffset, data.byteLength)],
  ]);
}

function plain(value: unknown): unknown {
  if (value instanceof Map) return Object.fromEntries([...value].map(([k, v]) => [k, plain(v)]));
  return Array.isArray(value) ? value.map(plain) : value;
}
