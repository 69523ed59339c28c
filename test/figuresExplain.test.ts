import { blend } from '../lib/figures/colorize.ts';
import { colorAt } from '../lib/figures/colormap.ts';
import { darkSvg } from '../lib/figures/darkSvg.ts';
import { explanationSheetSvg } from '../lib/figures/explanationSheet.ts';
import { positionSheetSvg } from '../lib/figures/positionSheet.ts';
import { theme } from '../lib/figures/theme.ts';
import { waterfallSvg } from '../lib/figures/waterfall.ts';
import { makeImage } from '../lib/core/image.ts';

const image = makeImage(6, 4, 3, new Uint8Array(72).fill(200));
const map = { height: 2, width: 3, data: [0, 1, 2, 3, 4, 5] };

test('a sheet has the input, the map, and an overlay for each class, in the proportions of the image', () => {
  const svg = explanationSheetSvg({
    image,
    classes: [
      { heading: 'For <cat>', map },
      { heading: 'And for dog', map },
    ],
    bars: [{ label: 'cat', value: 0.9, strong: true }],
    ledger: { parts: [{ label: 'patches', value: 1.5 }], total: { label: 'logit', value: 1.5 } },
    footer: 'a model',
  });
  for (const said of [
    'Input',
    'Map, patch by patch',
    'For &lt;cat&gt;',
    'And for dog',
    'a model',
  ]) {
    expect(svg).toContain(said);
  }
  const sizes = [...svg.matchAll(/<image [^>]*width="(\d+)" height="(\d+)"/g)].map((found) =>
    found.slice(1).map(Number),
  );
  // Four pictures of 3 : 2, and the colour bar.
  expect(sizes.filter(([w, h]) => w === 208 && h === 139)).toHaveLength(4);
});

test('a waterfall ends at its total, and refuses what is not finite', () => {
  const parts = [
    { label: 'up', value: 3 },
    { label: 'down', value: -1 },
  ];
  const svg = waterfallSvg({ parts, total: { label: 'sum', value: 2 }, width: 400 });
  for (const said of ['+3.000', '−1.000', '>2.000<']) expect(svg).toContain(said);
  const bars = [...svg.matchAll(/<rect x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/g)]
    .slice(1)
    .map(([, x, width]) => [Number(x), Number(x) + Number(width)]);
  expect(bars).toHaveLength(3);
  expect(bars[1]![1]).toBeCloseTo(bars[0]![1]!, 2);
  expect(bars[1]![0]).toBeCloseTo(bars[2]![1]!, 2);
  const bad = { parts: [{ label: 'x', value: NaN }], total: { label: 'sum', value: 0 } };
  expect(() => waterfallSvg(bad)).toThrow(/a finite number for part "x"/);
});

test('an overlay may grow with the value, from the middle for values of both signs', () => {
  const two = { height: 1, width: 3, data: [-1, 0, 1] };
  const wide = makeImage(3, 1, 1, Uint8Array.of(0, 0, 0));
  const options = { width: 3, height: 1, range: [-1, 1], interpolation: 'nearest' } as const;
  const { data } = blend(wide, two, {
    ...options,
    colormap: 'jet',
    opacity: [0, 1],
    centred: true,
  });
  expect([...data.slice(0, 3)]).toEqual([...colorAt('jet', 0)]);
  expect(Math.max(...data.slice(3, 6))).toBeLessThan(3);
  expect([...data.slice(6)]).toEqual([...colorAt('jet', 1)]);
});

test('jet goes from dark blue through green to dark red', () => {
  expect(colorAt('jet', 0)).toEqual([0, 0, 128]);
  expect(colorAt('jet', 0.5)[1]).toBe(255);
  expect(colorAt('jet', 1)).toEqual([128, 0, 0]);
});

test('the dark form has none of the light colours, and the same pictures', () => {
  const matrix = { height: 6, width: 6, data: Array.from({ length: 36 }, (_, i) => i / 36) };
  const svg = positionSheetSvg({ matrix, gridSize: [2, 3], title: 'T' });
  const dark = darkSvg(svg);
  expect(dark).not.toContain(`"${theme.color.background}"`);
  expect(dark).not.toContain(`"${theme.color.text}"`);
  expect(dark.match(/href="[^"]+"/g)).toEqual(svg.match(/href="[^"]+"/g));
  expect(svg.match(/<image /g)).toHaveLength(7);
  expect(() => positionSheetSvg({ matrix, gridSize: [2, 2] })).toThrow(/\[4, 4\] for matrix/);
});
