// The built command line as a process of its own, with the time and memory that it took.

import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ChildProcess, StdioOptions } from 'node:child_process';

/** The root of the repository. */
export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The main file of the built command line, as the package's `bin` names it. */
export const mainFile = `${root}dist/lib/cli/main.js`;

const measureFile = fileURLToPath(new URL('./measure.cjs', import.meta.url));

/**
 * How a command ended.
 *
 * @property code        the exit code; null after a signal
 * @property cpuSeconds  of the process, all its threads; NaN if it could not tell
 * @property peakMegabytes  its largest resident set; NaN if it could not tell
 * @property late        it was killed because it took too long
 */
export interface Ran {
  code: number | null;
  signal: NodeJS.Signals | null;
  out: string;
  error: string;
  cpuSeconds: number;
  peakMegabytes: number;
  seconds: number;
  late: boolean;
}

/**
 * How a command is run.
 *
 * @property wrapper   a command that runs it: `['prlimit', '--nofile=32']`
 * @property onOutput  sees what it has written so far, each time that it writes
 * @property onStart   sees the process when it has started
 * @property stdout    where its output goes; default: it is collected
 * @property main      another main file
 * @property deadline  s, after which it is killed; default 240
 */
export interface RunOptions {
  cwd?: string;
  env?: Record<string, string | undefined>;
  wrapper?: readonly string[];
  nodeFlags?: readonly string[];
  onOutput?: (child: ChildProcess, text: string) => void;
  onStart?: (child: ChildProcess) => void;
  stdin?: number | 'pipe';
  stdout?: number;
  stderr?: number;
  main?: string;
  deadline?: number;
}

/** Runs `tfjs-vit` with these words. */
export function vit(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { main = mainFile, nodeFlags = [] } = options;
  return runNode([...nodeFlags, main, ...words], options);
}

/** Runs Node with these words. */
export function runNode(words: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const { wrapper = [], deadline = 240, onOutput, onStart } = options;
  const [file = '', ...rest] = [...wrapper, process.execPath, '--require', measureFile, ...words];
  const stdio: StdioOptions = [
    options.stdin ?? 'ignore',
    options.stdout ?? 'pipe',
    options.stderr ?? 'pipe',
    'pipe',
  ];
  const child = spawn(file, rest, { cwd: options.cwd, env: environment(options.env), stdio });
  const begun = performance.now();
  const texts = { out: '', error: '', measure: '' };
  const collect = (stream: NodeJS.ReadableStream | null, name: keyof typeof texts): void => {
    stream?.on('data', (data: Buffer) => {
      if (texts[name].length < 2 ** 24) texts[name] += data.toString();
      if (name !== 'measure') onOutput?.(child, texts.out + texts.error);
    });
  };
  collect(child.stdout, 'out');
  collect(child.stderr, 'error');
  collect(child.stdio[3] as NodeJS.ReadableStream | null, 'measure');
  onStart?.(child);
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    child.kill('SIGKILL');
  }, deadline * 1000);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      const { out, error } = texts;
      const seconds = (performance.now() - begun) / 1000;
      resolve({ code, signal, out, error, ...measured(texts.measure), seconds, late });
    });
  });
}

function measured(text: string): Pick<Ran, 'cpuSeconds' | 'peakMegabytes'> {
  try {
    return JSON.parse(text) as Pick<Ran, 'cpuSeconds' | 'peakMegabytes'>;
  } catch {
    return { cpuSeconds: NaN, peakMegabytes: NaN };
  }
}

// Variables that could change how a command behaves are not inherited.
function environment(changes: Record<string, string | undefined> = {}): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, LANG } = process.env;
  return { PATH, HOME, TMPDIR, LANG, HF_HUB_OFFLINE: '1', ...changes };
}
