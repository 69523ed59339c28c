// I16-01, I16-26: outputs never replace an input or a file of another kind, and the schedule decides how long a run is.

import { readFileSync, writeFileSync } from 'node:fs';
import { assertRefused, refuses, succeeds } from '../suites/expect.ts';
import { vit } from '../suites/command.ts';
import { digit, experiment, shipped, tinyRun, training } from '../suites/fixtures.ts';
import { applied, cases, must } from '../suites/row.ts';
import { changesOf, treeOf } from '../suites/place.ts';
import type { Place } from '../suites/place.ts';
import type { AppliedRow, Row } from '../suites/row.ts';

/** A command over a copy of the small run, which it must refuse without touching a file. */
const refusesOver =
  (what: string, message: RegExp, words: (place: Place, run: string) => string[]) =>
  (id: string): AppliedRow =>
    applied(id, what, 'exit 2, one line, no file touched', async (place) => {
      const run = await tinyRun(place);
      const given = words(place, run);
      const before = treeOf(place.folder);
      const ran = await vit(given, { cwd: place.folder });
      const changes = changesOf(before, treeOf(place.folder));
      must(changes.length === 0, `${changes.join(', ')}; exit ${ran.code}`);
      return assertRefused(ran, message, { seconds: 15 });
    });

const modelFolder = (place: Place): string => place.copy(shipped, 'model');

/** The lengths and last rates of the same run with and without a change of its schedule. */
const longer =
  (what: string, schedule: object, change: object = {}) =>
  (id: string): AppliedRow =>
    applied(id, what, 'the trainer runs as long as the schedule', async (place) => {
      const ran = await vit(
        training(place, {
          change: { epochs: 2, ...change, schedule: { sched: 'cosine', ...schedule } },
        }),
        { cwd: place.folder },
      );
      must(ran.code === 0, ran.error);
      const log = readFileSync(place.path('run/log.jsonl'), 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, number>);
      must(log.length > 2, `${log.length} epochs: ${JSON.stringify(log.at(-1))}`);
      return `${log.length} epochs`;
    });

/** The rows on outputs and schedules. */
export const outputRows: readonly Row[] = [
  ...cases('I16-01', [
    longer('cooldownEpochs of 2 after 2 epochs', { cooldownEpochs: 2 }),
    longer('warmupPrefix with 2 epochs of warm-up', { warmupEpochs: 2, warmupPrefix: true }),
    longer('cycleLimit of 2', { cycleLimit: 2 }),
    succeeds('a warm-up as long as the run', /warm-?up/i, (place) =>
      training(place, { change: { epochs: 2, schedule: { warmupEpochs: 2 } } }),
    ),
  ]),
  ...cases('I16-26', [
    (id) =>
      applied(
        id,
        '--output-dir naming a folder that holds a model',
        'exit 2, its config.json is not touched',
        async (place) => {
          const folder = modelFolder(place);
          const words = [...training(place).slice(0, -1), folder];
          const before = treeOf(folder);
          const ran = await vit(words, { cwd: place.folder });
          const changes = changesOf(before, treeOf(folder));
          must(changes.length === 0, `${changes.join(', ')}; exit ${ran.code}`);
          return assertRefused(ran, /model/);
        },
      ),
    refusesOver('vis --output naming the checkpoint it draws', /--output/, (_, run) => [
      'vis',
      '--backend',
      'cpu',
      '--checkpoint',
      run,
      '--output',
      `${run}/best_checkpoint.safetensors`,
    ]),
    refusesOver('vis --output naming the image it draws', /--output/, (place, run) => [
      'vis',
      '--backend',
      'cpu',
      '--checkpoint',
      run,
      '--image',
      digit(place),
      '--output',
      place.path('digit.png'),
    ]),
    refusesOver('vis --output naming a file of another kind', /--output|notes/, (place, run) => [
      'vis',
      '--backend',
      'cpu',
      '--checkpoint',
      run,
      '--output',
      place.put('notes.txt', 'mine'),
    ]),
    refuses(
      'profile --json naming its own config',
      /--json/,
      (place) => {
        const config = experiment(place);
        return [
          'profile',
          '--backend',
          'cpu',
          '--config',
          config,
          '--steps',
          '1',
          '--json',
          config,
        ];
      },
      { seconds: 15 },
    ),
    refuses(
      'profile --trace and --json naming one file',
      /--json|--trace/,
      (place) => [
        'profile',
        '--backend',
        'cpu',
        '--config',
        experiment(place),
        '--steps',
        '1',
        '--json',
        place.path('x.json'),
        '--trace',
        place.path('x.json'),
      ],
      { seconds: 15 },
    ),
    refusesOver(
      '--output-dir naming the folder of the config, with files of others',
      /--output-dir|holds|empty/,
      (place) => {
        writeFileSync(place.path('run/config.json'), '{"mine": true}');
        return training(place);
      },
    ),
  ]),
];
