// Ticks of a linear axis, and how numbers on an axis are written.

import { assertNumber } from '../core/check.ts';

/** Round values along an axis and how they are written. */
export interface Ticks {
  values: number[];
  labels: string[];
  /** The axis from its first to its last tick; it holds all data. */
  low: number;
  high: number;
}

/** The notation of numbers on an axis. */
export type TickFormat = 'number' | 'percent' | 'integer';

/**
 * About `count` ticks at multiples of 1, 2 or 5 times a power of ten that enclose [low, high].
 *
 * A range without width gets one around its value. All labels of an axis except 0 have the same number of decimals.
 * Source: Heckbert 1990, "Nice numbers for graph labels".
 *
 * @param options.format  percent: values are fractions, 0.5 is written `50 %`; integer: no tick between whole numbers
 */
export function makeTicks(
  low: number,
  high: number,
  { count = 5, format = 'number' as TickFormat, clampLow = -Infinity, clampHigh = Infinity } = {},
): Ticks {
  assertNumber('low', low);
  assertNumber('high', high, { min: low });
  if (low === high) {
    const half = format === 'integer' ? 1 : Math.max(Math.abs(low) * 0.1, 1e-3);
    [low, high] = [Math.max(low - half, clampLow), Math.min(high + half, clampHigh)];
  }
  const step = Math.max(niceStep((high - low) / Math.max(1, count)), format === 'integer' ? 1 : 0);
  // Relative slack: 0.3 / 0.1 is 2.9999999999999996.
  const first = Math.floor(low / step + 1e-9);
  const last = Math.ceil(high / step - 1e-9);
  const values = Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step).filter(
    (value) => value >= clampLow - 1e-9 * step && value <= clampHigh + 1e-9 * step,
  );
  return {
    values,
    labels: values.map((value) => tickLabel(value, step, format)),
    low: values[0]!,
    high: values.at(-1)!,
  };
}

function niceStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw));
  const factor = raw / power;
  return (factor <= 1 ? 1 : factor <= 2 ? 2 : factor <= 5 ? 5 : 10) * power;
}

function tickLabel(value: number, step: number, format: TickFormat): string {
  const [shown, shownStep] = format === 'percent' ? [value * 100, step * 100] : [value, step];
  const unit = format === 'percent' ? ' %' : '';
  const size = Math.abs(shown);
  if (size < shownStep * 1e-6) return `0${unit}`;
  if (size >= 1e6 || shownStep < 1e-4) {
    // As many digits as two neighbours need to differ.
    const digits = Math.max(0, Math.ceil(Math.log10(size / shownStep) - 1e-9));
    return shown.toExponential(Math.min(digits, 12)).replace('e+', 'e') + unit;
  }
  const decimals = Math.max(0, -Math.floor(Math.log10(shownStep) + 1e-9));
  return shown.toFixed(decimals) + unit;
}

/** A number in a few characters: 3 significant digits, with e-notation where it is shorter. */
export function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(1).replace('e+', 'e');
  return String(Number(value.toPrecision(3)));
}
