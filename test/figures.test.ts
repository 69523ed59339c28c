import { PNG } from 'pngjs';
import { makeImage } from '../lib/core/image.ts';
import type { EpochLog } from '../lib/core/runSink.ts';
import { attentionSheet, attentionSheetSvg } from '../lib/figures/attentionSheet.ts';
import { barChart, barChartSvg } from '../lib/figures/barChart.ts';
import { confusionMatrix, confusionMatrixSvg } from '../lib/figures/confusionMatrix.ts';
import { contactSheet, contactSheetSvg } from '../lib/figures/contactSheet.ts';
import type { Grid } from '../lib/figures/grid.ts';
import { heatMap, heatMapSvg } from '../lib/figures/heatMap.ts';
import { lineChart, lineChartSvg } from '../lib/figures/lineChart.ts';
import { overlay, overlaySvg } from '../lib/figures/overlay.ts';
import { svgToPng } from '../lib/figures/svgToPng.ts';
import { trainingCurves, trainingCurvesSvg } from '../lib/figures/trainingCurves.ts';

const hostile = '<b>&"\'\u0000\u001b[31m\ud800 犬';

function grid(height: number, width: number, value: (i: number) => number = (i) => i): Grid {
  return { height, width, data: Float32Array.from({ length: height * width }, (_, i) => value(i)) };
}

function image(width: number, height: number, channels: 1 | 3 = 3) {
  const data = Uint8Array.from({ length: width * height * channels }, (_, i) => (i * 37) % 256);
  return makeImage(width, height, channels, data);
}

function logs(epochs: number, change: Partial<EpochLog> = {}): EpochLog[] {
  return Array.from({ length: epochs }, (_, i) => ({
    epoch: i + 1,
    trainLoss: 2 / (i + 1),
    valLoss: 1.5 / (i + 1),
    valTop1: 1 - 0.5 / (i + 1),
    valTop5: 1 - 0.1 / (i + 1),
    learningRate: 1e-3,
    imagesPerSecond: 100,
    seconds: 1,
    ...change,
  }));
}

const sheet = {
  image: image(28, 28, 1),
  maps: [[grid(7, 7), grid(7, 7, () => 0.02)]],
  rollout: grid(7, 7),
  bars: [{ label: '0', value: 1, strong: true }],
};

/** Every figure in its usual form, with nothing in it, with one constant cell, with a NaN, and with a title that is hard to write. */
const figures: Record<
  string,
  { pictures: (() => string)[]; refused: (() => unknown)[]; png: () => Promise<Uint8Array> }
