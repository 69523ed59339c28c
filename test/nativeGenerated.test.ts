// The TypeScript that scripts/generateNative.mjs makes of C++ headers.

import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { nativeBinding, nativeUnavailableReason } from '../lib/backends/native/index.ts';
import {
  INTERFACE,
  MLP_BRANCH_FIELDS,
  gemmDescriptor,
  mlpBranchDescriptor,
} from '../lib/backends/native/generated/descriptors.ts';
import { interfaceMismatch } from '../lib/backends/native/loader.ts';
import { ACTIVATION, INT_REDUCE, POOL } from '../lib/backends/native/generated/enums.ts';

const root = path.resolve(import.meta.dirname, '..');
// A script for Node alone, without types.
const script = '../scripts/generateNative.mjs';
let enumsOf: (text: string) => string;
let descriptorsOf: (text: string) => string;
beforeAll(async () => {
  const generator: unknown = await import(script);
  ({ enumsOf, descriptorsOf } = generator as {
    enumsOf: (text: string) => string;
    descriptorsOf: (text: string) => string;
  });
});

test('the files are current', () => {
  const args = [path.join(root, 'scripts', 'generateNative.mjs'), '--check'];
  expect(() => execFileSync(process.execPath, args, { stdio: 'pipe' })).not.toThrow();
});

test('enumerations keep their numbers and lose the k, their own words and the count', () => {
  const text = enumsOf(
    '// A pool.\nenum Pool { kMaxPool, kMeanOrZeroPool = 5, kLastPool, kPoolCount };\n',
  );
  expect(text).toContain('/** A pool. */\nexport const POOL = { max: 0, meanOrZero: 5, last: 6 }');
  expect(ACTIVATION).toEqual({ none: -1, erf: 0, tanh: 1, quick: 2 });
  expect(INT_REDUCE).toEqual({ sum: 0, max: 1, min: 2, prod: 3 });
  expect(POOL).toEqual({ max: 0, mean: 1, meanOrZero: 2 });
});

test('descriptors pack their fields in the order of the list', () => {
  const text = descriptorsOf(
    'constexpr int kInterface = 7;\n// Words.\n#define VIT_A_B_FIELDS(FIELD) \\\n  FIELD(size_t, box_height) \\\n  FIELD(bool, on)\n\n',
  );
  expect(text).toContain('export const INTERFACE = 7;');
  expect(text).toContain('readonly boxHeight: number;\nreadonly on: boolean;');
  expect(text).toContain('into[at + 1] = of.on ? 1 : 0;');
  const shape = { batch: 2, m: 3, n: 4, k: 5, aBatched: true, bBatched: false };
  const more = { transposeA: false, transposeB: true, activation: -1, precision: 1 };
  expect([...gemmDescriptor({ ...shape, ...more })]).toEqual([2, 3, 4, 5, 1, 0, 0, 1, -1, 1]);
});

test('a descriptor is packed from an element on', () => {
  const into = new Float64Array(MLP_BRANCH_FIELDS + 1);
  const sizes = { batch: 1, tokens: 2, dim: 3, hidden: 4 };
  const options = { precision: 0, epsilon: 0.5, activation: 2, packedReady: true };
  mlpBranchDescriptor({ ...sizes, ...options }, into, 1);
  expect([...into]).toEqual([0, 1, 2, 3, 4, 0, 0.5, 2, 1]);
});

test('an addon of other sources is refused with both numbers', () => {
  expect(interfaceMismatch({})).toBe(
    `was built from other sources (interface 1, not ${INTERFACE})`,
  );
  expect(interfaceMismatch({ interfaceNumber: () => INTERFACE + 1 })).toContain('not');
  expect(interfaceMismatch({ interfaceNumber: () => INTERFACE })).toBeUndefined();
});

const reason = nativeUnavailableReason();
if (reason !== undefined) test.skip(`the addon: ${reason}`, () => undefined);
else
  test('the addon has the interface of the sources and names a wrong field', () => {
    expect(nativeBinding().interfaceNumber()).toBe(INTERFACE);
    const descriptor = new Float64Array(10);
    descriptor[8] = 9;
    const none = new Float32Array(0);
    expect(() => nativeBinding().gemm(descriptor, none, none, none, null)).toThrow(
      'Expected an integer from -1 to 2 for field activation, received another number.',
    );
  });
