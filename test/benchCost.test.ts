import { growthBeyondBase, growthExponent, growthLimits, type Place } from '../bench/costGrowth.ts';
import { costHelp, parseCostOptions } from '../bench/costOptions.ts';
import { growthChart, growthsOf, growthTable, type CostRecord } from '../bench/costReport.ts';
import { costAxes, costPoints } from '../bench/costWorks.ts';
import { InputError } from '../lib/node.ts';

describe('growth', () => {
  const powers = [1, 2, 4, 8, 16, 32, 64, 128];
  const places = (cost: (x: number) => number): Place[] => powers.map((x) => [x, cost(x)]);

  test.each([0.5, 1, 2, 3])('the exponent of 7·x^%d', (p) => {
    expect(growthExponent(places((x) => 7 * x ** p))).toBeCloseTo(p, 10);
  });

  test('only the largest points count, so that a constant part does not hide a square', () => {
    const exponent = growthExponent(places((x) => 300 + x * x));
    expect(exponent).toBeGreaterThan(1.3);
    expect(exponent).toBe(growthExponent(places((x) => 300 + x * x).slice(3)));
  });

  test('attention that kept N × N would be found out', () => {
    const tokens = costPoints('tokens', { precision: 'fp32', quick: false })
      .filter(({ work }) => work.kind === 'train')
      .map(({ value, work }) => ({ value, batch: work.batch!, model: work.model! }));
    // Twenty tensors [B, N, C] a block in float32, and without or with B·h·N·N probabilities.
    const bytes = (squares: number): Place[] =>
      tokens.map(({ value: n, batch, model: { embedDim, numHeads, depth } }) => [
        n,
        9e7 + 4 * batch * depth * (20 * n * embedDim + squares * numHeads * n * n),
      ]);
    expect(growthBeyondBase(bytes(0)).exponent).toBeLessThan(growthLimits.memory.tokens);
    expect(growthBeyondBase(bytes(1)).least).toBeGreaterThan(growthLimits.memory.tokens);
  });

  test.each([
    [1, 9e7],
    [2, 9e7],
    [1, 0],
    [0.5, 3e7],
  ])('memory that grows as x^%d is seen beyond %d bytes of libraries', (p, base) => {
    const fit = growthBeyondBase(places((x) => base + 9e6 * x ** p));
    expect(fit.exponent).toBeCloseTo(p, 1);
    expect(Math.abs(fit.base - base)).toBeLessThan(1e6);
  });

  test('the noise of peaks does not count as growth', () => {
    const noise = [-9e6, 7e6, -5e6, 3e6, -8e6, 8e6, 2e6, -3e6];
    const linear = powers.map((x, i): Place => [x, 1e8 + 1e6 * x + noise[i]!]);
    expect(growthBeyondBase(linear).least).toBeLessThan(1.05);
    const square = powers.map((x, i): Place => [x, 1e8 + 3e4 * x * x + noise[i]!]);
    expect(growthBeyondBase(square).least).toBeGreaterThan(1.5);
  });

  test('memory that hardly grows, or shrinks, does not grow', () => {
    expect(growthBeyondBase(places((x) => 1e8 + 5e4 * x)).exponent).toBe(0);
    expect(growthBeyondBase(places((x) => 1e8 - 5e5 * x)).exponent).toBeLessThan(0.05);
    // Measured, MB: small batches are repeated more often, and leave more garbage behind.
    const inference = [136, 131, 130, 126, 119, 139, 153, 153];
    expect(growthBeyondBase(powers.map((x, i) => [x, 1e6 * inference[i]!])).exponent).toBe(0);
  });

  test('one place, or none, has no growth', () => {
    expect(() => growthExponent([[2, 3]])).toThrow(RangeError);
    expect(() => growthExponent([])).toThrow(RangeError);
    expect(() => growthExponent([[1, 0], [2, 0]])).toThrow(RangeError); // prettier-ignore
  });
});

