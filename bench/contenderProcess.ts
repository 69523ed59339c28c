// A contender as a child process that lives as long as its work lasts: a request is a JSON line on its stdin, the answer a JSON line
// on its stdout. So rounds of contenders can take turns, and no start-up is timed.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { UnsupportedError } from '../lib/node.ts';
import type { Work } from './works.ts';

/** The command that starts a contender's process. */
export interface ProcessSpec {
  name: string;
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  cwd?: string;
}

/** The work that a contender prepares. Both files are safetensors: timm's parameters; images and targets, or a and b. */
export interface Task extends Work {
  seconds: number;
  learningRate: number;
  weightDecay: number;
  files: { weights?: string; inputs?: string };
}

/**
 * The answer of a contender that has prepared its work and warmed up.
 *
 * @property check     its results: losses of the first training steps, logits of an image, elements of a product
 * @property versions  of the libraries it runs on, by name
 * @property isa       the instruction set that it says it uses
 * @property restBytes memory of the process when it began to work: its libraries, the weights and the inputs
 * @property firstPeakBytes  peak memory until its results were checked and the work was repeated once
 */
export interface Ready {
  check: number[];
  versions: Record<string, string>;
  isa?: string;
  restBytes?: number;
  firstPeakBytes?: number;
}

/** One round: the mean time of a repetition, and the peak memory of the process since it began to work. */
export interface Round {
  ms: number;
  peakRssBytes: number;
}

/** The handle of a contender's process. */
export interface Contender {
  readonly name: string;
  prepare(task: Task): Promise<Ready>;
  round(): Promise<Round>;
  end(): Promise<void>;
}

/** Starts a contender's process. Requests are sent one at a time; a process that ends before it answers is an error. */
export function startContender({ name, command, args, env, cwd }: ProcessSpec): Contender {
  const child = spawn(command, args, {
    stdio: ['pipe', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
    ...(cwd === undefined ? {} : { cwd }),
  });
  let waiting: { resolve: (answer: unknown) => void; reject: (error: Error) => void } | undefined;
  let complaints = '';
  let failure: Error | undefined;
  const fail = (why: string): void => {
    const last = complaints.trim().split('\n').slice(-3).join(' | ');
    failure ??= new UnsupportedError(`${name} ${why}${last === '' ? '' : `: ${last}`}`);
    waiting?.reject(failure);
    waiting = undefined;
  };
  child.stderr.on('data', (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-4000);
  });
  child.on('error', (error) => fail(`does not start (${error.message})`));
  child.on('close', (code, signal) =>
    fail(`ended before its work (${signal ?? `exit code ${code}`})`),
  );
  child.stdin.on('error', () => undefined); // `close` says why
  createInterface({ input: child.stdout }).on('line', (line) => {
    // Libraries print to stdout as well; an answer is an object.
    if (!line.startsWith('{')) return;
    const answer = JSON.parse(line) as { error?: string };
    const to = waiting;
    waiting = undefined;
    if (answer.error === undefined) to?.resolve(answer);
    else to?.reject(new UnsupportedError(`${name}: ${answer.error}`));
  });
  const ask = (question: object): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (failure !== undefined) return reject(failure);
      waiting = { resolve, reject };
      child.stdin.write(`${JSON.stringify(question)}\n`);
    });
  return {
    name,
    prepare: async (task) => (await ask({ ask: 'prepare', task })) as Ready,
    round: async () => (await ask({ ask: 'round' })) as Round,
    end: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null || failure !== undefined) {
          return resolve();
        }
        child.once('close', () => resolve());
        child.stdin.end();
      }),
  };
}
