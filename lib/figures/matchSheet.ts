// Two images side by side, and lines from patches of the first to the most similar patches of the second.

import { assertFields } from '../core/kinds.ts';
import { InputError, expected } from '../core/errors.ts';
import type { RgbImage } from '../core/image.ts';
import { colormapBytes } from './colormap.ts';
import { fitInto, frame, imageNode } from './imagePanel.ts';
import { emptyPanel, figurePng, figureSvg } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { element, group, line } from './svg.ts';
import type { SvgNode } from './svg.ts';

/** A patch of the first image and the patch of the second that is most like it, by number, row by row. */
export interface PatchMatch {
  from: number;
  to: number;
  /** Its cosine; strong matches are drawn last. */
  cosine: number;
}

/** The content of a sheet of matches. */
export interface MatchSheetOptions extends FigureOptions {
  images: readonly [RgbImage, RgbImage];
  /** Rows and columns of patches, the same of both images. */
  gridSize: readonly [rows: number, columns: number];
  matches: readonly PatchMatch[];
  /** The longer side of each image in pixels; default 300. */
  side?: number;
}

/** Matches between the patches of two images as PNG bytes. @throws InputError for a patch that there is not */
export function matchSheet(options: MatchSheetOptions): Promise<Uint8Array> {
  return figurePng(matchSheetPanel(options), options);
}

/** Matches between the patches of two images as an SVG document. */
export function matchSheetSvg(options: MatchSheetOptions): string {
  return figureSvg(matchSheetPanel(options), options);
}

function matchSheetPanel(options: MatchSheetOptions): Panel {
  assertFields('the sheet of matches', options, {
    images: 'list',
    gridSize: 'list',
    matches: 'list',
    title: 'text?',
  });
  const { images, gridSize, matches, side = 300 } = options;
  if (images.length !== 2) throw new InputError(expected('2', 'images', images.length));
  const [rows, columns] = gridSize;
  const sizes = images.map((image) => fitInto(image, side));
  if (matches.length === 0) return emptyPanel('no matches', 2 * side, side);
  const gap = 90;
  const lefts = [0, sizes[0]!.width + gap];
  const nodes: SvgNode[] = images.flatMap((image, i) => {
    const { width, height } = sizes[i]!;
    return [
      imageNode(image, lefts[i]!, 0, width, height),
      group(lefts[i]!, 0, [frame(width, height)]),
    ];
  });
  const centre = (image: 0 | 1, patch: number): [number, number] => {
    if (!Number.isInteger(patch) || patch < 0 || patch >= rows * columns) {
      const what = `a patch from 0 to ${rows * columns - 1}`;
      throw new InputError(expected(what, 'matches', patch));
    }
    const { width, height } = sizes[image]!;
    return [
      lefts[image]! + (((patch % columns) + 0.5) / columns) * width,
      ((Math.floor(patch / columns) + 0.5) / rows) * height,
    ];
  };
  for (const { from, to } of [...matches].sort((a, b) => a.cosine - b.cosine)) {
    const [start, end] = [centre(0, from), centre(1, to)];
    // A line's colour says where in the first image it begins, from top to bottom.
    const stroke = colorOf(from / (rows * columns - 1 || 1));
    nodes.push(
      line(start, end, { stroke, 'stroke-width': 1.5, 'stroke-opacity': 0.85 }),
      ...[start, end].map(([cx, cy]) =>
        element('circle', { cx, cy, r: 3.5, fill: stroke, stroke: '#ffffff' }),
      ),
    );
  }
  const height = Math.max(...sizes.map((size) => size.height));
  return { width: lefts[1]! + sizes[1]!.width, height, body: group(0, 0, nodes) };
}

function colorOf(fraction: number): string {
  const bytes = colormapBytes('viridis');
  const at = 3 * Math.round(30 + 215 * fraction);
  return `#${[0, 1, 2].map((c) => bytes[at + c]!.toString(16).padStart(2, '0')).join('')}`;
}
