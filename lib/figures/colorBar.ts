// The colour bar of a heat map.

import type { RgbImage } from '../core/image.ts';
import { colormapBytes } from './colormap.ts';
import type { Colormap } from './colormap.ts';
import type { Range } from './grid.ts';
import { imageNode } from './imagePanel.ts';
import { group, line, text } from './svg.ts';
import { row } from './panel.ts';
import type { Panel } from './panel.ts';
import { makeTicks, shortNumber } from './ticks.ts';
import type { TickFormat } from './ticks.ts';
import { textWidth } from './textWidth.ts';
import { theme } from './theme.ts';

/** The content of a colour bar. */
export interface ColorBarOptions {
  colormap: Colormap;
  range: Range;
  /** The height of the bar with its label, in pixels. */
  height: number;
  /** The quantity with its unit; written above an upright bar. */
  label?: string | undefined;
  format?: TickFormat | undefined;
  /** As in `colorize`: values stand at ((value − low) / (high − low))^gamma; default 1. */
  gamma?: number;
}

const thickness = 14;

/**
 * An upright colour bar with ticks: the smallest value below, the largest above. A range without width shows its one value.
 */
export function colorBar({
  colormap,
  range,
  height,
  label = '',
  format = 'number',
  gamma = 1,
}: ColorBarOptions): Panel {
  const [low, high] = range;
  const size = theme.size.tick;
  const top = label === '' ? 0 : size + 14;
  const length = height - top;
  const constant = !(high > low);
  const labels = constant
    ? [{ at: 0.5, label: format === 'percent' ? `${shortNumber(low * 100)} %` : shortNumber(low) }]
    : ticksInside(range, format, length, gamma);
  const nodes = [
    imageNode(barImage(colormap, constant), 0, top, thickness, length),
    ...labels.flatMap(({ at, label: content }) => {
      const y = top + (1 - at) * length;
      return [
        line([thickness, y], [thickness + 4, y]),
        text(content, thickness + 7, y, { size, color: theme.color.muted, centred: true }),
      ];
    }),
  ];
  if (label !== '') nodes.push(text(label, 0, size, { size, color: theme.color.muted }));
  const widest = Math.max(...labels.map(({ label: content }) => textWidth(content, size)));
  return {
    width: Math.max(thickness + 8 + widest, textWidth(label, size)),
    height,
    body: group(0, 0, nodes),
  };
}

/** A map with its colour bar on the right, about as high as the map. */
export function withColorBar(map: Panel, options: Omit<ColorBarOptions, 'height'>): Panel {
  const height = Math.max(100, Math.min(map.height, 320));
  return row([map, colorBar({ ...options, height })]);
}

interface Tick {
  at: number;
  label: string;
}

function ticksInside(
  [low, high]: Range,
  format: TickFormat,
  length: number,
  gamma: number,
): Tick[] {
  if (gamma !== 1) return powerTicks([low, high], format, length, gamma);
  const count = Math.max(2, Math.min(6, length / 32));
  const { values, labels } = makeTicks(low, high, { count, format });
  const slack = (high - low) * 1e-6;
  return values
    .map((value, i) => ({ value, at: (value - low) / (high - low), label: labels[i]! }))
    .filter(({ value }) => value >= low - slack && value <= high + slack);
}

// Evenly spaced values crowd at one end of a power scale, so the ticks go 1, 2, 5, 10, 20, … between the ends.
function powerTicks([low, high]: Range, format: TickFormat, length: number, gamma: number): Tick[] {
  const write = (value: number) =>
    format === 'percent' ? `${shortNumber(value * 100)} %` : shortNumber(value);
  const ticks: Tick[] = [{ at: 1, label: write(Number(high.toPrecision(2))) }];
  let power = 10 ** Math.floor(Math.log10(high - low));
  for (let decade = 0; decade < 6; decade += 1, power /= 10) {
    for (const step of [5, 2, 1]) {
      const at = ((step * power) / (high - low)) ** gamma;
      const above = ticks.at(-1)!.at;
      if (at * length >= 16 && (above - at) * length >= 16) {
        ticks.push({ at, label: write(low + step * power) });
      }
    }
  }
  return [...ticks, { at: 0, label: write(low) }];
}

function barImage(colormap: Colormap, constant: boolean): RgbImage {
  const colors = colormapBytes(colormap);
  const data = new Uint8Array(256 * 3);
  for (let y = 0; y < 256; y += 1) {
    const from = constant ? 0 : 3 * (255 - y);
    data.set(colors.subarray(from, from + 3), 3 * y);
  }
  return { width: 1, height: 256, channels: 3, data };
}
