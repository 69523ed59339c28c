// Matrices as pixels: a heat map, and a heat map laid over an image.

import { assertInteger, assertNumber } from '../core/check.ts';
import { makeImage } from '../core/image.ts';
import type { RgbImage } from '../core/image.ts';
import { colormapBytes } from './colormap.ts';
import type { Colormap } from './colormap.ts';
import { assertGrid, fractionIn } from './grid.ts';
import type { Grid, Range } from './grid.ts';
import { resampleGrid } from './resample.ts';
import type { Interpolation } from './resample.ts';

/**
 * The grid's values as colours, one pixel a cell: colour = map(((value − low) / (high − low))^gamma).
 *
 * @param options.gamma  below 1 spreads small values; default 1, linear
 * @throws InputError on NaN, ShapeError on a wrong number of values
 */
export function colorize(
  grid: Grid,
  { colormap, range, gamma = 1 }: { colormap: Colormap; range: Range; gamma?: number },
): RgbImage {
  assertGrid('grid', grid);
  assertNumber('gamma', gamma, { min: 0.1, max: 10 });
  const colors = colormapBytes(colormap);
  const data = new Uint8Array(grid.height * grid.width * 3);
  for (let i = 0; i < grid.data.length; i += 1) {
    const from = 3 * Math.round(255 * fractionIn(range, grid.data[i]!) ** gamma);
    for (let c = 0; c < 3; c += 1) data[3 * i + c] = colors[from + c]!;
  }
  return makeImage(grid.width, grid.height, 3, data);
}

/**
 * A heat map laid over an image: pixel = (1 − opacity) · `backdrop` of the image + opacity · colour of the map.
 *
 * The image is enlarged to width × height by nearest neighbour and turned grey, so that all colour is the map's. The map is
 * resampled to the same pixels (`resampleGrid`): cell (r, c) of an h × w map covers rows r·height/h … and columns c·width/w ….
 *
 * @param options.opacity  weight of the map, 0 … 1; default 0.6. Two numbers: where the map is weakest and where it is strongest, that is
 *                         farthest from the smallest value, or from the middle of the range with `centred`
 */
export function blend(
  image: RgbImage,
  grid: Grid,
  options: {
    width: number;
    height: number;
    colormap: Colormap;
    range: Range;
    interpolation?: Interpolation;
    opacity?: number | readonly [weakest: number, strongest: number];
    centred?: boolean;
  },
): RgbImage {
  const { width, height, colormap, range, interpolation = 'bilinear', opacity = 0.6 } = options;
  const [weakest, strongest] = typeof opacity === 'number' ? [opacity, opacity] : opacity;
  assertGrid('grid', grid);
  assertInteger('image width', image.width, { min: 1 });
  assertInteger('image height', image.height, { min: 1 });
  assertNumber('opacity', weakest, { min: 0, max: 1 });
  assertNumber('opacity', strongest, { min: 0, max: 1 });
  const fine = resampleGrid(grid, { width, height, interpolation });
  const heat = colorize(fine, { colormap, range });
  const gray = backdrop(image).data;
  for (let y = 0; y < height; y += 1) {
    const sourceRow = Math.floor(((y + 0.5) * image.height) / height) * image.width;
    for (let x = 0; x < width; x += 1) {
      const below = gray[sourceRow + Math.floor(((x + 0.5) * image.width) / width)]!;
      const at = 3 * (y * width + x);
      const fraction = fractionIn(range, fine.data[y * width + x]!);
      const strength = options.centred === true ? Math.abs(2 * fraction - 1) : fraction;
      const weight = weakest + (strongest - weakest) * strength;
      for (let c = 0; c < 3; c += 1) {
        heat.data[at + c] = Math.round((1 - weight) * below + weight * heat.data[at + c]!);
      }
    }
  }
  return heat;
}

/**
 * An image as it lies under a heat map: grey, so that all colour is the map's.
 *
 * A light image is darkened to a mean of 0.35 · 255, since white would wash the colours out.
 */
export function backdrop(image: RgbImage): RgbImage {
  const { width, height } = image;
  const gray = Float64Array.from({ length: width * height }, (_, pixel) => grayAt(image, pixel));
  const mean = gray.reduce((sum, value) => sum + value, 0) / gray.length;
  const strength = Math.min(1, (0.35 * 255) / mean);
  return makeImage(
    width,
    height,
    1,
    Uint8Array.from(gray, (value) => Math.round(value * strength)),
  );
}

// Rec. 601 luma, as PIL's convert('L').
function grayAt({ channels, data }: RgbImage, pixel: number): number {
  if (channels === 1) return data[pixel]!;
  const i = 3 * pixel;
  return 0.299 * data[i]! + 0.587 * data[i + 1]! + 0.114 * data[i + 2]!;
}
