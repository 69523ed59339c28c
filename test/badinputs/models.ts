// I16-04, I16-06, I16-09 … I16-13, I16-30: models from elsewhere, numbers past float32, images and arrays of one's own.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { hostTensor } from '../../lib/checkpoints/hostTensor.ts';
import { formatSafetensors, parseSafetensors } from '../../lib/checkpoints/safetensors.ts';
import { makeImage } from '../../lib/core/image.ts';
import { modelTensors, VisionTransformer } from '../../lib/index.ts';
import { encodePng } from '../../lib/io/encodePng.ts';
import { assertOutput, refuses, seenOf, succeeds } from '../suites/expect.ts';
import { root, runNode, vit } from '../suites/command.ts';
import { digit, shipped, tinyRun } from '../suites/fixtures.ts';
import { answered, applied, cases, must } from '../suites/row.ts';
import { predictWith } from './checkpoints.ts';
import type { Place } from '../suites/place.ts';
import type { Row } from '../suites/row.ts';

const config = readFileSync(join(shipped, 'config.json'), 'utf8');

/** A folder as timm's save_for_hf writes it. */
function hubFolder(place: Place, architecture: string, more: object = {}): string {
  const model = new VisionTransformer(
    { imageSize: 16, patchSize: 8, numClasses: 3, embedDim: 12, depth: 1, numHeads: 2 },
    { onWarning: () => undefined },
  );
  place.put('hub/model.safetensors', formatSafetensors(modelTensors(model)));
  model.dispose();
  const pretrained = {
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    input_size: [3, 16, 16],
    interpolation: 'bicubic',
  };
  place.put(
    'hub/config.json',
    JSON.stringify({
      architecture,
      num_classes: 3,
      num_features: 12,
      pretrained_cfg: pretrained,
      model_args: { img_size: 16, patch_size: 8, embed_dim: 12, depth: 1, num_heads: 2 },
      ...more,
    }),
  );
  return place.path('hub');
}

const nonFinite = (what: string, json: () => string, file: () => Uint8Array | undefined) =>
  refuses(
    what,
    /finite|NaN|infinit/i,
    (place) => predictWith(place, { json: json(), ...(file() && { file: file()! }) }),
    { code: [1, 2] },
  );
const scaled = (): Uint8Array => {
  const { tensors } = parseSafetensors(readFileSync(join(shipped, 'model.safetensors')));
  return formatSafetensors(
    new Map(
      [...tensors].map(([name, { shape, data }]) => [
        name,
        hostTensor([...shape], new Float32Array(data.length).fill(1e30)),
      ]),
    ),
  );
};

/** A photographed digit 1: grey paper that gets darker to one side, a thin dark line off the centre. */
function photographed(): Uint8Array {
  const side = 200;
  const data = new Uint8Array(side * side);
  for (let y = 0; y < side; y += 1) {
    for (let x = 0; x < side; x += 1) {
      const paper = 205 - x * 0.45 - y * 0.1;
      const ink = y > 40 && y < 150 && Math.abs(x - 70 - (150 - y) * 0.08) < 5;
      data[y * side + x] = ink ? paper * 0.35 : paper;
    }
  }
  return encodePng(makeImage(side, side, 1, data));
}

