// `tfjs-vit ablate`: its variants, its report, and that the same command goes on where one was stopped.

import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseIngredients, variantsOf } from '../lib/cli/ablation.ts';
import { recipes } from '../lib/cli/recipes.ts';
import { intervalChartSvg } from '../lib/figures/intervalChart.ts';
import { lineChartSvg } from '../lib/figures/lineChart.ts';
import { vit, writeExperiment } from './support/cli.ts';

jest.setTimeout(180_000);

const all = parseIngredients('aug,aa,mixup,cutmix,smoothing,reprob,color-jitter');
const dataOf = (experiment: object) =>
  (experiment as { data: { augment?: object; trainTransforms?: { name: string }[] } }).data;

describe('variants', () => {
  test("each ingredient of DeiT's recipe is switched off by itself, then all", () => {
    const { variants, idle } = variantsOf(recipes.deit, all);
    expect(variants.map(({ name }) => name)).toEqual([
      'base',
      'no-aug',
      'no-aa',
      'no-mixup',
      'no-cutmix',
      'no-smoothing',
      'no-reprob',
      'all-off',
    ]);
    // The policy stands in the place of the colour jitter.
    expect(idle).toEqual(['color-jitter']);
    const { augment } = dataOf(recipes.deit);
    const changes: Record<string, object> = {
      'no-aug': { noAug: true },
      // timm's rule would turn the jitter on, which would be two changes.
      'no-aa': { aa: null, threeAugment: false, colorJitter: 0 },
      'no-mixup': { mixup: 0 },
      'no-cutmix': { cutmix: 0, cutmixMinmax: null },
      'no-smoothing': {},
      'no-reprob': { reprob: 0 },
    };
    for (const { name, experiment } of variants.slice(1, -1)) {
      expect([name, dataOf(experiment).augment]).toEqual([name, { ...augment, ...changes[name] }]);
      expect(experiment['smoothing']).toBe(name === 'no-smoothing' ? 0 : 0.1);
    }
    expect(variants.at(-1)!.experiment).toMatchObject({
      smoothing: 0,
      data: { augment: { noAug: true, mixup: 0, cutmix: 0 } },
    });
    expect(variants[0]!.experiment).toBe(recipes.deit);
  });

  test('of 3-Augment its jitter is an ingredient', () => {
    const { variants, idle } = variantsOf(recipes.deit3, ['aa', 'color-jitter', 'reprob']);
    expect(variants.map(({ name }) => name)).toEqual([
      'base',
      'no-aa',
      'no-color-jitter',
      'all-off',
    ]);
    expect(dataOf(variants[1]!.experiment).augment).toMatchObject({
      threeAugment: false,
      colorJitter: 0.3,
    });
    expect(idle).toEqual(['reprob']);
  });

  test('steps of a config are ingredients by their names', () => {
    const steps = ['randomResizedCrop', 'autoAugment', 'colorJitter', 'centerCrop'];
    const trainTransforms = steps.map((name) => ({ name }));
    const experiment = { smoothing: 0, data: { dataset: 'mnist', trainTransforms } };
    const { variants, idle } = variantsOf(experiment, all);
    const left = variants.map(({ name, experiment: one }) => [
      name,
      dataOf(one)
        .trainTransforms!.map((step) => step.name)
        .join(' '),
    ]);
    expect(left).toEqual([
      ['base', steps.join(' ')],
      ['no-aug', 'centerCrop'],
      ['no-aa', 'randomResizedCrop colorJitter centerCrop'],
      ['no-color-jitter', 'randomResizedCrop autoAugment centerCrop'],
      ['all-off', 'centerCrop'],
    ]);
    expect(idle).toEqual(['mixup', 'cutmix', 'smoothing', 'reprob']);
  });

  test('an unknown name is refused with the nearest', () => {
    expect(() => parseIngredients('aa,mixupp')).toThrow(
      /received "mixupp"\. Did you mean mixup\?$/,
    );
  });
});

