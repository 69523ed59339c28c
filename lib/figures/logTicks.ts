// Ticks of a logarithmic axis.

import { assertNumber } from '../core/check.ts';
import { shortNumber, type Ticks } from './ticks.ts';

/**
 * Ticks of a logarithmic axis that enclose [low, high]: 1, 2 and 5 times powers of ten; where that is more than 1.5 · `count`,
 * powers of ten alone, or every second, third … of them.
 *
 * @param low  above 0
 */
export function makeLogTicks(low: number, high: number, count = 5): Ticks {
  assertNumber('low', low, { min: Number.MIN_VALUE });
  assertNumber('high', high, { min: low });
  const fine = enclosing(low, high, [1, 2, 5]);
  let values = fine;
  if (fine.length > 1.5 * count) {
    const decades = enclosing(low, high, [1]);
    const every = Math.max(1, Math.round((decades.length - 1) / count));
    const steps = Math.ceil((decades.length - 1) / every);
    // Counted from the last one, so that the axis may begin below its data.
    const last = Math.round(Math.log10(decades.at(-1)!));
    values = Array.from({ length: steps + 1 }, (_, i) => Number(`1e${last - (steps - i) * every}`));
  }
  return {
    values,
    labels: values.map((value) => shortNumber(value).replace(/\.0e/, 'e')),
    low: values[0]!,
    high: values.at(-1)!,
  };
}

// The multiples of powers of ten from the last at or below `low` to the first at or above `high`, two at least.
function enclosing(low: number, high: number, factors: readonly number[]): number[] {
  const [from, to] = [Math.floor(Math.log10(low)) - 1, Math.ceil(Math.log10(high)) + 1];
  const all: number[] = [];
  for (let power = from; power <= to; power++) {
    // Number('2e-3') is the nearest number to 0.002; 2 * 10 ** -3 need not be.
    for (const factor of factors) all.push(Number(`${factor}e${power}`));
  }
  const first = all.findLastIndex((value) => value <= low);
  const last = all.findIndex((value) => value >= high);
  return all.slice(first, Math.max(last, first + 1) + 1);
}
