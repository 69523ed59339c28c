// B40, B43–B57: checkpoints that are of another kind, another model, incomplete or unsafe, and their config.json.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { hostTensor } from '../../lib/checkpoints/hostTensor.ts';
import { formatSafetensors, parseSafetensors } from '../../lib/checkpoints/safetensors.ts';
import { readTensors } from '../../lib/checkpoints/readTensors.ts';
import { writeZip } from '../../lib/checkpoints/zip/writeZip.ts';
import { call, dictionary, tensor, text as pickled, tuple } from '../support/pickleBytes.ts';
import { refuses, succeeds } from '../suites/expect.ts';
import { digit, shipped } from '../suites/fixtures.ts';
import { gives, refusalOf, throws } from '../suites/inProcess.ts';
import { cases, must } from '../suites/row.ts';
import { Rng } from '../../lib/core/rng.ts';
import type { HostTensor } from '../../lib/checkpoints/hostTensor.ts';
import type { Limits } from '../suites/expect.ts';
import type { Place } from '../suites/place.ts';
import type { Row } from '../suites/row.ts';

const weights = formatSafetensors(
  parseSafetensors(fs.readFileSync(join(shipped, 'model.safetensors'))).tensors,
);
const config = fs.readFileSync(join(shipped, 'config.json'), 'utf8');
type Tensors = Map<string, HostTensor>;

/** The words that predict with a checkpoint of these weights and this configuration. */
export function predictWith(
  place: Place,
  { file = weights, json = config }: { file?: Uint8Array; json?: string | Uint8Array },
): string[] {
  place.put('model/model.safetensors', file);
  place.put('model/config.json', json);
  const image = digit(place);
  return ['predict', '--backend', 'cpu', '--checkpoint', place.path('model'), '--image', image];
}

const changed = (change: (tensors: Tensors) => void): Uint8Array => {
  const { tensors } = parseSafetensors(weights);
  const copy: Tensors = new Map(tensors);
  change(copy);
  return formatSafetensors(copy);
};
const filled = (name: string, value: number) =>
  changed((tensors) => {
    const { shape, data } = tensors.get(name)!;
    tensors.set(name, hostTensor([...shape], new Float32Array(data.length).fill(value)));
  });
const refusesTensors = (what: string, message: RegExp, file: () => Uint8Array, limits?: Limits) =>
  refuses(what, message, (place) => predictWith(place, { file: file() }), limits);
const refusesConfig = (
  what: string,
  message: RegExp,
  json: () => string | Uint8Array,
  limits?: Limits,
) => refuses(what, message, (place) => predictWith(place, { json: json() }), limits);
const withConfig = (change: (record: Record<string, never>) => void): string => {
  const record = JSON.parse(config) as Record<string, never>;
  change(record);
  return JSON.stringify(record);
};

const text = (content: string): Uint8Array => Uint8Array.from(content, (c) => c.charCodeAt(0));
const run = call('posix', 'system', pickled('touch hacked')) + '.';
const floats = new Uint8Array(Float32Array.of(1, 2).buffer);
const torchZip = (pickle: string, more: Readonly<Record<string, Uint8Array>> = {}): Uint8Array =>
  writeZip(
    new Map([
      ['archive/data.pkl', text(pickle)],
      ['archive/data/0', floats],
      ['archive/version', text('3\n')],
      ...Object.entries(more),
    ]),
  );
const flipped = (file: Uint8Array, part: Uint8Array): Uint8Array => {
  const copy = Uint8Array.from(file);
  const at = Buffer.from(copy.buffer).indexOf(part);
  copy[at]! ^= 1;
  return copy;
};
const bomb = (): Uint8Array => {
  const packed = new Uint8Array(deflateRawSync(new Uint8Array(2 ** 24)));
  const file = writeZip(new Map([['archive/data.pkl', packed]]));
  const view = new DataView(file.buffer);
  for (const at of [8, view.getUint32(file.length - 6, true) + 10]) view.setUint16(at, 8, true);
  for (const at of [22, view.getUint32(file.length - 6, true) + 24])
    view.setUint32(at, 2 ** 24, true);
  return file;
};
const foreign = (what: string, message: RegExp, bytes: Uint8Array) =>
  throws(`${what}, never run`, message, () => readTensors(bytes, 'model.pth'), { seconds: 1 });

