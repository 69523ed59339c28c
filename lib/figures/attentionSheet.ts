// The figure of one image: prediction, attention rollout, and the attention of every layer and head.

import { assertInteger } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
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
import { column, emptyPanel, figurePng, figureSvg, withHeading, note, row } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { group, text } from './svg.ts';
import type { SvgNode } from './svg.ts';
import { theme } from './theme.ts';

/** The content of an attention sheet. */
export interface AttentionSheetOptions extends FigureOptions {
  /** The input as a person sees it, not normalised. */
  image: RgbImage;
  /** maps[layer][head]: attention on each patch; all of one size. */
  maps: readonly (readonly Grid[])[];
  /** Attention rolled out over all layers, one value a patch. */
  rollout: Grid;
  /** The prediction, one bar a class. */
  bars: readonly Bar[];
  /** Above the bars; default "Prediction". */
  barsHeading?: string;
  /** Above the maps; default "Attention of the class token". */
  mapsHeading?: string;
  /** Default viridis. */
  colormap?: Colormap;
  /**
   * shared: one colour range for all maps, from 0 to the largest value, so that maps can be compared. Colours follow the square
   * root, or one sharp head would leave all others dark. perMap: each map from its own smallest to its own largest value, which
   * shows its shape but hides that a head is nearly uniform.
   */
  contrast?: 'shared' | 'perMap';
}

const side = 208;
const gap = 5;
const ownScale =
  'Each map is stretched from its smallest to its largest value: colours of two maps cannot be compared.';

/**
 * One picture of what a model attends to, as PNG bytes: the input, its prediction, the rollout over the input, and the attention
 * of the class token in every layer and head.
 *
 * @throws InputError on NaN, naming the cell, and if layers differ in their number of heads
 */
export function attentionSheet(options: AttentionSheetOptions): Promise<Uint8Array> {
  return figurePng(attentionSheetPanel(options), options);
}

/** The same picture as an SVG document. */
export function attentionSheetSvg(options: AttentionSheetOptions): string {
  return figureSvg(attentionSheetPanel(options), options);
}

/** The sheet without its title. */
function attentionSheetPanel(options: AttentionSheetOptions): Panel {
  const { image, rollout, bars } = options;
  const { width, height } = fitInto(image, side);
  const input = framedImage(image, width, height);
  const rolled = overlayPanel({
    image,
    grid: rollout,
    side,
    colormap: 'inferno',
    format: 'percent',
    label: 'share of attention',
  });
  const top = row(
    [
      withHeading('Input', input),
      withHeading('Attention rollout', rolled),
      withHeading(
        options.barsHeading ?? 'Prediction',
        barChartPanel({ bars, width: 230, barHeight: barHeight(bars.length) }),
      ),
    ],
    { gap: 28 },
  );
  const maps = withHeading(
    options.mapsHeading ?? 'Attention of the class token',
    mapsPanel(options),
  );
  return column([top, maps], { gap: 20 });
}

function barHeight(bars: number): number {
  return Math.max(14, Math.min(24, Math.floor(side / Math.max(1, bars))));
}

function mapsPanel(options: AttentionSheetOptions): Panel {
  const { maps, colormap = 'viridis', contrast = 'shared' } = options;
  const heads = maps[0]?.length ?? 0;
  if (heads === 0) return emptyPanel('no attention');
  assertInteger('layers', maps.length, { max: 64 });
  assertInteger('heads', heads, { max: 64 });
  maps.forEach((layer, i) => {
    if (layer.length !== heads)
      throw new InputError(expected(`${heads} maps`, `layer ${i}`, layer.length));
    layer.forEach((grid, j) => assertGrid(`map of layer ${i + 1}, head ${j + 1}`, grid));
  });
  const range: Range = [0, rangeOf(maps.flat())[1]];
  const gamma = contrast === 'shared' ? 0.5 : 1;
  const cell = Math.max(
    36,
    Math.min(140, Math.floor(650 / heads) - gap, Math.floor(880 / maps.length) - gap),
  );
  const nodes: SvgNode[] = [];
  const { width, height } = fitInto(maps[0]![0]!, cell);
  const [left, top] = [58, 18];
  const label = { size: theme.size.tick, color: theme.color.muted };
  for (let j = 0; j < heads; j += 1) {
    const middle = left + j * (width + gap) + width / 2;
    nodes.push(
      text(cell >= 50 ? `head ${j + 1}` : String(j + 1), middle, 11, {
        ...label,
        anchor: 'middle',
      }),
    );
  }
  maps.forEach((layer, i) => {
    const y = top + i * (height + gap);
    nodes.push(
      text(`layer ${i + 1}`, left - 8, y + height / 2, { ...label, anchor: 'end', centred: true }),
    );
    layer.forEach((grid, j) => {
      const stretched = contrast === 'shared' ? range : rangeOf([grid]);
      const colors = colorize(grid, { colormap, range: stretched, gamma });
      const { body } = framedImage(colors, width, height);
      nodes.push(group(left + j * (width + gap), y, [body]));
    });
  });
  const grid = {
    width: left + heads * (width + gap) - gap,
    height: top + maps.length * (height + gap) - gap,
    body: group(0, 0, nodes),
  };
  const bar = colorBar({
    colormap,
    range: contrast === 'shared' ? range : [0, 1],
    height: Math.max(100, Math.min(grid.height, 340)),
    gamma,
    label: contrast === 'shared' ? 'attention (√ scale)' : 'of each map',
    format: contrast === 'shared' ? 'percent' : undefined,
  });
  const sheet = row([grid, bar], { gap: 14 });
  const hints = [
    'Attention is where a token read from, not the reason for the prediction.',
    ...(contrast === 'shared' ? [] : [ownScale]),
  ];
  return column([sheet, note(hints.join(' '), sheet.width)]);
}
