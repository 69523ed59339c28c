// Feature maps as a sheet of small pictures, each with its own range of colours.

import { assertInteger } from '../core/check.ts';
import { assertFields } from '../core/kinds.ts';
import { colorize } from './colorize.ts';
import type { Colormap } from './colormap.ts';
import { assertGrid, rangeOf } from './grid.ts';
import type { Grid } from './grid.ts';
import { fitInto, framedImage } from './imagePanel.ts';
import { column, emptyPanel, figurePng, figureSvg, note, row, withHeading } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';

/** Maps that belong together, under a heading. */
export interface FeatureGroup {
  heading?: string;
  /** The maps, in the order of rows. */
  maps: readonly Grid[];
  /** A quiet line below. */
  note?: string;
}

/** The content of a sheet of feature maps. */
export interface FeatureSheetOptions extends FigureOptions {
  groups: readonly FeatureGroup[];
  /** Maps in a row of a group; default 8. */
  columns?: number;
  /** Groups in a row; default all of them. */
  across?: number;
  /** The longer side of a map in pixels; default 56. */
  side?: number;
  /** Default viridis. */
  colormap?: Colormap;
}

/** Feature maps as PNG bytes. @throws InputError on NaN, naming the cell */
export function featureSheet(options: FeatureSheetOptions): Promise<Uint8Array> {
  return figurePng(featurePanel(options), options);
}

/** Feature maps as an SVG document. */
export function featureSheetSvg(options: FeatureSheetOptions): string {
  return figureSvg(featurePanel(options), options);
}

function featurePanel(options: FeatureSheetOptions): Panel {
  assertFields('the feature sheet', options, { groups: 'list', title: 'text?' });
  const { groups, columns = 8, side = 56, colormap = 'viridis' } = options;
  const { across = Math.max(1, groups.length) } = options;
  assertInteger('columns', columns, { min: 1, max: 256 });
  assertInteger('across', across, { min: 1, max: 256 });
  assertInteger('side', side, { min: 4, max: 4096 });
  groups.forEach((group, i) => assertFields(`groups[${i}]`, group, { maps: 'list' }));
  const panels = groups.map(({ heading, maps, note: below }) => {
    const tiles = maps.map((map, i) => tile(map, `map ${i}`, { side, colormap }));
    const rows: Panel[] = [];
    for (let i = 0; i < tiles.length; i += columns) {
      rows.push(row(tiles.slice(i, i + columns), { gap: 4 }));
    }
    const sheet = rows.length === 0 ? emptyPanel('no maps', side, side) : column(rows, { gap: 4 });
    const shown =
      below === undefined ? sheet : column([sheet, note(below, sheet.width)], { gap: 4 });
    return heading === undefined ? shown : withHeading(heading, shown);
  });
  const lines: Panel[] = [];
  for (let i = 0; i < panels.length; i += across) lines.push(row(panels.slice(i, i + across)));
  return lines.length === 0 ? emptyPanel('no maps') : column(lines);
}

function tile(map: Grid, name: string, about: { side: number; colormap: Colormap }): Panel {
  assertGrid(name, map);
  const { width, height } = fitInto(map, about.side);
  const picture = colorize(map, { colormap: about.colormap, range: rangeOf([map]) });
  return framedImage(picture, width, height);
}
