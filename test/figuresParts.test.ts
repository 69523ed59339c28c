import { PNG } from 'pngjs';
import { Resvg } from '@resvg/resvg-js';
import { makeImage } from '../lib/core/image.ts';
import { Rng } from '../lib/core/rng.ts';
import { colorBar } from '../lib/figures/colorBar.ts';
import type { ColorBarOptions } from '../lib/figures/colorBar.ts';
import { colorAt, colormapBytes, textColorOn } from '../lib/figures/colormap.ts';
import type { Colormap } from '../lib/figures/colormap.ts';
import { colorize } from '../lib/figures/colorize.ts';
import { storedPng } from '../lib/figures/pngUri.ts';
import { resampleGrid } from '../lib/figures/resample.ts';
import { element, escapeXml, svgDocument, text } from '../lib/figures/svg.ts';
import { svgToPng } from '../lib/figures/svgToPng.ts';
import { fitText, textWidth } from '../lib/figures/textWidth.ts';
import { makeLogTicks } from '../lib/figures/logTicks.ts';
import { makeTicks } from '../lib/figures/ticks.ts';
import type { TickFormat } from '../lib/figures/ticks.ts';

const names: Colormap[] = ['viridis', 'inferno', 'magma', 'cividis', 'blues', 'blueRed'];

