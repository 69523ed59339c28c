// A number of every attention head against the depth of its block: a dot a head, a line through the means.

import { assertFields, assertListOf } from '../core/kinds.ts';
import { InputError, expected } from '../core/errors.ts';
import { emptyPanel, figurePng, figureSvg } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { element, group, line, text } from './svg.ts';
import type { SvgNode } from './svg.ts';
import { textWidth } from './textWidth.ts';
import { theme } from './theme.ts';
import { makeTicks } from './ticks.ts';

/** The content of a chart of heads. */
export interface HeadChartOptions extends FigureOptions {
  /** values[block][head]. */
  values: readonly (readonly number[])[];
  /** The quantity with its unit; written above the axis. */
  yLabel?: string;
  /** A value to compare with, drawn dashed: that of even attention, for example. */
  reference?: { value: number; label: string };
  /** In pixels; default 460 × 280. */
  width?: number;
  height?: number;
}

/** A number of every head against its block, as PNG bytes. @throws InputError on NaN, naming block and head */
export function headChart(options: HeadChartOptions): Promise<Uint8Array> {
  return figurePng(headChartPanel(options), options);
}

/** A number of every head against its block, as an SVG document. */
export function headChartSvg(options: HeadChartOptions): string {
  return figureSvg(headChartPanel(options), options);
}

function headChartPanel(options: HeadChartOptions): Panel {
  assertFields('the chart of heads', options, { values: 'list', yLabel: 'text?', title: 'text?' });
  const { values, yLabel = '', reference, width = 460, height = 280 } = options;
  values.forEach((heads, block) => {
    assertListOf(`values[${block}]`, heads, 'number');
    heads.forEach((value, head) => {
      if (Number.isFinite(value)) return;
      throw new InputError(expected('a finite number', `values[${block}][${head}]`, value));
    });
  });
  const all = values.flat();
  if (all.length === 0) return emptyPanel('no heads', width, height);
  const seen = reference === undefined ? all : [...all, reference.value];
  const ticks = makeTicks(Math.min(0, ...seen), Math.max(...seen), {
    count: Math.round(height / 55),
    format: 'number',
  });
  const size = theme.size.tick;
  const left = Math.ceil(Math.max(...ticks.labels.map((label) => textWidth(label, size)))) + 12;
  const [right, top, bottom] = [width - 14, yLabel === '' ? 8 : 30, height - 42];
  const toY = (value: number): number =>
    bottom - ((value - ticks.low) / (ticks.high - ticks.low)) * (bottom - top);
  const toX = (block: number): number => left + ((block + 0.5) / values.length) * (right - left);
  const quiet = { size, color: theme.color.muted };
  const nodes: SvgNode[] = [];
  ticks.values.forEach((value, i) => {
    nodes.push(
      line([left, toY(value)], [right, toY(value)], { stroke: theme.color.grid }),
      text(ticks.labels[i]!, left - 7, toY(value), { ...quiet, anchor: 'end', centred: true }),
    );
  });
  if (reference !== undefined) {
    const y = toY(reference.value);
    const dashed = { stroke: theme.color.series[1], 'stroke-dasharray': '5 4' };
    nodes.push(
      line([left, y], [right, y], dashed),
      text(reference.label, right, y - 5, { size, color: theme.color.series[1], anchor: 'end' }),
    );
  }
  nodes.push(line([left, bottom], [right, bottom]));
  nodes.push(...meanLine(values, toX, toY));
  // Heads of a block stand side by side, so that equal values do not hide each other.
  const pitch = Math.min(9, ((right - left) / values.length) * 0.7) / 2;
  values.forEach((heads, block) => {
    nodes.push(
      text(String(block + 1), toX(block), bottom + 6 + size, { ...quiet, anchor: 'middle' }),
    );
    heads.forEach((value, head) => {
      const off = heads.length < 2 ? 0 : (head / (heads.length - 1) - 0.5) * 2 * pitch;
      const dot = { r: 3.5, fill: theme.color.series[0], 'fill-opacity': 0.75 };
      nodes.push(element('circle', { cx: toX(block) + off, cy: toY(value), ...dot }));
    });
  });
  nodes.push(
    text('block', (left + right) / 2, height - 6, { size: theme.size.label, anchor: 'middle' }),
  );
  if (yLabel !== '') nodes.push(text(yLabel, 0, 13, { size: theme.size.label }));
  return { width, height, body: group(0, 0, nodes) };
}

function meanLine(
  values: readonly (readonly number[])[],
  toX: (block: number) => number,
  toY: (value: number) => number,
): SvgNode[] {
  const means = values.map((heads) => heads.reduce((a, b) => a + b, 0) / heads.length);
  return means.slice(1).map((mean, i) =>
    line([toX(i), toY(means[i]!)], [toX(i + 1), toY(mean)], {
      stroke: theme.color.weak,
      'stroke-width': 2,
    }),
  );
}
