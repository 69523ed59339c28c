import { InputError } from '../lib/core/errors.ts';
import { compareJson } from '../lib/parity/compareJson.ts';
import { compareTensors } from '../lib/parity/compareTensors.ts';
import { toChannelsFirst, toChannelsLast } from '../lib/parity/goldenTensors.ts';
import { parsePath } from '../lib/parity/jsonPath.ts';
import { formatEntry } from '../lib/parity/report.ts';
import type { CompareEntry } from '../lib/parity/goldenCase.ts';

const vector = (...values: number[]) => ({ shape: [values.length], data: values });

describe('a path', () => {
  test.each([
    ['groups', [{ member: 'groups' }]],
    ['steps[*].loss', [{ member: 'steps' }, 'each', { member: 'loss' }]],
    ['[2].ids', [{ index: 2 }, { member: 'ids' }]],
    ['[*]', ['each']],
    ['a["x.y [0]"].b', [{ member: 'a' }, { member: 'x.y [0]' }, { member: 'b' }]],
    ['["a\\"b"][10]', [{ member: 'a"b' }, { index: 10 }]],
    ['800x600.weird-name_1', [{ member: '800x600' }, { member: 'weird-name_1' }]],
  ])('%s', (text, steps) => expect(parsePath(text)).toEqual(steps));

  test.each([
    '',
    '.',
    'a.',
    '.a',
    'a..b',
    'a[',
    'a[]',
    'a[-1]',
    'a[x]',
    'a]',
    '["a]',
    'a[0]b',
    'a["x"',
  ])('refuses %j', (text) => expect(() => parsePath(text)).toThrow(InputError));
});

describe('tensors', () => {
  test('pass up to the tolerance, and not beyond', () => {
    const reference = vector(1, -100, 0);
    const limits = { atol: 0.25, rtol: 0.01 };
    expect(compareTensors(vector(1.25, -101.25, -0.25), reference, limits).ok).toBe(true);
    expect(compareTensors(vector(1, -101.26, 0), reference, limits)).toMatchObject({
      ok: false,
      detail: '[1] is -101.26, not -100',
    });
    expect(compareTensors(vector(1, -100, 0.3), reference, limits)).toMatchObject({
      ok: false,
      maxAbs: 0.3,
      maxRel: 0,
    });
  });

  test.each([
    [NaN, NaN, true],
    [Infinity, Infinity, true],
    [Infinity, -Infinity, false],
    [NaN, 0, false],
    [0, NaN, false],
    [1e30, Infinity, false],
    [-0, 0, true],
  ])('%p for %p: %p', (ours, reference, ok) => {
    expect(compareTensors(vector(ours), vector(reference), { atol: 1e9, rtol: 1 }).ok).toBe(ok);
  });

  test('differ by shape, by type, by the number of elements', () => {
    const exact = { atol: 0, rtol: 0 };
    expect(compareTensors({ shape: [1, 2], data: [1, 2] }, vector(1, 2), exact).ok).toBe(false);
    expect(compareTensors({ shape: [2], data: [1] }, vector(1, 2), exact).ok).toBe(false);
    const byte = { shape: [1], data: [1], dtype: 'U8' };
    expect(compareTensors(byte, { ...byte, dtype: 'BOOL' }, exact).ok).toBe(false);
    expect(compareTensors(byte, byte, exact).ok).toBe(true);
  });

  test('64-bit integers are compared as such', () => {
    const big = { shape: [1], data: BigInt64Array.of(2n ** 60n) };
    const next = { shape: [1], data: BigInt64Array.of(2n ** 60n + 1n) };
    expect(compareTensors(big, big, { atol: 0, rtol: 0 }).ok).toBe(true);
    expect(compareTensors(big, next, { atol: 0, rtol: 0 }).ok).toBe(false);
  });

  test('excluded ranges are left out along their axis only', () => {
    const shape = [2, 3];
    const reference = { shape, data: [0, 0, 0, 0, 0, 0] };
    const limits = { atol: 0, rtol: 0 };
    const middle = { ...limits, exclude: [{ axis: 1, from: 1, to: 2 }] };
    expect(compareTensors({ shape, data: [0, 9, 0, 0, NaN, 0] }, reference, middle)).toMatchObject({
      ok: true,
      maxAbs: 0,
    });
    expect(compareTensors({ shape, data: [0, 0, 9, 0, 0, 0] }, reference, middle).ok).toBe(false);
    const row = { ...limits, exclude: [{ axis: 0, from: 1, to: 2 }] };
    expect(compareTensors({ shape, data: [0, 0, 0, 9, 9, 9] }, reference, row).ok).toBe(true);
    const none = { ...limits, exclude: [{ axis: 0, from: 1, to: 1 }] };
    expect(compareTensors({ shape, data: [0, 0, 0, 9, 0, 0] }, reference, none).ok).toBe(false);
    for (const bad of [
      { axis: 2, from: 0, to: 1 },
      { axis: 1, from: 0, to: 4 },
    ]) {
      expect(() => compareTensors(reference, reference, { ...limits, exclude: [bad] })).toThrow(
        InputError,
      );
    }
  });

  test('an empty tensor agrees with an empty one', () => {
    const empty = { shape: [0, 3], data: [] };
    expect(compareTensors(empty, empty, { atol: 0, rtol: 0 }).ok).toBe(true);
  });
});

