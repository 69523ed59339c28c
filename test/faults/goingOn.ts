// F12, F17, F19–F23, I16-02, I16-03, I16-05: going on with a run, replacing one, and two processes in one folder.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { assertOutput, assertRefused, seenOf } from '../suites/expect.ts';
import { root, vit } from '../suites/command.ts';
import { tinyRun, training } from '../suites/fixtures.ts';
import { longTraining, resultOf, signalled, soundRun, stoppedRun } from '../suites/runs.ts';
import { Skipped, applied, cases, must } from '../suites/row.ts';
import type { AppliedRow, Row } from '../suites/row.ts';

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

/** A run that stops after k steps and goes on equals one that never stopped. */
const goesOn =
  (steps: number, what: string) =>
  (id: string): AppliedRow =>
    applied(
      id,
      `going on after step ${steps}, ${what}`,
      'the same bytes as a straight run',
      async (place) => {
        const straight = resultOf(await tinyRun(place, 'straight'));
        const words = training(place, { change: { epochs: 3, ema: { decay: 0.9 } } });
        const first = await vit([...words, '--max-steps', String(steps)], { cwd: place.folder });
        must(first.code === 0, seenOf(first));
        const second = await vit(more(place.path('run')), { cwd: place.folder });
        must(second.code === 0, seenOf(second));
        must(
          resultOf(place.path('run')) === straight,
          `${resultOf(place.path('run'))}, straight ${straight}`,
        );
        return straight;
      },
    );

