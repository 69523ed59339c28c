// A pool of idle memory blocks, from which outputs of native kernels are taken.

import { totalmem } from 'node:os';
import type { NativeBinding } from './binding.ts';

/** Memory on loan: `bytes` of `buffer` from `offset`, which lies on a cache line. */
export interface Block {
  readonly buffer: ArrayBuffer;
  readonly offset: number;
  readonly bytes: number;
}

const LINE = 64;
// Below this size a larger idle block is not looked for.
const LARGE = 2 ** 20;

/**
 * Keeps the memory of disposed tensors for the next ones, so that a training step allocates, zeroes and faults in nothing.
 *
 * A block is lent to one tensor at a time; what it holds is whatever was there. Idle blocks are limited to a quarter of the
 * machine's memory; the longest idle go first.
 */
export class BufferPool {
  readonly #idle = new Map<number, Block[]>();
  readonly #limitBytes: number;
  readonly #binding: NativeBinding;
  #idleBytes = 0;

  constructor(binding: NativeBinding, limitBytes = totalmem() / 4) {
    this.#binding = binding;
    this.#limitBytes = limitBytes;
  }

  /** Bytes that no tensor uses now. */
  get idleBytes(): number {
    return this.#idleBytes;
  }

  /**
   * A block of at least `bytes`, or undefined for none. Small ones pay too: a fresh array of a few numbers has no memory that the addon
   * can read, and is given some at the first call.
   *
   * @param upTo  an idle block less than so many times larger serves too, for what does not live long: what does would keep the
   *              rest of it from all others
   */
  take(bytes: number, upTo = 1): Block | undefined {
    if (bytes === 0) return undefined;
    const size = sizeClass(bytes);
    const block = this.#idle.get(size)?.pop() ?? this.#larger(size, upTo);
    if (block === undefined) return this.#allocate(size);
    this.#idleBytes -= block.bytes;
    return block;
  }

  /** Gives a block back; nobody may hold a view of it that is still read. */
  give(block: Block): void {
    const size = block.bytes;
    const stack = this.#idle.get(size);
    if (stack === undefined) this.#idle.set(size, [block]);
    else stack.push(block);
    this.#idleBytes += size;
    if (this.#idleBytes > this.#limitBytes) this.#shrink();
  }

  /** Lets go of all idle memory. */
  clear(): void {
    this.#idle.clear();
    this.#idleBytes = 0;
  }

  // The smallest that is idle.
  #larger(size: number, upTo: number): Block | undefined {
    if (upTo <= 1 || size < LARGE) return undefined;
    let best = upTo * size;
    for (const [bytes, stack] of this.#idle) {
      if (stack.length > 0 && bytes > size && bytes < best) best = bytes;
    }
    return this.#idle.get(best)?.pop();
  }

  #allocate(size: number): Block {
    const buffer = new ArrayBuffer(size + LINE);
    const offset = this.#binding.misalignment(new Uint8Array(buffer));
    return { buffer, offset, bytes: size };
  }

  // Down to three quarters of the limit, the sizes longest without a new block first.
  #shrink(): void {
    for (const [size, stack] of this.#idle) {
      const excess = this.#idleBytes - 0.75 * this.#limitBytes;
      if (excess <= 0) return;
      const dropped = stack.splice(0, Math.ceil(excess / size));
      this.#idleBytes -= dropped.length * size;
      if (stack.length === 0) this.#idle.delete(size);
    }
  }
}

// Eight sizes for each power of two: at most an eighth is wasted, and close sizes share blocks.
function sizeClass(bytes: number): number {
  const step = 2 ** Math.max(6, Math.floor(Math.log2(bytes)) - 3);
  return Math.ceil(bytes / step) * step;
}