> = {
  lineChart: {
    pictures: [
      () => lineChartSvg({ series: [] }),
      () => lineChartSvg({ series: [{ name: hostile, points: [] }], title: hostile }),
      () => lineChartSvg({ series: [{ name: 'one', points: [[3, 3]] }] }),
      () =>
        lineChartSvg({
          series: [
            {
              name: 'flat',
              points: [
                [0, 0],
                [1, 0],
              ],
            },
          ],
          yLimits: [0, 1],
        }),
      () =>
        lineChartSvg({
          series: [
            {
              name: 'gap',
              points: [
                [0, 1],
                [1, null],
                [2, 5],
              ],
            },
          ],
          mark: { x: 2, y: 5, label: hostile },
        }),
      () =>
        lineChartSvg({
          series: [
            {
              name: 'far',
              points: [
                [0, 1e-12],
                [1e9, 1e12],
              ],
            },
          ],
        }),
    ],
    refused: [
      () => lineChartSvg({ series: [{ name: 'a', points: [[0, NaN]] }] }),
      () => lineChartSvg({ series: [{ name: 'a', points: [[Infinity, 0]] }] }),
      () => lineChartSvg({ series: [], width: 1e9 }),
      () => lineChartSvg({ series: [{ name: 'a', points: [[0, 1]] }], xScale: 'log' }),
      () => lineChartSvg({ series: [{ name: 'a', points: [[1, -1]] }], yScale: 'log' }),
    ],
    png: () =>
      lineChart({
        series: [
          {
            name: 'a',
            points: [
              [0, 1],
              [1, 2],
            ],
          },
        ],
        title: 'a',
      }),
  },
  trainingCurves: {
    pictures: [
      () => trainingCurvesSvg([]),
      () => trainingCurvesSvg(logs(1)),
      () => trainingCurvesSvg(logs(3, { valLoss: null, valTop1: null, valTop5: null })),
      () => trainingCurvesSvg(logs(300, { trainTop1: 0.9 })),
    ],
    refused: [() => trainingCurvesSvg(logs(2, { trainLoss: NaN }))],
    png: () => trainingCurves(logs(5)),
  },
  barChart: {
    pictures: [
      () => barChartSvg({ bars: [] }),
      () => barChartSvg({ bars: [{ label: hostile.repeat(20), value: 0 }] }),
      () => barChartSvg({ bars: [{ label: 'a', value: 7e9 }], format: 'number' }),
    ],
    refused: [
      () => barChartSvg({ bars: [{ label: 'a', value: NaN }] }),
      () => barChartSvg({ bars: [{ label: 'a', value: -1 }] }),
    ],
    png: () => barChart({ bars: [{ label: 'a', value: 0.5, strong: true }] }),
  },
  heatMap: {
    pictures: [
      () => heatMapSvg({ grid: grid(0, 0), title: hostile }),
      () => heatMapSvg({ grid: grid(1, 1) }),
      () => heatMapSvg({ grid: grid(3, 5, () => 2), interpolation: 'bilinear' }),
      () => heatMapSvg({ grid: grid(300, 2), label: hostile, colormap: 'blueRed', range: [-1, 1] }),
    ],
    refused: [
      () => heatMapSvg({ grid: grid(2, 2, () => NaN) }),
      () => heatMapSvg({ grid: { height: 2, width: 2, data: [1] } }),
      () => heatMapSvg({ grid: grid(2, 2), colormap: 'rainbow' as 'viridis' }),
    ],
    png: () => heatMap({ grid: grid(4, 6), title: 'map' }),
  },
  overlay: {
    pictures: [
      () => overlaySvg({ image: image(0, 0), grid: grid(1, 1) }),
      () => overlaySvg({ image: image(1, 1), grid: grid(1, 1) }),
      () => overlaySvg({ image: image(9, 5), grid: grid(2, 3, () => 1), legend: false }),
    ],
    refused: [
      () => overlaySvg({ image: image(2, 2), grid: grid(1, 2, () => Infinity) }),
      () => overlaySvg({ image: image(2, 2), grid: grid(1, 2), opacity: 2 }),
    ],
    png: () => overlay({ image: image(8, 6), grid: grid(3, 4), title: 'overlay' }),
  },
  contactSheet: {
    pictures: [
      () => contactSheetSvg({ tiles: [] }),
      () => contactSheetSvg({ tiles: [{ image: image(1, 1), title: hostile, tone: 'wrong' }] }),
      () =>
        contactSheetSvg({ tiles: [{ image: image(0, 0) }, { image: image(200, 3) }], columns: 1 }),
    ],
    refused: [() => contactSheetSvg({ tiles: [], columns: 0 })],
    png: () => contactSheet({ tiles: [{ image: image(4, 4, 1), title: 'one' }] }),
  },
  confusionMatrix: {
    pictures: [
      () => confusionMatrixSvg({ counts: [], classNames: [] }),
      () => confusionMatrixSvg({ counts: [0], classNames: [hostile] }),
      () =>
        confusionMatrixSvg({
          counts: new Float64Array(200 * 200),
          classNames: Array.from({ length: 200 }, (_, i) => `class ${i}`),
        }),
      () => confusionMatrixSvg({ counts: [3, 0, 0, 0], classNames: ['a', 'b'] }),
    ],
    refused: [
      () => confusionMatrixSvg({ counts: [1, 2], classNames: ['a', 'b'] }),
      () => confusionMatrixSvg({ counts: [NaN], classNames: ['a'] }),
      () => confusionMatrixSvg({ counts: [-1], classNames: ['a'] }),
    ],
    png: () => confusionMatrix({ counts: [5, 1, 2, 6], classNames: ['cat', 'dog'] }),
  },
  attentionSheet: {
    pictures: [
      () => attentionSheetSvg(sheet),
      () => attentionSheetSvg({ ...sheet, maps: [], bars: [], title: hostile }),
      () => attentionSheetSvg({ ...sheet, contrast: 'perMap', image: image(5, 9) }),
      () => attentionSheetSvg({ ...sheet, maps: [[grid(1, 1, () => 0)]], rollout: grid(1, 1) }),
    ],
    refused: [
      () => attentionSheetSvg({ ...sheet, maps: [[grid(2, 2)], []] }),
      () => attentionSheetSvg({ ...sheet, maps: [[grid(2, 2, () => NaN)]] }),
      () => attentionSheetSvg({ ...sheet, rollout: grid(2, 2, () => NaN) }),
    ],
    png: () => attentionSheet(sheet),
  },
};

