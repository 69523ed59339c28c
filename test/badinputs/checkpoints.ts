// B40, B43–B57: checkpoints that are of another kind, another model, incomplete or unsafe, and their config.json.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { hostTensor } from '../../lib/checkpoints/hostTensor.ts';
import { formatSafetensors, parseSafetensors } from '../../lib/checkpoints/safetensors.ts';
import { readTensors } from '../../lib/checkpoints/readTensors.ts';
import { refuses, succeeds } from '../suites/expect.ts';
import { digit, shipped } from '../suites/fixtures.ts';
import { gives, refusalOf, throws } from '../suites/inProcess.ts';
import { answered, cases, must } from '../suites/row.ts';
import { Rng } from '../../lib/core/rng.ts';
import type { HostTensor } from '../../lib/checkpoints/hostTensor.ts';
import type { Limits } from '../suites/expect.ts';
import type { Place } from '../suites/place.ts';
import type { Row } from '../suites/row.ts';

// Without the configuration in its metadata, so that config.json decides.
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
const zip = (entry: string, more = ''): Uint8Array =>
  text(`PK\u0003\u0004${'\0'.repeat(26)}${entry}${'\0'.repeat(40)}${more}`);
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
    refusesConfig(
      'another patch size',
      /patch/,
      () => withConfig((r) => Object.assign(r['model']!, { patchSize: [4, 4] })),
      { notes: /resampled/ },
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
      /PyTorch/,
      zip('archive/data.pkl', 'cposix\nsystem\n'),
    ),
    refuses('the same as .safetensors by the command', /pickle/i, (place) => [
      'summary',
      place.put('a.safetensors', text('\x80\x04cposix\nsystem\n(S"touch hacked"\ntR.')),
    ]),
  ]),
  ...cases('B47', [
    foreign(
      "PyTorch's file of before 1.6",
      /PyTorch/,
      text('\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.'),
    ),
    foreign('a tar archive', /tar archive/, text(`storages${'\0'.repeat(249)}ustar`)),
    foreign('TorchScript', /PyTorch/, zip('model/constants.pkl')),
    foreign('7z', /safetensors/, text("7z\xbc\xaf'\x1c\0\x04")),
    foreign(
      'a NumPy archive of pickled objects',
      /NumPy/,
      zip('arr_0.npy', "\x93NUMPY\x01\0{'descr': '|O'}"),
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
  answered(
    'B48',
    'zip archives: CRC, flags, sizes, bombs',
    'no zip archive is opened yet: recognised by its first bytes and refused (B47); the issue on .pth files brings it',
  ),
  answered(
    'B49',
    'pickle: memo bombs, 10⁷ opcodes, cycles',
    'no pickle is read yet (B46); the issue on .pth files brings it',
  ),
  answered(
    'B50',
    'strides and offsets outside the storage',
    'no strided format is read yet; the issue on .pth files brings it',
  ),
  answered(
    'B51',
    'storage keys ../../x',
    'no format with storage keys is read yet; the issue on .pth files brings it',
  ),
  ...cases('B52', [
    throws('an index of shards that names ../../etc/passwd', /sharded/, () =>
      readTensors(text('{"weight_map":{"w":"../../etc/passwd"}}'), 'model.safetensors.index.json'),
    ),
    refuses('such a file by the command', /sharded/, (place) => [
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
