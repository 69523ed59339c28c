// The learning rate of a run as text: a chart of one line, and the rates of the epochs where it turns.

import { rateOfUpdate } from './schedules.ts';
import type { ScheduledRun } from './scheduleNotes.ts';

const levels = '▁▂▃▄▅▆▇█';

/**
 * The rates over a run: one line of at most `width` bars, from 0 to the highest rate, and a line for each epoch worth a look.
 *
 * The epochs worth a look are the first two, the one after the warm-up, the quarters and the last.
 */
export function rateLines(
  run: ScheduledRun & { warmupEpochs: number },
  { width = 60 }: { width?: number } = {},
): string[] {
  const { epochs, warmupEpochs } = run;
  const updates = epochs * run.updatesPerEpoch;
  const bars = Math.min(width, updates);
  const rates = Array.from({ length: bars }, (_, i) =>
    rateAt(run, Math.floor((i * (updates - 1)) / Math.max(1, bars - 1))),
  );
  const highest = Math.max(...rates);
  const chart = rates.map((rate) => levels[Math.round((rate / highest) * 7)] ?? levels[0]).join('');
  const quarters = [0.25, 0.5, 0.75].map((share) => Math.floor(share * epochs));
  const places = [0, 1, Math.ceil(warmupEpochs), ...quarters, epochs - 1];
  const shown = [...new Set(places.filter((epoch) => epoch >= 0 && epoch < epochs))].sort(
    (a, b) => a - b,
  );
  const digits = String(epochs).length;
  return [
    chart,
    ...shown.map((epoch) => {
      const [first, last] = [0, 1].map((end) =>
        rateAt(run, (epoch + end) * run.updatesPerEpoch - end),
      );
      const until = first === last ? '' : ` … ${short(last!)}`;
      return `epoch ${String(epoch + 1).padStart(digits)}  ${short(first!)}${until}`;
    }),
  ];
}

function rateAt({ schedule, updatesPerEpoch }: ScheduledRun, update: number): number {
  return rateOfUpdate(schedule, Math.floor(update / updatesPerEpoch), update);
}

function short(rate: number): string {
  return String(Number(rate.toPrecision(4)));
}
