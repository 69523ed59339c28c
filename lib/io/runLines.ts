// The results of a run in lines for a person.

import { percent } from '../core/format.ts';
import type { TestLog } from '../core/runSink.ts';

/**
 * The best epoch of a run without a test, with its metrics on the validation images.
 *
 * @param best    null where nothing was evaluated: the last epoch counts as the best
 * @param epochs  how many are done
 */
export function bestLines(best: Readonly<Record<string, number>> | null, epochs: number): string[] {
  const { epoch = epochs, ...metrics } = best ?? {};
  const values = Object.entries(metrics).map(([name, value]) => [
    `val${name.charAt(0).toUpperCase()}${name.slice(1)}`,
    value,
  ]);
  return testLines({ epoch, images: 0, ...(Object.fromEntries(values) as Record<string, number>) });
}

/** The last lines of a run. A classifier's top-1 stands first; the metrics of another task are in their order. */
export function testLines({ epoch, images, ...metrics }: TestLog): string[] {
  const numbers = Object.entries(metrics).filter(
    (entry): entry is [string, number] => entry[1] !== null,
  );
  const isVal = (name: string) => /^val[A-Z]/.test(name);
  const validation = numbers
    .filter(([name]) => isVal(name))
    .map(([name, value]) => [`${name.charAt(3).toLowerCase()}${name.slice(4)}`, value] as const);
  const test = numbers.filter(([name]) => !isVal(name));
  const chosen = `best epoch        ${epoch}`;
  const lines = [validation.length === 0 ? `${chosen}, the last: nothing was held out` : chosen];
  for (const [name, value] of leading(validation)) {
    lines.push(`validation ${metricText(name, value, 2).replace(' ', '  ')}`);
  }
  const shown = leading(test).map(([name, value]) =>
    metricText(name, value, 2).replace(' ', '        '),
  );
  const loss = metrics['loss'];
  const also = typeof loss === 'number' ? `, loss ${loss.toFixed(4)}` : '';
  return [
    ...lines,
    ...shown.map((text) => `test ${text}  (${images} images${also}, evaluated once)`),
  ];
}

// Top-1 where there is one, else all.
function leading<T extends readonly [string, number]>(values: readonly T[]): readonly T[] {
  const top1 = values.filter(([name]) => name === 'top1');
  return top1.length === 0 ? values : top1;
}

/** A task's metric: top1 as `top-1 93.4 %`, any other one as `loss 0.1234`. */
export function metricText(name: string, value: number, digits: number): string {
  const top = /^top(\d+)$/.exec(name);
  return top === null ? `${name} ${value.toFixed(4)}` : `top-${top[1]} ${percent(value, digits)}`;
}
