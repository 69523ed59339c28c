// Pictures of a model's layers side by side, maps and images alike, with one colour bar for all maps.

import { assertFields } from '../core/kinds.ts';
import { InputError, expected } from '../core/errors.ts';
import type { RgbImage } from '../core/image.ts';
import { colorBar } from './colorBar.ts';
import { colorize } from './colorize.ts';
import type { Colormap } from './colormap.ts';
import { assertGrid, rangeOf } from './grid.ts';
import type { Grid, Range } from './grid.ts';
import { fitInto, framedImage } from './imagePanel.ts';
import { column, emptyPanel, figurePng, figureSvg, note, row, withHeading } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';

/** One picture: an image, or a map that is drawn in the colours of the sheet. An empty heading takes no space where the row has none. */
export interface LayerTile {
  heading: string;
  image?: RgbImage;
  grid?: Grid;
  /** Quiet words below it. */
  caption?: string;
}

/** The content of a sheet of layers. */
export interface LayerSheetOptions extends FigureOptions {
  tiles: readonly LayerTile[];
  /** Default viridis. */
  colormap?: Colormap;
  /** The values of the first and the last colour; default the smallest and the largest of all maps. */
  range?: Range;
  /** The quantity; above the colour bar. */
  label?: string;
  /** Pictures in a row; default at most 7. */
  columns?: number;
  /** The longer side of a picture in pixels; default 116. */
  side?: number;
  /** A quiet line at the bottom. */
  footer?: string;
}

/** Pictures of layers as PNG bytes. @throws InputError on NaN, naming the cell */
export function layerSheet(options: LayerSheetOptions): Promise<Uint8Array> {
  return figurePng(layerSheetPanel(options), options);
}

/** Pictures of layers as an SVG document. */
export function layerSheetSvg(options: LayerSheetOptions): string {
  return figureSvg(layerSheetPanel(options), options);
}

function layerSheetPanel(options: LayerSheetOptions): Panel {
  assertFields('the sheet of layers', options, {
    tiles: 'list',
    title: 'text?',
    columns: 'count?',
    side: 'count?',
  });
  const { tiles, colormap = 'viridis', label = '', side = 116, footer } = options;
  if (tiles.length === 0) return emptyPanel('no layers');
  tiles.forEach((tile, i) =>
    assertFields(`tiles[${i}]`, tile, {
      heading: 'text',
      image: 'instance?',
      grid: 'instance?',
      caption: 'text?',
    }),
  );
  const grids = tiles.flatMap(({ grid }, i) => {
    if (grid !== undefined) assertGrid(`tiles[${i}].grid`, grid);
    return grid === undefined ? [] : [grid];
  });
  const range = options.range ?? rangeOf(grids);
  const columns = Math.min(options.columns ?? 7, tiles.length);
  const rows: Panel[] = [];
  for (let i = 0; i < tiles.length; i += columns) {
    const own = tiles.slice(i, i + columns);
    const hasHeadings = own.some(({ heading }) => heading !== '');
    const panels = own.map((tile, k) =>
      tilePanel(tile, i + k, { side, colormap, range, hasHeadings }),
    );
    rows.push(row(panels, { gap: 14 }));
  }
  const pictures = column(rows, { gap: 16 });
  const bar = colorBar({ colormap, range, height: Math.max(96, side), label });
  const sheet = grids.length === 0 ? pictures : row([pictures, bar], { gap: 18 });
  return footer === undefined
    ? sheet
    : column([sheet, note(footer, Math.max(sheet.width, 460))], { gap: 14 });
}

function tilePanel(
  { heading, image, grid, caption }: LayerTile,
  index: number,
  {
    side,
    colormap,
    range,
    hasHeadings,
  }: { side: number; colormap: Colormap; range: Range; hasHeadings: boolean },
): Panel {
  const picture = image ?? (grid === undefined ? undefined : colorize(grid, { colormap, range }));
  if (picture === undefined) {
    throw new InputError(expected('an image or a grid', `tiles[${index}]`, 'neither'));
  }
  const { width, height } = fitInto(picture, side);
  const framed = { ...framedImage(picture, width, height), width: side };
  const tile = hasHeadings ? withHeading(heading, framed) : framed;
  return caption === undefined ? tile : column([tile, note(caption, side)], { gap: 4 });
}
