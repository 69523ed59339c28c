// The figure of one image: prediction, attention rollout, and the attention of every layer and head.

import { assertFields } from '../core/kinds.ts';
import { assertInteger } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import type { RgbImage } from '../core/image.ts';
import { barChartPanel } from './barChart.ts';
import type { Bar } from './barChart.ts';
import { colorBar } from './colorBar.ts';
import { backdrop, colorize } from './colorize.ts';
import type { Colormap } from './colormap.ts';
import { assertGrid, rangeOf } from './grid.ts';
import type { Grid, Range } from './grid.ts';
import { fitInto, frame, framedImage, imageNode } from './imagePanel.ts';
import { overlayPanel } from './overlay.ts';
import { column, emptyPanel, figurePng, figureSvg, withHeading, note, row } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { element, group, text } from './svg.ts';
import type { SvgNode } from './svg.ts';
import { textWidth } from './textWidth.ts';
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
  /** Below the bars, or in place of them where there are none. */
  barsNote?: string;
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
const barsWidth = 230;
const gap = 5;
// The room of the maps, their labels and the space between blocks of layers.
const mapsWidth = 710;
const mapsHeight = 880;
const leftLabels = 58;
const blockGap = 18;
const backdropId = 'input';
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
  assertFields('the attention sheet', options, { image: 'instance', maps: 'list', title: 'text?' });
  const { image, rollout } = options;
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
      withHeading(options.barsHeading ?? 'Prediction', barsPanel(options)),
    ],
    { gap: 28 },
  );
  const maps = withHeading(
    options.mapsHeading ?? 'Attention of the class token',
    mapsPanel(options),
  );
  return column([top, maps], { gap: 20 });
}

// The prediction as bars, with a note below them or instead of them.
function barsPanel({ bars, barsNote }: AttentionSheetOptions): Panel {
  if (bars.length === 0) return note(barsNote ?? 'no data', barsWidth);
  const barHeight = Math.max(14, Math.min(24, Math.floor(side / bars.length)));
  const chart = barChartPanel({ bars, width: barsWidth, barHeight });
  return barsNote === undefined ? chart : column([chart, note(barsNote, barsWidth)]);
}

function mapsPanel(options: AttentionSheetOptions): Panel {
  const { image, maps, colormap = 'viridis', contrast = 'shared' } = options;
  const heads = maps[0]?.length ?? 0;
  if (heads === 0) return emptyPanel('no attention');
  assertMaps(maps, heads);
  const range: Range = [0, rangeOf(maps.flat())[1]];
  const gamma = contrast === 'shared' ? 0.5 : 1;
  const shape = image.data.length === 0 ? maps[0]![0]! : image;
  const { blocks, cell } = arrange(maps.length, heads, shape);
  const perBlock = Math.ceil(maps.length / blocks);
  const panels = Array.from({ length: Math.ceil(maps.length / perBlock) }, (_, block) => {
    const from = block * perBlock;
    return layersPanel(maps.slice(from, from + perBlock), { from, cell, draw });
  });
  const grid = withBackdrop(row(panels, { gap: blockGap }), image, cell);
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
    'Each map lies over the input. Attention is where a token read from, not the reason for the prediction.',
    ...(contrast === 'shared' ? [] : [ownScale]),
  ];
  return column([sheet, note(hints.join(' '), Math.max(sheet.width, 460))]);

  function draw(map: Grid): SvgNode[] {
    const { width, height } = cell;
    const stretched = contrast === 'shared' ? range : rangeOf([map]);
    const colors = colorize(map, { colormap, range: stretched, gamma });
    const heat = imageNode(colors, 0, 0, width, height);
    if (image.data.length === 0) return [heat];
    return [element('use', { href: `#${backdropId}` }), element('g', { opacity: 0.7 }, [heat])];
  }
}

// The input, which lies under every map, stands in the document once.
function withBackdrop(panel: Panel, image: RgbImage, { width, height }: Size): Panel {
  if (image.data.length === 0) return panel;
  const below = element('g', { id: backdropId }, [imageNode(backdrop(image), 0, 0, width, height)]);
  return { ...panel, body: group(0, 0, [element('defs', {}, [below]), panel.body]) };
}

function assertMaps(maps: AttentionSheetOptions['maps'], heads: number): void {
  assertInteger('layers', maps.length, { max: 64 });
  assertInteger('heads', heads, { max: 64 });
  maps.forEach((layer, i) => {
    if (layer.length !== heads)
      throw new InputError(expected(`${heads} maps`, `layer ${i}`, layer.length));
    layer.forEach((grid, j) => assertGrid(`map of layer ${i + 1}, head ${j + 1}`, grid));
  });
}

interface Size {
  width: number;
  height: number;
}

// The layers stand in one block below each other, or in several side by side, whatever makes the maps largest.
function arrange(layers: number, heads: number, image: Size): { blocks: number; cell: Size } {
  let best = { blocks: 1, cell: fitInto(image, 0) };
  for (let blocks = 1; blocks <= Math.min(layers, 4); blocks += 1) {
    const across = (mapsWidth - blocks * leftLabels - (blocks - 1) * blockGap) / (blocks * heads);
    const down = mapsHeight / Math.ceil(layers / blocks);
    const factor = Math.min((across - gap) / image.width, (down - gap) / image.height);
    const longer = Math.max(36, Math.min(140, factor * Math.max(image.width, image.height)));
    const cell = fitInto(image, Math.floor(longer));
    // Maps side by side leave less of the width empty than equally large ones below each other.
    const fits = Math.min(cell.width, across - gap) >= best.cell.width;
    if (fits && cell.height >= best.cell.height) best = { blocks, cell };
  }
  return best;
}

function layersPanel(
  maps: readonly (readonly Grid[])[],
  { from, cell, draw }: { from: number; cell: Size; draw: (map: Grid) => SvgNode[] },
): Panel {
  const nodes: SvgNode[] = [];
  const { width, height } = cell;
  const top = 18;
  const label = { size: theme.size.tick, color: theme.color.muted };
  const heads = maps[0]!.length;
  const said = textWidth(`head ${heads}`, label.size) <= width;
  for (let j = 0; j < heads; j += 1) {
    const middle = leftLabels + j * (width + gap) + width / 2;
    nodes.push(
      text(said ? `head ${j + 1}` : String(j + 1), middle, 11, { ...label, anchor: 'middle' }),
    );
  }
  if (!said) nodes.push(text('head', leftLabels - 8, 11, { ...label, anchor: 'end' }));
  maps.forEach((layer, i) => {
    const y = top + i * (height + gap);
    const middle = y + height / 2;
    nodes.push(
      text(`layer ${from + i + 1}`, leftLabels - 8, middle, {
        ...label,
        anchor: 'end',
        centred: true,
      }),
    );
    layer.forEach((grid, j) => {
      nodes.push(group(leftLabels + j * (width + gap), y, [...draw(grid), frame(width, height)]));
    });
  });
  return {
    width: leftLabels + heads * (width + gap) - gap,
    height: top + maps.length * (height + gap) - gap,
    body: group(0, 0, nodes),
  };
}