/** The rows on models and arrays from elsewhere. */
export const modelRows: readonly Row[] = [
  ...cases('I16-04', [
    (id) =>
      applied(
        id,
        'vis without --checkpoint where a run is',
        'draws the newest run, and names it',
        async (place) => {
          await tinyRun(place, 'runs/mnist');
          const ran = await vit(['vis', '--backend', 'cpu', '--output', 'out.png'], {
            cwd: place.folder,
          });
          return assertOutput(ran, /runs\/mnist\S*/, { seconds: 15 });
        },
      ),
    (id) =>
      applied(
        id,
        'predict without --checkpoint where a run is',
        'takes the newest run, and names it',
        async (place) => {
          await tinyRun(place, 'runs/mnist');
          const ran = await vit(['predict', '--backend', 'cpu', '--image', digit(place)], {
            cwd: place.folder,
          });
          return assertOutput(ran, /runs\/mnist\S*/);
        },
      ),
    succeeds(
      'predict without --checkpoint and without a run: the shipped model',
      /mnist-vit/,
      (place) => ['predict', '--backend', 'cpu', '--image', digit(place)],
    ),
  ]),
  ...cases('I16-06', [
    succeeds("predict with a folder of timm's hub, its own mean and std", /class 2|2 /, (place) => [
      'predict',
      '--backend',
      'cpu',
      '--image',
      digit(place),
      '--checkpoint',
      hubFolder(place, 'vit_tiny_patch16_224'),
    ]),
    succeeds('a tagged name', /./, (place) => [
      'predict',
      '--backend',
      'cpu',
      '--image',
      digit(place),
      '--checkpoint',
      hubFolder(place, 'vit_tiny_patch16_224.augreg_in21k'),
    ]),
    refuses('a name that is not built yet', /convnext_tiny/, (place) => [
      'predict',
      '--backend',
      'cpu',
      '--image',
      digit(place),
      '--checkpoint',
      hubFolder(place, 'convnext_tiny', { model_args: {} }),
    ]),
    succeeds('vit_base_patch16_clip_224, with its pre-norm', /norm_pre/, () => [
      'summary',
      'vit_base_patch16_clip_224',
    ]),
  ]),
  ...cases('I16-09', [
    (id) =>
      applied(
        id,
        'npm pack of the repository',
        'dist/, examples/ and a sample config are in it',
        () => {
          const out = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
            cwd: root,
            encoding: 'utf8',
            stdio: ['ignore', 'pipe', 'ignore'],
          });
          const files = (JSON.parse(out) as { files: { path: string }[] }[])[0]!.files.map(
            ({ path }) => path,
          );
          const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
            scripts: Record<string, string>;
          };
          must(scripts['prepack'] !== undefined, 'no prepack');
          for (const part of ['dist/', 'examples/', 'config'])
            must(
              files.some((file) => file.includes(part)),
              `no ${part}`,
            );
          return `${files.length} files`;
        },
      ),
  ]),
  ...cases('I16-10', [
    (id) =>
      applied(
        id,
        "import 'tfjs-vit/native' with a bad TFJS_VIT_ISA",
        'one line with the reason',
        async (place) => {
          const code = `import('${root}dist/lib/backends/native/node.js').then(() => console.log('on'))`;
          const ran = await runNode(['--input-type=module', '-e', code], {
            cwd: place.folder,
            env: { TFJS_VIT_ISA: 'sse9' },
          });
          const lines = ran.error
            .split('\n')
            .filter((line) => line !== '' && !/^=|install tfjs-node|Hi, looks/.test(line));
          must(
            ran.code === 0 && lines.length === 1 && /TFJS_VIT_ISA|sse9/.test(lines[0]!),
            seenOf(ran),
          );
          return lines[0]!;
        },
      ),
    refuses(
      'a command with --backend native and a bad TFJS_VIT_ISA',
      /TFJS_VIT_ISA|sse9/,
      () => ['eval', '--backend', 'native', '--limit', '4'],
      { run: { env: { TFJS_VIT_ISA: 'sse9' } } },
    ),
  ]),
  ...cases('I16-12', [
    (id) =>
      applied(id, 'a 1 photographed on shaded grey paper', 'a 1, or a warning', async (place) => {
        const ran = await vit([
          'predict',
          '--backend',
          'cpu',
          '--checkpoint',
          shipped,
          '--image',
          place.put('photo.png', photographed()),
        ]);
        must(ran.code === 0, seenOf(ran));
        must(
          /^1 /.test(ran.out) ||
            ran.error.split('\n').some((line) => /paper|shad|contrast|uneven/i.test(line)),
          seenOf(ran),
        );
        return seenOf(ran);
      }),
  ]),
  ...cases('I16-13', [
    (id) =>
      applied(
        id,
        'Float32Array images of 0 … 1 in a data set',
        'our error, or scaled',
        async () => {
          const { MemoryDataset } = await import('../../lib/index.ts');
          const { refusalOf } = await import('../suites/inProcess.ts');
          const images = Float32Array.from({ length: 8 }, (_, i) => i / 8);
          const make = () =>
            new MemoryDataset({
              images: images as never,
              labels: [0, 1],
              imageShape: [2, 2, 1],
              classNames: ['a', 'b'],
            });
          const message = await refusalOf(make);
          if (message !== undefined) return message;
          const { data } = make().image(1);
          must(
            Math.max(...data) > 100 || make().image(1).data.constructor.name === 'Float32Array',
            'divided by 255 again',
          );
          return 'scaled';
        },
      ),
  ]),
  answered(
    'I16-19',
    'README.ja: 移植版, 注意, 限界, 目録, two caveats',
    'a text for readers; test/docs holds that both READMEs say the same',
  ),
  ...cases('I16-30', [
    nonFinite('weights of 1e30', () => config, scaled),
    nonFinite(
      'a mean of 1e308',
      () => config.replace(/"mean": *\[[^\]]*\]/, '"mean": [1e308]'),
      () => undefined,
    ),
    refuses('a deviation of 0', /std/, (place) =>
      predictWith(place, { json: config.replace(/"std": *\[[^\]]*\]/, '"std": [0]') }),
    ),
    refuses(
      'a deviation of 1e-320',
      /std|finite/,
      (place) =>
        predictWith(place, { json: config.replace(/"std": *\[[^\]]*\]/, '"std": [1e-320]') }),
      { code: 2 },
    ),
    refuses(
      'the same by eval',
      /finite|NaN|infinit/i,
      (place) => [
        'eval',
        '--backend',
        'cpu',
        '--limit',
        '4',
        '--checkpoint',
        predictWith(place, { file: scaled() })[4]!,
      ],
      { code: [1, 2] },
    ),
    refuses(
      'the same by vis',
      /finite|NaN|infinit/i,
      (place) => [
        'vis',
        '--backend',
        'cpu',
        '--output',
        place.path('x.png'),
        '--checkpoint',
        predictWith(place, { file: scaled() })[4]!,
      ],
      { code: [1, 2] },
    ),
  ]),
  answered(
    'I16-39',
    'memmove of 0 bytes from null, signed overflow, functions that test:sanitizers does not call',
    'held by npm run test:kernels -- --sanitize address,undefined and npm run test:sanitizers, which need a compiler',
  ),
];
