// B104, I16-35: figures of odd sizes, colours and texts.

import {
  colormapBytes,
  heatMap,
  lineChart,
  overlay,
  svgToPng,
  attentionRollout,
} from '../../lib/index.ts';
import { makeImage } from '../../lib/core/image.ts';
import { assertOutput, succeeds } from '../suites/expect.ts';
import { runNode, root } from '../suites/command.ts';
import { shipped, digit } from '../suites/fixtures.ts';
import { gives, throws } from '../suites/inProcess.ts';
import { applied, cases, must } from '../suites/row.ts';
import { readFileSync } from 'node:fs';
import type { Row } from '../suites/row.ts';

const grid = { height: 2, width: 2, data: [0, 1, 2, 3] };
const image = makeImage(8, 8, 3, new Uint8Array(192));
const text = (width: string, height = '9') =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}"></svg>`;

/** The rows on figures. */
export const figureRows: readonly Row[] = [
  ...cases('B104', [
    throws('an unknown colour map', /colormap/, () => heatMap({ grid, colormap: 'jett' } as never)),
    throws('a colour map that every object has', /colormap/, () =>
      heatMap({ grid, colormap: 'constructor' } as never),
    ),
    ...[-0.1, 1.5, NaN].map((opacity) =>
      throws(`an opacity of ${opacity}`, /opacity/, () => overlay({ image, grid, opacity })),
    ),
    ...[0, 1e5, NaN].map((side) =>
      throws(`a picture of ${side} pixels`, /side/, () => overlay({ image, grid, side })),
    ),
    ...[0, -1, 1e5, NaN].map((scale) =>
      throws(`a scale of ${scale}`, /scale/, () => heatMap({ grid, scale } as never)),
    ),
    throws('no colour map', /colormap/, () => colormapBytes(undefined as never)),
    throws('a grid of other sizes than its data', /./, () =>
      heatMap({ grid: { height: 3, width: 2, data: [1] } } as never),
    ),
    throws('a grid with NaN', /./, () =>
      heatMap({ grid: { ...grid, data: [0, NaN, 1, 2] } } as never),
    ),
    throws('a chart of 10⁵ pixels', /width/, () => lineChart({ series: [], width: 1e5 })),
    throws('rollout queries of a wrong type', /queries/, () =>
      attentionRollout([{ shape: [1, 1, 2, 2], data: Float32Array.of(1, 0, 0, 1) }] as never, {
        queries: 'all' as never,
      }),
    ),
  ]),
  ...cases('I16-35', [
    ...(['1000000000', '100%', '-5', 'NaN', '1e9'] as const).map(
      (width) => (id: string) =>
        applied(
          id,
          `svgToPng of an SVG ${width} wide`,
          'our error or a picture; the process lives',
          async (place) => {
            // In a process of its own, which an abort would end.
            const code = `import('${root}dist/lib/index.js').then(async ({ svgToPng }) => {
          try { const png = await svgToPng(${JSON.stringify(text(width))}); console.log('picture', png.length); }
          catch (error) { console.log(error.code, error.message); } });`;
            const ran = await runNode(['--input-type=module', '-e', code], { cwd: place.folder });
            return assertOutput(ran, /(input|unsupported|io) .*\.|picture \d+/);
          },
        ),
    ),
    succeeds(
      'vis of a class name of 20,000 letters, shortened',
      /./,
      (place) => {
        const record = JSON.parse(readFileSync(`${shipped}/config.json`, 'utf8')) as object;
        const classNames = Array.from({ length: 10 }, (_, i) => `${i}${'x'.repeat(20_000)}`);
        place.put('model/config.json', JSON.stringify({ ...record, classNames }));
        place.put('model/model.safetensors', readFileSync(`${shipped}/model.safetensors`));
        return [
          'vis',
          '--backend',
          'cpu',
          '--checkpoint',
          place.path('model'),
          '--image',
          digit(place),
          '--output',
          place.path('x.png'),
        ];
      },
      { seconds: 15 },
    ),
    gives('svgToPng of a small SVG', 'a PNG', async () => {
      const png = await svgToPng(text('9'));
      must(png[1] === 0x50, 'no PNG');
      return `${png.length} bytes`;
    }),
  ]),
];
