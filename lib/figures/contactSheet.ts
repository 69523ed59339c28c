// A contact sheet: images in rows, each with a title.

import { assertFields } from '../core/kinds.ts';
import { assertInteger } from '../core/check.ts';
import type { RgbImage } from '../core/image.ts';
import { fitInto, framedImage } from './imagePanel.ts';
import { column, emptyPanel, figurePng, figureSvg, note, row } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { group, text } from './svg.ts';
import { fitText } from './textWidth.ts';
import { theme } from './theme.ts';

/** One picture of a contact sheet. */
export interface Tile {
  image: RgbImage;
  title?: string;
  /** Colours the title, for example a wrong prediction. */
  tone?: 'plain' | 'right' | 'wrong';
  /** Quiet lines below the picture, broken where they are wider than it. */
  captions?: readonly string[];
}

/** The content of a contact sheet. */
export interface ContactSheetOptions extends FigureOptions {
  tiles: readonly Tile[];
  /** Tiles in a row; default: as many as make the sheet about as wide as it is high, at most 12. */
  columns?: number;
  /** The longer side of a tile's picture in pixels; default 96. */
  side?: number;
}

/** Images in rows, each with its title, as PNG bytes. */
export function contactSheet(options: ContactSheetOptions): Promise<Uint8Array> {
  return figurePng(contactSheetPanel(options), options);
}

/** Images in rows as an SVG document. */
export function contactSheetSvg(options: ContactSheetOptions): string {
  return figureSvg(contactSheetPanel(options), options);
}

/** Images in rows without the sheet's title. Images keep their proportions and stand in the middle of their tiles. */
function contactSheetPanel(given: ContactSheetOptions): Panel {
  assertFields('the contact sheet', given, { tiles: 'list', title: 'text?' });
  const { tiles, side = 96, ...options } = given;
  const columns = options.columns ?? Math.min(12, Math.max(1, Math.ceil(Math.sqrt(tiles.length))));
  given.tiles.forEach((tile, i) =>
    assertFields(`tiles[${i}]`, tile, { title: 'text?', captions: 'list?' }),
  );
  assertInteger('columns', columns, { min: 1, max: 256 });
  assertInteger('side', side, { min: 8, max: 4096 });
  if (tiles.length === 0) return emptyPanel('no images');
  const hasTitles = tiles.some(({ title }) => title !== undefined && title !== '');
  const height = Math.max(24, ...tiles.map(({ image }) => fitInto(image, side).height));
  const rows: Panel[] = [];
  for (let i = 0; i < tiles.length; i += columns) {
    rows.push(
      row(
        tiles.slice(i, i + columns).map((tile) => tilePanel(tile, side, height, hasTitles)),
        { gap: 10 },
      ),
    );
  }
  return column(rows, { gap: 10 });
}

function tilePanel(
  { image, title = '', tone = 'plain', captions = [] }: Tile,
  side: number,
  boxHeight: number,
  hasTitles: boolean,
): Panel {
  const size = theme.size.tick;
  const lineHeight = hasTitles ? size + 7 : 0;
  const { width, height } = fitInto(image, side);
  const picture =
    image.data.length === 0
      ? emptyPanel('empty', side, boxHeight)
      : framedImage(image, width, height);
  const color = tone === 'plain' ? theme.color.text : theme.color[tone];
  const label = text(fitText(title, size, side), side / 2, size, { size, color, anchor: 'middle' });
  const placed = group((side - picture.width) / 2, lineHeight + (boxHeight - picture.height) / 2, [
    picture.body,
  ]);
  const tile = {
    width: side,
    height: boxHeight + lineHeight,
    body: group(0, 0, title === '' ? [placed] : [label, placed]),
  };
  return captions.length === 0
    ? tile
    : column([tile, ...captions.map((line) => note(line, side))], { gap: 2 });
}