describe('the grid', () => {
  test.each(costAxes)('along %s only that grows, for training and inference', (axis) => {
    for (const quick of [true, false]) {
      const points = costPoints(axis, { precision: 'fp32', quick });
      const half = points.length / 2;
      expect(points.map(({ work }) => work.kind)).toEqual([
        ...Array<string>(half).fill('train'),
        ...Array<string>(half).fill('infer'),
      ]);
      const values = points.slice(0, half).map(({ value }) => value);
      expect([...new Set(values)].sort((a, b) => a - b)).toEqual(values);
      for (const other of costAxes.filter((name) => name !== axis)) {
        expect(new Set(points.slice(0, half).map((point) => point[other])).size).toBe(1);
        expect(new Set(points.slice(half).map((point) => point[other])).size).toBe(1);
      }
      expect(points.every((point) => point[axis] === point.value)).toBe(true);
    }
  });

  test('tokens reach 4,096', () => {
    const points = costPoints('tokens', { precision: 'bf16', quick: false });
    expect(Math.max(...points.map(({ value }) => value))).toBe(4097);
    expect(points[0]!.work).toMatchObject({ precision: 'bf16', shape: [2, 32, 32, 1] });
  });
});

describe('the report', () => {
  const record = (mode: 'train' | 'infer', tokens: number, mb: number): CostRecord => ({
    ...{ axis: 'tokens', value: tokens, mode, precision: 'fp32', batch: 2, tokens },
    ...{ width: 128, depth: 4, threads: 2, rounds: 3 },
    ...{ medianMs: tokens / 10, p25Ms: tokens / 11, p75Ms: tokens / 9, gflops: 100 },
    ...{ peakRssBytes: 1e8 + 1e6 * mb, restRssBytes: 1e8 },
    ...{ processor: 'a processor', isa: 'avx2', versions: {} },
  });
  const records = [65, 257, 1025].flatMap((tokens) => [
    record('train', tokens, (tokens / 100) ** 2),
    record('infer', tokens, tokens / 20),
  ]);
  const growths = growthsOf(records, 'tokens');

  test('memory counts above the common base, and too fast growth is reported', () => {
    expect(growths.map(({ kind, mode }) => `${kind} ${mode}`)).toEqual([
      'time train',
      'time infer',
      'memory train',
      'memory infer',
    ]);
    expect(growths[0]!.exponent).toBeCloseTo(1, 10);
    expect(growths[3]!.exponent).toBeCloseTo(1, 1);
    expect(growths[3]!.base / 1e6).toBeCloseTo(100, 0);
    expect(growths[2]!.exponent).toBeGreaterThan(1.5);
    const lines = growthTable(growths).split('\n');
    expect(lines).toHaveLength(6);
    expect(lines.map((line) => line.includes('TOO FAST'))).toEqual([
      ...[false, false, false, false, true, false],
    ]);
  });

  test('a chart is a PNG', async () => {
    const about = { processor: 'a processor', precision: 'fp32' as const, threads: 2 };
    const png = await growthChart(growths.slice(0, 2), about);
    expect([...png.slice(1, 4)]).toEqual([...Buffer.from('PNG')]);
  });
});

describe('the command line', () => {
  test('nothing: all axes', () => {
    expect(parseCostOptions([])).toMatchObject({
      axes: ['batch', 'tokens', 'width', 'depth'],
      precision: 'fp32',
      quick: false,
      rounds: 3,
      seconds: 0.2,
      charts: undefined,
    });
  });

  test('everything', () => {
    const line =
      '--axis tokens,width --precision bf16 --quick --rounds 2 --threads 1 --seconds 0 --json out/cost.jsonl';
    expect(parseCostOptions(line.split(' '))).toEqual({
      axes: ['tokens', 'width'],
      precision: 'bf16',
      quick: true,
      rounds: 2,
      threads: 1,
      seconds: 0,
      json: 'out/cost.jsonl',
      charts: 'out/cost',
    });
    expect(parseCostOptions(['--help'])).toBeUndefined();
    expect(costHelp).toContain('--quick');
  });

  test.each([
    [['--axis', 'heads'], '--axis, received heads'],
    [['--precision', 'fp32,bf16'], 'Expected fp32 or bf16 for --precision'],
    [['--rounds', '0'], '--rounds'],
    [['--threads', 'x'], '--threads'],
    [['--seconds', 'soon'], '--seconds'],
    [['--speed', '1'], 'npm run bench:cost -- --help'],
  ])('%j is refused', (words, part) => {
    expect(() => parseCostOptions(words)).toThrow(InputError);
    expect(() => parseCostOptions(words)).toThrow(part);
  });
});
