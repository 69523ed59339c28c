// bf16 products of the addon, for every instruction set and for the emulated tiles of AMX, against sums in float64 of factors that
// are rounded here.

import {
  nativeBinding,
  nativeUnavailableReason,
  setThreads,
} from '../lib/backends/native/index.ts';
import { gemmDescriptor } from '../lib/backends/native/generated/descriptors.ts';
import { ACTIVATION, PRECISION } from '../lib/backends/native/generated/enums.ts';
import { Rng } from '../lib/core/rng.ts';
import { assertAllClose } from './support/compare.ts';
import { isas, productIsas } from './support/native.ts';

const { abs, max } = Math;
const all = [...isas, ...productIsas];
const flushing = new Set(['avx512bf16', 'amx', 'amx-emulated']); // denormal factors count as zero
const smallestNormal = 2 ** -126;

if (isas.length === 0) test.skip(`bf16 products: ${nativeUnavailableReason()}`, () => undefined);
else describe('bf16 products', productTests);

/** a [batch or 1, m, k], b [batch or 1, k, n], each perhaps transposed. */
interface Product {
  shape: readonly [m: number, n: number, k: number];
  a: Float32Array;
  b: Float32Array;
  batch?: number;
  shared?: boolean;
  transposed?: readonly [boolean, boolean];
  bias?: Float32Array | null;
  activation?: number;
}

function multiply(isa: string, product: Product): Float32Array {
  const { shape, a, b, batch = 1, shared = false, transposed = [false, false] } = product;
  const [m, n, k] = shape;
  const { bias = null, activation = ACTIVATION.none } = product;
  const c = new Float32Array(batch * m * n).fill(7);
  const binding = nativeBinding();
  if (!binding.setIsa(isa)) throw new Error(`${isa} is gone`);
  const descriptor = gemmDescriptor({
    ...{ batch, m, n, k, aBatched: true, bBatched: !shared },
    ...{ transposeA: transposed[0], transposeB: transposed[1] },
    ...{ activation, precision: PRECISION.bf16 },
  });
  binding.gemm(descriptor, a, b, c, bias);
  return c;
}

// Nearest, ties to even, in the upper half of the bits.
function rounded(values: Float32Array): Float32Array {
  const bits = new Uint32Array(values.slice().buffer);
  values.forEach((value, i) => {
    const x = bits[i]!;
    if (!Number.isNaN(value)) bits[i] = (x + 0x7fff + ((x >>> 16) & 1)) & 0xffff0000;
  });
  return new Float32Array(bits.buffer);
}

/** The product in float64, and how far float32 sums in any order may be from it: (k + 2)·2⁻²⁴·Σ|a·b|. */
function reference(product: Product): { values: Float64Array; allowed: Float64Array } {
  const { shape, transposed = [false, false], bias } = product;
  const [m, n, k] = shape;
  const [a, b] = [rounded(product.a), rounded(product.b)];
  const values = new Float64Array(m * n);
  const allowed = new Float64Array(m * n);
  const [aRow, aCol] = transposed[0] ? [1, m] : [k, 1];
  const [bRow, bCol] = transposed[1] ? [1, k] : [n, 1];
  for (let i = 0; i < m; i += 1)
    for (let j = 0; j < n; j += 1) {
      let sum = bias?.[j] ?? 0;
      let size = abs(sum);
      for (let p = 0; p < k; p += 1) {
        const term = a[i * aRow + p * aCol]! * b[p * bRow + j * bCol]!;
        sum += term;
        size += abs(term);
      }
      values[i * n + j] = sum;
      allowed[i * n + j] = (k + 2) * (2 ** -24 * size + smallestNormal);
    }
  return { values, allowed };
}

function assertProduct(
  name: string,
  actual: Float32Array,
  { values, allowed }: ReturnType<typeof reference>,
): void {
  for (let i = 0; i < values.length; i += 1) {
    const [got, want] = [actual[i]!, values[i]!];
    const finite = Number.isFinite(want);
    if (finite ? abs(got - want) <= allowed[i]! : Object.is(got, want)) continue;
    throw new Error(`${name}[${i}]: ${got}, expected ${want}`);
  }
}

// The bytes of an array; jest compares arrays element by element, slowly.
function bytes(values: Float32Array): Buffer {
  return Buffer.from(values.buffer, values.byteOffset, values.byteLength);
}

