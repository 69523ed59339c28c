// F14–F16, F18, I16-25, I16-27, I16-36: files of a run that were changed, cut, mixed up or put there by somebody.

import * as fs from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { loadTrained } from '../../lib/cli/trainedModel.ts';
import { VitError } from '../../lib/core/errors.ts';
import { Rng } from '../../lib/core/rng.ts';
import { loadModel } from '../../lib/node.ts';
import { assertRefused, seenOf } from '../suites/expect.ts';
import { vit } from '../suites/command.ts';
import { tinyRun } from '../suites/fixtures.ts';
import { answered, applied, cases, must } from '../suites/row.ts';
import type { AppliedRow, Row } from '../suites/row.ts';

const resume = (run: string): string[] => [
  'train',
  '--backend',
  'cpu',
  '--resume',
  run,
  '--epochs',
  '4',
  '--limit',
  '64',
  '--limit-val',
  '16',
];
const evaluate = (run: string): string[] => [
  'eval',
  '--backend',
  'cpu',
  '--limit',
  '20',
  '--checkpoint',
  run,
];

/** One byte of a file of a run is changed, or the file is: commands that read it have to refuse. */
const changedFile =
  (
    what: string,
    message: RegExp,
    change: (run: string) => void,
    words: (run: string) => string[],
  ) =>
  (id: string): AppliedRow =>
    applied(id, what, `exit 2: ${message.source}`, async (place) => {
      const run = await tinyRun(place);
      change(run);
      return assertRefused(await vit(words(run), { cwd: place.folder }), message);
    });

const flip =
  (name: string, at: number) =>
  (run: string): void => {
    const file = join(run, name);
    const bytes = fs.readFileSync(file);
    bytes[Math.floor(bytes.length * at)]! ^= 4;
    fs.writeFileSync(file, bytes);
  };

/** Loads the run after each of many changes of one of its files: refused by our error, or the same model. */
const manyChanges =
  (name: string, count: number, change: (bytes: Buffer, rng: Rng, i: number) => Buffer) =>
  (id: string): AppliedRow => ({
    ...applied(id, `${count} changes of ${name}, seed 16`, 'our error each time', async (place) => {
      const run = await tinyRun(place);
      const file = join(run, name);
      const good = fs.readFileSync(file);
      const rng = new Rng(16);
      let accepted = 0;
      await tf.setBackend('cpu');
      for (let i = 0; i < count; i += 1) {
        fs.writeFileSync(file, change(Buffer.from(good), rng, i));
        try {
          (await loadTrained(run, () => undefined)).model.dispose();
          accepted += 1;
        } catch (error) {
          must(error instanceof VitError, `case ${i}: ${String(error)}`);
        }
      }
      must(accepted === 0, `${accepted} of ${count} accepted`);
      return `${count} refused`;
    }),
    inProcess: true,
  });

const flipBit = (bytes: Buffer, rng: Rng): Buffer => {
  const at = rng.integer(bytes.length);
  bytes[at] = bytes[at]! ^ (1 << rng.integer(8));
  return bytes;
};
const cut = (bytes: Buffer, _: Rng, i: number): Buffer =>
  bytes.subarray(0, Math.floor((bytes.length * i) / 64));