describe.each(Object.entries(figures))('%s', (_, { pictures, refused, png }) => {
  test.each(pictures.map((draw, i) => [i, draw] as const))(
    'picture %i is well formed',
    async (_i, draw) => {
      const svg = draw();
      expect(svg).not.toMatch(/NaN|undefined|Infinity/);
      expect(svg).not.toContain('<b>');
      const { width, height } = PNG.sync.read(Buffer.from(await svgToPng(svg)));
      expect([width, height]).toEqual(sizeOf(svg));
      expect(width * height).toBeLessThan(4e6);
    },
  );

  test.each(refused.map((draw, i) => [i, draw] as const))('bad input %i is refused', (_i, draw) => {
    expect(draw).toThrow(/^Expected .* received /);
  });

  test('gives the same bytes twice', async () => {
    const [a, b] = [await png(), await png()];
    expect(Buffer.from(a).equals(Buffer.from(b))).toBe(true);
    expect([...a.subarray(0, 4)]).toEqual([0x89, 0x50, 0x4e, 0x47]);
  });
});

function sizeOf(svg: string): [number, number] {
  const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(svg)!;
  return [Number(width), Number(height)];
}

describe('the content of the pictures', () => {
  test('a confusion matrix states counts, accuracies and names', () => {
    const svg = confusionMatrixSvg({ counts: [30, 10, 0, 60], classNames: ['<cat>', 'dog'] });
    expect(svg).toContain('90 of 100 images classified correctly (90.00 %)');
    for (const said of ['&lt;cat&gt;', 'dog', '75.0 %', '100.0 %', '>30<', '>10<', '>60<']) {
      expect(svg).toContain(said);
    }
    expect(svg).not.toContain('>0<');
  });

  test('training curves mark the best epoch, not the last', () => {
    const [a, b, c] = logs(3) as [EpochLog, EpochLog, EpochLog];
    const svg = trainingCurvesSvg([a, { ...b, valLoss: 0.1, valTop1: 0.987 }, c]);
    expect(svg).toContain('best 0.1, epoch 2');
    expect(svg).toContain('best 98.70 %, epoch 2');
  });

  test('a gap breaks the line', () => {
    const svg = lineChartSvg({
      series: [
        {
          name: 'a',
          points: [
            [0, 0],
            [1, 1],
            [2, null],
            [3, 1],
            [4, 0],
          ],
        },
      ],
    });
    const [, path = ''] = / d="([^"]*)"/.exec(svg)!;
    expect(path.match(/M/g)).toHaveLength(2);
    expect(path.match(/L/g)).toHaveLength(2);
  });

  test('on two log axes a power law is a straight line', () => {
    const cubes = [1, 4, 16, 256].map((x) => [x, 5 * x ** 3] as const);
    const svg = lineChartSvg({
      series: [{ name: 'cubes', points: cubes }],
      xScale: 'log',
      yScale: 'log',
    });
    const [, path = ''] = / d="([^"]*)"/.exec(svg)!;
    const at = path.split(/[ML]/).slice(1).map((pair) => pair.split(' ').map(Number)); // prettier-ignore
    const slopes = at.slice(1).map(([x, y], i) => (y! - at[i]![1]!) / (x! - at[i]![0]!));
    expect(slopes).toHaveLength(3);
    for (const slope of slopes) expect(slope).toBeCloseTo(slopes[0]!, 2);
    // 1 to 4, 4 to 16 are equally far; 16 to 256 is twice that.
    const steps = at.slice(1).map(([x], i) => x! - at[i]![0]!);
    expect(steps[1]! / steps[0]!).toBeCloseTo(1, 2);
    expect(steps[2]! / steps[0]!).toBeCloseTo(2, 2);
  });

  test('maps of one sheet share a scale unless told otherwise', () => {
    const maps = [[grid(2, 2, () => 0.1), grid(2, 2, (i) => i / 4)]];
    const images = (svg: string) => [...svg.matchAll(/href="([^"]*)"/g)].map(([, uri]) => uri);
    const shared = images(attentionSheetSvg({ ...sheet, maps }));
    const own = images(attentionSheetSvg({ ...sheet, maps, contrast: 'perMap' }));
    expect(shared).not.toEqual(own);
    expect(attentionSheetSvg({ ...sheet, maps, contrast: 'perMap' })).toContain(
      'cannot be compared',
    );
  });
});

