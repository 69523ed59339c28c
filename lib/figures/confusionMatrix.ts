// The confusion matrix of a classifier.

import { assertFields } from '../core/kinds.ts';
import { percent } from '../core/format.ts';
import { InputError, ShapeError, expected } from '../core/errors.ts';
import { colorBar } from './colorBar.ts';
import { colorize } from './colorize.ts';
import { colorAt, textColorOn } from './colormap.ts';
import { assertGrid } from './grid.ts';
import type { Grid } from './grid.ts';
import { imageNode } from './imagePanel.ts';
import { emptyPanel, figurePng, figureSvg, row } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { group, rect, text } from './svg.ts';
import type { SvgNode } from './svg.ts';
import { fitText, textWidth } from './textWidth.ts';
import { theme } from './theme.ts';

/** The content of a confusion matrix. */
export interface ConfusionMatrixOptions extends FigureOptions {
  /** counts[t · K + p]: images of the true class t that were predicted as p; ≥ 0. */
  counts: ArrayLike<number>;
  /** The K classes in order. */
  classNames: readonly string[];
}

const colormap = 'blues';

/**
 * A confusion matrix as PNG bytes: the counts as numbers, each row's shares as colours, each class's accuracy beside its row.
 *
 * Rows are the true classes, columns the predicted ones. A row without images is empty and has no accuracy. Above 25 classes the
 * cells carry no numbers, and names and accuracies that have no room are left out.
 *
 * @throws ShapeError if there are not K² counts
 * @throws InputError if a count is negative or NaN
 */
export function confusionMatrix(options: ConfusionMatrixOptions): Promise<Uint8Array> {
  return figurePng(confusionMatrixPanel(options), withTitle(options));
}

/** The same picture as an SVG document. */
export function confusionMatrixSvg(options: ConfusionMatrixOptions): string {
  return figureSvg(confusionMatrixPanel(options), withTitle(options));
}

/** The matrix without its title. */
function confusionMatrixPanel(options: ConfusionMatrixOptions): Panel {
  assertFields('the confusion matrix', options, {
    counts: 'array',
    classNames: 'list',
    title: 'text?',
  });
  const { counts, classNames } = options;
  const total = classNames.length;
  if (counts.length !== total * total) {
    throw new ShapeError(
      expected(`${total * total} counts (${total} classes)`, 'counts', counts.length),
    );
  }
  if (total === 0) return emptyPanel('no classes');
  const shares = rowShares(counts, total);
  const cell = Math.max(1, Math.min(44, Math.floor(900 / total)), total <= 25 ? 30 : 1);
  const side = total * cell;
  const size = theme.size.tick;
  // Names that would run into each other are left out: every `stride`-th is written.
  const stride = Math.ceil((size + 4) / cell);
  const shown = classNames.filter((_, i) => i % stride === 0);
  const labelWidth = Math.min(130, Math.max(...shown.map((name) => textWidth(name, size))));
  const left = Math.ceil(labelWidth) + 30;
  // Names that are wider than their room stand upright.
  const upright = labelWidth > cell * stride - 6;
  const top = 34 + (upright ? labelWidth : size);
  const nodes: SvgNode[] = [
    axisTitle('predicted class', left + side / 2, 12),
    axisTitle('true class', 12, top + side / 2, -90),
    imageNode(colorize(shares, { colormap, range: [0, 1] }), left, top, side, side),
    rect(left - 0.5, top - 0.5, side + 1, side + 1, { fill: 'none', stroke: theme.color.axis }),
  ];
  nodes.push(...classLabels(classNames, { left, top, cell, stride, upright, labelWidth }));
  if (total <= 25) nodes.push(...cellCounts(counts, shares, { left, top, cell }));
  const accuracy = stride === 1 ? accuracyColumn(shares, { x: left + side + 14, top, cell }) : [];
  const accuracyWidth = stride === 1 ? 72 : 0;
  const matrix = {
    width: left + side + accuracyWidth,
    height: top + side,
    body: group(0, 0, [...nodes, ...accuracy]),
  };
  const bar = colorBar({
    colormap,
    range: [0, 1],
    height: Math.max(80, Math.min(side, 320)) + 25,
    label: 'share of row',
    format: 'percent',
  });
  const lowered = { ...bar, height: bar.height + top - 25, body: group(0, top - 25, [bar.body]) };
  return row([matrix, lowered]);
}

