// numpy's legacy generator, RandomState: the Mersenne Twister MT19937, whose numbers FractalDB's categories are made of.

const N = 624;
const M = 397;
const upper = 0x80000000 | 0;
const matrix = 0x9908b0df | 0;

/**
 * The Mersenne Twister MT19937 as numpy's `RandomState(seed)` draws from it.
 *
 * Source: Matsumoto and Nishimura 1998, "Mersenne Twister". The doubles and integers are those of numpy's legacy distributions.
 *
 * @example new Mt19937(1).random();   // 0.417022004702574, as numpy.random.RandomState(1).random_sample()
 */
export class Mt19937 {
  /** The 624 words of the state, before tempering. */
  readonly words = new Int32Array(N);
  /** The next word to be drawn, 0 … 624; at 624 the state is twisted first. */
  at = N;

  /** @param seed  0 … 2³² − 1 */
  constructor(seed: number) {
    const { words } = this;
    words[0] = seed;
    for (let i = 1; i < N; i += 1) {
      const before = words[i - 1]!;
      words[i] = (Math.imul(1812433253, before ^ (before >>> 30)) + i) | 0;
    }
  }

  /** A generator in the same state. */
  clone(): Mt19937 {
    const copy = new Mt19937(0);
    copy.words.set(this.words);
    copy.at = this.at;
    return copy;
  }

  /** The next 32 bits, 0 … 2³² − 1. */
  uint32(): number {
    if (this.at === N) this.twist();
    const word = this.words[this.at]!;
    this.at += 1;
    return temper(word) >>> 0;
  }

  /** A number in [0, 1), 53 random bits: `random_sample`. */
  random(): number {
    const high = this.uint32() >>> 5;
    return (high * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
  }

  /** A number in [low, high): `uniform`. */
  uniform(low: number, high: number): number {
    return low + (high - low) * this.random();
  }

  /** An integer in low … high − 1: `randint`, which masks 32 bits and draws again while they are out of range. */
  integer(low: number, high: number): number {
    const most = high - low - 1;
    const mask = most === 0 ? 0 : 2 ** (32 - Math.clz32(most)) - 1;
    if (most === 0) return low;
    for (;;) {
      const bits = (this.uint32() & mask) >>> 0;
      if (bits <= most) return low + bits;
    }
  }

  /** Passes over `count` words of 32 bits without tempering them. */
  skip(count: number): void {
    for (let left = count; left > 0;) {
      if (this.at === N) this.twist();
      const step = Math.min(left, N - this.at);
      this.at += step;
      left -= step;
    }
  }

  /** Makes the next 624 words. */
  twist(): void {
    const { words } = this;
    let next = words[0]!;
    for (let i = 0; i < N - M; i += 1) {
      const y = next & upper;
      next = words[i + 1]!;
      words[i] = words[i + M]! ^ mixed(y | (next & ~upper));
    }
    for (let i = N - M; i < N - 1; i += 1) {
      const y = next & upper;
      next = words[i + 1]!;
      words[i] = words[i + M - N]! ^ mixed(y | (next & ~upper));
    }
    words[N - 1] = words[M - 1]! ^ mixed((next & upper) | (words[0]! & ~upper));
    this.at = 0;
  }
}

function mixed(y: number): number {
  return (y >>> 1) ^ (-(y & 1) & matrix);
}

/** The tempering of a word of the state, as int32. */
export function temper(word: number): number {
  let y = word;
  y ^= y >>> 11;
  y ^= (y << 7) & 0x9d2c5680;
  y ^= (y << 15) & 0xefc60000;
  return y ^ (y >>> 18);
}
