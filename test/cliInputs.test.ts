import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import { formatSafetensors, parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import { tiny, vit, writeExperiment } from './support/cli.ts';

jest.setTimeout(60_000);

let folder: string;
beforeAll(() => tf.setBackend('cpu'));
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cli-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const inFolder = (name: string) => path.join(folder, name);
const experiment = (change: object = {}) => writeExperiment(inFolder('experiment.json'), change);

describe('bad input is one line and exit code 2', () => {
  const cases: [string, () => string[], RegExp][] = [
    ['no command', () => [], /Expected a command/],
    ['a misspelt command', () => ['trian'], /Did you mean train\?/],
    ['a misspelt flag', () => ['train', '--epocs', '3'], /Did you mean --epochs\?/],
    ['a missing value', () => ['predict', '--image'], /a value for --image/],
    ['a needed flag', () => ['predict', '--topk', '3'], /--image/],
    ['train without anything', () => ['train'], /--config FILE, --recipe NAME, .* or --resume DIR/],
    ['no config file', () => ['train', '--config', inFolder('none.ts')], /none\.ts/],
    ['a config that is a folder', () => ['train', '--config', folder], /config file/],
    ['a config of another kind', () => ['train', '--config', put('a.txt', 'x')], /\.json file/],
    [
      'a config with an error',
      () => ['train', '--config', put('a.mjs', 'syntax error(')],
      /a module that loads/,
    ],
    [
      'a config that throws null',
      () => ['train', '--config', put('a.mjs', 'throw null')],
      /a module that loads .*null/,
    ],
    [
      'a config that exports nothing',
      () => ['train', '--config', put('a.json', '[1]')],
      /a JSON object/,
    ],
    [
      'an unknown recipe',
      () => ['train', '--config', recipes(), '--recipe', 'slwo'],
      /one of slow, quick for --recipe, received "slwo"\. Did you mean slow\?/,
    ],
    [
      "a recipe's name that every object has",
      () => ['train', '--config', recipes(), '--recipe', 'toString'],
      /one of slow, quick/,
    ],
    [
      'a recipe that is no experiment',
      () => ['train', '--config', recipes(), '--recipe', 'quick'],
      /an object for recipe quick .*received 3/,
    ],
    [
      'recipes that are no object',
      () => ['train', '--config', put('a.mjs', 'export const recipes = 3'), '--recipe', 'slow'],
      /an object of experiments/,
    ],
    [
      'a recipe of a file without any',
      () => ['train', '--config', experiment(), '--recipe', 'slow'],
      /a module that exports recipes/,
    ],
    [
      'a recipe without a file',
      () => ['train', '--recipe', 'slow'],
      /one of deit, .* received "slow"\. Those of a config file need --config FILE\./,
    ],
    [
      'a recipe for a run that goes on',
      () => ['train', '--config', recipes(), '--recipe', 'slow', '--resume', folder],
      /no --recipe for --resume/,
    ],
    ['a key twice', () => ['train', '--config', put('a.json', '{"name":"a","name":"b"}')], /name/],
    ['an unknown key', () => ['train', '--config', experiment({ epoch: 3 })], /epoch/],
    [
      'an unknown model option',
      () => ['train', '--config', experiment({ model: { deepth: 3 } })],
      /Did you mean depth\?/,
    ],
    [
      'heads that do not divide',
      () => ['train', '--config', experiment({ model: { ...tiny.model, numHeads: 5 } })],
      /numHeads|embedDim/,
    ],
    [
      'another data set',
      () => ['train', '--config', experiment({ data: { dataset: 'stl10' } })],
      /mnist/,
    ],
    ['a name that is a path', () => ['train', '--config', experiment({ name: '../x' })], /name/],
    ['no data', () => ['train', '--config', experiment(), '--data-path', inFolder('none')], /none/],
    [
      'momentum of sgd with adamw',
      () => quick('--momentum', '0.8'),
      /^Expected no --momentum, because optimizer\.opt is adamw; received 0\.8\./,
    ],
    [
      'steps of a schedule without steps',
      () => quick('--decay-rate', '0.5'),
      /^Expected no --decay-rate, because schedule\.sched is cosine; received 0\.5\./,
    ],
    [
      'the decay of an average that is turned off',
      () => quick('--no-model-ema', '--model-ema-decay', '0.9'),
      /^Expected no --model-ema-decay for --no-model-ema, received 0\.9\./,
    ],
    ['no model', () => quick('--model', 'vit'), /a model name for model\.name, received "vit"/],
    ['no data set', () => quick('--data-set', 'x'), /one of mnist, .* received "x"/],
    [
      'a start that is not there',
      () => quick('--finetune', 'x'),
      /^Cannot read "x": there is no such/,
    ],
    ['a flag of one letter', () => quick('--x', '1'), /"--x"\. See tfjs-vit train --help\./],
    [
      'a way of clipping with clipping turned off',
      () => quick('--clip-mode', 'value', '--clip-grad', '0'),
      /^Expected no --clip-mode for --clip-grad 0, received "value"\./,
    ],
    [
      'a way of clipping without a limit',
      () => quick('--clip-mode', 'value'),
      /^Expected --clip-grad X with --clip-mode, received none\./,
    ],
    [
      'a warm-up rate without a warm-up',
      () => quick('--warmup-lr', '0.1'),
      /^Expected no --warmup-lr, because schedule\.warmupEpochs is 0; received 0\.1\./,
    ],
    [
      'classes of a checkpoint',
      () => ['summary', 'checkpoints/mnist-vit', '--num-classes', '3'],
      /^Expected no --num-classes for a checkpoint/,
    ],
    [
      'a size beside the list of sizes',
      () => ['summary', '--image-size', '32'],
      /^Expected no --image-size for the list of sizes/,
    ],
    [
      'a word for a switch in a config',
      () => quickWith({ dropLast: 'false' }),
      /^Expected true or false for dropLast, received "false"\.$/,
    ],
    [
      'a number for a pair in a group of a config',
      () => quickWith({ optimizer: { betas: 0.9 } }),
      /^Expected 2 finite numbers ≥ 0 and < 1 for optimizer\.betas, received 0\.9\.$/,
    ],
    [
      'null for a pair of a transform',
      () => quickWith({ data: { dataset: 'mnist', affine: { scale: null } } }),
      /^Expected 2 finite numbers .* for data\.trainTransforms\[0\]\.scale, received null\.$/,
    ],
    ['batch 0', () => ['train', '--config', experiment(), '--batch-size', '0'], /--batch-size/],
    [
      'a batch larger than the data',
      () => quick('--limit', '4', '--limit-val', '8'),
      /batchSize, received 8/,
    ],
    [
      'an image size that its preprocessing does not have',
      () => {
        const folder = modelNamed(undefined);
        const record = JSON.parse(readFileSync(inFolder('config.json'), 'utf8')) as {
          model: object;
        };
        const model = { ...record.model, imageSize: [56, 56] };
        put('config.json', JSON.stringify({ ...record, model }));
        const { tensors } = parseSafetensors(readFileSync(inFolder('model.safetensors')));
        writeFileSync(inFolder('model.safetensors'), formatSafetensors(tensors));
        return ['predict', '--backend', 'cpu', '--image', '0', '--checkpoint', folder];
      },
      /56 × 56 × 1 values .*preprocessing\.size/,
    ],
    [
      'a discarded share of 1',
      () => ['vis', '--discard-ratio', '1'],
      /finite number ≥ 0 and < 1 for --discard-ratio/,
    ],
    ['an unwritable place', () => quick('--output-dir', put('file', 'x')), /found a file/],
    ['nothing to resume', () => ['train', '--resume', inFolder('none')], /run/],
    ...(
      [
        ['class names of another number', ['one', 'two'], /10 names, one a class for classNames/],
        [
          'class names that are objects',
          Array.from({ length: 10 }, () => ({})),
          /a name for classNames\[0\]/,
        ],
        ['class names that are no list', 'digits', /10 names.*received "digits"/],
      ] as const
    ).map(([what, classNames, message]): [string, () => string[], RegExp] => [
      what,
      () => ['eval', '--backend', 'cpu', '--checkpoint', modelNamed(classNames)],
      message,
    ]),
    ['an empty folder to resume', () => ['train', '--resume', folder], /a run to go on with/],
    ['an unknown backend', () => ['eval', '--backend', 'wsam'], /Did you mean wasm\?/],
    ['an unknown precision', () => ['eval', '--precision', 'bf61'], /Did you mean bf16\?/],
    ['no checkpoint', () => ['eval', '--backend', 'cpu', '--checkpoint', inFolder('none')], /none/],
    [
      'an empty checkpoint',
      () => ['eval', '--backend', 'cpu', '--checkpoint', put('a.safetensors', '')],
      /a\.safetensors/,
    ],
    [
      'a random checkpoint',
      () => ['eval', '--backend', 'cpu', '--checkpoint', put('a.safetensors', 'x'.repeat(99))],
      /a\.safetensors/,
    ],
    [
      'a checkpoint of PyTorch',
      () => ['eval', '--backend', 'cpu', '--checkpoint', put('a.pth', 'x')],
      /safetensors/,
    ],
    ['an unknown size', () => ['summary', 'vit_tiny_patch16_225'], /vit_tiny_patch16_224/],
    ['parity without a folder', () => ['parity'], /DIR/],
    ['parity in an empty folder', () => ['parity', '--backend', 'cpu', folder], /case\.json/],
    [
      'a report that cannot be written',
      () => ['parity', '--json', path.join(put('file', 'x'), 'r.json'), folder],
      /r\.json/,
    ],
    ['an unknown backend to measure', () => ['bench', '--backend', 'cpu,abacus'], /abacus/],
  ];
  function put(name: string, text: string): string {
    writeFileSync(inFolder(name), text);
    return inFolder(name);
  }
  function modelNamed(classNames: unknown): string {
    const record = JSON.parse(readFileSync('checkpoints/mnist-vit/config.json', 'utf8')) as object;
    put('config.json', JSON.stringify({ ...record, classNames }));
    copyFileSync('checkpoints/mnist-vit/model.safetensors', inFolder('model.safetensors'));
    return folder;
  }
  function recipes(): string {
    const text = `export const recipes = { slow: ${JSON.stringify(tiny)}, quick: 3 };`;
    return put('recipes.mjs', text);
  }
  const quick = (...more: string[]) => quickWith({}, ...more);
  function quickWith(change: object, ...more: string[]): string[] {
    const place = more.includes('--output-dir') ? [] : ['--output-dir', inFolder('run')];
    const small = more.includes('--limit') ? [] : ['--limit', '8', '--limit-val', '8'];
    return [
      'train',
      '--backend',
      'cpu',
      '--config',
      experiment(change),
      ...place,
      ...small,
      ...more,
    ];
  }

  test.each(cases)('%s', async (_, words, message) => {
    const { code, out, error } = await vit(...words());
    const lines = error.split('\n').filter((line) => !/^Backend | is resampled /.test(line));
    expect({ code, lines: lines.length, out }).toEqual({ code: 2, lines: 1, out: '' });
    expect(lines[0]).toMatch(message);
    expect(error).not.toContain('    at ');
    expect(existsSync(inFolder('run'))).toBe(false);
  });
});
