// The figure of an explanation, as papers print it: input, map, overlay, and the same for a second class.

import { assertFields } from '../core/kinds.ts';
import type { RgbImage } from '../core/image.ts';
import { barChartPanel } from './barChart.ts';
import type { Bar } from './barChart.ts';
import { colorBar } from './colorBar.ts';
import { colorize } from './colorize.ts';
import type { Colormap } from './colormap.ts';
import { assertGrid, rangeOf } from './grid.ts';
import type { Grid, Range } from './grid.ts';
import { fitInto, framedImage } from './imagePanel.ts';
import { overlayPanel } from './overlay.ts';
import { column, figurePng, figureSvg, note, row, withHeading } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { resampleGrid } from './resample.ts';
import type { Interpolation } from './resample.ts';
import { waterfallPanel } from './waterfall.ts';
import type { WaterfallPart } from './waterfall.ts';

/** One class that is explained. */
export interface ExplainedClass {
  /** Above its pictures: "7 (99.8 %)". */
  heading: string;
  map: Grid;
}

/** The content of an explanation sheet. */
export interface ExplanationSheetOptions extends FigureOptions {
  /** The input as a person sees it. */
  image: RgbImage;
  /** The explained class, then others whose overlays stand beside it. */
  classes: readonly ExplainedClass[];
  /** Whether values below 0 speak against a class: colours then are symmetric around 0. */
  signed?: boolean;
  /** Default inferno; blueRed for signed maps. */
  colormap?: Colormap;
  /** How the overlays enlarge the map; default bilinear. The map itself always shows its patches. */
  interpolation?: Interpolation;
  /** The prediction, one bar a class. */
  bars?: readonly Bar[];
  /** The ledger of the first class: parts that add up to its logit. */
  ledger?: { parts: readonly WaterfallPart[]; total: WaterfallPart };
  /** The quantity; above the colour bar. */
  label?: string;
  /** A quiet line at the bottom. */
  footer?: string;
}

const side = 208;
const gap = 22;

/** An explanation as PNG bytes. @throws InputError on NaN, naming the cell */
export function explanationSheet(options: ExplanationSheetOptions): Promise<Uint8Array> {
  return figurePng(explanationSheetPanel(options), options);
}

/** An explanation as an SVG document. */
export function explanationSheetSvg(options: ExplanationSheetOptions): string {
  return figureSvg(explanationSheetPanel(options), options);
}

function explanationSheetPanel(options: ExplanationSheetOptions): Panel {
  assertFields('the explanation sheet', options, { image: 'instance', classes: 'list' });
  const {
    image,
    classes,
    signed = false,
    interpolation = 'bilinear',
    label = 'relevance',
  } = options;
  classes.forEach(({ map }, i) => assertGrid(`classes[${i}].map`, map));
  const { colormap = signed ? 'blueRed' : 'inferno' } = options;
  const { width, height } = fitInto(image, side);
  const ranges = classes.map(({ map }) => rangeFor(map, signed));
  const panels = [withHeading('Input', framedImage(image, width, height))];
  classes.forEach(({ heading, map }, i) => {
    const range = ranges[i]!;
    if (i === 0) {
      const fine = resampleGrid(map, { width, height });
      const picture = framedImage(colorize(fine, { colormap, range }), width, height);
      const bar = colorBar({ colormap, range, height: Math.max(96, height), label });
      panels.push(withHeading('Map, patch by patch', row([picture, bar])));
    }
    const opacity = signed ? ([0.05, 0.9] as const) : ([0.45, 0.88] as const);
    const look = { colormap, range, interpolation, opacity, centred: signed, side, legend: false };
    panels.push(withHeading(heading, overlayPanel({ image, grid: map, ...look })));
  });
  const rows = [row(panels, { gap })];
  const { bars = [], ledger, footer } = options;
  const below: Panel[] = [];
  if (bars.length > 0) {
    below.push(withHeading('Prediction', barChartPanel({ bars, width: 300, barHeight: 20 })));
  }
  if (ledger !== undefined) {
    below.push(
      withHeading('Where the logit comes from', waterfallPanel({ ...ledger, width: 430 })),
    );
  }
  if (below.length > 0) rows.push(row(below, { gap: 40 }));
  const sheet = column(rows, { gap: 20 });
  return footer === undefined
    ? sheet
    : column([sheet, note(footer, Math.max(sheet.width, 460))], { gap: 14 });
}

// From 0 or the smallest value to the largest; symmetric for signed maps.
function rangeFor(map: Grid, signed: boolean): Range {
  const [low, high] = rangeOf([map]);
  if (!signed) return [low > 0 && low > 0.5 * high ? low : Math.min(0, low), high];
  const size = Math.max(Math.abs(low), Math.abs(high));
  return [-size, size];
}
