// The search for categories: candidates of the stream, one after the other, of which those that fill enough are accepted.

import { drawCandidate, searchRules, wordsOfCandidate } from './candidates.ts';
import { drawChoices } from './choices.ts';
import { FillPicture } from './fill.ts';
import { follow, makeTrajectory } from './trajectory.ts';
import type { Ifs } from './ifs.ts';
import type { Mt19937 } from './mt19937.ts';

/**
 * A candidate that was accepted.
 *
 * @property offset  its place among the candidates of the scan, from 0
 */
export interface Accepted {
  readonly offset: number;
  readonly ifs: Ifs;
}

/**
 * The candidates of a scan that this thread looks at: those of blocks `first`, `first + step` … of `blockLength` candidates.
 */
export interface ScanShare {
  first: number;
  step: number;
}

/** Candidates that lie together in a thread's share. */
export const scanBlock = 16;

/** Pixels that a candidate must fill at least: 52,429 of 512². */
export const wantedPixels = Math.ceil(searchRules.rate * searchRules.size ** 2);

/**
 * A coordinate at which a candidate is given up. From numbers about 1 a system gets here by growing at every step, and then has
 * only its last few points within a factor of 500 of the largest; a picture of 500 pixels shows no others apart.
 */
export const escapeLimit = 2 ** 100;

/** Whether a candidate of the stream is in the share of a thread. */
export function isShared(offset: number, { first, step }: ScanShare): boolean {
  return Math.floor(offset / scanBlock) % step === first;
}

/** The search in TypeScript; its places for points and pixels are used again for every candidate. */
export function makeScan(): (generator: Mt19937, count: number, share: ScanShare) => Accepted[] {
  const { points, size, pad } = searchRules;
  const choices = new Uint8Array(points - 1);
  const trajectory = makeTrajectory(points);
  const picture = new FillPicture(size, pad);
  return (generator, count, share) => {
    const found: Accepted[] = [];
    for (let offset = 0; offset < count; offset += 1) {
      const ifs = drawCandidate(generator);
      if (!isShared(offset, share)) {
        generator.skip(wordsOfCandidate);
        continue;
      }
      drawChoices(generator, ifs, choices);
      generator.skip(wordsOfCandidate - 2 * choices.length);
      follow(ifs, choices, trajectory, escapeLimit);
      if (trajectory.count < points) continue;
      if (picture.reaches(trajectory, wantedPixels)) found.push({ offset, ifs });
    }
    return found;
  };
}