/** The rows on changed files. */
export const fileRows: readonly Row[] = [
  ...cases('F14', [
    changedFile(
      'a manifest without the weights it lists',
      /./,
      (run) => fs.rmSync(join(run, 'best_checkpoint.safetensors')),
      (run) => [...evaluate(run).slice(0, -1), join(run, 'best_checkpoint.safetensors')],
    ),
    changedFile(
      'weights of another run beside a manifest',
      /SHA-256|manifest/,
      (run) =>
        fs.copyFileSync(
          join(run, 'checkpoint.safetensors'),
          join(run, 'best_checkpoint.safetensors'),
        ),
      evaluate,
    ),
    changedFile(
      'a state that is missing, for going on',
      /checkpoint\.state/,
      (run) => fs.rmSync(join(run, 'checkpoint.state.safetensors')),
      resume,
    ),
  ]),
  ...cases('F15', [
    manyChanges('best_checkpoint.safetensors', 700, flipBit),
    manyChanges('config.json', 700, flipBit),
    changedFile(
      'a flipped bit in the state, for going on',
      /SHA-256/,
      flip('checkpoint.state.safetensors', 0.6),
      resume,
    ),
    changedFile(
      'a flipped bit in checkpoint.safetensors, for going on',
      /SHA-256/,
      flip('checkpoint.safetensors', 0.6),
      resume,
    ),
    changedFile(
      'a flipped bit in the average, for going on',
      /SHA-256/,
      flip('checkpoint.ema.safetensors', 0.6),
      resume,
    ),
    (id) =>
      applied(
        id,
        '400 flips of manifest.json, seed 16',
        'our error, or a file list that is checked',
        async (place) => {
          const run = await tinyRun(place);
          const file = join(run, 'manifest.json');
          const good = fs.readFileSync(file);
          const rng = new Rng(16);
          let refused = 0;
          for (let i = 0; i < 400; i += 1) {
            fs.writeFileSync(file, flipBit(Buffer.from(good), rng));
            try {
              (await loadModel(run)).dispose();
            } catch (error) {
              must(error instanceof VitError, `case ${i}: ${String(error)}`);
              refused += 1;
            }
          }
          return `${refused} of 400 refused; the others changed no listed file that was read`;
        },
      ),
  ]),
  ...cases('F16', [
    manyChanges('best_checkpoint.safetensors', 64, cut),
    manyChanges('config.json', 64, cut),
    changedFile(
      'a state cut in half, for going on',
      /./,
      (run) => fs.truncateSync(join(run, 'checkpoint.state.safetensors'), 500),
      resume,
    ),
  ]),
  answered(
    'F18',
    'clocks that jump, ties in mtime',
    'a folder holds one set, listed by its manifest: nothing is chosen by time or name within it',
  ),
  ...cases('I16-25', [
    (id) =>
      applied(
        id,
        '.commit in a run folder as a link to a folder of somebody',
        'no file of it is moved',
        async (place) => {
          const run = await tinyRun(place);
          place.put('mine/letter.txt', 'mine');
          place.put('mine/manifest.json', '{}');
          fs.symlinkSync(place.path('mine'), join(run, '.commit'));
          const ran = await vit(resume(run), { cwd: place.folder });
          must(
            fs.existsSync(place.path('mine/letter.txt')) &&
              fs.existsSync(place.path('mine/manifest.json')),
            `moved; ${seenOf(ran)}`,
          );
          must(!fs.existsSync(join(run, 'letter.txt')), `copied; ${seenOf(ran)}`);
          must(!/\n\s+at |defect/.test(ran.error), seenOf(ran));
          return seenOf(ran);
        },
      ),
  ]),
  ...cases('I16-27', [
    changedFile(
      'a flipped bit in the mean of config.json',
      /config\.json/,
      (run) => {
        const file = join(run, 'config.json');
        fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('0.1307', '0.9307'));
      },
      evaluate,
    ),
    changedFile(
      '3 epochs turned into 7, for going on',
      /config\.json/,
      (run) => {
        const file = join(run, 'config.json');
        fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replace('"epochs": 3', '"epochs": 7'));
      },
      resume,
    ),
    changedFile(
      'a config.json of 3 GB',
      /bytes|large/,
      (run) => fs.truncateSync(join(run, 'config.json'), 3e9),
      evaluate,
    ),
  ]),
  ...cases('I16-36', [
    (id) =>
      applied(
        id,
        'a flipped bit in best_checkpoint, for going on',
        'refused, nothing said before',
        async (place) => {
          const run = await tinyRun(place);
          flip('best_checkpoint.safetensors', 0.6)(run);
          const ran = await vit(resume(run), { cwd: place.folder });
          must(!/Going on/.test(ran.out + ran.error), seenOf(ran));
          return assertRefused(ran, /best_checkpoint.*SHA-256|SHA-256.*best_checkpoint/);
        },
      ),
  ]),
];
