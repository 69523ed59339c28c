import { bitsPerElement, dtypes, toFloat32 } from '../lib/checkpoints/hostTensor.ts';
import { Rng } from '../lib/core/rng.ts';
import type { Dtype, HostTensor } from '../lib/checkpoints/hostTensor.ts';

describe('toFloat32', () => {
  // The reference: the definition of float16 in float64.
  function halfValue(bits: number): number {
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >>> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
    if (exponent === 0) return sign * fraction * 2 ** -24;
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
  }
  const all = Uint16Array.from({ length: 65536 }, (_, i) => i);

  test('every half, subnormals, infinities and NaN', () => {
    const wide = toFloat32({ dtype: 'F16', shape: [65536], data: all });
    const wrong = all.filter((bits) => !Object.is(wide[bits], halfValue(bits)));
    expect([...wrong]).toEqual([]);
    const bits = new Uint32Array(wide.buffer);
    expect(bits[0x7e01]!.toString(16)).toBe('7fc02000');
    expect(bits[0xfc01]!.toString(16)).toBe('ff802000');
  });

  test('every bfloat16 is the upper half of a float32', () => {
    const wide = toFloat32({ dtype: 'BF16', shape: [65536], data: all });
    const bits = new Uint32Array(wide.buffer);
    expect(all.every((value) => bits[value] === (value << 16) >>> 0)).toBe(true);
  });

  test('the other types', () => {
    const wide = (dtype: Dtype, data: HostTensor['data']): number[] => [
      ...toFloat32({ dtype, shape: [data.length], data }),
    ];
    expect(wide('F64', Float64Array.of(0.1, 1e300, -0))).toEqual([Math.fround(0.1), Infinity, -0]);
    expect(wide('I64', BigInt64Array.of(-3n, 2n ** 40n))).toEqual([-3, 2 ** 40]);
    expect(wide('I32', Int32Array.of(16777217))).toEqual([16777216]);
    expect(wide('I8', Int8Array.of(-128))).toEqual([-128]);
    expect(wide('U16', Uint16Array.of(65535))).toEqual([65535]);
    expect(wide('U32', Uint32Array.of(2 ** 32 - 1, 16777217))).toEqual([2 ** 32, 16777216]);
    expect(wide('U64', BigUint64Array.of(2n ** 64n - 1n, 3n))).toEqual([2 ** 64, 3]);
    expect(wide('BOOL', Uint8Array.of(0, 1))).toEqual([0, 1]);
    const data = Float32Array.of(1, 2);
    expect(toFloat32({ dtype: 'F32', shape: [2], data })).toBe(data);
  });

  test('64-bit integers are rounded once', () => {
    // The nearest float32 by distances in integers, ties to the even of the two neighbours.
    const nearest = (value: bigint): number => {
      const magnitude = value < 0n ? -value : value;
      const shift = BigInt(Math.max(0, magnitude.toString(2).length - 24));
      const low = (magnitude >> shift) << shift;
      const [below, above] = [magnitude - low, low + (1n << shift) - magnitude];
      const even = ((magnitude >> shift) & 1n) === 0n;
      const near = below < above || (below === above && even) ? low : low + (1n << shift);
      return Number(value < 0n ? -near : near);
    };
    // Past a tie by less than a double can tell.
    const values = [
      2n ** 60n + 2n ** 36n + 1n,
      2n ** 62n - 2n ** 37n - 1n,
      -(2n ** 60n + 2n ** 36n + 1n),
    ];
    const rng = new Rng(3);
    for (let i = 0; i < 2000; i += 1) {
      const bits =
        BigInt(rng.integer(2 ** 30)) * 2n ** 33n + BigInt(rng.integer(2 ** 30)) * 2n ** 3n;
      values.push((bits >> BigInt(rng.integer(60))) * (i % 2 === 0 ? 1n : -1n));
      values.push(
        (2n ** 24n + BigInt(rng.integer(2 ** 24)) * 2n + 1n) * 2n ** 36n + BigInt(i % 3) - 1n,
      );
    }
    const wide = (dtype: Dtype, data: HostTensor['data']) => [
      ...toFloat32({ dtype, shape: [data.length], data }),
    ];
    const zero = (value: number) => value + 0;
    expect(wide('I64', BigInt64Array.from(values)).map(zero)).toEqual(
      values.map(nearest).map(zero),
    );
    const positive = values.filter((value) => value >= 0n).map((value) => value * 2n + 1n);
    expect(wide('U64', BigUint64Array.from(positive))).toEqual(positive.map(nearest));
  });

  test('a dtype without values in float32 is refused by name and dtype', () => {
    for (const dtype of dtypes.filter((word) => /^(C64|F8_|F6_|F4$)/.test(word))) {
      const tensor: HostTensor = {
        dtype,
        shape: [4],
        data: new Uint8Array(bitsPerElement(dtype) / 2),
      };
      expect(() => toFloat32(tensor, 'head.weight')).toThrow(
        `Expected a dtype with values in float32 for "head.weight", received ${dtype}.`,
      );
    }
  });
});
