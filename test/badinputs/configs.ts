// B77–B82, B86, I16: values in flags and experiments that are out of range, of another type, or without effect.

import { tiny } from '../support/cli.ts';
import { refuses, succeeds } from '../suites/expect.ts';
import { experiment, experimentModule, shipped, tinyRun, training } from '../suites/fixtures.ts';
import { cases } from '../suites/row.ts';
import type { Limits } from '../suites/expect.ts';
import type { Row } from '../suites/row.ts';

const refusesFlags = (
  what: string,
  message: RegExp,
  flags: readonly string[],
  change: object = {},
  limits?: Limits,
) => refuses(what, message, (place) => [...training(place, { change }), ...flags], limits);
const refusesChange = (what: string, message: RegExp, change: object) =>
  refusesFlags(what, message, [], change);
const model = (change: object) => ({ model: { ...tiny.model, ...change } });
const vis = (flags: readonly string[]) => [
  'vis',
  '--backend',
  'cpu',
  '--checkpoint',
  shipped,
  ...flags,
];

/** The rows on numbers, types and combinations of options. */
export const configRows: readonly Row[] = [
  ...cases('B77', [
    ...['-1', 'NaN', '1e999', '1e-3x', '', 'Infinity', '0x10'].map((value) =>
      refusesFlags(`--lr ${value === '' ? 'with an empty value' : value}`, /--lr/, [
        `--lr=${value}`,
      ]),
    ),
    refusesFlags('--lr 0', /--lr/, ['--lr', '0']),
    refusesChange('a learning rate as text', /learningRate/, { learningRate: '0.1' }),
    refusesChange('a learning rate of null', /learningRate/, { learningRate: null }),
  ]),
  ...cases('B78', [
    refusesFlags('a batch of 0', /--batch-size/, ['--batch-size', '0']),
    refusesFlags('a batch larger than the data', /batchSize, received 100/, [
      '--batch-size',
      '100',
    ]),
    succeeds('a batch of 1', /./, (place) => [
      ...training(place, { limit: 3 }),
      '--batch-size',
      '1',
    ]),
    succeeds('a last batch of 1', /./, (place) => [
      ...training(place, { limit: 9 }),
      '--batch-size',
      '8',
    ]),
  ]),
  ...cases('B79', [
    refusesChange(
      'heads that do not divide the width',
      /numHeads|embedDim/,
      model({ numHeads: 5 }),
    ),
    refusesChange('a depth of 0', /depth/, model({ depth: 0 })),
    refusesChange('a hidden width of 0', /hiddenDim/, model({ hiddenDim: 0 })),
    refusesChange('a patch larger than the image', /patchSize/, model({ patchSize: 29 })),
    succeeds('a patch that does not divide the image: a floored grid', /./, (place) =>
      training(place, { change: model({ patchSize: 5 }) }),
    ),
    refusesChange(
      'a width of 10⁹: not allocated',
      /embedDim|memory|bytes|parameters/,
      model({ embedDim: 1e9, numHeads: 1 }),
    ),
    refusesChange(
      'a depth of 10⁹: not allocated',
      /depth|memory|bytes|parameters/,
      model({ depth: 1e9 }),
    ),
    refusesChange(
      'an image of 10⁶ pixels a side',
      /imageSize|memory|bytes|tokens|28/,
      model({ imageSize: 1_400_000 }),
    ),
  ]),
  ...cases('B80', [
    refusesChange('smoothing of 2', /smoothing/, { smoothing: 2 }),
    refusesChange('mixup, which is not built', /mixup/, { mixup: 0.8 }),
    refusesFlags('--aa nonsense', /aa, received "nonsense"/, ['--aa', 'nonsense']),
    refusesFlags('--drop 1', /--drop/, ['--drop', '1']),
  ]),
  ...cases('B81', [
    refuses('--resume with --finetune', /--finetune/, (place) => [
      'train',
      '--resume',
      place.folder,
      '--finetune',
      shipped,
    ]),
    refuses('--resume with another --config', /--config/, async (place) => [
      'train',
      '--resume',
      await tinyRun(place),
      '--config',
      experiment(place, { epochs: 9 }),
    ]),
  ]),
  ...cases('B82', [
    refusesChange('an unknown data set', /mnist/, { data: { dataset: 'imagenette' } }),
    refusesChange('a data set that every object has', /mnist/, {
      data: { dataset: 'constructor' },
    }),
    refusesFlags('--data-set of another name', /--data-set|dataset/, ['--data-set', 'INAT']),
  ]),
  ...cases('B86', [
    ...['-0.1', '1', '1.5', 'NaN'].map((value) =>
      refuses(`--discard-ratio ${value}`, /--discard-ratio/, () => vis(['--discard-ratio', value])),
    ),
    refuses('a fusion that there is not', /--head-fusion/, () => vis(['--head-fusion', 'median'])),
  ]),
  ...cases('I16-31', [
    refusesChange('betas: 0.9', /optimizer\.betas, received 0\.9/, { optimizer: { betas: 0.9 } }),
    refusesChange('affine.scale: null', /scale, received null/, {
      data: { dataset: 'mnist', affine: { scale: null } },
    }),
    refusesChange('"dropLast": "false"', /true or false for dropLast, received "false"/, {
      dropLast: 'false',
    }),
    refusesChange('"nesterov": "no"', /true or false for optimizer\.nesterov, received "no"/, {
      optimizer: { opt: 'sgd', nesterov: 'no' },
    }),
    refusesChange('epochs as text', /epochs, received "3"/, { epochs: '3' }),
    refusesChange('epochs as a list', /epochs, received \[3\]/, { epochs: [3] }),
    refusesChange('an optimizer as text', /optimizer/, { optimizer: 'adamw' }),
    refusesChange('a schedule as a list', /schedule/, { schedule: [] }),
    refusesChange('a clip as a number', /clip/, { clip: 1 }),
    refusesChange('a model as text', /model/, { model: 'vit' }),
    refusesChange('data as null', /data/, { data: null }),
    refusesChange('a switch of the model as text', /qkvBias/, model({ qkvBias: 'no' })),
    refusesChange('a name of a number', /name/, { name: 3 }),
    refuses('a module that throws null', /null/, (place) => [
      'train',
      '--config',
      experimentModule(place, 'throw null;'),
    ]),
    refuses('a module that throws text', /my text/, (place) => [
      'train',
      '--config',
      experimentModule(place, 'throw "my text";'),
    ]),
    refuses('a module that exits', /exit|ended|ends/, (place) => [
      'train',
      '--config',
      experimentModule(place, 'process.exit(0);'),
    ]),
    refuses('a module that never loads', /./, (place) => [
      'train',
      '--config',
      experimentModule(place, 'await new Promise(() => {});'),
    ]),
  ]),
  ...cases('I16-32', [
    refusesFlags('--momentum with AdamW', /no --momentum/, ['--momentum', '0.8']),
    refusesFlags('--decay-rate with cosine', /no --decay-rate/, ['--decay-rate', '0.5']),
    refusesFlags('--no-model-ema --model-ema-decay', /no --model-ema-decay/, [
      '--no-model-ema',
      '--model-ema-decay',
      '0.9',
    ]),
    refuses('summary CHECKPOINT --num-classes', /--num-classes/, () => [
      'summary',
      shipped,
      '--num-classes',
      '5',
    ]),
    refuses('summary CHECKPOINT --image-size', /--image-size/, () => [
      'summary',
      shipped,
      '--image-size',
      '56',
    ]),
    refuses(
      'train --config OTHER --recipe NAME --resume RUN',
      /--config|--recipe/,
      async (place) => [
        'train',
        '--recipe',
        'slow',
        '--config',
        experiment(place),
        '--resume',
        await tinyRun(place),
      ],
    ),
    refusesFlags('--nesterov with AdamW', /no --nesterov/, ['--nesterov']),
    refusesFlags('--decay-epochs with cosine', /no --decay-epochs/, ['--decay-epochs', '3']),
    refusesFlags('--clip-mode without a limit', /--clip-mode|--clip-grad/, ['--clip-mode', 'agc']),
    refuses('profile --config --model', /--model/, (place) => [
      'profile',
      '--config',
      experiment(place),
      '--model',
      'vit_tiny_patch16_224',
      '--steps',
      '1',
    ]),
    refuses('summary --list NAME', /no MODEL for the list/, () => [
      'summary',
      '--list',
      'vit_tiny_patch16_224',
    ]),
  ]),
];
