// Worker threads for the tasks of a FractalDB; the results do not depend on their number.

import { availableParallelism } from 'node:os';
import { assertInteger } from '../core/check.ts';
import { IoError } from '../core/errors.ts';
import { receivedError, startThread } from '../io/thread.ts';
import { FractalTasks, type TaskName, type TaskTypes } from './tasks.ts';
import type { Worker } from 'node:worker_threads';
import type { Answer } from './worker.ts';

/** Threads that a FractalDB is made by, unless it is said: one for each core, at most 16. */
export function defaultWorkers(): number {
  return Math.min(16, availableParallelism());
}

interface Job {
  name: TaskName;
  task: unknown;
  resolve: (result: never) => void;
  reject: (error: unknown) => void;
}

interface Thread {
  worker: Worker;
  job: Job | undefined;
}

/**
 * Does tasks in worker threads, or in this one where their number is 0. Threads start when there is work for them, and do not keep
 * the process alive while they have none.
 */
export class FractalWorkers {
  readonly count: number;
  private readonly threads: Thread[] = [];
  private readonly queue: Job[] = [];
  private readonly here: FractalTasks | undefined;

  /** @throws InputError unless 0 ≤ count ≤ 256 */
  constructor(count: number = defaultWorkers()) {
    assertInteger('workers', count, { min: 0, max: 256 });
    this.count = count;
    this.here = count === 0 ? new FractalTasks() : undefined;
  }

  /** Does a task as soon as a thread is free. @throws what the task throws, or IoError if its thread ends */
  run<N extends TaskName>(name: N, task: TaskTypes[N]['task']): Promise<TaskTypes[N]['result']> {
    if (this.here !== undefined) return this.here.run(name, task);
    return new Promise((resolve, reject) => {
      this.queue.push({ name, task, resolve, reject });
      if (this.threads.length < this.count && this.threads.every(({ job }) => job !== undefined)) {
        this.threads.push(this.start());
      }
      this.assign();
    });
  }

  /** Ends the threads; their tasks fail. */
  async close(): Promise<void> {
    const threads = this.threads.splice(0);
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  private assign(): void {
    for (const thread of this.threads) {
      if (thread.job !== undefined) continue;
      const job = this.queue.shift();
      if (job === undefined) return;
      thread.job = job;
      thread.worker.ref();
      thread.worker.postMessage({ name: job.name, task: job.task });
    }
  }

  private start(): Thread {
    const worker = startThread('./worker', import.meta.url);
    worker.unref();
    const thread: Thread = { worker, job: undefined };
    worker.on('message', (answer: Answer) => {
      const { job } = thread;
      thread.job = undefined;
      worker.unref();
      if ('error' in answer) job?.reject(receivedError(answer.error));
      else job?.resolve(answer.result as never);
      this.assign();
    });
    worker.on('error', (error) => this.lose(thread, error));
    worker.on('exit', () => this.lose(thread, undefined));
    return thread;
  }

  // A thread that ended: its task fails, and the others go on in another thread.
  private lose(thread: Thread, cause: unknown): void {
    const at = this.threads.indexOf(thread);
    if (at >= 0) this.threads.splice(at, 1);
    const why = cause instanceof Error ? ` (${cause.message})` : '';
    const remedy = 'Try again, with fewer workers if memory is short.';
    thread.job?.reject(new IoError(`A worker thread ended${why}. ${remedy}`, { cause }));
    thread.job = undefined;
    if (this.queue.length > 0 && this.threads.length === 0) this.threads.push(this.start());
    this.assign();
  }
}
