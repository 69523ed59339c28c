// B27–B42: safetensors files that are broken, hostile or unusual.

import { hostTensor, toFloat32 } from '../../lib/checkpoints/hostTensor.ts';
import { readTensors } from '../../lib/checkpoints/readTensors.ts';
import { formatSafetensors, parseSafetensors } from '../../lib/checkpoints/safetensors.ts';
import { Rng } from '../../lib/core/rng.ts';
import { safetensorsEntry as entry, safetensorsFile as file } from '../support/safetensorsFile.ts';
import { refuses } from '../suites/expect.ts';
import { gives, refusalOf, throws } from '../suites/inProcess.ts';
import { cases, must } from '../suites/row.ts';
import type { HostTensor } from '../../lib/checkpoints/hostTensor.ts';
import type { Row } from '../suites/row.ts';

const refused = (what: string, message: RegExp, bytes: Uint8Array) =>
  throws(what, message, () => readTensors(bytes, 'x.safetensors'), { seconds: 3 });
const accepted = (
  what: string,
  bytes: () => Uint8Array,
  check: (read: ReturnType<typeof parseSafetensors>) => string,
) => gives(what, 'read', () => check(parseSafetensors(bytes(), 'x.safetensors')));

const good = entry('F32', [1], [0, 4]);
const one = (shape: unknown, offsets: unknown, dataBytes = 4, dtype = 'F32') =>
  file(`{"w":${entry(dtype, shape, offsets)}}`, dataBytes);
const named = (name: string) => file(`{${JSON.stringify(name)}:${good}}`, 4);
const whole = formatSafetensors(
  new Map<string, HostTensor>([
    ['blocks.0.weight', hostTensor([2, 3], Float32Array.of(1, 2, 3, 4, 5, 6))],
    ['scalar', { dtype: 'F16', shape: [], data: new Uint16Array(1) }],
    ['empty', { dtype: 'I64', shape: [0, 4], data: new BigInt64Array(0) }],
  ]),
  { format: 'pt' },
);

/** Seeded mutants of a good file: each must be refused by our error or be read whole, within a second. */
function fuzz(count: number, make: (rng: Rng) => Uint8Array) {
  return gives(`${count} mutants, seed 16`, 'our error or a whole file, < 1 s each', async () => {
    const rng = new Rng(16);
    let refusals = 0;
    let slowest = 0;
    for (let i = 0; i < count; i += 1) {
      const bytes = make(rng);
      const start = process.cpuUsage();
      if ((await refusalOf(() => readTensors(bytes, 'x.safetensors'))) !== undefined) refusals += 1;
      const { user, system } = process.cpuUsage(start);
      slowest = Math.max(slowest, (user + system) / 1e6);
    }
    must(slowest < 1, `one took ${slowest.toFixed(1)} s`);
    must(process.memoryUsage().rss < 2e9, `${process.memoryUsage().rss / 2 ** 20} MB`);
    return `${refusals} of ${count} refused`;
  });
}