describe('JSON values', () => {
  const same = (ours: unknown, reference: unknown, path = '[*]', atol = 0) =>
    compareJson(ours, reference, parsePath(path), { atol, rtol: 0 });

  test.each<[unknown, unknown, boolean]>([
    [1, 1, true],
    [1, 1.5, false],
    ['a', 'a', true],
    ['a', 'b', false],
    [true, true, true],
    [true, 1, false],
    [null, null, true],
    [null, 0, false],
    [undefined, null, false],
    [Infinity, 'inf', true],
    [-Infinity, '-inf', true],
    [NaN, 'nan', true],
    [0, 'nan', false],
    [-Infinity, 'inf', false],
    ['inf', 'inf', true],
    [[1, 2], [1, 2], true],
    [[1], [1, 2], false],
    [[1, 2, 3], [1, 2], false],
    [{ a: 1 }, { a: 1 }, true],
    [{ a: 1, b: 1 }, { a: 1 }, false],
    [{}, { a: 1 }, false],
    [[], {}, false],
    [{ b: 2, a: 1 }, { a: 1, b: 2 }, true],
  ])('%j for %j: %p', (ours, reference, ok) => {
    expect(same([ours], [reference]).ok).toBe(ok);
  });

  test('numbers inside lists and objects have the tolerance', () => {
    expect(same({ a: [{ b: 1.1 }] }, { a: [{ b: 1 }] }, 'a', 0.2)).toMatchObject({ ok: true });
    const wrong = same({ a: [{ b: 1.1 }] }, { a: [{ b: 1 }] }, 'a', 0.05);
    expect(wrong).toMatchObject({ ok: false, detail: '.a[0].b is 1.1, not 1' });
    expect(wrong.maxAbs).toBeCloseTo(0.1, 10);
  });

  test('only what the path reaches counts', () => {
    const ours = { steps: [{ loss: 1, extra: 5 }, { loss: 2 }], other: 1 };
    const reference = { steps: [{ loss: 1, rate: 2 }, { loss: 2 }] };
    expect(same(ours, reference, 'steps[*].loss').ok).toBe(true);
    expect(same(ours, reference, 'steps[1].loss').ok).toBe(true);
    expect(same({ steps: [{ loss: 1 }] }, reference, 'steps[*].loss').ok).toBe(false);
    expect(same({ steps: [{ loss: 1 }, {}] }, reference, 'steps[*].loss').ok).toBe(false);
  });

  test('[*] reaches the members of an object', () => {
    expect(same({ x: [1], y: [2] }, { x: [1], y: [2] }, '[*][0]').ok).toBe(true);
    expect(same({ x: [1], y: [3] }, { x: [1], y: [2] }, '[*][0]').ok).toBe(false);
  });

  test('names of the prototype are plain names', () => {
    const reference = JSON.parse('{"__proto__": {"a": 1}}') as unknown;
    expect(same({}, reference, '["__proto__"].a').ok).toBe(false);
    expect(same(JSON.parse('{"__proto__": {"a": 1}}'), reference, '["__proto__"].a').ok).toBe(true);
    expect(() => same({}, {}, 'constructor')).toThrow(InputError);
  });

  test('a path that reaches nothing is a broken case, not a pass', () => {
    expect(() => same({ a: 1 }, { b: 1 }, 'a')).toThrow(InputError);
    expect(() => same([1], [1], '[3]')).toThrow(InputError);
    expect(() => same({ a: 1 }, { a: 1 }, 'a[*]')).toThrow(InputError);
  });
});

test('images go to channels last and back', () => {
  const image = { shape: [2, 3, 2, 1], data: Float32Array.from({ length: 12 }, (_, i) => i) };
  const last = toChannelsLast(image);
  expect(last.shape).toEqual([2, 2, 1, 3]);
  expect([...last.data]).toEqual([0, 2, 4, 1, 3, 5, 6, 8, 10, 7, 9, 11]);
  expect(toChannelsFirst(last)).toEqual(image);
  expect(() => toChannelsLast({ shape: [2, 6], data: image.data })).toThrow(InputError);
});

test('a line never carries a tab or an escape of a hostile name', () => {
  const entry = {
    kind: 'tensor' as const,
    file: 'a',
    tensor: 'x\ty\u001b[31m',
    atol: 0,
    rtol: 1e-5,
    exclude: [],
    optional: false,
  } satisfies CompareEntry;
  const line = formatEntry('f/c', {
    entry,
    verdict: 'ok',
    difference: { ok: true, maxAbs: 1.23456e-7, maxRel: Infinity },
  });
  expect(line).toBe('f/c\ta:x?y?[31m\t1.235e-7\tinf\t0\t1e-5\tok');
});
