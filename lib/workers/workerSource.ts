// The samples of one loader in worker threads: tickets, slots of shared memory, and what is waited for.

import { sizeOf } from '../core/check.ts';
import { IoError } from '../core/errors.ts';
import { originOf } from '../data/transform.ts';
import { receivedError } from '../io/thread.ts';
import type { RgbImage } from '../core/image.ts';
import type { SampleParts, SampleSource } from '../data/samples.ts';
import type { Answer, Setup, Task } from './messages.ts';

/** The part of its pool that a source uses. `changed`: the number of samples that are waited for may have changed from or to 0. */
export interface PoolLink {
  readonly group: number;
  ticket(): number;
  send(tasks: readonly Task[]): void;
  changed(): void;
}

interface Job {
  readonly index: number;
  readonly epoch: number;
  readonly copy: number;
  readonly failures: Error[];
  deaths: number;
  task: Task | undefined;
  resolve: (image: RgbImage) => void;
  reject: (error: unknown) => void;
}

// Prepared samples take at most so much memory, or four slots where even that is more.
const mostBytes = 2 ** 28;

/** A `SampleSource` whose samples are prepared by the threads of a pool, in slots of memory that they share with this thread. */
export class WorkerSource implements SampleSource {
  readonly setup: Setup;
  private readonly parts: SampleParts;
  private readonly pool: PoolLink;
  private readonly pixels: Uint8Array;
  private readonly claims: Int32Array;
  private readonly free: number[];
  private readonly jobs = new Map<number, Job>();
  private readonly slots = new WeakMap<RgbImage, number>();
  private queue: Job[] = [];
  private isFlushing = false;

  constructor(parts: SampleParts, pool: PoolLink) {
    const { transforms, seed, outputShape, batchSize } = parts;
    [this.parts, this.pool] = [parts, pool];
    const slotBytes = sizeOf(outputShape);
    // Two batches: the one that is waited for, and the next.
    const slots = Math.max(4, Math.min(2 * batchSize, Math.floor(mostBytes / slotBytes)));
    const pixels = new SharedArrayBuffer(slots * slotBytes);
    const claims = new SharedArrayBuffer(4 * slots);
    this.setup = {
      kind: 'setup',
      group: pool.group,
      transforms: transforms.map((transform) => originOf(transform)!),
      seed,
      slotBytes,
      pixels,
      claims,
    };
    [this.pixels, this.claims] = [new Uint8Array(pixels), new Int32Array(claims)];
    this.free = Array.from({ length: slots }, (_, slot) => slots - 1 - slot);
  }

  /** How many samples are waited for. */
  get waiting(): number {
    return this.jobs.size + this.queue.length;
  }

  prepare(index: number, epoch: number, copy = 0): Promise<RgbImage> {
    return new Promise((resolve, reject) => {
      const place = { index, epoch, copy };
      this.queue.push({ ...place, failures: [], deaths: 0, task: undefined, resolve, reject });
      this.flushSoon();
    });
  }

  release(image: RgbImage): void {
    const slot = this.slots.get(image);
    if (slot === undefined) return;
    this.slots.delete(image);
    this.giveBack(slot);
  }

  /** Takes the answer of a thread. @returns false for a sample of another source, or one that was answered already */
  take(answer: Answer): boolean {
    const job = this.jobs.get(answer.ticket);
    if (job === undefined) return false;
    this.jobs.delete(answer.ticket);
    const { slot } = job.task!;
    if ('error' in answer) this.retry(job, answer);
    else {
      const { width, height, channels, data } = answer;
      const { slotBytes } = this.setup;
      const own = this.pixels.subarray(slot * slotBytes, (slot + 1) * slotBytes);
      const image = { width, height, channels, data: data ?? own };
      if (data === undefined) this.slots.set(image, slot);
      else this.giveBack(slot);
      job.resolve(image);
    }
    if (this.waiting === 0) this.pool.changed();
    return true;
  }

  /**
   * Takes back the samples that a thread had claimed when it died.
   *
   * @param mostDeaths  a sample that so many threads died of fails
   * @returns those that are to be prepared again, under new tickets
   */
  lose(worker: number, mostDeaths: number, why: string): Task[] {
    const again: Task[] = [];
    for (const [ticket, job] of [...this.jobs]) {
      const task = job.task!;
      if (Atomics.load(this.claims, task.slot) !== -worker) continue;
      this.jobs.delete(ticket);
      job.deaths += 1;
      if (job.deaths < mostDeaths) again.push(this.issue(job, task.slot));
      else {
        this.giveBack(task.slot);
        job.reject(this.deathOf(job, why));
      }
    }
    return again;
  }

  /** The samples that are not done yet, for a new thread. */
  openTasks(): Task[] {
    return [...this.jobs.values()].map(({ task }) => task!);
  }

  /** Fails all samples that are waited for. */
  fail(error: Error): void {
    const jobs = [...this.jobs.values(), ...this.queue];
    for (const { task } of this.jobs.values()) this.free.push(task!.slot);
    this.jobs.clear();
    this.queue = [];
    for (const { reject } of jobs) reject(error);
    this.pool.changed();
  }

  // A file that cannot be read is replaced as the data set says; any other error is that of the sample.
  private retry(job: Job, { error, read }: Extract<Answer, { error: unknown }>): void {
    const { slot } = job.task!;
    const received = receivedError(error);
    if (read || !(received instanceof IoError)) {
      this.giveBack(slot);
      job.reject(received);
      return;
    }
    job.failures.push(received);
    try {
      this.pool.send([this.issue(job, slot)]);
    } catch (noneLeft) {
      this.giveBack(slot);
      job.reject(noneLeft);
    }
  }

  // All samples that are asked for in one turn go to the threads together.
  private flushSoon(): void {
    if (this.isFlushing) return;
    this.isFlushing = true;
    queueMicrotask(() => {
      this.isFlushing = false;
      this.flush();
    });
  }

  private flush(): void {
    const wasWaiting = this.jobs.size > 0;
    const tasks: Task[] = [];
    let taken = 0;
    while (this.free.length > 0 && taken < this.queue.length) {
      const job = this.queue[taken]!;
      taken += 1;
      const slot = this.free.pop()!;
      try {
        tasks.push(this.issue(job, slot));
      } catch (error) {
        this.free.push(slot);
        job.reject(error);
      }
    }
    this.queue = this.queue.slice(taken);
    if (tasks.length === 0) return;
    this.pool.send(tasks);
    if (!wasWaiting) this.pool.changed();
  }

  // Gives a sample a slot, where the first thread that comes may claim it.
  private issue(job: Job, slot: number): Task {
    const { index, epoch, copy, failures } = job;
    const source = this.parts.dataset.source!(index, failures);
    const ticket = this.pool.ticket();
    const alone = job.deaths > 0;
    job.task = { group: this.pool.group, ticket, slot, index, epoch, copy, alone, source };
    this.jobs.set(ticket, job);
    Atomics.store(this.claims, slot, ticket);
    return job.task;
  }

  private giveBack(slot: number): void {
    this.free.push(slot);
    if (this.queue.length > 0) this.flushSoon();
  }

  private deathOf({ index, deaths, task }: Job, why: string): IoError {
    const { file } = task!.source as { file?: unknown };
    const what = typeof file === 'string' ? file : `image ${index}`;
    const remedy = 'Remove the file, or give less work to a process: --workers 1.';
    return new IoError(
      `${deaths} worker threads ended while they prepared ${what}${why}. ${remedy}`,
    );
  }
}
