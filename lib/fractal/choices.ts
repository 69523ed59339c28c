// The choice of a map for every step: random numbers compared with the cumulated probabilities.

import { cumulated, mapStride, type Ifs } from './ifs.ts';
import { temper, type Mt19937 } from './mt19937.ts';

const tableBits = 11;
const shift = 32 - tableBits;
const undecided = 255;

/**
 * Random numbers, and their upper 11 bits.
 *
 * @property numbers  in [0, 1)
 */
export interface RandomNumbers {
  readonly numbers: Float64Array;
  readonly tops: Uint16Array;
}

/** The next numbers of a generator. */
export function randomNumbers(generator: Mt19937, count: number): RandomNumbers {
  return withTops(Float64Array.from({ length: count }, () => generator.random()));
}

/** Given numbers in [0, 1). */
export function withTops(numbers: Float64Array): RandomNumbers {
  return { numbers, tops: Uint16Array.from(numbers, (number) => number * 2 ** tableBits) };
}

/**
 * The maps that random numbers choose: the first whose cumulated probability is ≥ the number, the last one for a number above all.
 *
 * @param random  [count]
 * @returns [count], the place of each map in `Ifs.maps`, so 8 times its index
 */
export function choicesOf({ numbers, tops }: RandomNumbers, ifs: Ifs): Uint8Array {
  const sums = cumulated(ifs);
  const last = sums.length - 1;
  const table = tableOf(limitsOf(sums));
  const out = new Uint8Array(numbers.length);
  for (let i = 0; i < out.length; i += 1) {
    let choice = table[tops[i]!]!;
    if (choice === undecided) {
      const number = numbers[i]!;
      let index = 0;
      while (index < last && number > sums[index]!) index += 1;
      choice = index * mapStride;
    }
    out[i] = choice;
  }
  return out;
}

/**
 * The choices of `choicesOf` for the next `out.length` numbers of a generator, without making the numbers.
 *
 * A number's first word decides the choice by a table of its upper 11 bits. Only where a cumulated probability lies within an
 * entry of the table are both words compared, as 53-bit integers.
 */
export function drawChoices(generator: Mt19937, ifs: Ifs, out: Uint8Array): void {
  const { words } = generator;
  const limits = limitsOf(cumulated(ifs));
  const table = tableOf(limits);
  const { length } = out;
  // Local, because a look-up through the module costs more than the work.
  const tempered = temper;
  let at = generator.at;
  let i = 0;
  while (i < length) {
    if (at >= words.length) {
      generator.twist();
      at -= words.length;
    }
    // Whole numbers whose two words lie in this block.
    const end = Math.min(length, i + ((words.length - at) >> 1));
    for (; i < end; i += 1, at += 2) {
      const first = tempered(words[at]!);
      let choice = table[first >>> shift]!;
      if (choice === undecided) choice = decide(first, tempered(words[at + 1]!), limits);
      out[i] = choice;
    }
    if (i < length && at === words.length - 1) {
      const first = temper(words[at]!);
      generator.twist();
      out[i] = decide(first, temper(words[0]!), limits);
      i += 1;
      at = 1;
    }
  }
  generator.at = at;
}

// The cumulated probabilities but the last as 53-bit integers: a number r·2⁻⁵³ is above the probability if r is above the limit.
function limitsOf(sums: Float64Array): Float64Array {
  return sums.subarray(0, sums.length - 1).map((sum) => Math.floor(sum * 2 ** 53));
}

function tableOf(limits: Float64Array): Uint8Array {
  const table = new Uint8Array(2 ** tableBits);
  let from = 0;
  limits.forEach((limit, index) => {
    const entry = Math.min(2 ** tableBits, Math.floor(limit / 2 ** (53 - tableBits)));
    if (entry >= from) table.fill(index * mapStride, from, entry);
    if (entry < table.length) table[entry] = undecided;
    from = Math.max(from, entry + 1);
  });
  table.fill(limits.length * mapStride, from);
  return table;
}

function decide(first: number, second: number, limits: Float64Array): number {
  const number = (first >>> 5) * 67108864 + (second >>> 6);
  let index = 0;
  while (index < limits.length && number > limits[index]!) index += 1;
  return index * mapStride;
}
