import * as tf from '@tensorflow/tfjs';
import { isTfjsOp, tfjsTable } from '../bench/report.ts';
import { groupsOf } from '../bench/groups.ts';
import type { BenchRecord } from '../bench/record.ts';
import { prepareTfjsOp, tfjsWorks } from '../bench/tfjsOps.ts';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';

const line = (work: string, contender: string, medianMs: number): BenchRecord => ({
  ...{ work, mode: 'op', precision: 'fp32', batch: null, shape: [2, 3], threads: 1, rounds: 1 },
  ...{ contender, medianMs, p25Ms: medianMs, p75Ms: medianMs, imagesPerSecond: null },
  ...{ gflops: null, peakRssBytes: 0, processor: 'x', isa: 'avx2', versions: {} },
});

describe("the table of TensorFlow.js's own ops", () => {
  test('has a name for each row, and is chosen by parts of them', () => {
    const names = tfjsWorks('').map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(names.length).toBeGreaterThan(100);
    const [group] = groupsOf({
      works: ['tfjs-ops'],
      batches: [],
      precisions: ['fp32', 'bf16'],
      only: 'Pool',
    });
    expect(group!.map(({ name }) => name)).toContain('tf.maxPool, gradient');
    expect(group!.every(({ name, kind }) => kind === 'op' && name.includes('Pool'))).toBe(true);
  });

  test('is printed as ratios to native', () => {
    const records = [
      line('tf.add', 'native', 2),
      line('tf.add', 'wasm', 5),
      line('tf.einsum', 'native', 4),
      line('tf.add', 'tfjs-node', 1),
      line('tf.einsum', 'tfjs-node', 4),
      line('gelu', 'native', 1),
    ];
    expect(records.filter(isTfjsOp)).toHaveLength(5);
    expect(tfjsTable(records).split('\n')).toEqual([
      '| op | first input | native, ms | against wasm | against tfjs-node |',
      '| --- | --- | --- | --- | --- |',
      '| tf.add | 2×3 | 2.00 | 2.50× | 0.50× |',
      '| tf.einsum | 2×3 | 4.00 | – | 1.00× |',
    ]);
    expect(tfjsTable([line('gelu', 'native', 1)])).toBe('');
  });

  test('no row of another table is one of it', () => {
    expect(prepareTfjsOp('gelu')).toBeUndefined();
  });

  const why = nativeUnavailableReason();
  (why === undefined ? test : test.skip)(`every row runs on native${why ?? ''}`, async () => {
    await tf.setBackend('native');
    for (const { name } of tfjsWorks('')) {
      const before = tf.memory().numTensors;
      const { check, repeat, dispose } = prepareTfjsOp(name)!;
      repeat();
      expect(check.length).toBeGreaterThan(0);
      expect(check.every((value) => Number.isFinite(value))).toBe(true);
      dispose();
      expect(tf.memory().numTensors).toBe(before);
    }
  });
});
