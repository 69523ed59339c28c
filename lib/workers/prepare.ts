// The work of a worker thread: it claims samples, reads and transforms them, and writes them into shared memory.

import { Rng } from '../core/rng.ts';
import { sampleRng } from '../data/samples.ts';
import { applyTransforms, type Transform } from '../data/transform.ts';
import { makeTransforms } from '../data/transformRegistry.ts';
import { sentError } from '../io/thread.ts';
import type { RgbImage } from '../core/image.ts';
import type { ImageSource } from '../data/dataset.ts';
import type { Answer, Order, Setup, Task } from './messages.ts';

interface Group {
  rng: Rng;
  transforms: readonly Transform[];
  slotBytes: number;
  pixels: Uint8Array;
  claims: Int32Array;
}

// While one image is decoded, in a thread of its own, another one is transformed.
const atOnce = 2;

/** Prepares the samples that it is sent, as far as no other worker has claimed them. */
export class SamplePreparer {
  private readonly id: number;
  private readonly read: (source: ImageSource) => Promise<RgbImage>;
  private readonly answer: (answer: Answer, transfer: ArrayBuffer[]) => void;
  private readonly groups = new Map<number, Group>();
  private queue: Task[] = [];
  private next = 0;
  private running = 0;
  private isAlone = false;

  /** @param id  from 1; `claims` has its negative */
  constructor(
    id: number,
    read: (source: ImageSource) => Promise<RgbImage>,
    answer: (answer: Answer, transfer: ArrayBuffer[]) => void,
  ) {
    [this.id, this.read, this.answer] = [id, read, answer];
  }

  /** Takes a message of the main thread. */
  take(order: Order): void {
    if (order.kind === 'setup') this.groups.set(order.group, groupOf(order));
    else {
      for (const task of order.tasks) this.queue.push(task);
      this.goOn();
    }
  }

  private goOn(): void {
    while (this.running < atOnce && this.next < this.queue.length) {
      const task = this.queue[this.next]!;
      if (this.isAlone || (task.alone && this.running > 0)) return;
      this.next += 1;
      const { claims } = this.groups.get(task.group)!;
      const { slot, ticket } = task;
      if (Atomics.compareExchange(claims, slot, ticket, -this.id) !== ticket) continue;
      this.running += 1;
      this.isAlone = task.alone;
      void this.prepare(task).then(() => {
        this.running -= 1;
        this.isAlone = false;
        this.goOn();
      });
    }
    if (this.next < this.queue.length) return;
    [this.queue, this.next] = [[], 0];
  }

  private async prepare({ group, ticket, slot, source, ...place }: Task): Promise<void> {
    const { rng, transforms, slotBytes, pixels } = this.groups.get(group)!;
    let read = false;
    try {
      const image = await this.read(source);
      read = true;
      const { width, height, channels, data } = applyTransforms(
        image,
        transforms,
        sampleRng(rng, place.epoch, place.index, place.copy),
      );
      const sizes = { ticket, width, height, channels };
      if (data.length === slotBytes) {
        pixels.set(data, slot * slotBytes);
        this.answer(sizes, []);
      } else {
        const own = data.slice();
        this.answer({ ...sizes, data: own }, [own.buffer]);
      }
    } catch (error) {
      this.answer({ ticket, error: sentError(error), read }, []);
    }
  }
}

function groupOf({ transforms, seed, slotBytes, pixels, claims }: Setup): Group {
  return {
    rng: new Rng(seed),
    transforms: makeTransforms(transforms.map(({ name, options }) => ({ ...options, name }))),
    slotBytes,
    pixels: new Uint8Array(pixels),
    claims: new Int32Array(claims),
  };
}
