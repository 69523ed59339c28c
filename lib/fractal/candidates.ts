// The stream of random systems in which FractalDB's categories are searched.

import { ifsOf, type Ifs } from './ifs.ts';
import { Mt19937 } from './mt19937.ts';

/**
 * The constants of the published search; another value would give other categories.
 *
 * @property seed    of the generator
 * @property points  random numbers that every candidate takes, so also the points that it draws
 * @property size    side of the picture in pixels
 * @property pad     pixels that stay empty at its edges
 * @property rate    share of the pixels that must be filled
 */
export const searchRules = { seed: 1, points: 100_000, size: 512, pad: 6, rate: 0.2 } as const;

/** Words of 32 bits that a candidate's random numbers take, after its maps. */
export const wordsOfCandidate = 2 * searchRules.points;

/** The generator at the first candidate. */
export function candidateStream(): Mt19937 {
  return new Mt19937(searchRules.seed);
}

/**
 * Draws the maps of the next candidate: 2 to 7 maps, a … f uniform in [−1, 1), p in proportion to |a·d − b·c|.
 *
 * The generator stands before the candidate's random numbers then, `wordsOfCandidate` words.
 *
 * Source: FractalDB-Pretrained-ResNet-PyTorch, param_search/ifs_search.py.
 */
export function drawCandidate(generator: Mt19937): Ifs {
  const count = generator.integer(2, 8);
  let sum = 0;
  const rows: number[][] = [];
  for (let i = 0; i < count; i += 1) {
    const row = Array.from({ length: 6 }, () => generator.uniform(-1, 1));
    const [a, b, c, d] = row as [number, number, number, number];
    const p = Math.abs(a * d - b * c);
    sum += p;
    rows.push([...row, p]);
  }
  return ifsOf(rows.map((row) => [...row.slice(0, 6), row[6]! / sum]));
}
