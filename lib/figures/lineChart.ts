// A line chart with linear or logarithmic axes.

import { assertFields } from '../core/kinds.ts';
import { assertInteger } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { makeLogTicks } from './logTicks.ts';
import { emptyPanel, figurePng, figureSvg } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { element, group, line, text } from './svg.ts';
import type { SvgNode } from './svg.ts';
import { makeTicks } from './ticks.ts';
import type { TickFormat, Ticks } from './ticks.ts';
import { fitText, textWidth } from './textWidth.ts';
import { theme } from './theme.ts';

/** One line of a chart. */
export interface Series {
  name: string;
  /** (x, y), in the order of drawing; a null interrupts the line. */
  points: readonly (readonly [number, number | null])[];
  /** ± of each point, ≥ 0, drawn as a bar through it. */
  spread?: readonly number[];
  dashed?: boolean;
  /** Default: the next colour of the theme. */
  color?: string;
}

/** The scale of an axis. */
export type AxisScale = 'linear' | 'log';

/** The content of a line chart. */
export interface LineChartOptions extends FigureOptions {
  series: readonly Series[];
  xLabel?: string;
  /** The quantity with its unit; written above the axis. */
  yLabel?: string;
  xFormat?: TickFormat;
  yFormat?: TickFormat;
  /** log: equal ratios are equally long, so that a power law is a straight line; all values above 0. Default linear. */
  xScale?: AxisScale;
  yScale?: AxisScale;
  /** Values that the x axis holds besides those of the points, so that charts side by side have one axis. */
  xLimits?: readonly [number, number];
  /** A linear y axis never goes beyond these, for example [0, 1] for a fraction. */
  yLimits?: readonly [number, number];
  /** A point with a ring around it; its label stands above the chart. */
  mark?: { x: number; y: number; label: string };
  /** The size of the whole chart in pixels; default 440 × 300. */
  width?: number;
  height?: number;
}

/** A line chart as PNG bytes. @throws InputError naming the series, on a NaN, an infinity, or a value ≤ 0 on a log axis */
export function lineChart(options: LineChartOptions): Promise<Uint8Array> {
  return figurePng(lineChartPanel(options), options);
}

/** A line chart as an SVG document. */
export function lineChartSvg(options: LineChartOptions): string {
  return figureSvg(lineChartPanel(options), options);
}

/** A line chart without its title, to be put beside others. Without any point it says "no data". */
export function lineChartPanel(options: LineChartOptions): Panel {
  assertFields('the line chart', options, { series: 'list', title: 'text?' });
  const { series, width = 440, height = 300, xLabel = '', yLabel = '' } = options;
  series.forEach((one, i) =>
    assertFields(`series[${i}]`, one, { name: 'text', points: 'list', color: 'text?' }),
  );
  assertInteger('width', width, { min: 160, max: 8192 });
  assertInteger('height', height, { min: 120, max: 8192 });
  const { xScale = 'linear', yScale = 'linear' } = options;
  const points = series.flatMap((one) => pointsOf(one, [xScale, yScale]));
  if (points.length === 0) return emptyPanel('no data', width, height);

  const size = theme.size.tick;
  const y = axisTicks(
    [...points.map((point) => point[1]), ...series.flatMap((one) => spreadOf(one, yScale))],
    yScale,
    options.yFormat,
    height / 50,
    yScale === 'log' ? undefined : options.yLimits,
  );
  const left = Math.ceil(Math.max(...y.labels.map((label) => textWidth(label, size)))) + 10;
  const right = width - 14;
  const x = axisTicks(
    [...points.map((point) => point[0]), ...(options.xLimits ?? [])],
    xScale,
    options.xFormat,
    (right - left) / 70,
  );
  const legend = legendRows(series, width);
  const top = legend.height + (yLabel === '' && options.mark === undefined ? 8 : 28);
  const bottom = height - (xLabel === '' ? 24 : 42);
  const toX = (value: number) => left + fractionOf(value, x, xScale) * (right - left);
  const toY = (value: number) => bottom - fractionOf(value, y, yScale) * (bottom - top);

  const nodes: SvgNode[] = [legend.body];
  y.values.forEach((value, i) => {
    nodes.push(line([left, toY(value)], [right, toY(value)], { stroke: theme.color.grid }));
    const style = { size, color: theme.color.muted, anchor: 'end', centred: true } as const;
    nodes.push(text(y.labels[i]!, left - 7, toY(value), style));
  });
  nodes.push(line([left, bottom], [right, bottom]));
  x.values.forEach((value, i) => {
    nodes.push(line([toX(value), bottom], [toX(value), bottom + 4]));
    const style = { size, color: theme.color.muted, anchor: 'middle' } as const;
    nodes.push(text(x.labels[i]!, toX(value), bottom + 6 + size, style));
  });
  const label = { color: theme.color.text, size: theme.size.label };
  if (xLabel !== '')
    nodes.push(text(xLabel, (left + right) / 2, height - 6, { ...label, anchor: 'middle' }));
  if (yLabel !== '') nodes.push(text(yLabel, 0, top - 12, label));
  series.forEach((one, i) => nodes.push(...curve(one, colorOf(one, i), toX, toY)));
  series.forEach((one, i) => nodes.push(...spreadBars(one, colorOf(one, i), toX, toY)));
  if (options.mark !== undefined) nodes.push(...markNodes(options.mark, toX, toY, { right, top }));
  return { width, height, body: group(0, 0, nodes) };
}

