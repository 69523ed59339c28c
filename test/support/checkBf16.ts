import { assertAllClose, relativeL2, tolerance } from './compare.ts';
import { drawInputs, type OpCase } from './opCase.ts';
import { runCase, type CaseResult } from './runOpCase.ts';

/**
 * Compares a row in bf16 with its formula, and its gradients with those of the row in fp32, which must be near but not equal.
 *
 * Where a computed value is rounded, float32 and float64 may lie on two sides of a tie. So a few elements may differ by one step of
 * bf16, 2⁻⁸.
 */
export function checkBf16(opCase: OpCase, result: CaseResult): void {
  const { fp32, formula } = opCase.bf16!;
  const exact = Object.fromEntries(
    [...drawInputs(opCase)].map(([name, data]) => [
      name,
      { shape: opCase.inputs[name]!.shape, data: Float64Array.from(data) },
    ]),
  );
  const expected = formula(exact, result.weights);
  assertBf16Close(opCase, result.out, expected.out, 'out');
  // The inputs are the same, because they are drawn from a stream of the name.
  const unrounded = runCase({ ...opCase, run: fp32 });
  expect(relativeL2(result.out, unrounded.out)).toBeLessThan(1e-2);
  const distances = [...result.gradients].map(([name, gradient]) => {
    assertBf16Close(opCase, gradient, expected.gradients[name]!, `d ${name}`);
    return relativeL2(gradient, unrounded.gradients.get(name)!);
  });
  expect(Math.max(...distances)).toBeLessThan(2e-2);
  expect(relativeL2(result.out, unrounded.out) + Math.max(...distances)).toBeGreaterThan(1e-4);
}

/** Throws unless two results of a row in bf16 agree, except for values that rounding put one step apart. */
export function assertBf16Close(
  { bf16, reasons }: OpCase,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  name: string,
): void {
  const ofLargest = bf16!.roundsResults ? 2 ** -8 : tolerance(reasons);
  assertAllClose(actual as Float32Array, expected as Float32Array, { name, ofLargest });
  expect(relativeL2(actual, expected)).toBeLessThan(5e-4);
}
