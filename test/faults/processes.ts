// F01–F06, I16-28: signals, kills and lost terminals.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { Rng } from '../../lib/core/rng.ts';
import { killRounds } from '../support/killRounds.ts';
import { assertOutput, assertRefused, seenOf } from '../suites/expect.ts';
import { vit } from '../suites/command.ts';
import { digit, shipped, training } from '../suites/fixtures.ts';
import { longTraining, resultOf, signalled, soundRun, stoppedRun } from '../suites/runs.ts';
import { Skipped, applied, cases, must } from '../suites/row.ts';
import type { Place } from '../suites/place.ts';
import type { AppliedRow, Row } from '../suites/row.ts';

/** A signal to a training: it finishes the step, saves, and ends with the code. */
const stops =
  (
    what: string,
    code: number,
    signals: readonly (readonly [NodeJS.Signals, number])[],
    from?: RegExp,
  ) =>
  (id: string): AppliedRow =>
    applied(id, what, `saved, exit ${code}, no stack, no lock left`, async (place) => {
      const ran = await signalled(longTraining(place), signals, {
        cwd: place.folder,
        ...(from && { from }),
      });
      return `saved step ${await stoppedRun(ran, place.path('run'), code)}`;
    });

/** A training whose output goes to a place that fails. */
const losesOutput =
  (what: string, stream: 'stdout' | 'stderr', target: string) =>
  (id: string): AppliedRow =>
    applied(id, what, 'the run goes on and ends well', async (place) => {
      const file = fs.openSync(target, 'w');
      try {
        const ran = await vit(training(place, { change: { epochs: 2 } }), {
          cwd: place.folder,
          [stream]: file,
        });
        must(ran.code === 0 && !/\n\s+at /.test(ran.error), seenOf(ran));
        return `step ${await soundRun(place.path('run'))}`;
      } finally {
        fs.closeSync(file);
      }
    });

const more = (run: string, ...flags: string[]): string[] => [
  'train',
  '--backend',
  'cpu',
  '--resume',
  run,
  '--limit',
  '64',
  '--limit-val',
  '16',
  ...flags,
];

const inTerminal = (
  place: Place,
  words: readonly string[],
  env: string,
): Promise<{ code: number | null; out: string }> => {
  if (!fs.existsSync('/usr/bin/script')) throw new Skipped('no script(1) for a terminal');
  const log = place.path('terminal.log');
  const quoted = words.map((word) => `'${word}'`).join(' ');
  const command = `${env} '${process.execPath}' '${join(process.cwd(), 'dist/lib/cli/main.js')}' ${quoted}`;
  return vit([], {
    cwd: place.folder,
    wrapper: ['sh', '-c', 'script -qec "$0" "$1"', command, log],
    main: '/dev/null',
  });
};

