// A chart of means with their confidence intervals, a row each.

import { assertFields } from '../core/kinds.ts';
import { assertInteger } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { emptyPanel, figurePng, figureSvg } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { element, group, line, text } from './svg.ts';
import type { SvgNode } from './svg.ts';
import { fitText, textWidth } from './textWidth.ts';
import { theme } from './theme.ts';
import { makeTicks } from './ticks.ts';
import type { TickFormat } from './ticks.ts';

/** One row: a mean, its interval value ± halfWidth, and the measurements behind it. */
export interface IntervalRow {
  label: string;
  value: number;
  /** ≥ 0; 0 draws no interval. */
  halfWidth: number;
  points?: readonly number[];
  /** Draws the row strong, and a line through its mean for the others to be compared with. */
  strong?: boolean;
}

/** The content of an interval chart. */
export interface IntervalChartOptions extends FigureOptions {
  rows: readonly IntervalRow[];
  xLabel?: string;
  format?: TickFormat;
  /** In pixels; default 520 wide and 26 a row. */
  width?: number;
  rowHeight?: number;
}

/** Means with intervals as PNG bytes. @throws InputError naming the row, on a NaN, an infinity or a negative half width */
export function intervalChart(options: IntervalChartOptions): Promise<Uint8Array> {
  return figurePng(intervalChartPanel(options), options);
}

/** Means with intervals as an SVG document. */
export function intervalChartSvg(options: IntervalChartOptions): string {
  return figureSvg(intervalChartPanel(options), options);
}

function intervalChartPanel(options: IntervalChartOptions): Panel {
  assertFields('the interval chart', options, { rows: 'list', title: 'text?', xLabel: 'text?' });
  const { rows, xLabel = '', format = 'number', width = 520, rowHeight = 26 } = options;
  assertInteger('width', width, { min: 160, max: 8192 });
  assertInteger('rowHeight', rowHeight, { min: 12, max: 200 });
  if (rows.length === 0) return emptyPanel('no data', width, 60);
  rows.forEach(assertRow);
  const size = theme.size.label;
  const widest = Math.max(...rows.map(({ label }) => textWidth(label, size, { bold: true })));
  const left = Math.ceil(Math.min(widest, width * 0.4)) + 10;
  const right = width - 20;
  const values = rows.flatMap(({ value, halfWidth, points = [] }) => [
    value - halfWidth,
    value + halfWidth,
    ...points,
  ]);
  const count = Math.max(2, Math.round((right - left) / 80));
  const ticks = makeTicks(Math.min(...values), Math.max(...values), { count, format });
  const toX = (value: number): number =>
    left + ((value - ticks.low) / (ticks.high - ticks.low)) * (right - left);
  const bottom = rows.length * rowHeight;
  const nodes: SvgNode[] = [];
  ticks.values.forEach((value, i) => {
    const style = { size: theme.size.tick, color: theme.color.muted, anchor: 'middle' } as const;
    nodes.push(
      line([toX(value), 0], [toX(value), bottom], { stroke: theme.color.grid }),
      text(ticks.labels[i]!, toX(value), bottom + 4 + theme.size.tick, style),
    );
  });
  for (const { value, strong } of rows) {
    if (strong !== true) continue;
    const dashed = { stroke: theme.color.series[0], 'stroke-dasharray': '4 4' };
    nodes.push(line([toX(value), 0], [toX(value), bottom], dashed));
  }
  rows.forEach((row, i) => {
    const y = (i + 0.5) * rowHeight;
    const { label, strong = false } = row;
    const style = { size, bold: strong, anchor: 'end', centred: true } as const;
    nodes.push(text(fitText(label, size, left - 10, { bold: strong }), left - 10, y, style));
    nodes.push(...marks(row, y, toX));
  });
  nodes.push(line([left, bottom], [right, bottom]));
  const labelHeight = xLabel === '' ? 0 : 20;
  if (xLabel !== '') {
    nodes.push(text(xLabel, (left + right) / 2, bottom + 38, { size, anchor: 'middle' }));
  }
  return { width, height: bottom + 24 + labelHeight, body: group(0, 0, nodes) };
}

// The interval as a bar with caps, the measurements as rings, the mean as a disc.
function marks(
  { value, halfWidth, points = [], strong = false }: IntervalRow,
  y: number,
  toX: (value: number) => number,
): SvgNode[] {
  const color = strong ? theme.color.series[0] : theme.color.text;
  const stroke = { stroke: color, 'stroke-width': 1.5 };
  const [low, high] = [toX(value - halfWidth), toX(value + halfWidth)];
  const cap = (x: number): SvgNode => line([x, y - 4], [x, y + 4], stroke);
  const interval = halfWidth === 0 ? [] : [line([low, y], [high, y], stroke), cap(low), cap(high)];
  const ring = { r: 2.5, fill: 'none', stroke: theme.color.muted };
  return [
    ...interval,
    ...points.map((point) => element('circle', { cx: toX(point), cy: y, ...ring })),
    element('circle', { cx: toX(value), cy: y, r: 4, fill: color }),
  ];
}

function assertRow(row: IntervalRow, i: number): void {
  assertFields(`rows[${i}]`, row, { label: 'text', points: 'list?' });
  const { label, value, halfWidth, points = [] } = row;
  for (const number of [value, halfWidth, ...points]) {
    if (!Number.isFinite(number)) {
      throw new InputError(expected('finite numbers', `row "${label}"`, number));
    }
  }
  if (halfWidth < 0) {
    throw new InputError(expected('a number ≥ 0', `halfWidth of row "${label}"`, halfWidth));
  }
}
