// Errors of Node, the engine and other packages: said in one line, and sizes refused before they are allocated.

import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { assertBatchFits, batchBytes } from '../lib/cli/batchMemory.ts';
import { runProgram } from '../lib/cli/program.ts';
import { commands } from '../lib/cli/commands.ts';
import { InputError } from '../lib/core/errors.ts';
import { readBytes } from '../lib/io/disk.ts';
import { translateError } from '../lib/io/foreignError.ts';
import { availableBytes, formatBytes } from '../lib/io/memory.ts';
import { vit, writeExperiment } from './support/cli.ts';
import { refusalOf, systemError, temporaryFolder } from './support/failingDisk.ts';
import { build } from './support/tinyModel.ts';

const place = temporaryFolder();

/** What is said of whatever the work throws. */
function saidOf(work: () => unknown): string | undefined {
  try {
    work();
  } catch (error) {
    return translateError(error)?.message;
  }
  return 'nothing was thrown';
}

test.each([
  ['a typed array', () => new Uint8Array(2 ** 52)],
  ['an array buffer', () => new ArrayBuffer(2 ** 52)],
  ['WebAssembly', () => new WebAssembly.Memory({ initial: 65_536, maximum: 65_536 }).grow(1)],
  [
    'C++',
    () => {
      throw new Error('std::bad_alloc');
    },
  ],
  [
    'the native backend',
    () => {
      throw new Error('Expected memory for a native kernel, received none. Use a smaller batch.');
    },
  ],
])('memory that %s does not get is a line with what is free', (_, work) => {
  expect(saidOf(work)).toMatch(/^Expected .*memory.* are free\./);
});

test('a working folder that is gone is named', () => {
  const [before, gone] = [process.cwd(), join(place(), 'gone')];
  fs.mkdirSync(gone);
  process.chdir(gone);
  try {
    fs.rmdirSync(gone);
    expect(saidOf(() => resolve('x'))).toMatch(/^Cannot find the working folder\. It was deleted/);
  } finally {
    process.chdir(before);
  }
});

test('a package that is missing or does not load is named', () => {
  const require = createRequire(__filename);
  expect(saidOf(() => void require('@a/missing/part.js'))).toMatch(
    /^Expected the package @a\/missing, which could not be loaded: .*npm install\.$/,
  );
  const sharp = new Error('Could not load the "sharp" module using the linux-x64 runtime\nTry …');
  expect(translateError(sharp)!.message).toMatch(
    /^Expected the package sharp, .*linux-x64 runtime\. Install/,
  );
  const file = Object.assign(new Error("Cannot find module '/x/lib/a.ts'"), {
    code: 'MODULE_NOT_FOUND',
  });
  expect(translateError(file)).toBeUndefined();
});

test.each(['EMFILE', 'ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'EACCES'])(
  '%s of any call is said',
  (code) => {
    const error = Object.assign(systemError(code), { syscall: 'open', path: '/x/y' });
    expect(translateError(error)!.message).toMatch(
      new RegExp(`^Cannot open "/x/y": .*\\(${code}\\)\\.$`),
    );
  },
);

test('an error of ours stays as it is, and a defect is one', () => {
  const own = new InputError('Expected a, received b.');
  expect(translateError(own)).toBe(own);
  for (const defect of [new TypeError('x is not a function'), null, undefined, 'text', 5]) {
    expect(translateError(defect)).toBeUndefined();
  }
});

test('the program says a foreign error in one line with exit code 2', async () => {
  const command = commands.find(({ name }) => name === 'summary')!;
  const run = jest
    .spyOn(command, 'run')
    .mockRejectedValue(new RangeError('Array buffer allocation failed'));
  try {
    const error: string[] = [];
    const terminal = { out: () => undefined, error: (line: string) => void error.push(line) };
    expect(await runProgram(['summary'], terminal)).toBe(2);
    expect(error).toEqual([expect.stringMatching(/^Expected more memory.*--batch-size/)]);
  } finally {
    run.mockRestore();
  }
});

test('a batch that does not fit is refused with one that does', () => {
  const model = build();
  const work = { option: '--batch-size', model, batchSize: 10_000, training: true };
  const { total, perImage } = batchBytes(work);
  expect(batchBytes({ ...work, training: false }).total).toBeLessThan(total);
  expect(() => assertBatchFits(work, total)).not.toThrow();
  let text = '';
  try {
    assertBatchFits(work, total / 2);
  } catch (error) {
    text = (error as Error).message;
  }
  expect(text).toMatch(
    /for --batch-size, received 10000: a training step takes about .* are free\./,
  );
  const fits = Number(/A batch of (\d+) fits\.$/.exec(text)![1]);
  expect(fits).toBeGreaterThan(1000);
  expect(() => assertBatchFits({ ...work, batchSize: fits }, total / 2)).not.toThrow();
  expect(() => assertBatchFits(work, perImage / 2)).toThrow(/Take a smaller model or image/);
  model.dispose();
});

test('the commands refuse it before they allocate', async () => {
  const config = writeExperiment(join(place(), 'experiment.json'), {
    model: {
      imageSize: 28,
      patchSize: 1,
      inChannels: 1,
      numClasses: 10,
      embedDim: 48,
      depth: 12,
      numHeads: 3,
    },
  });
  for (const words of [
    ['profile', '--batch', '1000000', '--backend', 'cpu'],
    ['bench', '--batch-size', '1000000', '--backend', 'cpu'],
    [
      'train',
      '--config',
      config,
      '--batch-size',
      '50000',
      '--backend',
      'cpu',
      '--output-dir',
      join(place(), 'run'),
    ],
  ]) {
    const { code, error } = await vit(...words);
    expect([words[0], code, error.split('\n').at(-1)]).toEqual([
      words[0],
      2,
      expect.stringMatching(/^Expected a batch that fits into memory for --batch.* fits?\./),
    ]);
  }
  expect(fs.existsSync(join(place(), 'run'))).toBe(false);
}, 180_000);

test('a file longer than the memory is refused before it is read', async () => {
  const file = join(place(), 'model.safetensors');
  fs.writeFileSync(file, '');
  fs.truncateSync(file, 2 ** 43);
  expect(await refusalOf(readBytes(file, { maxBytes: Infinity }))).toMatch(
    /model\.safetensors": it has 8\.8 TB, and .*(in one piece|of memory are free)/,
  );
});

test('what is free is a number below that of the machine, and bytes are written for people', () => {
  expect(availableBytes()).toBeGreaterThan(2 ** 20);
  expect(Number.isFinite(availableBytes())).toBe(true);
  expect([0, 999, 1500, 5_368_709_120, 41e9, 3e15].map(formatBytes)).toEqual([
    '0 bytes',
    '999 bytes',
    '1.5 KB',
    '5.4 GB',
    '41 GB',
    '3.0 PB',
  ]);
});
