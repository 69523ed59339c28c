// A pool of worker threads that prepare the samples of loaders; pixels and order do not depend on their number.

import { availableParallelism } from 'node:os';
import { assertInteger } from '../core/check.ts';
import { assertFields } from '../core/kinds.ts';
import { IoError, messageOf } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { samplesOf, type SampleParts, type SampleSource } from '../data/samples.ts';
import { originOf } from '../data/transform.ts';
import { startThread } from '../io/thread.ts';
import { useNativePixels } from './nativePixels.ts';
import { WorkerSource } from './workerSource.ts';
import type { Worker } from 'node:worker_threads';
import type { Answer, Order, Task } from './messages.ts';

/**
 * The options of `SampleWorkers`.
 *
 * @property workers  threads, 0 to 64; 0: none, this thread prepares the samples. Default: one for each core, at most 8, and none for
 *                    images that lie in memory, whose way to a thread and back costs as much as it saves
 * @property onNote   is told, in a sentence, why a loader's samples are prepared in this thread although there are workers
 * @property start    starts thread `id`; for tests
 */
export interface SampleWorkersOptions {
  workers?: number | undefined;
  onNote?: ((text: string) => void) | undefined;
  start?: (id: number) => Worker;
}

/** Threads that prepare samples unless it is said: one for each core, at most 8, as Node decodes on four threads of its own. */
export function defaultSampleWorkers(): number {
  return Math.min(8, availableParallelism());
}

interface Thread {
  readonly id: number;
  readonly worker: Worker;
  answered: boolean;
}

// A sample whose thread died so often is taken for the cause; threads that die before their first answer cannot start at all.
const mostDeaths = 3;

/**
 * Worker threads for the samples of any number of loaders. They start with the first sample, do not keep the process alive while there
 * is nothing to do, and one that dies is replaced: its samples are prepared again.
 *
 * @example
 * const workers = new SampleWorkers({workers: 4});
 * try { await train(config, {...env, samples: workers.samplesOf}); } finally { await workers.close(); }
 */
export class SampleWorkers {
  private readonly workers: number | undefined;
  private readonly onNote: (text: string) => void;
  private readonly startWorker: (id: number) => Worker;
  private readonly sources: WorkerSource[] = [];
  private readonly threads = new Map<number, Thread>();
  private readonly said = new Set<string>();
  private lastId = 0;
  private ticket = 0;
  private failedStarts = 0;
  private isClosed = false;

  constructor(options: SampleWorkersOptions = {}) {
    assertFields('SampleWorkers', options, { onNote: 'function?', start: 'function?' });
    const { workers, onNote = () => undefined, start } = options;
    if (workers !== undefined) assertInteger('workers', workers, { min: 0, max: 64 });
    // For the loaders whose samples are prepared in this thread.
    useNativePixels();
    this.workers = workers;
    this.onNote = onNote;
    this.startWorker = start ?? ((id) => startThread('./worker', import.meta.url, { id }));
  }

  /** The source of a loader's samples: `samples` of `Loader` and of `train`. */
  readonly samplesOf = (parts: SampleParts): SampleSource => {
    const { dataset, transforms, seed } = parts;
    const here = () => samplesOf(dataset, transforms, new Rng(seed));
    if (this.workers === 0) return here();
    const reason = reasonAgainst(parts);
    if (reason !== undefined) {
      this.say(`Samples are prepared in the main thread, because ${reason}.`);
      return here();
    }
    const inMemory = dataset.length > 0 && dataset.source!(0).reader === 'pixels';
    if (this.workers === undefined && inMemory) return here();
    const source = new WorkerSource(parts, {
      group: this.sources.length,
      ticket: () => (this.ticket = (this.ticket % 0x7fffffff) + 1),
      send: (tasks) => this.send(tasks),
      changed: () => this.holdOn(),
    });
    this.sources.push(source);
    for (const { worker } of this.threads.values()) worker.postMessage(source.setup);
    return source;
  };

  /** Ends the threads; samples that are still waited for fail. */
  async close(): Promise<void> {
    this.isClosed = true;
    const threads = [...this.threads.values()];
    this.threads.clear();
    this.fail(new IoError('The worker threads were closed.'));
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
  }

  private say(text: string): void {
    if (this.said.has(text)) return;
    this.said.add(text);
    this.onNote(text);
  }

  private send(tasks: readonly Task[]): void {
    if (this.isClosed) return this.fail(new IoError('The worker threads were closed.'));
    while (this.threads.size < (this.workers ?? defaultSampleWorkers())) this.start();
    const order: Order = { kind: 'tasks', tasks };
    for (const { worker } of this.threads.values()) worker.postMessage(order);
  }

  private start(): void {
    const id = (this.lastId += 1);
    const worker = this.startWorker(id);
    const thread: Thread = { id, worker, answered: false };
    this.threads.set(id, thread);
    let cause: unknown;
    worker.on('message', (answer: Answer) => {
      thread.answered = true;
      this.failedStarts = 0;
      for (const source of this.sources) if (source.take(answer)) return;
    });
    worker.on('error', (error) => (cause = error));
    worker.on('exit', () => this.lose(thread, cause));
    for (const { setup } of this.sources) worker.postMessage(setup);
    this.holdOn();
  }

  // The process lives as long as somebody waits for a sample.
  private holdOn(): void {
    const isWaiting = this.sources.some(({ waiting }) => waiting > 0);
    for (const { worker } of this.threads.values()) {
      if (isWaiting) worker.ref();
      else worker.unref();
    }
  }

  // A thread that ended: what it had claimed is prepared again, and another thread takes its place.
  private lose(thread: Thread, cause: unknown): void {
    if (!this.threads.delete(thread.id) || this.isClosed) return;
    const why = cause === undefined ? '' : `: ${messageOf(cause)}`;
    if (!thread.answered) this.failedStarts += 1;
    const claimed = this.sources.flatMap((source) => source.lose(thread.id, mostDeaths, why));
    if (!thread.answered && claimed.length === 0 && this.failedStarts >= mostDeaths) {
      const remedy = 'Prepare the samples in the main thread: --workers 0.';
      this.fail(new IoError(`Worker threads end before they can work${why}. ${remedy}`));
      return;
    }
    const open = this.sources.flatMap((source) => source.openTasks());
    if (open.length === 0) return;
    this.start();
    const fresh = this.threads.get(this.lastId)!;
    fresh.worker.postMessage({ kind: 'tasks', tasks: open } satisfies Order);
    const again: Order = { kind: 'tasks', tasks: claimed };
    for (const { worker } of this.threads.values()) {
      if (worker !== fresh.worker && claimed.length > 0) worker.postMessage(again);
    }
  }

  private fail(error: Error): void {
    for (const source of this.sources) source.fail(error);
  }
}

// Why a loader's samples cannot be prepared by a thread; undefined: they can.
function reasonAgainst({ dataset, transforms }: SampleParts): string | undefined {
  if (dataset.source === undefined) {
    return 'the data set reads its images by a function, which cannot be sent to a worker';
  }
  const at = transforms.findIndex((transform) => originOf(transform) === undefined);
  return at < 0 ? undefined : `transform ${at} is a function, which cannot be sent to a worker`;
}
