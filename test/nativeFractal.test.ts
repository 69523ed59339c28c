// FractalDB's native routines against those in TypeScript: every byte is the same, on every instruction set.

import { nativeBinding, nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { Rng } from '../lib/core/rng.ts';
import { candidateStream } from '../lib/fractal/candidates.ts';
import { choicesOf, withTops } from '../lib/fractal/choices.ts';
import { ifsOf, type Ifs } from '../lib/fractal/ifs.ts';
import { typescriptKernels } from '../lib/fractal/kernels.ts';
import { makeLayout } from '../lib/fractal/layout.ts';
import { nativeKernels } from '../lib/fractaldb/kernels.ts';
import { isas } from './support/native.ts';

if (isas.length === 0) test.skip(`native: ${nativeUnavailableReason()}`, () => undefined);
else describe.each(isas)('on %s', fractalTests);

/** Random maps; those of a spread above 1 run to infinity. */
function systemOf(rng: Rng, spread: number): Ifs {
  const count = 2 + rng.integer(6);
  const rows = Array.from({ length: count }, () => [
    ...Array.from({ length: 4 }, () => rng.uniform(-spread, spread)),
    rng.uniform(-1, 1),
    rng.uniform(-1, 1),
    1 / count,
  ]);
  return ifsOf(rows);
}

function fractalTests(isa: string): void {
  const binding = nativeBinding();
  const before = binding.isa();
  beforeAll(() => void binding.setIsa(isa));
  afterAll(() => void binding.setIsa(before));

  test('the search accepts the same candidates in every share', () => {
    const [native, slow] = [nativeKernels(binding), typescriptKernels()];
    const shares = isa === before ? [0, 1] : [1];
    for (const first of shares) {
      const [one, two] = [candidateStream(), candidateStream()];
      for (const generator of [one, two]) generator.skip(first);
      const share = { first, step: 2 };
      expect(native.scan(one, 70, share)).toEqual(slow.scan(two, 70, share));
      expect([...one.words, one.at]).toEqual([...two.words, two.at]);
    }
    const found = native.scan(candidateStream(), 498, { first: 0, step: 1 });
    expect(found.map(({ offset }) => offset)).toEqual([
      23, 28, 67, 87, 94, 154, 162, 194, 197, 303, 311, 424, 443, 479, 497,
    ]);
    expect(found[0]!.ifs.probabilities[0]).toBe(0.14141343070134194);
  });

  test('pictures are the same, of systems that run to infinity too', () => {
    const rng = new Rng(17);
    const [native, slow] = [nativeKernels(binding), typescriptKernels()];
    let cut = 0;
    for (let trial = 0; trial < 24; trial += 1) {
      const size = 16 + rng.integer(100);
      const ifs = systemOf(rng, trial % 3 === 0 ? 1.6 : 0.7);
      const random = Float64Array.from({ length: 6000 }, () => rng.uniform());
      const choices = choicesOf(withTops(random), ifs);
      const [one, two] = [makeLayout(size), makeLayout(size)];
      const patch = trial % 2 === 0;
      native.layOut(ifs, choices, { size, pad: 5 }, patch, one);
      slow.layOut(ifs, choices, { size, pad: 5 }, patch, two);
      expect([trial, one.count]).toEqual([trial, two.count]);
      expect(one.owners).toEqual(two.owners);
      expect(one.visible.subarray(0, one.count)).toEqual(two.visible.subarray(0, two.count));
      if (one.count < 100) cut += 1;
    }
    expect(cut).toBeGreaterThan(2);
  });

  test('a system without an extent is refused', () => {
    const flat = ifsOf([[0.5, 0, 0, 0, 1, 0, 1]]);
    const layout = makeLayout(32);
    const draw = () =>
      nativeKernels(binding).layOut(flat, new Uint8Array(50), { size: 32, pad: 6 }, true, layout);
    expect(draw).toThrow(/points with an extent/);
  });

  test('arguments that would leave an array are refused', () => {
    const scan = (numbers: number[], state = new Int32Array(625), rows = 49 * 2) =>
      binding.fractalScan(
        Float64Array.from(numbers),
        state,
        new Int32Array(4),
        new Float64Array(rows),
      );
    const good = [2, 0, 1, 16, 100, 32, 6, 10, 1e30];
    expect(scan(good)).toBeGreaterThanOrEqual(0);
    expect(() => scan(good, new Int32Array(624))).toThrow(/Expected/);
    expect(() => scan(good, new Int32Array(625).fill(700))).toThrow(/Expected/);
    expect(() => scan(good, undefined, 49)).toThrow(/Expected/);
    const change = (at: number, value: number): number[] => good.with(at, value);
    for (const bad of [
      change(2, 0),
      change(3, 0),
      change(4, 1),
      change(5, 12),
      change(6, 0),
      change(0, 3),
    ])
      expect(() => scan(bad)).toThrow(/Expected/);
    const layout = (numbers: number[], choice: number, maps = 8) =>
      binding.fractalLayout(
        Float64Array.from(numbers),
        new Float64Array(maps).fill(0.4),
        new Uint8Array(99).fill(choice),
        new Int32Array(32 * 32),
        new Int32Array(32 * 32),
      );
    expect(layout([100, 32, 6, 1], 0)).toBeGreaterThan(0);
    for (const choice of [8, 1, 255])
      expect(() => layout([100, 32, 6, 1], choice)).toThrow(/Expected/);
    expect(() => layout([100, 32, 3, 1], 0)).toThrow(/Expected/);
    expect(() => layout([100, 40, 6, 1], 0)).toThrow(/Expected/);
    expect(() => layout([101, 32, 6, 1], 0)).toThrow(/Expected/);
    expect(() => layout([100, 32, 6, 1], 0, 7)).toThrow(/Expected/);
  });
}