function pointsOf({ name, points }: Series, scales: readonly AxisScale[]): [number, number][] {
  return points.flatMap(([x, y], i) => {
    if (y === null) return [];
    const where = `point ${i} of series "${name}"`;
    if (!Number.isFinite(x) || !Number.isFinite(y)) {
      throw new InputError(expected('finite numbers', where, [x, y]));
    }
    if (scales.some((scale, axis) => scale === 'log' && [x, y][axis]! <= 0)) {
      throw new InputError(expected('numbers above 0 on a log axis', where, [x, y]));
    }
    return [[x, y] as [number, number]];
  });
}

// The ends of the bars of a series.
function spreadOf({ name, points, spread }: Series, scale: AxisScale): number[] {
  if (spread === undefined) return [];
  if (spread.length !== points.length || !spread.every((one) => Number.isFinite(one) && one >= 0)) {
    const what = `${points.length} finite numbers ≥ 0`;
    throw new InputError(expected(what, `spread of series "${name}"`, spread));
  }
  const ends = points.flatMap(([, y], i) => (y === null ? [] : [y - spread[i]!, y + spread[i]!]));
  if (scale === 'log' && ends.some((end) => end <= 0)) {
    throw new InputError(
      expected('bars above 0 on a log axis', `spread of series "${name}"`, spread),
    );
  }
  return ends;
}

function spreadBars(
  { points, spread = [] }: Series,
  color: string,
  toX: (value: number) => number,
  toY: (value: number) => number,
): SvgNode[] {
  return points.flatMap(([x, y], i) => {
    const half = spread[i] ?? 0;
    if (y === null || half === 0) return [];
    const [px, low, high] = [toX(x), toY(y - half), toY(y + half)];
    const stroke = { stroke: color, 'stroke-width': 1.5 };
    const cap = (at: number) => line([px - 4, at], [px + 4, at], stroke);
    return [line([px, low], [px, high], stroke), cap(low), cap(high)];
  });
}

// The position of a value on an axis: 0 at its first tick, 1 at its last.
function fractionOf(value: number, { low, high }: Ticks, scale: AxisScale): number {
  if (scale === 'linear') return (value - low) / (high - low);
  return Math.log(value / low) / Math.log(high / low);
}

function axisTicks(
  values: readonly number[],
  scale: AxisScale,
  format: TickFormat = 'number',
  count: number,
  [clampLow, clampHigh]: readonly [number, number] = [-Infinity, Infinity],
): Ticks {
  // A loop, because `Math.min(...values)` fails for a million points: a call cannot take so many arguments.
  const low = Math.max(
    clampLow,
    values.reduce((a, b) => Math.min(a, b), Infinity),
  );
  const high = Math.min(
    clampHigh,
    values.reduce((a, b) => Math.max(a, b), -Infinity),
  );
  if (scale === 'log') return makeLogTicks(low, high, Math.max(2, Math.round(count)));
  const ends = low <= high ? ([low, high] as const) : ([clampLow, clampHigh] as const);
  return makeTicks(...ends, { count: Math.max(2, Math.round(count)), format, clampLow, clampHigh });
}

function curve(
  { points, dashed = false }: Series,
  color: string,
  toX: (value: number) => number,
  toY: (value: number) => number,
): SvgNode[] {
  let path = '';
  let pen = 'M';
  const dots: SvgNode[] = [];
  const shown = points.filter((point) => point[1] !== null).length;
  for (const [x, y] of points) {
    if (y === null) {
      pen = 'M';
      continue;
    }
    const [px, py] = [Math.round(toX(x) * 100) / 100, Math.round(toY(y) * 100) / 100];
    path += `${pen}${px} ${py}`;
    pen = 'L';
    // Dots show where the measurements are, as long as they do not become a band.
    if (shown <= 40) dots.push(element('circle', { cx: px, cy: py, r: 2.6, fill: color }));
  }
  const stroke = {
    fill: 'none',
    stroke: color,
    'stroke-width': 2,
    'stroke-linejoin': 'round',
    'stroke-dasharray': dashed ? '6 4' : undefined,
  };
  return path === '' ? [] : [element('path', { d: path, ...stroke }), ...dots];
}

function markNodes(
  { x, y, label }: NonNullable<LineChartOptions['mark']>,
  toX: (value: number) => number,
  toY: (value: number) => number,
  { right, top }: { right: number; top: number },
): SvgNode[] {
  const size = theme.size.tick;
  const ring = { fill: 'none', stroke: theme.color.text, 'stroke-width': 1.5 };
  const start = right - textWidth(label, size);
  // The words stand above the chart, where no line runs through them.
  return [
    element('circle', { cx: toX(x), cy: toY(y), r: 5, ...ring }),
    element('circle', { cx: start - 10, cy: top - 16, r: 4, ...ring }),
    text(label, right, top - 12, { size, anchor: 'end' }),
  ];
}

function legendRows(series: readonly Series[], width: number): Panel {
  const size = theme.size.label;
  const nodes: SvgNode[] = [];
  let [x, y] = [0, 0];
  series.forEach((one, i) => {
    const name = fitText(one.name, size, width - 34);
    const needed = 28 + textWidth(name, size);
    if (x > 0 && x + needed > width) [x, y] = [0, y + 20];
    const stroke = {
      stroke: colorOf(one, i),
      'stroke-width': 2.5,
      'stroke-dasharray': one.dashed === true ? '6 4' : undefined,
    };
    nodes.push(
      line([x, y + 8], [x + 22, y + 8], stroke),
      text(name, x + 28, y + 8, { size, centred: true }),
    );
    x += needed + 18;
  });
  return { width, height: y + 20, body: group(0, 0, nodes) };
}

function colorOf({ color }: Series, index: number): string {
  return color ?? theme.color.series[index % theme.color.series.length]!;
}