describe('the command', () => {
  let folder: string;
  let logged: jest.SpyInstance;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'ablate-'));
    logged = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  });
  afterEach(() => {
    logged.mockRestore();
    rmSync(folder, { recursive: true, force: true });
  });

  const words = (...more: string[]) => [
    'ablate',
    '--config',
    writeExperiment(path.join(folder, 'experiment.json'), { smoothing: 0.1 }),
    ...['--output-dir', path.join(folder, 'out'), ...more],
  ];
  const small = ['--seeds', '2', '--limit', '32', '--limit-val', '16', '--vary', 'smoothing,mixup'];

  test('trains every variant and seed, reports, and keeps what is finished', async () => {
    const listed = await vit(...words(...small, '--dry-run'));
    expect(listed.code).toBe(0);
    expect(listed.out).toMatch(/4 of 4 trainings to be done\.$/);
    const first = await vit(...words(...small));
    expect([first.code, first.error]).toEqual([0, expect.stringMatching(/^mixup has no effect/m)]);
    const place = (name: string) => path.join(folder, 'out', name);
    const table = readFileSync(place('ablation.md'), 'utf8');
    expect(table.split('\n').map((line) => line.split('|')[1]?.trim())).toEqual(
      expect.arrayContaining(['base', 'no-smoothing']),
    );
    const rows = readFileSync(place('ablation.csv'), 'utf8').trim().split('\n');
    expect(rows[0]).toBe('variant,seedIndex,part,top1,epoch');
    expect(rows).toHaveLength(5);
    expect(readFileSync(place('ablation.png')).toString('latin1', 1, 4)).toBe('PNG');

    // A run without its score is one that was interrupted; it ends with the same.
    const record = JSON.parse(readFileSync(place('ablation.json'), 'utf8')) as {
      scores: Record<string, unknown>;
    };
    const kept = { ...record.scores };
    delete record.scores['base/seed-1'];
    writeFileSync(place('ablation.json'), JSON.stringify(record));
    const before = statSync(place('no-smoothing/seed-0/checkpoint.safetensors')).mtimeMs;
    expect((await vit(...words(...small))).code).toBe(0);
    expect(JSON.parse(readFileSync(place('ablation.json'), 'utf8'))).toMatchObject({
      scores: kept,
    });
    expect(statSync(place('no-smoothing/seed-0/checkpoint.safetensors')).mtimeMs).toBe(before);

    // The seeds differ in their weights, the variants in their loss.
    const weights = ['base/seed-0', 'base/seed-1', 'no-smoothing/seed-0'].map((name) =>
      readFileSync(place(`${name}/checkpoint.safetensors`)).toString('base64'),
    );
    expect(new Set(weights).size).toBe(3);

    const other = await vit(...words(...small, '--lr', '0.5'));
    expect([other.code, other.error]).toEqual([
      2,
      expect.stringMatching(/received "another"\. .*--overwrite/),
    ]);
  });

  test.each([
    [['--vary', 'smothing'], /Did you mean smoothing\?/],
    [['--seeds', '0'], /--seeds/],
    [['--resume', 'x'], /The same command goes on/],
    [['--data-set', 'FractalDB-60'], /--val-split/],
  ])('%j is refused in one line', async (flags, message) => {
    const { code, error } = await vit(...words(...flags));
    expect([code, error]).toEqual([2, expect.stringMatching(message)]);
    expect(error.trim().split('\n')).toHaveLength(1);
  });
});

test('the interval chart', () => {
  const rows = [
    { label: 'base', value: 0.9, halfWidth: 0.02, points: [0.89, 0.91], strong: true },
    { label: 'no-aa', value: 0.8, halfWidth: 0 },
  ];
  const svg = intervalChartSvg({ rows, format: 'percent', xLabel: 'top-1', title: 'x' });
  expect(svg.match(/<circle/g)).toHaveLength(4);
  expect(intervalChartSvg({ rows: [] })).toContain('no data');
  expect(() => intervalChartSvg({ rows: [{ ...rows[1]!, value: NaN }] })).toThrow(/row "no-aa"/);
  expect(() => intervalChartSvg({ rows: [{ ...rows[1]!, halfWidth: -1 }] })).toThrow(/halfWidth/);
});

test('bars through the points of a line chart', () => {
  const points = [
    [1, 0.5],
    [2, null],
    [3, 0.9],
  ] as const;
  const draw = (spread?: number[]) =>
    lineChartSvg({ series: [{ name: 'a', points, ...(spread && { spread }) }] });
  const bars = (svg: string) => svg.match(/stroke-width="1.5"/g)?.length ?? 0;
  // A bar has two caps. There is none at a point without a value, and none where the spread is 0.
  expect(bars(draw([0.01, 0.1, 0.01]))).toBe(6);
  expect(bars(draw([0.01, 0, 0]))).toBe(3);
  expect(() => draw([0.1])).toThrow(/^Expected 3 finite numbers ≥ 0 for spread of series "a"/);
  expect(() => draw([0.1, 0, -1])).toThrow(/spread of series "a"/);
});