function luminance([red, green, blue]: readonly [number, number, number]): number {
  const linear = [red, green, blue].map((byte) => {
    const c = byte / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * linear[0]! + 0.7152 * linear[1]! + 0.0722 * linear[2]!;
}

// Lightness of CIELAB, 0 … 100, which equal steps should look equal in.
function lightness(color: readonly [number, number, number]): number {
  const y = luminance(color);
  return y > 0.008856 ? 116 * Math.cbrt(y) - 16 : 903.3 * y;
}

describe('colour maps', () => {
  test.each(names)('%s has 256 colours', (name) => {
    expect(colormapBytes(name)).toHaveLength(768);
  });

  test.each(names.slice(0, 5))('%s changes evenly in lightness', (name) => {
    const values = Array.from({ length: 17 }, (_, i) => lightness(colorAt(name, i / 16)));
    const steps = values.slice(1).map((value, i) => value - values[i]!);
    const sign = Math.sign(steps[8]!);
    const mean = Math.abs(values[16]! - values[0]!) / 16;
    for (const step of steps) {
      expect(step * sign).toBeGreaterThan(0.3 * mean);
      expect(step * sign).toBeLessThan(2 * mean);
    }
  });

  test('blueRed is lightest in the middle and equally dark at both ends', () => {
    const values = Array.from({ length: 9 }, (_, i) => lightness(colorAt('blueRed', i / 8)));
    expect(Math.max(...values)).toBe(values[4]);
    expect(Math.abs(values[0]! - values[8]!)).toBeLessThan(5);
  });

  test('the known ends of viridis', () => {
    expect(colorAt('viridis', 0)).toEqual([68, 1, 84]);
    expect(colorAt('viridis', 1)).toEqual([253, 231, 37]);
    expect(colorAt('viridis', 7)).toEqual([253, 231, 37]);
  });

  test('text can be read on every colour (contrast of 4.5 and more, WCAG AA)', () => {
    for (const name of names) {
      for (let i = 0; i < 256; i += 1) {
        const color = colorAt(name, i / 255);
        const [y, ink] = [luminance(color), textColorOn(color) === '#000000' ? 0 : 1];
        expect((Math.max(y, ink) + 0.05) / (Math.min(y, ink) + 0.05)).toBeGreaterThan(4.5);
      }
    }
  });

  test('a constant range is one colour', () => {
    const { data } = colorize(
      { height: 1, width: 2, data: [5, 5] },
      { colormap: 'viridis', range: [5, 5] },
    );
    expect([...data]).toEqual([68, 1, 84, 68, 1, 84]);
  });
});

test('a power scale spreads small values', () => {
  const grid = { height: 1, width: 3, data: [0, 0.25, 1] };
  const { data } = colorize(grid, { colormap: 'viridis', range: [0, 1], gamma: 0.5 });
  const wanted = [0, 0.5, 1].flatMap((fraction) => [...colorAt('viridis', fraction)]);
  expect([...data]).toEqual(wanted);
});

describe('colour bars', () => {
  const labels = (options: Partial<ColorBarOptions>) => {
    const bar = colorBar({ colormap: 'viridis', range: [0, 1], height: 300, ...options });
    return [...bar.body.markup.matchAll(/<text [^>]*y="([\d.-]+)"[^>]*>([^<]*)</g)].map(
      ([, y, label]) => ({ y: Number(y), label }),
    );
  };

  test('a power scale has values 1, 2, 5, … that do not touch', () => {
    const ticks = labels({ gamma: 0.5, range: [0, 0.97], format: 'percent' });
    expect(ticks.map(({ label }) => label)).toEqual(
      expect.arrayContaining(['50 %', '20 %', '10 %', '5 %', '2 %', '0 %']),
    );
    const places = ticks.map(({ y }) => y).sort((a, b) => a - b);
    places.slice(1).forEach((y, i) => expect(y - places[i]!).toBeGreaterThan(12));
  });

  test('a constant range shows its one value', () => {
    expect(labels({ range: [0.25, 0.25] }).map(({ label }) => label)).toEqual(['0.25']);
    expect(labels({ range: [0, 0], gamma: 0.5 }).map(({ label }) => label)).toEqual(['0']);
  });
});

describe('svg', () => {
  test('escapes text and attributes', () => {
    const svg = element('a', { title: '"<&>' }, [text('</text><script>', 0, 0)]).markup;
    expect(svg).not.toContain('<script>');
    expect(svg).toContain('title="&quot;&lt;&amp;&gt;"');
  });

  test('replaces what XML does not allow', () => {
    expect(escapeXml('a\u0000\u001b\ud800b\udc00\u{1f415}')).toBe(
      'a\ufffd\ufffd\ufffdb\ufffd\u{1f415}',
    );
  });

  test('refuses NaN', () => {
    expect(() => element('rect', { x: NaN })).toThrow(/finite number for x/);
  });

  test('writes no more decimals than can be seen, and no negative zero', () => {
    expect(element('a', { x: 1 / 3, y: -0 }).markup).toBe('<a x="0.333" y="0"/>');
  });

  test.each([0.5, 3])('is drawn at scale %d', async (scale) => {
    const png = PNG.sync.read(Buffer.from(await svgToPng(svgDocument(40, 20, '', []), { scale })));
    expect([png.width, png.height]).toEqual([40 * scale, 20 * scale]);
  });

  test.each([0, NaN, 100])('scale %d is refused', async (scale) => {
    await expect(svgToPng(svgDocument(4, 4, '', []), { scale })).rejects.toThrow(/scale/);
  });

  test('text is really drawn', async () => {
    const { data } = PNG.sync.read(
      Buffer.from(await svgToPng(svgDocument(40, 20, '', [text('W', 5, 15)]))),
    );
    expect(data.some((byte, i) => i % 4 === 0 && byte < 80)).toBe(true);
  });

  test('Japanese is drawn in letters, and not in boxes that are all alike', async () => {
    const drawn = async (name: string) =>
      PNG.sync.read(Buffer.from(await svgToPng(svgDocument(40, 20, '', [text(name, 5, 15)]))));
    const pictures = await Promise.all(['犬', '猫', 'ね', 'ネ'].map(drawn));
    const inked = pictures.map(({ data }) => data.toString('base64'));
    expect(new Set(inked).size).toBe(4);
  });
});

describe('text', () => {
  test.each([
    ['validation top-1', false],
    ['Éclair, naïve ÿ', false],
    ['Confusion matrix 0123456789', true],
  ])('the width of "%s" is what the renderer makes of it', (content, bold) => {
    // Between two bars of known places the advance is what separates them, not the ink.
    const fontFiles = ['DejaVuSans', 'DejaVuSans-Bold'].map((name) =>
      require.resolve(`dejavu-fonts-ttf/ttf/${name}.ttf`),
    );
    const measure = (line: string) => {
      const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="900" height="90"><text x="10" y="60" font-size="40" font-family="DejaVu Sans" font-weight="${bold ? 'bold' : 'normal'}">${line}</text></svg>`;
      return new Resvg(svg, { font: { loadSystemFonts: false, fontFiles } }).getBBox()!.width;
    };
    const advance = measure(`l${content}l`) - measure('ll');
    expect(Math.abs(textWidth(content, 40, { bold }) / advance - 1)).toBeLessThan(0.02);
  });

  test('fits by shortening', () => {
    expect(fitText('short', 12, 100)).toBe('short');
    const shorter = fitText('a very long class name', 12, 60);
    expect(shorter).toMatch(/^a very.*…$/);
    expect(textWidth(shorter, 12)).toBeLessThanOrEqual(60);
    expect(fitText('anything', 12, 1)).toBe('');
  });
});

describe('ticks', () => {
  test('enclose the data at round, distinct, evenly spaced values', () => {
    const rng = new Rng(7);
    for (let round = 0; round < 500; round += 1) {
      const low = rng.normal(0, 10 ** rng.uniform(-4, 6));
      const high = low + 10 ** rng.uniform(-3, 6);
      const count = 2 + rng.integer(8);
      const ticks = makeTicks(low, high, { count });
      expect(ticks.low).toBeLessThanOrEqual(low + 1e-6 * (high - low));
      expect(ticks.high).toBeGreaterThanOrEqual(high - 1e-6 * (high - low));
      expect(new Set(ticks.labels).size).toBe(ticks.values.length);
      expect(ticks.values.length).toBeGreaterThanOrEqual(2);
      expect(ticks.values.length).toBeLessThanOrEqual(count + 3);
    }
  });

  test.each<[number, number, TickFormat, string[]]>([
    [0, 1, 'number', ['0', '0.2', '0.4', '0.6', '0.8', '1.0']],
    [0, 1, 'percent', ['0 %', '20 %', '40 %', '60 %', '80 %', '100 %']],
    [1, 3, 'integer', ['1', '2', '3']],
    [1, 1, 'integer', ['0', '1', '2']],
  ])('from %d to %d as %s', (low, high, format, labels) => {
    expect(makeTicks(low, high, { format }).labels).toEqual(labels);
  });

  test('the ticks of a log axis enclose the data, distinct and in order', () => {
    const rng = new Rng(8);
    for (let round = 0; round < 500; round += 1) {
      const low = 10 ** rng.uniform(-9, 9);
      const high = low * 10 ** (round % 5 === 0 ? 0 : rng.uniform(0, 9));
      const count = 2 + rng.integer(8);
      const ticks = makeLogTicks(low, high, count);
      expect(ticks.low).toBeLessThanOrEqual(low);
      expect(ticks.high).toBeGreaterThanOrEqual(high);
      expect(ticks.low).toBeLessThan(ticks.high);
      expect(ticks.values).toEqual([...new Set(ticks.values)].sort((a, b) => a - b));
      expect(new Set(ticks.labels).size).toBe(ticks.values.length);
      expect(ticks.values.length).toBeLessThanOrEqual(Math.max(4, 1.5 * count + 2));
    }
  });

  test.each([
    [64, 4096, 7, ['50', '100', '200', '500', '1000', '2000', '5000']],
    [1, 1000, 3, ['1', '10', '100', '1000']],
    [1, 1e6, 2, ['1', '1000', '1e6']],
    [1, 1e6, 3, ['1', '100', '10000', '1e6']],
    [1, 1e5, 2, ['0.1', '100', '1e5']],
    [0.002, 0.002, 5, ['0.002', '0.005']],
  ])('from %d to %d on a log axis', (low, high, count, labels) => {
    expect(makeLogTicks(low, high, count).labels).toEqual(labels);
  });

  test('the ticks of a log axis start above 0', () => {
    expect(() => makeLogTicks(0, 1)).toThrow();
  });

  test('stay inside limits', () => {
    const { low, high } = makeTicks(0.913, 0.9999, { clampLow: 0, clampHigh: 1 });
    expect([low, high]).toEqual([expect.closeTo(0.9), 1]);
  });
});

describe('resampling', () => {
  test('to the same size changes nothing', () => {
    const grid = { height: 3, width: 4, data: Float32Array.from({ length: 12 }, (_, i) => i * i) };
    for (const interpolation of ['nearest', 'bilinear'] as const) {
      expect([...resampleGrid(grid, { height: 3, width: 4, interpolation }).data]).toEqual([
        ...grid.data,
      ]);
    }
  });

  test('nearest repeats cells, bilinear meets the half-pixel formula', () => {
    const grid = { height: 1, width: 2, data: [0, 1] };
    expect([...resampleGrid(grid, { height: 1, width: 4 }).data]).toEqual([0, 0, 1, 1]);
    const size = { height: 1, width: 4, interpolation: 'bilinear' } as const;
    expect([...resampleGrid(grid, size).data]).toEqual([0, 0.25, 0.75, 1]);
  });

  test('never leaves the range of the values', () => {
    const rng = new Rng(3);
    const grid = {
      height: 5,
      width: 3,
      data: Float64Array.from({ length: 15 }, () => rng.uniform()),
    };
    const { data } = resampleGrid(grid, { height: 17, width: 40, interpolation: 'bilinear' });
    expect(Math.min(...data)).toBeGreaterThanOrEqual(Math.min(...grid.data) - 1e-7);
    expect(Math.max(...data)).toBeLessThanOrEqual(Math.max(...grid.data) + 1e-7);
  });

  test.each([
    [{ height: 0, width: 1, data: [] }, 4],
    [{ height: 1, width: 1, data: [1] }, 0],
    [{ height: 1, width: 1, data: [1] }, 1e9],
  ])('refuses empty and boundless sizes (%#)', (grid, side) => {
    expect(() => resampleGrid(grid, { height: side, width: side })).toThrow(/^Expected/);
  });
});

test.each([
  [1, 1, 1],
  [3, 5, 3],
  [200, 150, 3],
  [65535, 1, 1],
] as const)('a stored PNG of %i × %i × %i reads back', (width, height, channels) => {
  const data = Uint8Array.from(
    { length: width * height * channels },
    (_, i) => (i * 131 + (i >> 8)) % 256,
  );
  const png = PNG.sync.read(Buffer.from(storedPng(makeImage(width, height, channels, data))));
  const back = data.map((_, i) => png.data[4 * Math.floor(i / channels) + (i % channels)]!);
  expect([png.width, png.height]).toEqual([width, height]);
  expect(Buffer.from(back).equals(Buffer.from(data))).toBe(true);
});
