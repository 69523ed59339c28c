// The native backend against the CPU backend on calls drawn at random: shapes with 0 and 1, broadcasts, dtypes, NaN, options.

import { nativeUnavailableReason } from '../../lib/backends/native/index.ts';
import { Rng } from '../../lib/core/rng.ts';
import { elementwise } from '../cases/drawn/elementwise.ts';
import { images } from '../cases/drawn/images.ts';
import { reductions } from '../cases/drawn/reductions.ts';
import { shapes } from '../cases/drawn/shapes.ts';
import { windows } from '../cases/drawn/windows.ts';
import { compareDrawn } from './compareDrawn.ts';
import { Draws, type Draw } from './draws.ts';
import { isas } from './native.ts';

const groups = { elementwise, reductions, shapes, windows, images };

/** Declares a test for each op, of this many calls. A failure names the op, the call's number and the seed. */
export function nativeDrawnTests(rounds: number, seed: number): void {
  if (isas.length === 0) {
    test.skip(`native kernels: ${nativeUnavailableReason()}`, () => undefined);
    return;
  }
  for (const [group, ops] of Object.entries<Record<string, Draw>>(groups)) {
    describe(`drawn calls, ${group}`, () => {
      test.each(Object.entries(ops))('%s', (name, draw) => {
        let compared = 0;
        for (let round = 0; round < rounds; round += 1) {
          const drawn = draw(new Draws(new Rng(seed).split(name, round)));
          if (compareDrawn(`${name} (seed ${seed}, call ${round})`, drawn)) compared += 1;
        }
        expect(compared).toBeGreaterThan(rounds / 4);
      });
    });
  }
}
