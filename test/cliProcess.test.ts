// The command line as a real process: exit codes, signals, a reader that goes away.

import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { writeExperiment } from './support/cli.ts';

const root = path.resolve(__dirname, '..');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cli-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  code: number | null;
  out: string;
  error: string;
}

/** Runs the command; `onOut` sees standard output as it comes. */
function start(
  words: string[],
  onOut: (child: ReturnType<typeof spawn>, out: string) => void = () => undefined,
): Promise<Ended> {
  const child = spawn(process.execPath, ['--import', 'tsx', 'lib/cli/main.ts', ...words], {
    cwd: root,
  });
  let [out, error] = ['', ''];
  child.stdout.on('data', (data: Buffer) => onOut(child, (out += data.toString())));
  child.stderr.on('data', (data: Buffer) => (error += data.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, error })));
}

test('a reader that goes away ends it as SIGPIPE would, without a stack', async () => {
  const { code, error } = await start(['parity', '--backend', 'cpu', 'test/goldens'], (child) =>
    child.stdout!.destroy(),
  );
  expect(code).toBe(141);
  expect(error).not.toContain('    at ');
}, 60_000);

test('a bad flag is one line and exit code 2', async () => {
  const { code, out, error } = await start(['parity', '--backned', 'cpu', 'test/goldens']);
  expect([code, out, error.trim().split('\n').length]).toEqual([2, '', 1]);
  expect(error).toContain('Did you mean --backend?');
}, 60_000);

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
  ['SIGQUIT', 131],
] as const)(
  '%s finishes the step, saves, and ends with %d',
  async (signal, expected) => {
    const run = path.join(folder, 'run');
    const config = writeExperiment(path.join(folder, 'experiment.json'), { epochs: 10_000 });
    let sent = false;
    const words = ['--config', config, '--backend', 'cpu', '--limit', '64', '--limit-val', '8'];
    const { code, out, error } = await start(
      ['train', ...words, '--output-dir', run],
      (child, text) => {
        if (sent || !text.includes('step ')) return;
        sent = true;
        // npm delivers a signal twice.
        child.kill(signal);
        setTimeout(() => child.kill(signal), 5);
      },
    );
    expect([code, error.includes('    at ')]).toEqual([expected, false]);
    expect(out).toMatch(new RegExp(`Stopped \\(${signal}\\) at step \\d+; saved`));
    expect(existsSync(path.join(run, 'manifest.json'))).toBe(true);
    expect(existsSync(path.join(run, '.lock'))).toBe(false);
    expect(JSON.parse(readFileSync(path.join(run, 'config.json'), 'utf8'))).toMatchObject({
      epochs: 10_000,
    });
  },
  60_000,
);

// /dev/full takes nothing, as a full disk does.
const full = existsSync('/dev/full') ? test : test.skip;

/** Runs the command with streams that are full. */
function startFull(words: string[], which: 'out' | 'error' | 'both'): Promise<Ended> {
  const device = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, ['--import', 'tsx', 'lib/cli/main.ts', ...words], {
    cwd: root,
    stdio: ['ignore', which === 'error' ? 'pipe' : device, which === 'out' ? 'pipe' : device],
  });
  closeSync(device);
  let [out, error] = ['', ''];
  child.stdout?.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr?.on('data', (data: Buffer) => (error += data.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, error })));
}

full.each(['out', 'both'] as const)(
  'a log on a full disk (%s) does not end a training',
  async (which) => {
    const run = path.join(folder, 'run');
    const config = writeExperiment(path.join(folder, 'experiment.json'));
    const words = ['--config', config, '--backend', 'cpu', '--limit', '16', '--limit-val', '8'];
    const { code, error } = await startFull(
      ['train', ...words, '--val-split', '8', '--output-dir', run],
      which,
    );
    expect(code).toBe(0);
    expect(existsSync(path.join(run, 'test.json'))).toBe(true);
    expect(existsSync(path.join(run, '.lock'))).toBe(false);
    const told = error.split('\n').filter((line) => line.includes('Standard output'));
    if (which === 'out') {
      expect(told).toEqual([
        'Standard output cannot be written: no space is left on the device (ENOSPC). Training goes on without its log.',
      ]);
    }
    expect(error).not.toContain('    at ');
  },
  60_000,
);

full(
  'a result that cannot be written is one line and exit code 2',
  async () => {
    const { code, error } = await startFull(['summary', '--list'], 'out');
    expect(code).toBe(2);
    expect(error.trim()).toBe(
      'Standard output cannot be written: no space is left on the device (ENOSPC).',
    );
  },
  60_000,
);

full(
  'a result is given although standard error is full',
  async () => {
    const words = ['predict', '--image', '3', '--checkpoint', 'checkpoints/mnist-vit'];
    const { code, out } = await startFull([...words, '--backend', 'cpu', '--topk', '1'], 'error');
    expect([code, out.trim().split('\n').length]).toEqual([0, 2]);
  },
  60_000,
);
