// A waterfall chart: signed parts, one after the other, that add up to a total.

import { assertFields } from '../core/kinds.ts';
import { InputError, expected } from '../core/errors.ts';
import { emptyPanel, figurePng, figureSvg } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { group, line, rect, text } from './svg.ts';
import type { SvgNode } from './svg.ts';
import { fitText, textWidth } from './textWidth.ts';
import { theme } from './theme.ts';

/** One signed part. */
export interface WaterfallPart {
  label: string;
  value: number;
}

/** The content of a waterfall. */
export interface WaterfallOptions extends FigureOptions {
  parts: readonly WaterfallPart[];
  /** The last bar, which the parts add up to. */
  total: WaterfallPart;
  /** In pixels; default 420 wide and 22 a bar. */
  width?: number;
  barHeight?: number;
}

/** Parts that add up to a total, as PNG bytes. @throws InputError on numbers that are not finite */
export function waterfall(options: WaterfallOptions): Promise<Uint8Array> {
  return figurePng(waterfallPanel(options), options);
}

/** A waterfall as an SVG document. */
export function waterfallSvg(options: WaterfallOptions): string {
  return figureSvg(waterfallPanel(options), options);
}

/** A waterfall without a title. Each bar begins where the one above it ends; the last goes from 0 to the total. */
export function waterfallPanel(options: WaterfallOptions): Panel {
  assertFields('the waterfall', options, { parts: 'list', total: 'instance', title: 'text?' });
  const { parts, total, width = 420, barHeight = 22 } = options;
  if (parts.length === 0) return emptyPanel('no data', width, 60);
  for (const { label, value } of [...parts, total]) {
    if (!Number.isFinite(value)) {
      throw new InputError(expected('a finite number', `part "${label}"`, value));
    }
  }
  const steps = stepsOf(parts, total);
  const size = theme.size.tick;
  const values = steps.map(({ label, from, to, isTotal }) => ({
    label,
    text: isTotal ? signed(to, false) : signed(to - from, true),
  }));
  const left = Math.max(...steps.map(({ label }) => textWidth(label, size, { bold: true }))) + 10;
  const right = Math.max(...values.map((v) => textWidth(v.text, size, { bold: true }))) + 12;
  const room = Math.max(60, width - left - right);
  const ends = steps.flatMap(({ from, to }) => [from, to]);
  const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  const x = (value: number) => left + ((value - low) / (high - low || 1)) * room;
  const nodes: SvgNode[] = [line([x(0), 0], [x(0), steps.length * barHeight])];
  steps.forEach(({ label, from, to, isTotal }, i) => {
    const top = i * barHeight;
    const middle = top + barHeight / 2;
    const [begin, end] = [Math.min(x(from), x(to)), Math.max(x(from), x(to))];
    const fill = isTotal ? theme.color.axis : theme.color.series[to >= from ? 0 : 1];
    const shown = fitText(label, size, left - 8, { bold: isTotal });
    nodes.push(
      text(shown, left - 8, middle, { size, bold: isTotal, anchor: 'end', centred: true }),
      rect(begin, top + 4, Math.max(1, end - begin), barHeight - 8, { fill }),
      text(values[i]!.text, width, middle, {
        size,
        bold: isTotal,
        anchor: 'end',
        centred: true,
        color: isTotal ? theme.color.text : theme.color.muted,
      }),
    );
    if (i < steps.length - 1) {
      const joint = { stroke: theme.color.weak, 'stroke-dasharray': '2 2' };
      nodes.push(line([x(to), top + barHeight - 4], [x(to), top + barHeight + 4], joint));
    }
  });
  return { width, height: steps.length * barHeight, body: group(0, 0, nodes) };
}

interface Step {
  label: string;
  from: number;
  to: number;
  isTotal: boolean;
}

function stepsOf(parts: readonly WaterfallPart[], total: WaterfallPart): Step[] {
  let sum = 0;
  const steps = parts.map(({ label, value }) => {
    const from = sum;
    sum += value;
    return { label, from, to: sum, isTotal: false };
  });
  return [...steps, { label: total.label, from: 0, to: total.value, isTotal: true }];
}

function signed(value: number, plus: boolean): string {
  const size = Math.abs(value);
  const digits = size >= 100 ? 1 : size >= 0.01 || size === 0 ? 3 : undefined;
  const written = digits === undefined ? size.toExponential(1) : size.toFixed(digits);
  return value < 0 ? `−${written}` : plus ? `+${written}` : written;
}
