// A heat map over an image, with its colour bar.

import { assertFields } from '../core/kinds.ts';
import { assertInteger } from '../core/check.ts';
import type { RgbImage } from '../core/image.ts';
import { withColorBar } from './colorBar.ts';
import { blend } from './colorize.ts';
import type { Colormap } from './colormap.ts';
import { assertGrid, rangeOf } from './grid.ts';
import type { Grid, Range } from './grid.ts';
import { fitInto, framedImage } from './imagePanel.ts';
import { emptyPanel, figurePng, figureSvg } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import type { Interpolation } from './resample.ts';
import type { TickFormat } from './ticks.ts';

/** The content of an overlay. */
export interface OverlayOptions extends FigureOptions {
  image: RgbImage;
  /** A map over the whole image, of any size, for example one value a patch. */
  grid: Grid;
  /** Default inferno: its dark end lets the image through. */
  colormap?: Colormap;
  /** Default: the smallest and the largest value of the grid. */
  range?: Range;
  /** Weight of the map, 0 … 1; default 0.6. Two numbers: where the map is weakest and where it is strongest. */
  opacity?: number | readonly [weakest: number, strongest: number];
  /** true: the map is weakest at the middle of the range, for values of both signs; default false. */
  centred?: boolean;
  /** The interpolation that enlarges the map to the image; default bilinear. */
  interpolation?: Interpolation;
  /** The longer side of the picture in pixels; default 320. */
  side?: number;
  /** The quantity; above the colour bar. */
  label?: string;
  format?: TickFormat;
  /** false: without the colour bar. */
  legend?: boolean;
}

/**
 * A heat map over an image, as PNG bytes. The image is shown in grey so that all colour is the map's.
 *
 * @throws InputError on NaN in the grid, naming the cell
 */
export function overlay(options: OverlayOptions): Promise<Uint8Array> {
  return figurePng(overlayPanel(options), options);
}

/** A heat map over an image, as an SVG document. */
export function overlaySvg(options: OverlayOptions): string {
  return figureSvg(overlayPanel(options), options);
}

/** A heat map over an image, without a title. */
export function overlayPanel(options: OverlayOptions): Panel {
  assertFields('the overlay', options, { image: 'instance', grid: 'instance', title: 'text?' });
  const {
    image,
    grid,
    colormap = 'inferno',
    opacity = 0.6,
    interpolation = 'bilinear',
    side = 320,
  } = options;
  const { label, format, legend = true, centred = false } = options;
  assertInteger('side', side, { min: 8, max: 8192 });
  assertGrid('grid', grid);
  if (grid.data.length === 0 || image.data.length === 0)
    return emptyPanel('no data', side, side / 2);
  const range = options.range ?? rangeOf([grid]);
  const { width, height } = fitInto(image, side);
  const picture = blend(image, grid, {
    width,
    height,
    colormap,
    range,
    interpolation,
    opacity,
    centred,
  });
  const map = framedImage(picture, width, height);
  return legend ? withColorBar(map, { colormap, range, label, format }) : map;
}
