// The native backend against the CPU backend on random calls: shapes with 0 and 1, broadcasts, dtypes, NaN, options.

import { nativeUnavailableReason } from '../../lib/backends/native/index.ts';
import { Rng } from '../../lib/core/rng.ts';
import { elementwise } from '../cases/fuzz/elementwise.ts';
import { images } from '../cases/fuzz/images.ts';
import { reductions } from '../cases/fuzz/reductions.ts';
import { shapes } from '../cases/fuzz/shapes.ts';
import { windows } from '../cases/fuzz/windows.ts';
import { compareFuzz } from './compareFuzz.ts';
import { FuzzInputs, type MakeFuzzCase } from './fuzzInputs.ts';
import { isas } from './native.ts';

const groups = { elementwise, reductions, shapes, windows, images };

/** Declares a test for each op, of this many calls. A failure names the op, the call's number and the seed. */
export function nativeFuzzTests(rounds: number, seed: number): void {
  if (isas.length === 0) {
    test.skip(`native kernels: ${nativeUnavailableReason()}`, () => undefined);
    return;
  }
  for (const [group, ops] of Object.entries<Record<string, MakeFuzzCase>>(groups)) {
    describe(`fuzz, ${group}`, () => {
      test.each(Object.entries(ops))('%s', (name, draw) => {
        let compared = 0;
        for (let round = 0; round < rounds; round += 1) {
          const fuzzCase = draw(new FuzzInputs(new Rng(seed).split(name, round)));
          if (compareFuzz(`${name} (seed ${seed}, call ${round})`, fuzzCase)) compared += 1;
        }
        expect(compared).toBeGreaterThan(rounds / 4);
      });
    });
  }
}
