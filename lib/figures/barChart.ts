// A chart of horizontal bars.

import { assertFields } from '../core/kinds.ts';
import { assertInteger } from '../core/check.ts';
import { percent } from '../core/format.ts';
import { InputError, expected } from '../core/errors.ts';
import { emptyPanel, figurePng, figureSvg } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { group, line, rect, text } from './svg.ts';
import type { SvgNode } from './svg.ts';
import { shortNumber } from './ticks.ts';
import { fitText, textWidth } from './textWidth.ts';
import { theme } from './theme.ts';

/** One bar. */
export interface Bar {
  label: string;
  /** ≥ 0. */
  value: number;
  /** Draws the bar and its label strong, for example the predicted class. */
  strong?: boolean;
}

/** The content of a bar chart. */
export interface BarChartOptions extends FigureOptions {
  bars: readonly Bar[];
  /** percent: values are fractions 0 … 1 and a full bar is 1; number: a full bar is the largest value. Default percent. */
  format?: 'percent' | 'number';
  /** In pixels; default 240 wide and 20 a bar. */
  width?: number;
  barHeight?: number;
}

/** Horizontal bars with their labels and values, as PNG bytes. @throws InputError on NaN, infinite and negative values */
export function barChart(options: BarChartOptions): Promise<Uint8Array> {
  return figurePng(barChartPanel(options), options);
}

/** Horizontal bars as an SVG document. */
export function barChartSvg(options: BarChartOptions): string {
  return figureSvg(barChartPanel(options), options);
}

/** Horizontal bars without a title. */
export function barChartPanel(options: BarChartOptions): Panel {
  assertFields('the bar chart', options, { bars: 'list', title: 'text?' });
  const { bars, format = 'percent', width = 240, barHeight = 20 } = options;
  assertInteger('width', width, { min: 80, max: 8192 });
  assertInteger('barHeight', barHeight, { min: 8, max: 200 });
  if (bars.length === 0) return emptyPanel('no data', width, 60);
  bars.forEach((bar, i) => assertFields(`bars[${i}]`, bar, { label: 'text' }));
  for (const { label, value } of bars) {
    if (!Number.isFinite(value) || value < 0) {
      throw new InputError(expected('a finite number ≥ 0', `bar "${label}"`, value));
    }
  }
  const size = Math.min(theme.size.label, Math.round(barHeight * 0.62));
  const full = format === 'percent' ? 1 : Math.max(...bars.map(({ value }) => value)) || 1;
  const values = bars.map(({ value }) =>
    format === 'percent' ? percent(value) : shortNumber(value),
  );
  const widest = Math.max(...bars.map(({ label }) => textWidth(label, size, { bold: true })));
  const left = Math.min(widest, width * 0.45) + 8;
  const valueWidth = Math.max(...values.map((value) => textWidth(value, size, { bold: true })));
  const room = Math.max(8, width - left - valueWidth - 8);
  const nodes: SvgNode[] = [];
  bars.forEach(({ label, value, strong = false }, i) => {
    const middle = (i + 0.5) * barHeight;
    const shown = fitText(label, size, left - 8, { bold: true });
    const length = Math.min(1, value / full) * room;
    const bar = { fill: strong ? theme.color.series[0] : theme.color.weak };
    nodes.push(
      text(shown, left - 8, middle, { size, bold: strong, anchor: 'end', centred: true }),
      rect(left, i * barHeight + 2, room, barHeight - 4, { fill: theme.color.empty }),
      rect(left, i * barHeight + 2, length, barHeight - 4, bar),
      text(values[i]!, width, middle, {
        size,
        bold: strong,
        anchor: 'end',
        centred: true,
        color: strong ? theme.color.text : theme.color.muted,
      }),
    );
  });
  const height = bars.length * barHeight;
  nodes.push(line([left, 0], [left, height]));
  return { width, height, body: group(0, 0, nodes) };
}
