import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startContender, type Contender, type Task } from '../bench/contenderProcess.ts';
import { processOf } from '../bench/contenders.ts';
import { groupsOf, labelOf } from '../bench/groups.ts';
import { writeInputs } from '../bench/inputs.ts';
import { disagreement, measure } from '../bench/measure.ts';
import { recordOf, type BenchRecord } from '../bench/record.ts';
import { bestTable, markdownTable, speedBars } from '../bench/report.ts';
import { spreadOf } from '../bench/statistics.ts';
import { worksOf, type Work } from '../bench/works.ts';
import { parseSafetensors, toFloat32 } from '../lib/node.ts';

const work: Work = {
  name: 'train-small',
  kind: 'train',
  precision: 'fp32',
  batch: 3,
  shape: [3, 8, 8, 1],
  flops: 6e6,
  model: {
    imageSize: [8, 8],
    patchSize: [4, 4],
    inChannels: 1,
    numClasses: 5,
    embedDim: 8,
    depth: 2,
    numHeads: 2,
  },
};
const task: Task = { ...work, seconds: 0, learningRate: 1e-3, weightDecay: 0.05, files: {} };
const facts = { threads: 2, rounds: 3, processor: 'a processor', isa: 'avx2' };

describe('statistics', () => {
  test.each([
    [[5], 5, 5, 5],
    [[4, 1, 3, 2], 2.5, 1.75, 3.25],
    [[10, 30, 20, 50, 40], 30, 20, 40],
  ])('%j', (values, median, p25, p75) => {
    expect(spreadOf(values)).toEqual({ median, p25, p75 });
  });

  test('an empty sample is refused, and the sample is left as it is', () => {
    expect(() => spreadOf([])).toThrow(RangeError);
    const values = [3, 1, 2];
    spreadOf(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe('rounds', () => {
  const fake = (name: string, log: string[], check: number[], times: number[]): Contender => ({
    name,
    prepare: () => {
      log.push(`${name} ready`);
      return Promise.resolve({ check, versions: {} });
    },
    round: () => {
      log.push(name);
      const ms = times.shift();
      if (ms === undefined) return Promise.reject(new Error(`${name} broke`));
      return Promise.resolve({ ms, peakRssBytes: 10 * ms });
    },
    end: () => Promise.resolve(),
  });
  const options = (failures: string[]) => ({
    rounds: 3,
    pauseMs: 0,
    onFailure: (line: string) => void failures.push(line),
  });

  test('contenders take turns, and the warm-up is not counted', async () => {
    const log: string[] = [];
    const failures: string[] = [];
    const both = [fake('a', log, [1, 1], [3, 1, 2]), fake('b', log, [1, 1.001], [6, 5, 4])];
    const measured = await measure(task, both, options(failures));
    expect(log).toEqual(['a ready', 'b ready', 'a', 'b', 'a', 'b', 'a', 'b']);
    expect(failures).toEqual([]);
    expect(measured).toMatchObject([
      { contender: 'a', median: 2, p25: 1.5, p75: 2.5, peakRssBytes: 30 },
      { contender: 'b', median: 5, peakRssBytes: 60 },
    ]);
  });

  test('a contender that fails or computes something else is named and left out', async () => {
    const log: string[] = [];
    const failures: string[] = [];
    const all = [
      fake('a', log, [1], [1, 1, 1]),
      fake('b', log, [1.1], [1, 1, 1]),
      fake('c', log, [1], [1]),
    ];
    const measured = await measure(task, all, options(failures));
    expect(measured.map(({ contender }) => contender)).toEqual(['a']);
    expect(failures).toEqual(['b and a do not agree: the loss of step 1 is 1 and 1.1', 'c broke']);
  });

  test.each([
    ['train', 'fp32', [1, 1], [1.0009, 1.009], true],
    ['train', 'fp32', [1, 1], [1.0011, 1], false],
    ['train', 'fp32', [1, 1], [1, 1.011], false],
    ['train', 'fp32', [1], [NaN], false],
    ['train', 'fp32', [1, 1], [1], false],
    ['train', 'bf16', [2, 2], [2.039, 1.961], true],
    ['train', 'bf16', [2, 2], [2.041, 2], false],
    ['train', 'bf16', [2, 2], [2, NaN], false],
    ['infer', 'fp32', [3, 4], [3.004, 4], true],
    ['infer', 'fp32', [3, 4], [3.006, 4], false],
    ['infer', 'bf16', [3, 4], [3.14, 4], true],
    ['infer', 'bf16', [3, 4], [3.16, 4], false],
    ['gemm', 'fp32', [3, 4], [NaN, 4], false],
    ['gemm', 'bf16', [3, 4], [3.04, 4], true],
    ['gemm', 'bf16', [3, 4], [3.06, 4], false],
    ['op', 'fp32', [0, 0], [0, 0], true],
  ] as const)('%s in %s: %j and %j agree: %s', (kind, precision, ours, theirs, agree) => {
    expect(disagreement({ kind, precision }, ours, theirs) === undefined).toBe(agree);
  });
});

describe('a contender’s process', () => {
  const script = `
    console.log('a library greets');
    require('readline').createInterface({ input: process.stdin }).on('line', (line) => {
      const { ask, task } = JSON.parse(line);
      if (ask === 'round') { console.error('too hot'); process.exit(3); }
      console.log(JSON.stringify(task.batch === 3 ? { check: [task.batch], versions: {} } : { error: 'no such batch' }));
    });`;
  const start = () =>
    startContender({ name: 'fake', command: process.execPath, args: ['-e', script] });

  test('answers, and ends on request', async () => {
    const contender = start();
    expect(await contender.prepare(task)).toEqual({ check: [3], versions: {} });
    await expect(contender.prepare({ ...task, batch: 4 })).rejects.toThrow('fake: no such batch');
    expect(await contender.prepare(task)).toEqual({ check: [3], versions: {} });
    await contender.end();
    await expect(contender.round()).rejects.toThrow('fake ended before its work (exit code 0)');
  });

  test('an unexpected exit is an error with its last output', async () => {
    const contender = start();
    await contender.prepare(task);
    await expect(contender.round()).rejects.toThrow(
      'fake ended before its work (exit code 3): too hot',
    );
    await contender.end();
  });

  test('a failed start is an error', async () => {
    const contender = startContender({ name: 'none', command: '/no/such/program', args: [] });
    await expect(contender.prepare(task)).rejects.toThrow('none does not start');
    await contender.end();
  });
});

describe('the same work on two backends', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'bench-test-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('training, inference and a product agree', async () => {
    const contenders = (['wasm', 'cpu'] as const).map((name) =>
      startContender(processOf(name, { threads: 1 })),
    );
    const failures: string[] = [];
    const gemm: Work = { ...work, name: 'gemm', kind: 'gemm', batch: null, shape: [5, 7, 3] };
    for (const one of [work, { ...work, name: 'infer-small', kind: 'infer' as const }, gemm]) {
      const files = await writeInputs(one, folder);
      const measured = await measure({ ...task, ...one, files }, contenders, {
        rounds: 1,
        pauseMs: 0,
        onFailure: (line) => failures.push(line),
      });
      expect(failures).toEqual([]);
      expect(measured.map(({ contender }) => contender)).toEqual(['wasm', 'cpu']);
      for (const { median, peakRssBytes, ready } of measured) {
        expect(median).toBeGreaterThan(0);
        expect(peakRssBytes).toBeGreaterThan(1e7);
        expect(ready.versions.tfjs).toMatch(/^4\./);
        expect(ready.check.every(Number.isFinite)).toBe(true);
      }
    }
    expect(failures).toEqual([]);
    await Promise.all(contenders.map((contender) => contender.end()));
  });

  test('inputs are the same each time, targets sum to 1', async () => {
    const { inputs } = await writeInputs(work, folder);
    const first = readFileSync(inputs!);
    await writeInputs(work, folder);
    expect(readFileSync(inputs!).equals(first)).toBe(true);
    const targets = toFloat32(parseSafetensors(first).tensors.get('targets')!);
    for (let i = 0; i < 3; i++) {
      expect(targets.slice(5 * i, 5 * i + 5).reduce((sum, x) => sum + x, 0)).toBe(1);
    }
  });
});

describe('the works', () => {
  test('a model has its own batch unless one is given', () => {
    const of = (batches: number[]) => worksOf('train-tiny', { precision: 'fp32', batches });
    expect(of([]).map(({ batch }) => batch)).toEqual([32]);
    expect(of([1, 4]).map(({ shape }) => shape)).toEqual([
      [1, 224, 224, 3],
      [4, 224, 224, 3],
    ]);
    // 1.26 GMAC an image forward (timm's benchmark: 1.3), two operations each, three passes.
    expect(of([1])[0]!.flops / 1e9).toBeCloseTo(3 * 2 * 1.26, 0);
  });

  test('the list of products', () => {
    const shapes = worksOf('gemm', { precision: 'fp32', batches: [7] });
    expect(shapes).toHaveLength(9);
    expect(shapes[0]).toMatchObject({ shape: [1024, 1024, 1024], batch: null, flops: 2 ** 31 });
  });

  test('a batch comes in each precision before the next batch; a row of the op table once', () => {
    const groups = groupsOf({
      works: ['infer-tiny', 'gemm', 'ops'],
      batches: [1, 4],
      precisions: ['fp32', 'bf16'],
      only: 'gelu',
    });
    expect(groups.slice(0, 4).map(([one]) => labelOf(one!))).toEqual([
      'infer-tiny batch 1, fp32',
      'infer-tiny batch 1, bf16',
      'infer-tiny batch 4, fp32',
      'infer-tiny batch 4, bf16',
    ]);
    expect(groups.slice(4, 6).map((group) => group.map(({ precision }) => precision))).toEqual([
      Array(9).fill('fp32'),
      Array(9).fill('bf16'),
    ]);
    expect(groups).toHaveLength(7);
    const names = groups[6]!.map(labelOf);
    expect(names.length).toBeGreaterThan(1);
    expect(new Set(names).size).toBe(names.length);
    expect(groups[6]!.every(({ precision }) => precision === 'fp32')).toBe(true);
  });
});

describe('the report', () => {
  const measured = (contender: string, median: number, isa?: string) => ({
    contender,
    median,
    p25: median - 1,
    p75: median + 1,
    peakRssBytes: 1e8 * median,
    ready: { check: [], versions: { node: '20' }, ...(isa === undefined ? {} : { isa }) },
  });
  const native = recordOf(work, measured('native', 4, 'avx512'), facts);
  const peer = recordOf(work, measured('pytorch', 10), facts);

  test('a line has exactly these fields', () => {
    expect(native).toEqual({
      work: 'train-small',
      mode: 'train',
      precision: 'fp32',
      batch: 3,
      shape: [3, 8, 8, 1],
      threads: 2,
      rounds: 3,
      contender: 'native',
      medianMs: 4,
      p25Ms: 3,
      p75Ms: 5,
      imagesPerSecond: 750,
      gflops: 1.5,
      peakRssBytes: 4e8,
      processor: 'a processor',
      isa: 'avx512',
      versions: { node: '20' },
    } satisfies BenchRecord);
    expect(peer.isa).toBe('avx2');
  });

  test('ops have no images; those with gradients no rate', () => {
    const op: Work = { ...work, name: 'gelu', kind: 'op', batch: null };
    const forward = recordOf(op, measured('native', 2), facts);
    expect(forward).toMatchObject({ mode: 'op', batch: null, imagesPerSecond: null, gflops: 3 });
    const both = recordOf({ ...op, gradients: true }, measured('native', 2), facts);
    expect(both).toMatchObject({ work: 'gelu + gradients', gflops: null });
  });

  test('the table compares with native, the chart too', () => {
    const lines = markdownTable([native, peer]).split('\n');
    expect(lines).toHaveLength(4);
    expect(new Set(lines.map((line) => line.split('|').length)).size).toBe(1);
    expect(lines[3]).toContain('| fp32 | pytorch | 10.0 (9.00–11.0) | 300 |');
    expect(lines[3]).toMatch(/\| 2\.50× \| 0\.40× \|$/);
    expect(speedBars([native, peer])).toEqual([
      { label: 'train-small batch 3, native', value: 1, strong: true },
      { label: 'train-small batch 3, pytorch', value: 0.4, strong: false },
    ]);
    expect(speedBars([peer])).toEqual([]);
  });

  test('in two precisions each is compared with its own, and both with the best of the peer', () => {
    const bf16 = { ...work, precision: 'bf16' as const };
    const nativeBf16 = recordOf(bf16, measured('native', 2), facts);
    const all = [native, peer, nativeBf16, recordOf(bf16, measured('pytorch', 12), facts)];
    const lines = markdownTable(all).split('\n');
    expect(lines[3]).toMatch(/\| 2\.50× \|/);
    expect(lines[5]).toMatch(/\| bf16 \| pytorch .*\| 6\.00× \| 0\.17× \|$/);
    expect(speedBars(all).map(({ label }) => label)).toContain('train-small batch 3 bf16, pytorch');
    // It takes 12 ms in bf16 and 10 ms in fp32, so its best is fp32.
    const best = bestTable(all).split('\n');
    expect(best).toHaveLength(3);
    expect(best[2]).toBe('| train-small | 3 | pytorch | fp32 | 2.50× | 5.00× |');
    // A contender without bf16 is in the table too if native has it.
    const wasm = recordOf(work, measured('wasm', 40), facts);
    expect(bestTable([...all, wasm])).toContain('| wasm | fp32 | 10.00× | 20.00× |');
    expect(bestTable([native, peer])).toBe('');
  });
});
