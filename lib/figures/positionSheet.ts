// The figure of a position embedding: for each patch its similarity with every patch, at the patch's place.

import { assertFields } from '../core/kinds.ts';
import { ShapeError, expected } from '../core/errors.ts';
import { colorBar } from './colorBar.ts';
import { colorize } from './colorize.ts';
import type { Colormap } from './colormap.ts';
import { assertGrid, rangeOf } from './grid.ts';
import type { Grid, Range } from './grid.ts';
import { frame, imageNode } from './imagePanel.ts';
import { figurePng, figureSvg, row } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { group, text } from './svg.ts';
import type { SvgNode } from './svg.ts';
import { theme } from './theme.ts';

/** The content of a position sheet. */
export interface PositionSheetOptions extends FigureOptions {
  /** Cosines between all pairs of patches, [P, P]. */
  matrix: Grid;
  /** Rows and columns of patches. */
  gridSize: readonly [rows: number, columns: number];
  /** Default viridis. */
  colormap?: Colormap;
  /** The values of the first and the last colour; default from the smallest value, at most 0, to 1. */
  range?: Range;
  /** The longer side of all maps together in pixels; default 620. */
  side?: number;
}

/** The similarity of position embeddings as PNG bytes. @throws ShapeError if the matrix is not [P, P] */
export function positionSheet(options: PositionSheetOptions): Promise<Uint8Array> {
  return figurePng(positionSheetPanel(options), options);
}

/** The similarity of position embeddings as an SVG document. */
export function positionSheetSvg(options: PositionSheetOptions): string {
  return figureSvg(positionSheetPanel(options), options);
}

function positionSheetPanel(options: PositionSheetOptions): Panel {
  assertFields('the position sheet', options, { matrix: 'instance', gridSize: 'list' });
  const { matrix, gridSize, colormap = 'viridis', side = 620 } = options;
  assertGrid('matrix', matrix);
  const [rows, columns] = gridSize;
  const patches = rows * columns;
  if (matrix.height !== patches || matrix.width !== patches) {
    throw new ShapeError(
      expected(`[${patches}, ${patches}]`, 'matrix', [matrix.height, matrix.width]),
    );
  }
  const range: Range = options.range ?? [Math.min(0, rangeOf([matrix])[0]), 1];
  const pitch = side / Math.max(rows, columns);
  const between = Math.max(2, Math.min(8, pitch * 0.08));
  const cell = pitch - between;
  const scale = cell / Math.max(rows, columns);
  const [width, height] = [columns * scale, rows * scale];
  const [left, top] = [34, 34];
  const label = { size: theme.size.tick, color: theme.color.muted };
  const nodes: SvgNode[] = [];
  const every = Math.max(1, Math.ceil(26 / (width + between)));
  for (let r = 0; r < rows; r += 1) {
    for (let c = 0; c < columns; c += 1) {
      const from = (r * columns + c) * patches;
      const data = Array.prototype.slice.call(matrix.data, from, from + patches) as number[];
      const map = colorize({ height: rows, width: columns, data }, { colormap, range });
      const [x, y] = [left + c * (width + between), top + r * (height + between)];
      nodes.push(group(x, y, [imageNode(map, 0, 0, width, height), frame(width, height)]));
    }
  }
  for (let c = 0; c < columns; c += every) {
    const middle = left + c * (width + between) + width / 2;
    nodes.push(text(String(c + 1), middle, top - 6, { ...label, anchor: 'middle' }));
  }
  for (let r = 0; r < rows; r += every) {
    const middle = top + r * (height + between) + height / 2;
    nodes.push(text(String(r + 1), left - 7, middle, { ...label, anchor: 'end', centred: true }));
  }
  const whole = [columns * (width + between) - between, rows * (height + between) - between];
  nodes.push(
    text('column of the patch', left + whole[0]! / 2, 11, { ...label, anchor: 'middle' }),
    text('row of the patch', 11, top + whole[1]! / 2, {
      ...label,
      anchor: 'middle',
      rotateDegrees: -90,
    }),
  );
  const size = { width: left + whole[0]!, height: top + whole[1]! };
  const maps = { ...size, body: group(0, 0, nodes) };
  const barHeight = Math.max(120, Math.min(size.height, 320));
  return row([maps, colorBar({ colormap, range, height: barHeight, label: 'cosine' })], {
    gap: 16,
  });
}
