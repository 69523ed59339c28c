// Several maps over one image, side by side.

import { assertInteger } from '../core/check.ts';
import { assertFields } from '../core/kinds.ts';
import type { RgbImage } from '../core/image.ts';
import type { Colormap } from './colormap.ts';
import type { Grid } from './grid.ts';
import { overlayPanel } from './overlay.ts';
import { column, emptyPanel, figurePng, figureSvg, row, withHeading } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import type { Interpolation } from './resample.ts';

/** A map over the image, with its heading. */
export interface NamedMap {
  heading: string;
  map: Grid;
}

/** The content of a sheet of overlays. */
export interface OverlaySheetOptions extends FigureOptions {
  image: RgbImage;
  maps: readonly NamedMap[];
  /** The sentence where there is no map; default "There is nothing to show." */
  empty?: string;
  /** Overlays in a row; default 4. */
  columns?: number;
  /** The longer side of an overlay in pixels; default 200. */
  side?: number;
  colormap?: Colormap;
  interpolation?: Interpolation;
}

/** Maps over one image as PNG bytes, each with its own range of colours. @throws InputError on NaN, naming the cell */
export function overlaySheet(options: OverlaySheetOptions): Promise<Uint8Array> {
  return figurePng(overlaySheetPanel(options), options);
}

/** Maps over one image as an SVG document. */
export function overlaySheetSvg(options: OverlaySheetOptions): string {
  return figureSvg(overlaySheetPanel(options), options);
}

function overlaySheetPanel(options: OverlaySheetOptions): Panel {
  assertFields('the sheet of overlays', options, {
    image: 'instance',
    maps: 'list',
    title: 'text?',
  });
  const { image, maps, columns = 4, side = 200, empty = 'There is nothing to show.' } = options;
  const { colormap = 'inferno', interpolation = 'bilinear' } = options;
  assertInteger('columns', columns, { min: 1, max: 64 });
  if (maps.length === 0) return emptyPanel(empty, 420, 120);
  const panels = maps.map((one, i) => {
    assertFields(`maps[${i}]`, one, { heading: 'text', map: 'instance' });
    const look = { colormap, interpolation, side, legend: false } as const;
    return withHeading(one.heading, overlayPanel({ image, grid: one.map, ...look }));
  });
  const rows: Panel[] = [];
  for (let i = 0; i < panels.length; i += columns) rows.push(row(panels.slice(i, i + columns)));
  return column(rows);
}