/** The rows on going on. */
export const goingOnRows: readonly Row[] = [
  ...cases('F12', [
    (id) =>
      applied(
        id,
        'leftovers of a crash in a run folder',
        'never chosen, and cleaned',
        async (place) => {
          const run = await tinyRun(place);
          for (const name of ['.stage-99999-abc-1', '.checkpoint.safetensors.99999.tmp'])
            fs.writeFileSync(join(run, name), 'half');
          fs.writeFileSync(join(run, 'checkpoint.safetensors.tmp'), 'half');
          const seen = await vit(
            ['eval', '--backend', 'cpu', '--limit', '20', '--checkpoint', run],
            { cwd: place.folder },
          );
          assertOutput(seen, /top-1|accuracy|%/i);
          const ran = await vit(more(run, '--epochs', '4'), { cwd: place.folder });
          must(ran.code === 0, seenOf(ran));
          return seenOf(seen).slice(0, 100);
        },
      ),
  ]),
  ...cases('F17', [
    (id) =>
      applied(
        id,
        'two trainings into one folder',
        'the second is refused in one line, the first goes on',
        async (place) => {
          const words = longTraining(place);
          let second: Promise<string> | undefined;
          const ran = await vit(words, {
            cwd: place.folder,
            deadline: 90,
            onOutput: (child, text) => {
              if (second !== undefined || !/step |Training/.test(text)) return;
              second = vit(words, { cwd: place.folder }).then((other) => {
                child.kill('SIGTERM');
                return assertRefused(other, /process|in use|--resume/);
              });
              second.catch(() => undefined);
            },
          });
          const message = await second;
          await stoppedRun(ran, place.path('run'), 143);
          return message ?? 'no second run';
        },
      ),
  ]),
  ...cases('F19', [
    goesOn(1, 'the first'),
    goesOn(5, 'within an epoch'),
    goesOn(8, 'the end of an epoch'),
    goesOn(23, 'the last but one'),
  ]),
  ...cases(
    'F20',
    (
      [
        ['--batch-size', '4'],
        ['--lr', '0.5'],
        ['--seed', '7'],
        ['--smoothing', '0.2'],
        ['--opt', 'sgd'],
        ['--limit', '48'],
      ] as const
    ).map(
      (flags) => (id: string) =>
        applied(
          id,
          `going on with ${flags.join(' ')}`,
          'refused, the difference listed',
          async (place) => {
            const run = await tinyRun(place);
            const words = more(run, '--epochs', '4').filter(
              (word, i, all) =>
                flags[0] !== '--limit' || (word !== '--limit' && all[i - 1] !== '--limit'),
            );
            return assertRefused(
              await vit([...words, ...flags], { cwd: place.folder }),
              /→|differ/,
            );
          },
        ),
    ),
  ),
  ...cases('F22', [
    (id) =>
      applied(
        id,
        'the run folder is deleted while training',
        'made again, or a clear error',
        async (place) => {
          let done = false;
          const words = longTraining(place, { checkpointSteps: 5 });
          const ran = await vit(words, {
            cwd: place.folder,
            deadline: 60,
            onOutput: (child, text) => {
              if (done || !/step /.test(text)) return;
              done = true;
              fs.rmSync(place.path('run'), { recursive: true, force: true });
              setTimeout(() => child.kill('SIGTERM'), 1500);
            },
          });
          must(!/\n\s+at |defect of/.test(ran.error), seenOf(ran));
          must(ran.code === 143 || ran.code === 2, seenOf(ran));
          if (ran.code === 143) await soundRun(place.path('run'));
          return seenOf(ran);
        },
      ),
  ]),
  ...cases('F23', [
    (id) =>
      applied(id, '10,000 other files in a run folder', 'goes on', async (place) => {
        const run = await tinyRun(place);
        for (let i = 0; i < 10_000; i += 1) fs.writeFileSync(join(run, `other-${i}`), '');
        const ran = await vit(more(run, '--epochs', '4'), { cwd: place.folder });
        must(ran.code === 0 && ran.cpuSeconds < 20, seenOf(ran));
        return `${ran.cpuSeconds.toFixed(1)} s`;
      }),
  ]),
  ...cases('I16-02', [
    (id) =>
      applied(
        id,
        'a run of less in place of another, with --overwrite',
        'no file of the old run stays',
        async (place) => {
          const run = await tinyRun(place);
          const before = eventsOf(run);
          const ran = await vit([...training(place), '--overwrite'], { cwd: place.folder });
          must(ran.code === 0, seenOf(ran));
          const left = eventsOf(run).filter((name) => before.includes(name));
          must(left.length === 0, `${left.join(', ')} stays`);
          must(!fs.existsSync(join(run, 'checkpoint.ema.safetensors')), 'the old average stays');
          return fs.readdirSync(run).join(', ');
        },
      ),
    (id) =>
      applied(id, "the README's commands that train", 'folders of their own', () => {
        const text = fs.readFileSync(join(root, 'README.md'), 'utf8');
        const quick = [...text.matchAll(/npm run train:mnist -- ([^`\n]*)/g)].map(
          (match) => match[1]!,
        );
        const over = quick.filter((flags) => !/--output-dir|--recipe|--resume/.test(flags));
        must(over.length === 0, over.join('; '));
        return quick.join('; ');
      }),
  ]),
  ...cases('I16-03', [
    (id) =>
      applied(
        id,
        'a run that was killed and goes on, in TensorBoard',
        'the steps that come again are marked as restarted',
        async (place) => {
          const words = longTraining(place, { checkpointSteps: 7 });
          await signalled(words, [['SIGKILL', 400]], { cwd: place.folder });
          const before = eventsOf(place.path('run'));
          const ran = await vit([...more(place.path('run')), '--max-steps', '60'], {
            cwd: place.folder,
          });
          must(ran.code === 0, seenOf(ran));
          const after = eventsOf(place.path('run')).filter((name) => !before.includes(name));
          // The event of a session that starts: field 7, its status START.
          const start = Buffer.from([0x3a, 0x02, 0x08, 0x01]);
          const marked = after.some((name) =>
            fs.readFileSync(join(place.path('run'), 'tensorboard', name)).includes(start),
          );
          must(marked, `no start of a session in ${after.join(', ')}`);
          return 'marked';
        },
      ),
  ]),
  ...cases('I16-05', [
    (id) =>
      applied(
        id,
        'the end of a training',
        'best epoch and accuracy, folder, the next command',
        async (place) => {
          const ran = await vit(training(place, { change: { epochs: 2 } }), { cwd: place.folder });
          must(ran.code === 0, seenOf(ran));
          const end = ran.out.trim().split('\n').slice(-6).join(' ');
          must(/best/i.test(end) && /%/.test(end) && /run/.test(end) && /vis|eval/.test(end), end);
          return end;
        },
      ),
    (id) =>
      applied(id, 'going on with a run that is finished', 'said', async (place) => {
        const ran = await vit(more(await tinyRun(place)), { cwd: place.folder });
        return assertOutput(ran, /[^\n]*(finished|complete|nothing)[^\n]*/i);
      }),
    (id) =>
      applied(
        id,
        'going on with more epochs',
        'the rate that rises again is said',
        async (place) => {
          const words = [...more(await tinyRun(place)), '--epochs', '9'];
          return assertOutput(
            await vit(words, { cwd: place.folder }),
            /[^\n]*rate[^\n]*(rises|→|from)[^\n]*/i,
          );
        },
      ),
  ]),
  ...cases('I16-33', [
    (id) =>
      applied(
        id,
        'going on under another instruction set',
        'a notice that names both',
        async (place) => {
          const words = training(place).map((word) => (word === 'cpu' ? 'native' : word));
          const first = await vit([...words, '--max-steps', '3'], {
            cwd: place.folder,
            env: { TFJS_VIT_ISA: 'portable' },
          });
          if (/native is not|cannot load/i.test(first.error))
            throw new Skipped('no native backend here');
          must(first.code === 0, seenOf(first));
          const second = more(place.path('run')).map((word) => (word === 'cpu' ? 'native' : word));
          const ran = await vit(second, { cwd: place.folder });
          if (/portable/.test(ran.error.split('\n')[0]!))
            throw new Skipped('no other instruction set');
          return assertOutput(ran, /[^\n]*portable[^\n]*/);
        },
      ),
  ]),
];

const eventsOf = (run: string): string[] =>
  fs.existsSync(join(run, 'tensorboard')) ? fs.readdirSync(join(run, 'tensorboard')) : [];