/** The rows on processes. */
export const processRows: readonly Row[] = [
  ...cases('F01', [
    (id) =>
      applied(
        id,
        '120 times SIGKILL at a random moment of commits, seed 2',
        'a whole set, none older than acknowledged',
        async () => {
          const { findings, commits } = await killRounds(120, 2);
          must(findings.length === 0, findings.join('; '));
          return `${commits} commits`;
        },
      ),
    (id) =>
      applied(
        id,
        '6 times SIGKILL of a training, seed 16, then to its end',
        'a sound folder each time, the bytes of a straight run',
        async (place) => {
          const rng = new Rng(16);
          const change = { epochs: 12, checkpointSteps: 1, checkpointMinutes: null };
          const straight = await vit(training(place, { change, run: 'straight' }), {
            cwd: place.folder,
          });
          must(straight.code === 0, seenOf(straight));
          let words = training(place, { change });
          let kills = 0;
          for (; kills < 6; kills += 1) {
            const ran = await signalled(words, [['SIGKILL', rng.uniform(0, 250)]], {
              cwd: place.folder,
            });
            if (ran.signal !== 'SIGKILL') break;
            fs.rmSync(place.path('run/.lock'), { force: true });
            if (fs.existsSync(place.path('run/manifest.json'))) words = more(place.path('run'));
          }
          const last = await vit(words, { cwd: place.folder });
          must(last.code === 0, seenOf(last));
          must(resultOf(place.path('run')) === resultOf(place.path('straight')), 'other bytes');
          return `${kills} kills, the same bytes`;
        },
      ),
  ]),
  ...cases('F02', [stops('SIGINT', 130, [['SIGINT', 50]])]),
  ...cases('F03', [
    stops('SIGINT twice within a second, as npm sends it', 130, [
      ['SIGINT', 20],
      ['SIGINT', 120],
    ]),
    stops('SIGINT twice', 130, [
      ['SIGINT', 20],
      ['SIGINT', 1500],
    ]),
  ]),
  ...cases('F04', [
    stops('SIGTERM', 143, [['SIGTERM', 50]]),
    ...[0, 7, 33, 90, 190].map((ms) =>
      stops(`SIGTERM ${ms} ms after the first step`, 143, [['SIGTERM', ms]]),
    ),
    (id) =>
      applied(
        id,
        'SIGTERM before the first step',
        'exit 143, saved or no folder, no stack',
        async (place) => {
          const ran = await signalled(longTraining(place), [['SIGTERM', 0]], {
            cwd: place.folder,
            from: /Backend /,
          });
          must(ran.code === 143 || ran.signal === 'SIGTERM', seenOf(ran));
          must(!/\n\s+at /.test(ran.error), seenOf(ran));
          if (!fs.existsSync(place.path('run'))) return 'no folder';
          return `saved step ${await soundRun(place.path('run'))}`;
        },
      ),
  ]),
  ...cases(
    'F05',
    (['SIGUSR1', 'SIGUSR2'] as const).map(
      (signal) => (id: string) =>
        applied(id, signal, 'a save, and the run goes on', async (place) => {
          const ran = await signalled(
            longTraining(place),
            [
              [signal, 20],
              ['SIGTERM', 1500],
            ],
            { cwd: place.folder },
          );
          must(/[Ss]aved.*[Ss]topped|Saved/s.test(ran.out), seenOf(ran));
          return `step ${await stoppedRun(ran, place.path('run'), 143)}`;
        }),
    ),
  ),
  ...cases('F06', [
    stops('SIGHUP, a closed terminal', 129, [['SIGHUP', 50]]),
    stops('SIGQUIT', 131, [['SIGQUIT', 50]]),
    (id) =>
      applied(
        id,
        'a reader of training that goes away (| head -1)',
        'the run goes on and ends well',
        async (place) => {
          const ran = await vit(training(place, { change: { epochs: 4 } }), {
            cwd: place.folder,
            onOutput: (child) => child.stdout!.destroy(),
          });
          must(ran.code === 0 && !/\n\s+at /.test(ran.error), seenOf(ran));
          return `step ${await soundRun(place.path('run'))}`;
        },
      ),
    (id) =>
      applied(
        id,
        'a reader of predict that goes away',
        'exit 0 or 141, no stack',
        async (place) => {
          const ran = await vit(
            ['predict', '--backend', 'cpu', '--checkpoint', shipped, '--image', digit(place)],
            { onStart: (child) => child.stdout!.destroy() },
          );
          must((ran.code === 0 || ran.code === 141) && !/\n\s+at /.test(ran.error), seenOf(ran));
          return `exit ${ran.code}`;
        },
      ),
  ]),
  ...cases('I16-28', [
    losesOutput('a training whose log is on /dev/full', 'stdout', '/dev/full'),
    losesOutput('a training whose messages are on /dev/full', 'stderr', '/dev/full'),
    (id) =>
      applied(
        id,
        'predict whose output is on /dev/full',
        'not exit 0, one line, no stack',
        async (place) => {
          const file = fs.openSync('/dev/full', 'w');
          const ran = await vit(
            ['predict', '--backend', 'cpu', '--checkpoint', shipped, '--image', digit(place)],
            { stdout: file },
          );
          fs.closeSync(file);
          must(ran.code !== 0 && !/\n\s+at |defect of/.test(ran.error), seenOf(ran));
          return assertRefused(ran, /space|write|output|ENOSPC/i, { code: ran.code ?? 1 });
        },
      ),
    (id) =>
      applied(
        id,
        'predict whose messages are on /dev/full',
        'exit 0, the answer',
        async (place) => {
          const file = fs.openSync('/dev/full', 'w');
          const ran = await vit(
            ['predict', '--backend', 'cpu', '--checkpoint', shipped, '--image', digit(place)],
            { stderr: file },
          );
          fs.closeSync(file);
          return assertOutput(ran, /%/);
        },
      ),
    (id) =>
      applied(id, 'TERM=dumb in a terminal', 'no escape codes', async (place) => {
        const { code, out } = await inTerminal(
          place,
          training(place, { change: { epochs: 2 } }),
          'TERM=dumb',
        );
        must(code === 0, `exit ${code}: ${out.slice(-300)}`);
        must(!out.includes('\u001b'), `escape codes: ${JSON.stringify(out.slice(0, 200))}`);
        return `${out.length} characters without escape codes`;
      }),
    (id) =>
      applied(
        id,
        'a terminal that is closed: SIGHUP by the kernel',
        'saved, no lock left',
        async (place) => {
          const words = longTraining(place);
          const first = place.path('run', 'checkpoint.safetensors');
          const hangUp = `"$0" "$@" & until [ -e ${first} ]; do sleep 0.2; done; kill -HUP $!; wait $!`;
          const ran = await inTerminal(place, words, `TERM=xterm sh -c '${hangUp}'`);
          return `exit ${ran.code}, step ${await soundRun(place.path('run'))}`;
        },
      ),
  ]),
];
