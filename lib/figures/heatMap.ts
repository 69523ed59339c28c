import { assertInteger } from '../core/check.ts';
import { colorBar } from './colorBar.ts';
import type { Colormap } from './colormap.ts';
import { assertGrid, rangeOf } from './grid.ts';
import type { Grid, Range } from './grid.ts';
import { colorize, fitInto, imageNode } from './imagePanel.ts';
import { emptyPanel, figurePng, figureSvg, row } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { resampleGrid } from './resample.ts';
import type { Interpolation } from './resample.ts';
import { element, group } from './svg.ts';
import type { TickFormat } from './ticks.ts';
import { theme } from './theme.ts';

/** What a heat map shows. */
export interface HeatMapOptions extends FigureOptions {
  grid: Grid;
  /** Default viridis. */
  colormap?: Colormap;
  /** The values of the first and the last colour; default the smallest and the largest of the grid. */
  range?: Range;
  /** What the numbers are, with their unit; above the colour bar. */
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
export function heatMapPanel(options: HeatMapOptions): Panel {
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
  const map = framed(
    imageNode(colorize(fine, { colormap, range }), 0, 0, width, height),
    width,
    height,
  );
  const bar = colorBar({
    colormap,
    range,
    height: Math.max(100, Math.min(height, 320)),
    ...(label === undefined ? {} : { label }),
    ...(format === undefined ? {} : { format }),
  });
  return row([map, bar]);
}

/** A picture with a thin line around it. */
export function framed(node: Panel['body'], width: number, height: number): Panel {
  const border = element('rect', {
    x: -0.5,
    y: -0.5,
    width: width + 1,
    height: height + 1,
    fill: 'none',
    stroke: theme.color.grid,
  });
  return { width, height, body: group(0, 0, [node, border]) };
}
