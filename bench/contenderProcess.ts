// A contender as a child process that lives as long as its work lasts: a question is a JSON line on its stdin, the answer one on
// its stdout. So rounds of contenders can take turns, and no start-up is timed.

import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { UnsupportedError } from '../lib/node.ts';
import type { Work } from './works.ts';

/** How a contender's process is started. */
export interface ProcessSpec {
  name: string;
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  cwd?: string;
}

/** What a contender is told to make ready. Both files are safetensors: timm's parameters; images and targets, or a and b. */
export interface Task extends Work {
  seconds: number;
  learningRate: number;
  weightDecay: number;
  files: { weights?: string; inputs?: string };
}

/**
 * A contender that is ready, and warm.
 *
 * @property check     what it computed: losses of the first training steps, logits of an image, elements of a product
 * @property versions  of what it runs on, by name
 * @property isa       the instruction set that it says it uses
 * @property restBytes what the process held when it began to work: its libraries, the weights and the inputs
 * @property firstPeakBytes  the most that it held until its results were checked and the work was repeated once
 */
export interface Ready {
  check: number[];
  versions: Record<string, string>;
  isa?: string;
  restBytes?: number;
  firstPeakBytes?: number;
}

/** One round: the mean time of a repetition, and the most memory that the process has held since it began to work. */
export interface Round {
  ms: number;
  peakRssBytes: number;
}

/** A contender, seen from outside. */
export interface Contender {
  readonly name: string;
  prepare(task: Task): Promise<Ready>;
  round(): Promise<Round>;
  end(): Promise<void>;
}

/** Starts a contender's process. Its questions are asked one at a time; a process that ends before answering is an error. */
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
    // Libraries greet on stdout as well; an answer is an object.
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
