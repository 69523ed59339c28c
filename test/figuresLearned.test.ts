// The figures of what a model has learned.

import { headChartSvg, layerSheetSvg, matchSheetSvg } from '../lib/index.ts';
import { makeImage } from '../lib/core/image.ts';

const grey = makeImage(4, 2, 1, new Uint8Array(8).fill(90));
const grid = { height: 2, width: 3, data: [0, 1, 2, 3, 4, 5] };
const countOf = (svg: string, what: string) => svg.split(what).length - 1;

describe('headChart', () => {
  const values = [
    [1, 2, 3],
    [2, 2, 2],
  ];

  test('has a dot for each head and a line between the means of the blocks', () => {
    const svg = headChartSvg({ values, yLabel: 'distance in patches', title: 'Heads' });
    expect(countOf(svg, '<circle')).toBe(6);
    expect(svg).toContain('distance in patches');
    const xs = [...svg.matchAll(/<circle cx="([\d.]+)"/g)].map((found) => Number(found[1]));
    expect(new Set(xs).size).toBe(6);
  });

  test('holds the value to compare with in its axis', () => {
    const svg = headChartSvg({ values, reference: { value: 9, label: 'even attention' } });
    expect(svg).toContain('even attention');
    expect(svg).toMatch(/>(9|10|8)</);
  });

  test('names the head of a NaN', () => {
    expect(() => headChartSvg({ values: [[1, NaN]] })).toThrow(/values\[0\]\[1\]/);
  });

  test('says that there are no heads', () => {
    expect(headChartSvg({ values: [] })).toContain('no heads');
  });
});

describe('layerSheet', () => {
  const tiles = [
    { heading: 'Input', image: grey },
    { heading: 'Block 1', grid, caption: '5 of 6 patches say 7' },
    { heading: 'Block 2', grid },
  ];

  test('has a picture for each tile and one colour bar', () => {
    const svg = layerSheetSvg({ tiles, label: 'norm', columns: 2 });
    expect(countOf(svg, '<image')).toBe(3 + 1);
    expect(svg).toContain('norm');
    expect(svg).toContain('5 of 6 patches say 7');
  });

  test('has no colour bar where there are no maps', () => {
    const images = [{ heading: '', image: grey }];
    expect(countOf(layerSheetSvg({ tiles: images }), '<image')).toBe(1);
  });

  test('refuses a tile without a picture, and a map with NaN', () => {
    expect(() => layerSheetSvg({ tiles: [{ heading: 'x' }] })).toThrow(/tiles\[0\]/);
    const bad = { height: 1, width: 1, data: [NaN] };
    expect(() => layerSheetSvg({ tiles: [{ heading: 'x', grid: bad }] })).toThrow(
      /tiles\[0\]\.grid\[0\]\[0\]/,
    );
  });
});

describe('matchSheet', () => {
  const images = [grey, grey] as const;

  test('has a line and two ends for each match', () => {
    const matches = [
      { from: 0, to: 5, cosine: 0.5 },
      { from: 3, to: 1, cosine: 0.9 },
    ];
    const svg = matchSheetSvg({ images, gridSize: [2, 3], matches });
    expect(countOf(svg, '<circle')).toBe(4);
    expect(countOf(svg, '<line')).toBe(2);
  });

  test('refuses a patch that there is not', () => {
    const matches = [{ from: 0, to: 6, cosine: 1 }];
    expect(() => matchSheetSvg({ images, gridSize: [2, 3], matches })).toThrow(
      /a patch from 0 to 5/,
    );
  });
});