interface Layout {
  left: number;
  top: number;
  cell: number;
}

function withTitle(options: ConfusionMatrixOptions): FigureOptions {
  const { counts, classNames, title = 'Confusion matrix' } = options;
  const [total, right] = [sum(counts, 0, 1), sum(counts, 0, classNames.length + 1)];
  const subtitle =
    total > 0
      ? `${right} of ${total} images classified correctly (${percent(right / total, 2)})`
      : 'no images';
  return { subtitle, ...options, title };
}

function sum(values: ArrayLike<number>, from: number, step: number): number {
  let result = 0;
  for (let i = from; i < values.length; i += step) result += values[i]!;
  return result;
}

function rowShares(counts: ArrayLike<number>, total: number): Grid<Float64Array> {
  assertGrid('counts', { height: total, width: total, data: counts });
  const data = new Float64Array(total * total);
  for (let t = 0; t < total; t += 1) {
    let images = 0;
    for (let p = 0; p < total; p += 1) {
      const count = counts[t * total + p]!;
      if (count < 0) throw new InputError(expected('a count ≥ 0', `counts[${t}][${p}]`, count));
      images += count;
    }
    for (let p = 0; p < total && images > 0; p += 1)
      data[t * total + p] = counts[t * total + p]! / images;
  }
  return { height: total, width: total, data };
}

function axisTitle(content: string, x: number, y: number, rotateDegrees?: number): SvgNode {
  const style = { size: theme.size.label, bold: true, anchor: 'middle' } as const;
  return text(content, x, y, rotateDegrees === undefined ? style : { ...style, rotateDegrees });
}

function classLabels(
  names: readonly string[],
  {
    left,
    top,
    cell,
    stride,
    upright,
    labelWidth,
  }: Layout & { stride: number; upright: boolean; labelWidth: number },
): SvgNode[] {
  const size = theme.size.tick;
  return names.flatMap((name, i) => {
    if (i % stride !== 0) return [];
    const shown = fitText(name, size, labelWidth);
    const middle = (i + 0.5) * cell;
    const beside = text(shown, left - 6, top + middle, { size, anchor: 'end', centred: true });
    const above = upright
      ? text(shown, left + middle, top - 6, { size, centred: true, rotateDegrees: -90 })
      : text(shown, left + middle, top - 6, { size, anchor: 'middle' });
    return [beside, above];
  });
}

function cellCounts(
  counts: ArrayLike<number>,
  shares: Grid,
  { left, top, cell }: Layout,
): SvgNode[] {
  const nodes: SvgNode[] = [];
  for (let i = 0; i < counts.length; i += 1) {
    // Zeros would hide the few numbers that matter.
    if (counts[i] === 0) continue;
    const content = String(counts[i]);
    const fits = (cell - 4) / textWidth(content, 1);
    nodes.push(
      text(
        content,
        left + ((i % shares.width) + 0.5) * cell,
        top + (Math.floor(i / shares.width) + 0.5) * cell,
        {
          size: Math.min(theme.size.label, fits),
          color: textColorOn(colorAt(colormap, shares.data[i]!)),
          anchor: 'middle',
          centred: true,
        },
      ),
    );
  }
  return nodes;
}

function accuracyColumn(
  shares: Grid,
  { x, top, cell }: { x: number; top: number; cell: number },
): SvgNode[] {
  const size = theme.size.tick;
  const nodes = [text('correct', x, top - 6, { size, color: theme.color.muted })];
  for (let k = 0; k < shares.height; k += 1) {
    let images = 0;
    for (let p = 0; p < shares.width; p += 1) images += shares.data[k * shares.width + p]!;
    const content = images > 0 ? percent(shares.data[k * shares.width + k]!) : '–';
    nodes.push(text(content, x, top + (k + 0.5) * cell, { size, centred: true }));
  }
  return nodes;
}
