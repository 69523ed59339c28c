import { allFiniteInFloat32, firstNonFinite } from '../lib/core/finite.ts';

const limit = 2 ** 128 - 2 ** 103;
const values = [
  ...[0, -0, 1, -1, 5e-324, 1.401298464324817e-45, 3.4028234663852886e38, 1.7976931348623157e308],
  ...[limit, -limit, limit * (1 - 2 ** -53), -limit * (1 - 2 ** -53)],
  ...[NaN, Infinity, -Infinity],
];

test.each(values)('%p is told as Number.isFinite tells it', (value) => {
  expect(firstNonFinite([1, 2, value, 3])).toBe(Number.isFinite(value) ? -1 : 2);
  expect(allFiniteInFloat32([1, value, 3])).toBe(Number.isFinite(Math.fround(value)));
});

test('the first of several is found, and nothing in nothing', () => {
  expect(firstNonFinite(Float32Array.of(1, Infinity, NaN))).toBe(1);
  expect([firstNonFinite([]), allFiniteInFloat32([])]).toEqual([-1, true]);
});