function structured(rng: Rng): Uint8Array {
  const header = 8 + new DataView(whole.buffer, whole.byteOffset).getUint32(0, true);
  const words = [
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
  const at = rng.integer(header);
  if (rng.bernoulli(0.3)) return whole.subarray(0, rng.integer(whole.length));
  if (rng.bernoulli(0.4)) {
    const bytes = whole.slice();
    bytes[at] = bytes[at]! ^ (1 << rng.integer(8));
    return bytes;
  }
  const word = new TextEncoder().encode(words[rng.integer(words.length)]);
  return Buffer.concat([whole.subarray(0, at), word, whole.subarray(at + rng.integer(6))]);
}

function random(rng: Rng): Uint8Array {
  const bytes = Uint8Array.from({ length: rng.integer(200) }, () => rng.integer(256));
  if (bytes.length > 16 && rng.bernoulli(0.5)) {
    bytes.fill(0, 1, 8);
    bytes[0] = rng.integer(bytes.length);
    bytes[8] = 0x7b;
  }
  return bytes;
}

/** The rows on safetensors files. */
export const safetensorsRows: readonly Row[] = [
  ...cases('B27', [
    refused('nothing', /empty/, new Uint8Array(0)),
    refused('1 byte', /./, new Uint8Array(1)),
    refused('7 bytes', /./, new Uint8Array(7)),
    refused('a header of 0 bytes', /./, file('', 0, 0n)),
    refused('a header past the file', /./, file('{}', 0, 2000n)),
    ...[2n ** 32n, 2n ** 53n, 2n ** 64n - 1n].map((length) =>
      refused(
        `a header of ${length} bytes`,
        /at most 100000000 bytes|a checkpoint \(safetensors/,
        file('{}', 0, length),
      ),
    ),
    refuses(
      'one of 2⁶⁴ − 1 by the command',
      /at most 100000000 bytes|a checkpoint \(safetensors/,
      (place) => ['summary', place.put('x.safetensors', file('{}', 0, 2n ** 64n - 1n))],
      { megabytes: 300 },
    ),
  ]),
  ...cases('B28', [
    refused(
      'a header past 100 MB',
      /at most 100000000 bytes|a checkpoint \(safetensors/,
      file('{}', 0, 100_000_001n),
    ),
  ]),
  ...cases('B29', [
    refused('a header that is not UTF-8', /./, file(Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d))),
    refused('a byte order mark', /./, file('\ufeff{}')),
    refused('no JSON', /./, file('{w}')),
    refused('an array', /./, file('[]')),
    refused('null', /./, file('null')),
    refused('an object without its end', /./, file('{"w":')),
    refused('nesting of 10⁵ arrays', /nesting/, file(`{"w":${'['.repeat(1e5)}`)),
    refused('nesting of 10⁵ objects', /nesting/, file('{"w":'.repeat(1e5))),
  ]),
  ...cases('B30', [
    accepted(
      'spaces behind the header',
      () => file(`{"w":${good}}     `, 4),
      ({ tensors }) => `${tensors.size} tensor`,
    ),
    refused('spaces before it, which the format does not allow', /./, file(`   {"w":${good}}`, 4)),
  ]),
  ...cases('B31', [
    refused('a name twice', /not used before/, file(`{"w":${good},"w":${good}}`, 4)),
    refused(
      'a name twice by an escape',
      /not used before/,
      file(`{"w":${good},"\\u0077":${good}}`, 4),
    ),
    refused('__metadata__ twice', /not used before/, file('{"__metadata__":{},"__metadata__":{}}')),
  ]),
  ...cases('B32', [
    ...['__proto__', 'constructor', 'toString', '', '../x'].map((name) =>
      accepted(
        `the name ${JSON.stringify(name)}`,
        () => named(name),
        ({ tensors }) => {
          must(tensors.has(name) && tensors.size === 1, [...tensors.keys()].join());
          must(({} as { dtype?: string }).dtype === undefined, 'the prototype was changed');
          return 'a tensor of that name';
        },
      ),
    ),
    refused('a name of 1 MB', /at most 4096/, named('n'.repeat(1e6))),
    refused('a name with NUL', /NUL/, file(`{"a\\u0000":${good}}`, 4)),
    refused('a lone surrogate', /well-formed/, file(`{"\\ud800":${good}}`, 4)),
  ]),
  ...cases('B33', [
    refused('a number in __metadata__', /__metadata__/, file('{"__metadata__":{"a":1}}')),
    refused('an object in __metadata__', /__metadata__/, file('{"__metadata__":{"a":{}}}')),
  ]),
  ...cases('B34', [
    refused('a negative offset', /./, one([1], [-4, 0])),
    refused('a fractional offset', /an integer/, one([1], [0, 4.5])),
    refused('an offset as text', /./, one([1], ['0', 4])),
    refused(
      'an offset of 1e20',
      /an integer/,
      file('{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,1e20]}}', 4),
    ),
    refused(
      'an offset of 2⁵³ + 1',
      /an integer/,
      file('{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,9007199254740993]}}', 4),
    ),
    refused('an end before its beginning', /./, one([1], [4, 0])),
  ]),
  ...cases('B35', [
    refused('ranges that overlap', /overlap/, file(`{"a":${good},"b":${good}}`, 4)),
    refused('a hole', /hole/, file(`{"a":${good},"b":${entry('F32', [1], [8, 12])}}`, 12)),
    refused('a first offset of 4', /hole/, one([1], [4, 8], 8)),
    accepted(
      'ranges in another order',
      () => file(`{"b":${entry('F32', [1], [4, 8])},"a":${good}}`, 8),
      ({ tensors }) => `${tensors.size} tensors`,
    ),
  ]),
  ...cases('B36', [
    refused(
      'a zip archive behind the data',
      /bytes follow/,
      Buffer.concat([whole, Buffer.from('PK\u0003\u0004')]),
    ),
    refused('2 bytes missing', /cut short/, whole.subarray(0, -2)),
  ]),
  ...cases('B37', [
    refused('a shape of other size', /./, one([2], [0, 4])),
    refused('a product past 2⁶⁴', /fits a file/, one([2 ** 32, 2 ** 32], [0, 0], 0, 'U8')),
    refused('a negative size', /./, one([-1], [0, 4])),
    refused(
      '10⁶ sizes',
      /./,
      one(
        Array.from({ length: 1e6 }, () => 2),
        [0, 4],
      ),
    ),
    accepted(
      'sizes of 0, and a scalar',
      () => file(`{"a":${entry('F32', [2, 0], [0, 0])},"b":${entry('F32', [], [0, 4])}}`, 4),
      ({ tensors }) => `${tensors.size} tensors`,
    ),
  ]),
  ...cases('B38', [
    refused('an unknown dtype', /a dtype/, one([4], [0, 4], 4, 'F7')),
    gives('F16 and BF16 with subnormals and NaN', 'the same numbers in float32', () => {
      const half = toFloat32({ dtype: 'F16', shape: [3], data: Uint16Array.of(1, 0x7e01, 0xfc00) });
      const brain = toFloat32({ dtype: 'BF16', shape: [2], data: Uint16Array.of(0x3f80, 0x7fc1) });
      must(
        half[0] === 2 ** -24 && Number.isNaN(half[1]) && half[2] === -Infinity,
        [...half].join(),
      );
      must(brain[0] === 1 && Number.isNaN(brain[1]), [...brain].join());
      return [...half, ...brain].join(', ');
    }),
    ...(['F8_E4M3', 'F4', 'C64'] as const).map((dtype) =>
      throws(`weights of ${dtype} for a model`, new RegExp(dtype), () =>
        toFloat32(
          parseSafetensors(
            one(
              [2],
              [0, { F8_E4M3: 2, F4: 1, C64: 16 }[dtype]],
              { F8_E4M3: 2, F4: 1, C64: 16 }[dtype],
              dtype,
            ),
          ).tensors.get('w')!,
        ),
      ),
    ),
  ]),
  ...cases('B39', [
    gives('data that begin at any byte', 'the same values', () => {
      for (let pad = 0; pad < 8; pad += 1) {
        const bytes = file(`{"w":${entry('F32', [2], [0, 8])}}${' '.repeat(pad)}`, 8);
        new DataView(bytes.buffer).setFloat32(bytes.length - 4, 2.5, true);
        const { data } = parseSafetensors(bytes).tensors.get('w')!;
        must(data[1] === 2.5, `${String(data[1])} after ${pad} spaces`);
      }
      return '8 paddings';
    }),
  ]),
  ...cases('B41', [
    gives('10⁶ tiny tensors', 'less than 15 s', () => {
      const members = Array.from(
        { length: 1e6 },
        (_, i) => `"t${i}":{"dtype":"U8","shape":[1],"data_offsets":[${i},${i + 1}]}`,
      );
      const start = process.cpuUsage();
      const { tensors } = parseSafetensors(file(`{${members.join(',')}}`, 1e6));
      const { user, system } = process.cpuUsage(start);
      must(
        tensors.size === 1e6 && (user + system) / 1e6 < 15,
        `${tensors.size} in ${(user + system) / 1e6} s`,
      );
      return `${((user + system) / 1e6).toFixed(1)} s`;
    }),
  ]),
  ...cases('B42', [
    gives('float64 weights', 'rounded to float32', () => {
      const [value] = toFloat32({ dtype: 'F64', shape: [1], data: Float64Array.of(Math.PI) });
      must(value === Math.fround(Math.PI), String(value));
      return String(value);
    }),
  ]),
  ...cases('B58', [fuzz(40_000, structured), fuzz(40_000, random)]),
];