describe('heat maps meet the pixels they are about', () => {
  // A 3 × 5 map over a picture of 50 × 30 pixels, drawn at its own size: cell (1, 3) is rows 10 … 19, columns 30 … 39.
  const black = makeImage(50, 30, 1, new Uint8Array(1500));
  const hot = grid(3, 5, (i) => (i === 8 ? 1 : 0));

  test.each([1, 2])('a cell covers its patch exactly, at scale %i', async (scale) => {
    const options = {
      image: black,
      grid: hot,
      side: 50,
      interpolation: 'nearest',
      legend: false,
    } as const;
    const png = PNG.sync.read(Buffer.from(await overlay({ ...options, scale })));
    const margin = 16;
    const bright = new Set<string>();
    for (let y = 0; y < 30 * scale; y += 1) {
      for (let x = 0; x < 50 * scale; x += 1) {
        const at = 4 * ((y + margin * scale) * png.width + x + margin * scale);
        if (png.data[at]! > 100) bright.add(`${Math.floor(y / scale)},${Math.floor(x / scale)}`);
      }
    }
    const wanted = new Set<string>();
    for (let y = 10; y < 20; y += 1) for (let x = 30; x < 40; x += 1) wanted.add(`${y},${x}`);
    expect(bright).toEqual(wanted);
  });

  test('bilinear puts the peak in the middle of its patch', async () => {
    const options = { image: black, grid: hot, side: 50, opacity: 1, legend: false } as const;
    const png = PNG.sync.read(Buffer.from(await overlay(options)));
    let best = { sum: -1, x: 0, y: 0 };
    for (let y = 0; y < 30; y += 1) {
      for (let x = 0; x < 50; x += 1) {
        const at = 4 * ((y + 16) * png.width + x + 16);
        const sum = png.data[at]! + png.data[at + 1]! + png.data[at + 2]!;
        if (sum > best.sum) best = { sum, x, y };
      }
    }
    expect(Math.abs(best.x - 34.5)).toBeLessThan(1);
    expect(Math.abs(best.y - 14.5)).toBeLessThan(1);
  });
});