function productTests(): void {
  const rng = new Rng(16);
  // A prime number of draws, over and over from a new place: a large array of fresh ones would take seconds.
  const pool = Float32Array.from({ length: 4099 }, () => rng.normal());
  const normals = (length: number): Float32Array => {
    const start = rng.uint32();
    const values = new Float32Array(length);
    for (let i = 0; i < length; i += 1) values[i] = pool[(start + i) % 4099]!;
    return values;
  };
  const upTo = (limit: number): number => 1 + (rng.uint32() % limit);
  const make = (m: number, n: number, k: number, rest: Partial<Product> = {}): Product => {
    const { batch = 1, shared = false } = rest;
    const right = normals((shared ? 1 : batch) * k * n);
    return { shape: [m, n, k], a: normals(batch * m * k), b: right, ...rest };
  };

  const best = nativeBinding().isa();
  afterAll(() => nativeBinding().setIsa(best));

  test('odd and even shapes, transposed or not, with and without a bias', () => {
    const shapes: [number, number, number][] = [];
    for (let m = 1; m <= 17; m += 1) shapes.push([m, upTo(70), upTo(90)]);
    for (let round = 0; round < 40; round += 1) shapes.push([upTo(70), upTo(100), upTo(600)]);
    shapes.push([50, 64, 24], [197, 192, 96], [32, 32, 1100], [33, 300, 1300], [3, 4200, 40]);
    shapes.push([2, 4096, 700]);
    shapes.forEach(([m, n, k], round) => {
      const bias = round % 3 === 0 ? normals(n) : null;
      const product = make(m, n, k, { transposed: [round % 2 === 1, round % 4 > 1], bias });
      const results = new Map(all.map((isa) => [isa, multiply(isa, product)]));
      const want = reference(product);
      for (const [isa, actual] of results)
        assertProduct(`${isa} ${m}×${k}×${n} ${product.transposed}`, actual, want);
      // The tiles of a processor that has them, to the bit.
      const tiles = results.get('amx');
      if (tiles) expect(bytes(tiles).equals(bytes(results.get('amx-emulated')!))).toBe(true);
    });
  });

  test('factors are rounded to the nearest, ties to even, at every exponent', () => {
    const bits: number[] = [];
    const tails = [
      0, 1, 0x7fff, 0x8000, 0x8001, 0xffff, 0x17fff, 0x18000, 0x18001, 0x7f7fff, 0x7f8000, 0x7fffff,
    ];
    for (let upper = 0; upper < 512; upper += 1)
      for (const tail of tails) bits.push(upper * 2 ** 23 + tail);
    const values = new Float32Array(Uint32Array.from(bits).buffer);
    const one = Float32Array.of(1);
    for (const isa of all) {
      // Where an instruction rounds, denormals are zero before, elsewhere after.
      const want = rounded(values).map((x, i) => {
        const size = isa === 'amx-emulated' ? abs(x) : Math.min(abs(x), abs(values[i]!));
        return flushing.has(isa) && size < smallestNormal ? 0 : x + 0;
      });
      for (const side of [false, true]) {
        const left: Product = {
          shape: [values.length, 1, 1],
          a: values,
          b: one,
          transposed: [side, false],
        };
        const right: Product = {
          shape: [1, values.length, 1],
          a: one,
          b: values,
          transposed: [false, side],
        };
        for (const product of [left, right])
          assertAllClose(multiply(isa, product), want, { name: `${isa} ${side}` });
      }
    }
  });

  test('infinity and NaN reach their row or column alone', () => {
    for (const special of [Infinity, -Infinity, NaN, 3.4e38])
      for (const k of [1, 31, 50, 515]) {
        const product = make(35, 45, k);
        product.a[20 * k + k - 1] = special;
        product.b[44] = special;
        const want = reference(product);
        for (const isa of all) assertProduct(`${isa} ${special}`, multiply(isa, product), want);
      }
  });

  test('each activation is that of the product', () => {
    for (const isa of all)
      for (const activation of [ACTIVATION.erf, ACTIVATION.tanh, ACTIVATION.quick])
        for (const [m, n, k] of [
          [3, 5, 7],
          [70, 130, 600],
        ] as const) {
          const product = make(m, n, k, { bias: normals(n) });
          const plain = multiply(isa, product);
          const want = new Float32Array(plain.length);
          nativeBinding().gelu(activation, plain, want);
          const name = `${isa} activation ${activation}`;
          assertAllClose(multiply(isa, { ...product, activation }), want, {
            name,
            ofLargest: 1e-6,
          });
        }
  });

  test('a batch is its products one by one, byte for byte', () => {
    for (const isa of all)
      for (const shared of [false, true])
        for (const [batch, m, n, k] of [
          [9, 20, 30, 40],
          [3, 70, 70, 600],
        ] as const) {
          const product = make(m, n, k, { batch, shared });
          const together = multiply(isa, product);
          for (let i = 0; i < batch; i += 1) {
            const a = product.a.subarray(i * m * k, (i + 1) * m * k);
            const b = shared ? product.b : product.b.subarray(i * k * n, (i + 1) * k * n);
            const alone = multiply(isa, { shape: [m, n, k], a, b });
            const part = together.subarray(i * m * n, (i + 1) * m * n);
            expect(bytes(part).equals(bytes(alone))).toBe(true);
          }
        }
  });

  test('nothing to sum is the bias; nothing to write is nothing', () => {
    for (const isa of all) {
      const bias = Float32Array.of(1, -2);
      expect(multiply(isa, make(2, 2, 0, { bias }))).toEqual(Float32Array.of(1, -2, 1, -2));
      expect(multiply(isa, make(0, 2, 3))).toHaveLength(0);
    }
  });

  test('the number of threads does not change a bit', () => {
    const before = nativeBinding().threads();
    try {
      for (const isa of all)
        for (const product of [
          make(197, 100, 130),
          make(5, 700, 1100),
          make(8, 9, 10, { batch: 40 }),
        ]) {
          const results = [1, 2, 5].map((count) => {
            setThreads(count);
            return multiply(isa, product);
          });
          expect(max(...results[0]!)).toBeGreaterThan(0);
          for (const result of results) expect(bytes(result).equals(bytes(results[0]!))).toBe(true);
        }
    } finally {
      setThreads(before);
    }
  });
}
