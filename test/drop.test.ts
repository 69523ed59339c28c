import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { ShapeError } from '../lib/core/errors.ts';
import { Rng } from '../lib/core/rng.ts';
import { DropPath, Dropout, dropPathRates } from '../lib/layers/drop.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

describe('dropout', () => {
  const ones = () => tf.ones([100, 100]);

  test('keeps the expectation, drops the rate, and scales what is left', () => {
    const y = new Dropout(0.2, { path: 'x.drop' }).forward(ones(), {
      training: true,
      rng: new Rng(3),
    });
    const values = Array.from(y.dataSync());
    expect(new Set(values.map((value) => value.toFixed(4)))).toEqual(new Set(['0.0000', '1.2500']));
    // 10,000 draws: standard deviation of the mean is 0.005.
    expect(values.reduce((sum, value) => sum + value, 0) / 1e4).toBeGreaterThan(0.98);
    expect(values.reduce((sum, value) => sum + value, 0) / 1e4).toBeLessThan(1.02);
  });

  test('a name has its own draw, the same however often it is asked', () => {
    const run = (name: string) =>
      new Dropout(0.5, { path: name })
        .forward(ones(), { training: true, rng: new Rng(0) })
        .dataSync();
    expect(run('a')).toEqual(run('a'));
    expect(run('a')).not.toEqual(run('b'));
  });

  test('rate 0 and evaluation give the input itself', () => {
    const x = ones();
    expect(new Dropout(0, { path: 'a' }).forward(x, { training: true })).toBe(x);
    expect(new Dropout(0.5, { path: 'a' }).forward(x, {})).toBe(x);
    expect(new DropPath(0.5, { path: 'a' }).forward(x, { training: false })).toBe(x);
  });
});

describe('dropPath', () => {
  test('drops whole samples; the expectation stays', () => {
    const x = tf.ones([4000, 3]);
    const y = new DropPath(0.25, { path: 'a' }).forward(x, { training: true, rng: new Rng(5) });
    const rows = y.arraySync() as number[][];
    for (const row of rows) expect(new Set(row).size).toBe(1);
    const mean = rows.reduce((sum, row) => sum + row[0]!, 0) / rows.length;
    expect(Math.abs(mean - 1)).toBeLessThan(0.04);
  });

  test('a given mask replaces the draw: y = x·keep / (1 − rate)', () => {
    const masks: string[] = [];
    const keepMask = (name: string) => {
      masks.push(name);
      return tf.tensor1d([1, 0]);
    };
    const y = new DropPath(0.2, { path: 'blocks.1.drop_path2' }).forward(tf.ones([2, 2]), {
      training: true,
      keepMask,
    });
    expect(Array.from(y.dataSync())).toEqual([1.25, 1.25, 0, 0]);
    expect(masks).toEqual(['blocks.1.drop_path2']);
  });

  test('a mask of another batch is refused', () => {
    const keepMask = () => tf.tensor1d([1, 0, 1]);
    const run = () =>
      new DropPath(0.2, { path: 'a' }).forward(tf.ones([2, 2]), { training: true, keepMask });
    expect(run).toThrow(ShapeError);
    expect(run).toThrow(/shape \[2\] for the keep mask of a, received \[3\]/);
  });

  test('rates grow linearly over the blocks', () => {
    expect(dropPathRates(0.1, 3)).toEqual([0, 0.05, 0.1]);
    expect(dropPathRates(0.1, 1)).toEqual([0]);
  });
});
