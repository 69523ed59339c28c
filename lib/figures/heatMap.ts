// A heat map with its colour bar.

import { assertFields } from '../core/kinds.ts';
import { assertInteger } from '../core/check.ts';
import { withColorBar } from './colorBar.ts';
import { colorize } from './colorize.ts';
import type { Colormap } from './colormap.ts';
import { assertGrid, rangeOf } from './grid.ts';
import type { Grid, Range } from './grid.ts';
import { fitInto, framedImage } from './imagePanel.ts';
import { emptyPanel, figurePng, figureSvg } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { resampleGrid } from './resample.ts';
import type { Interpolation } from './resample.ts';
import type { TickFormat } from './ticks.ts';

/** The content of a heat map. */
export interface HeatMapOptions extends FigureOptions {
  grid: Grid;
  /** Default viridis. */
  colormap?: Colormap;
  /** The values of the first and the last colour; default the smallest and the largest of the grid. */
  range?: Range;
  /** The quantity with its unit; above the colour bar. */
  label?: string;
  format?: TickFormat;
  interpolation?: Interpolation;
  /** The longer side of the map in pixels; default 320. Proportions are those of the grid. */
  side?: number;
}

/** A matrix as colours with a colour bar, as PNG bytes. @throws InputError on NaN, naming the cell */
export function heatMap(options: HeatMapOptions): Promise<Uint8Array> {
  return figurePng(heatMapPanel(options), options);
}

/** A heat map as an SVG document. */
export function heatMapSvg(options: HeatMapOptions): string {
  return figureSvg(heatMapPanel(options), options);
}

/** A heat map with its colour bar, without a title. A constant matrix is one colour and the bar shows its one value. */
function heatMapPanel(options: HeatMapOptions): Panel {
  assertFields('the heat map', options, { grid: 'instance', title: 'text?' });
  const {
    grid,
    colormap = 'viridis',
    side = 320,
    interpolation = 'nearest',
    label,
    format,
  } = options;
  assertInteger('side', side, { min: 8, max: 8192 });
  assertGrid('grid', grid);
  if (grid.data.length === 0) return emptyPanel('no data', side, Math.min(side, 120));
  const range = options.range ?? rangeOf([grid]);
  const { width, height } = fitInto(grid, side);
  const fine =
    interpolation === 'nearest' ? grid : resampleGrid(grid, { width, height, interpolation });
  const map = framedImage(colorize(fine, { colormap, range }), width, height);
  return withColorBar(map, { colormap, range, label, format });
}