/** The rows on checkpoints. */
export const checkpointRows: readonly Row[] = [
  ...cases('B40', [
    refusesTensors('a NaN among the weights', /NaN or infinity in head\.weight/, () =>
      filled('head.weight', NaN),
    ),
    refusesTensors('infinities among the weights', /NaN or infinity in norm\.bias/, () =>
      filled('norm.bias', Infinity),
    ),
  ]),
  ...cases('B43', [
    refusesTensors('a tensor is missing', /missing head\.bias/, () =>
      changed((t) => t.delete('head.bias')),
    ),
    refusesTensors('a tensor too many', /unexpected blocks\.9\.extra/, () =>
      changed((t) => t.set('blocks.9.extra', hostTensor([1], new Float32Array(1)))),
    ),
    refusesTensors('qkv transposed', /blocks\.0\.attn\.qkv\.weight is \[128, 384\]/, () =>
      changed((t) => {
        const { data } = t.get('blocks.0.attn.qkv.weight')!;
        t.set(
          'blocks.0.attn.qkv.weight',
          hostTensor([128, 384], Float32Array.from(data as Float32Array)),
        );
      }),
    ),
    refusesTensors('thousands of unknown tensors: the first few and a count', /and \d+ more/, () =>
      changed((t) => {
        for (let i = 0; i < 5000; i += 1)
          t.set(`unknown.${i}`, hostTensor([1], new Float32Array(1)));
      }),
    ),
  ]),
  ...cases('B44', [
    refusesConfig('a head of 12 classes in the configuration', /head\.weight is \[10, 128\]/, () =>
      withConfig((r) => Object.assign(r['model']!, { numClasses: 12 })),
    ),
    refusesConfig(
      'an image of another grid: resampled, said, and refused for its preprocessing',
      /56 × 56.*preprocessing/,
      () => withConfig((r) => Object.assign(r['model']!, { imageSize: [56, 56] })),
      { notes: /resampled/ },
    ),
    succeeds('another patch size: resampled, and said', /%/, (place) =>
      predictWith(place, {
        json: withConfig((r) => Object.assign(r['model']!, { patchSize: [4, 4] })),
      }),
    ),
    refusesConfig('no class token', /cls_token|pos_embed|globalPool/, () =>
      withConfig((r) => Object.assign(r['model']!, { classToken: false })),
    ),
  ]),
  ...cases('B45', [
    succeeds('names with module. before them, which is taken off', /%/, (place) => {
      const { tensors } = parseSafetensors(weights);
      const named = [...tensors].map(([name, tensor]) => [`module.${name}`, tensor] as const);
      return predictWith(place, { file: formatSafetensors(new Map(named)) });
    }),
  ]),
  ...cases('B46', [
    foreign(
      'a pickle that calls os.system',
      /pickle/i,
      text('\x80\x04cposix\nsystem\n\x8c\x05touchR.'),
    ),
    foreign(
      'a zip of PyTorch with such a pickle',
      /posix\.system.*Nothing of it was run/,
      torchZip(run),
    ),
    foreign(
      'the same beside good weights',
      /posix\.system/,
      torchZip(dictionary({ w: tensor(), x: run.slice(0, -1) })),
    ),
    foreign(
      'eval through getattr and the memo',
      /names builtins\.eval/,
      torchZip(
        `\x80\x02${pickled('builtins')}q\x00${pickled('eval')}q\x010h\x00h\x01\x93${tuple(pickled('1'))}R.`,
      ),
    ),
    refuses('the same as .safetensors by the command', /pickle/i, (place) => [
      'summary',
      place.put('a.safetensors', text('\x80\x04cposix\nsystem\n(S"touch hacked"\ntR.')),
    ]),
  ]),
  ...cases('B47', [
    foreign(
      "PyTorch's file of before 1.6, cut",
      /pickle/,
      text('\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.'),
    ),
    foreign('a tar archive', /tar archive/, text(`storages${'\0'.repeat(249)}ustar`)),
    foreign(
      'TorchScript',
      /TorchScript/,
      torchZip('\x80\x02N.', { 'archive/constants.pkl': text('\x80\x02).') }),
    ),
    foreign('7z', /safetensors/, text("7z\xbc\xaf'\x1c\0\x04")),
    foreign(
      'a NumPy archive of pickled objects',
      /dtype "\|O"/,
      writeZip(
        new Map([
          [
            'arr_0.npy',
            text(
              `\x93NUMPY\x01\0\x50\0${"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".padEnd(79)}\n`,
            ),
          ],
        ]),
      ),
    ),
    foreign('HDF5', /HDF5/, text('\x89HDF\r\n\x1a\n')),
    gives('every prefix of 2,000 bytes after 12 signatures, seed 16', 'our error', async () => {
      const rng = new Rng(16);
      const starts = [
        'PK\x03\x04',
        '\x80\x04',
        '\x89HDF\r\n\x1a\n',
        '\x93NUMPY',
        'GGUF',
        '\x08\x07\x12',
        '\x1f\x8b',
        '{',
        '<html>',
        '\0\0\0\0TFL3',
        'version https://git-lfs',
        '[',
      ];
      for (let i = 0; i < 2000; i += 1) {
        const noise = Uint8Array.from({ length: rng.integer(600) }, () => rng.integer(256));
        const bytes = Buffer.concat([text(starts[rng.integer(starts.length)]!), noise]);
        must((await refusalOf(() => readTensors(bytes, 'x'))) !== undefined, `case ${i} was read`);
      }
      return '2,000 refused';
    }),
  ]),
  ...cases('B48', [
    foreign('a wrong checksum', /checksum/, flipped(torchZip(dictionary({ w: tensor() })), floats)),
    foreign('16 MiB of zeros in 16 kB', /at most 100 bytes for each/, bomb()),
    foreign(
      'an archive behind a picture',
      /cut short|end record/,
      Buffer.concat([torchZip('N.'), text('x')]),
    ),
  ]),
  ...cases('B49', [
    foreign(
      'a pickle of 10⁷ opcodes',
      /at most 2000000 opcodes/,
      torchZip(`\x80\x02${'N0'.repeat(5e6)}N.`),
    ),
    foreign('10⁶ lists', /at most/, torchZip(`\x80\x02${']'.repeat(1e6)}.`)),
    foreign(
      'doubling by the memo 300 times',
      /no weights/,
      torchZip(`\x80\x02]q\x00${'h\x00h\x00\x86q\x00'.repeat(300)}.`),
    ),
    foreign('a list that contains itself', /no weights/, torchZip('\x80\x02]q\x00h\x00a.')),
    foreign(
      '20,000 lists in each other',
      /no weights/,
      torchZip(`\x80\x02${']'.repeat(2e4)}${'a'.repeat(2e4 - 1)}.`),
    ),
    foreign('a cut pickle', /end of the file/, torchZip(dictionary({ w: tensor() }).slice(0, 60))),
  ]),
  ...cases('B50', [
    foreign(
      'sizes past the storage',
      /within the 2/,
      torchZip(dictionary({ w: tensor({ shape: [2 ** 31 - 1] }) })),
    ),
    foreign(
      'a negative stride',
      /strides of integers/,
      torchZip(dictionary({ w: tensor({ stride: [-1] }) })),
    ),
    foreign(
      'an offset past the storage',
      /within the 2/,
      torchZip(dictionary({ w: tensor({ offset: 2 }) })),
    ),
    foreign(
      'one element 2³¹ times',
      /at most four times/,
      torchZip(dictionary({ w: tensor({ shape: [2 ** 30, 2], stride: [0, 0] }) })),
    ),
  ]),
  ...cases('B51', [
    foreign(
      'a storage ../../x',
      /an entry .*\.\.\/x/,
      torchZip(dictionary({ w: tensor({ key: '../../x' }) })),
    ),
  ]),
  ...cases('B52', [
    throws('an index of shards that names ../../etc/passwd', /plain name/, () =>
      readTensors(text('{"weight_map":{"w":"../../etc/passwd"}}'), 'model.safetensors.index.json'),
    ),
    refuses('such a file by the command', /plain name/, (place) => [
      'summary',
      place.put('model.safetensors', '{"metadata":{},"weight_map":{"w":"https://x/y"}}'),
    ]),
  ]),
  ...cases('B53', [
    refusesConfig('a family of models that is not known', /family|cliip/, () =>
      withConfig((r) => Object.assign(r['model']!, { family: 'cliip' })),
    ),
    refusesConfig('an option of a later version', /futureOption/, () =>
      withConfig((r) => Object.assign(r['model']!, { futureOption: 3 })),
    ),
    refuses(
      'a timm name of a model that is not built',
      /unknown|Expected|not built|not/i,
      (place) => [
        'summary',
        place
          .put('m/config.json', JSON.stringify({ architecture: 'convnext_tiny', num_classes: 3 }))
          .replace('/config.json', ''),
      ],
    ),
  ]),
  ...cases('B54', [
    refuses('a configuration without weights', /holds none|no such file|Cannot find/, (place) => [
      'predict',
      '--backend',
      'cpu',
      '--image',
      digit(place),
      '--checkpoint',
      place.put('m/config.json', config).replace('/config.json', ''),
    ]),
    refuses('weights without a configuration', /config/, (place) => [
      'predict',
      '--backend',
      'cpu',
      '--image',
      digit(place),
      '--checkpoint',
      place.put('m/model.safetensors', weights),
    ]),
  ]),
  ...cases('B55', [
    refuses('a checkpoint that is an empty folder', /Cannot find a checkpoint/, (place) => {
      fs.mkdirSync(place.path('empty'));
      return ['eval', '--backend', 'cpu', '--checkpoint', place.path('empty')];
    }),
    succeeds('a link to a folder, which is followed', /%/, (place) => {
      const words = predictWith(place, {});
      fs.symlinkSync(place.path('model'), place.path('link'));
      return words.map((word) => (word === place.path('model') ? place.path('link') : word));
    }),
    refuses('/dev/zero', /device/, () => ['eval', '--backend', 'cpu', '--checkpoint', '/dev/zero']),
  ]),
  ...cases('B56', [
    refusesConfig('a comma too many', /./, () => config.replace(/}\s*$/, ',}')),
    refusesConfig('a comment', /./, () => `// mine\n${config}`),
    refusesConfig('1e999', /finite/, () => config.replace(/"mlpRatio": *4/, '"mlpRatio": 1e999')),
    refusesConfig('a key twice', /not used before/, () =>
      config.replace('"model": {', '"model": {}, "model": {'),
    ),
    refusesConfig('a list', /object/, () => '[]'),
    refusesConfig('invalid UTF-8', /UTF-8/, () =>
      Buffer.concat([
        Buffer.from('{"a":"'),
        Uint8Array.of(0xff, 0xfe),
        Buffer.from(`",${config.slice(1)}`),
      ]),
    ),
    refusesConfig('nesting of 10⁵', /nesting/, () => `{"model":${'['.repeat(1e5)}`),
    refuses(
      '3 GB of zeros',
      /bytes|large|more than/i,
      (place) => {
        const words = predictWith(place, { json: '' });
        fs.truncateSync(place.path('model/config.json'), 3e9);
        return words;
      },
      { seconds: 4, megabytes: 400 },
    ),
  ]),
  ...cases('B57', [
    refuses(
      'a file of 1 TB, sparse',
      /1000000000000 bytes|bytes/,
      (place) => {
        const words = predictWith(place, {});
        fs.truncateSync(place.path('model/model.safetensors'), 1e12);
        return words;
      },
      { seconds: 4, megabytes: 400 },
    ),
    refuses(
      'a file of 5 GB, sparse, of another size than its header says',
      /Cannot read .*(bytes|GB|GiB)/,
      (place) => {
        const words = predictWith(place, {});
        fs.truncateSync(place.path('model/model.safetensors'), 5e9);
        return words;
      },
      { seconds: 10, megabytes: 700 },
    ),
  ]),
];
