// The two routines that take the time, behind an interface: in TypeScript here, native where there is an addon.

import { follow, makeTrajectory } from './trajectory.ts';
import { layOut, type Layout, type PictureSize } from './layout.ts';
import { makeScan, type Accepted, type ScanShare } from './scan.ts';
import type { Ifs } from './ifs.ts';
import type { Mt19937 } from './mt19937.ts';

/**
 * The routines that take the time. Every implementation gives the same bytes.
 *
 * An object of this type keeps its memory from call to call, so each thread has its own.
 */
export interface FractalKernels {
  readonly name: 'native' | 'typescript';
  /** Tests the next `count` candidates of the stream that are in the share, and leaves the generator after all of them. */
  scan(generator: Mt19937, count: number, share: ScanShare): Accepted[];
  /**
   * Follows a system for `choices.length + 1` points and lays them out.
   *
   * @throws InputError for points without an extent
   */
  layOut(ifs: Ifs, choices: Uint8Array, size: PictureSize, patch: boolean, out: Layout): void;
}

/** The routines in TypeScript. */
export function typescriptKernels(): FractalKernels {
  let trajectory = makeTrajectory(0);
  let scan: ReturnType<typeof makeScan> | undefined;
  return {
    name: 'typescript',
    scan: (generator, count, share) => (scan ??= makeScan())(generator, count, share),
    layOut(ifs, choices, size, patch, out) {
      if (trajectory.xs.length !== choices.length + 1)
        trajectory = makeTrajectory(choices.length + 1);
      follow(ifs, choices, trajectory);
      layOut(trajectory, size, patch, out);
    },
  };
}
