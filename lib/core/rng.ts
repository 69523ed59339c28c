// Randomness as a pure function of its keys. Philox4x32-10: a bijection of a 128-bit counter under a 64-bit key, so any draw
// can be made without the draws before it. Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3".

import { assertInteger } from './check.ts';
import { InputError, expected } from './errors.ts';

// These are local because each look-up of a global costs 0.2 µs in a test runner's sandbox, and a draw makes a hundred.
const { imul, floor } = Math;

/** A key by which a stream is split: an index, or the name of the thing that draws. */
export type RngKey = number | string;

/**
 * A stream of random numbers that is a pure function of the seed and the keys it was split by.
 *
 * `new Rng(seed).split(epoch, index, 'crop')` gives the same numbers whoever asks, in any order, on any number of workers.
 * Seed 0 is a seed. `split` does not advance the stream; the drawing methods do.
 *
 * Quality: Philox4x32-10 passes BigCrush. Source: Salmon et al. 2011, table 2.
 *
 * @example
 * const rng = new Rng(42);
 * rng.split(3, 'shuffle').permutation(60_000);   // the order of epoch 3
 */
export class Rng {
  private readonly key0: number;
  private readonly key1: number;
  private counter = 0;
  private readonly block = new Uint32Array(4);
  private left = 0;

  constructor(seed: number, key1?: number) {
    if (key1 === undefined) {
      assertInteger('seed', seed, { min: 0 });
      this.key0 = seed >>> 0;
      this.key1 = floor(seed / 2 ** 32) >>> 0;
    } else {
      this.key0 = seed >>> 0;
      this.key1 = key1 >>> 0;
    }
  }

  /** An independent stream named by the keys; the same keys give the same stream. */
  split(...keys: RngKey[]): Rng {
    const out = new Uint32Array(4);
    let [key0, key1] = [this.key0, this.key1];
    for (const key of keys) {
      const [low, high, tag] = typeof key === 'number' ? numberKey(key) : stringKey(key);
      philox(low, high, tag, 0x5eed, key0, key1, out);
      [key0, key1] = [out[0]!, out[1]!];
    }
    return new Rng(key0, key1);
  }

  /** The next 32 random bits, 0 … 2³² − 1. */
  uint32(): number {
    if (this.left === 0) {
      const high = floor(this.counter / 2 ** 32);
      philox(this.counter >>> 0, high, 0, 0, this.key0, this.key1, this.block);
      this.counter += 1;
      this.left = 4;
    }
    this.left -= 1;
    return this.block[3 - this.left]!;
  }

  /** A number in [low, high), 53 random bits. */
  uniform(low = 0, high = 1): number {
    const bits = (this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6);
    return low + (high - low) * (bits / 2 ** 53);
  }

  /** An integer in [0, bound), without modulo bias. */
  integer(bound: number): number {
    assertInteger('bound', bound, { min: 1, max: 2 ** 32 });
    const limit = 2 ** 32 - (2 ** 32 % bound);
    for (;;) {
      const bits = this.uint32();
      if (bits < limit) return bits % bound;
    }
  }

  /** A normal number (Box–Muller, one of the pair is used, so that every draw costs the same). */
  normal(mean = 0, std = 1): number {
    const radius = Math.sqrt(-2 * Math.log(1 - this.uniform()));
    return mean + std * radius * Math.cos(2 * Math.PI * this.uniform());
  }

  /** True with probability p. */
  bernoulli(p: number): boolean {
    return this.uniform() < p;
  }

  /** The integers 0 … n − 1 in random order (Fisher–Yates). */
  permutation(n: number): Uint32Array {
    const order = Uint32Array.from({ length: n }, (_, i) => i);
    for (let i = n - 1; i > 0; i -= 1) {
      const j = this.integer(i + 1);
      const other = order[j]!;
      order[j] = order[i]!;
      order[i] = other;
    }
    return order;
  }
}

function numberKey(key: number): [number, number, number] {
  assertInteger('rng key', key, { min: 0 });
  return [key >>> 0, floor(key / 2 ** 32) >>> 0, 1];
}

// FNV-1a in two lanes; the name then passes through Philox, which does the mixing.
function stringKey(key: string): [number, number, number] {
  if (typeof key !== 'string') {
    throw new InputError(expected('numbers and texts', 'the keys of split', key));
  }
  let low = 0x811c9dc5;
  let high = 0x9747b28c;
  for (let i = 0; i < key.length; i += 1) {
    low = imul(low ^ key.charCodeAt(i), 0x01000193);
    high = imul(high ^ key.charCodeAt(i), 0x85ebca6b);
    high ^= high >>> 13;
  }
  return [low >>> 0, high >>> 0, 2];
}

/** Ten rounds of Philox on the counter (c0…c3) under the key (k0, k1); the result is written to `out`. */
export function philox(
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
  out: Uint32Array,
): void {
  for (let round = 0; round < 10; round += 1) {
    const low0 = imul(0xd2511f53, c0);
    const low1 = imul(0xcd9e8d57, c2);
    const next0 = mulHigh(0xcd9e8d57, c2) ^ c1 ^ k0;
    c2 = mulHigh(0xd2511f53, c0) ^ c3 ^ k1;
    c0 = next0;
    c1 = low1;
    c3 = low0;
    k0 = (k0 + 0x9e3779b9) | 0;
    k1 = (k1 + 0xbb67ae85) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

// The upper 32 bits of a 32 × 32-bit product; JavaScript numbers hold only 53 bits of it.
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  // Both sums stay below 2³²: (2¹⁶ − 1)² + 2¹⁶ − 1 < 2³².
  const middle = (imul(aHigh, bLow) + (imul(aLow, bLow) >>> 16)) >>> 0;
  const cross = (imul(aLow, bHigh) + (middle & 0xffff)) >>> 0;
  return (imul(aHigh, bHigh) + (middle >>> 16) + (cross >>> 16)) >>> 0;
}
