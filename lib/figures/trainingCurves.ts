// The figure of a training run: loss and accuracy over epochs.

import { assertFields, assertListOf } from '../core/kinds.ts';
import { percent } from '../core/format.ts';
import type { EpochLog } from '../core/runSink.ts';
import { lineChartPanel } from './lineChart.ts';
import type { LineChartOptions, Series } from './lineChart.ts';
import { figurePng, figureSvg, withHeading, row } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { theme } from './theme.ts';
import { shortNumber } from './ticks.ts';

/**
 * The course of a training run as PNG bytes: loss on the left, accuracy on the right, over epochs; the best epoch is marked.
 *
 * Epochs without evaluation (`valLoss` null) leave a gap. A training accuracy is drawn when the log has `trainTop1`.
 *
 * @param logs  the objects of `log.jsonl`, in order; an empty list gives a picture that says "no data"
 */
export function trainingCurves(
  logs: readonly EpochLog[],
  options: FigureOptions = {},
): Promise<Uint8Array> {
  assertFields('options', options, { title: 'text?' });
  return figurePng(curvesPanel(logs), { title: 'Training', ...options });
}

/** The same picture as an SVG document. */
export function trainingCurvesSvg(logs: readonly EpochLog[], options: FigureOptions = {}): string {
  assertFields('options', options, { title: 'text?' });
  return figureSvg(curvesPanel(logs), { title: 'Training', ...options });
}

function curvesPanel(logs: readonly EpochLog[]): Panel {
  assertListOf('logs', logs, 'instance');
  const shared = { xLabel: 'epoch', xFormat: 'integer', width: 440, height: 300 } as const;
  const top1 = series('validation top-1', logs, 'valTop1');
  const loss = chart('Loss', {
    ...shared,
    series: present([series('training', logs, 'trainLoss'), series('validation', logs, 'valLoss')]),
    yLabel: 'cross-entropy in nats',
    ...best(logs, 'valLoss', (value) => shortNumber(value), -1),
  });
  const accuracy = chart('Accuracy', {
    ...shared,
    series: present([
      series('training top-1', logs, 'trainTop1'),
      top1,
      { ...series('validation top-5', logs, 'valTop5'), dashed: true },
    ]),
    yLabel: 'share of images classified correctly',
    yFormat: 'percent',
    yLimits: [0, 1],
    ...best(logs, 'valTop1', (value) => percent(value, 2), 1),
  });
  return row([loss, accuracy], { gap: 32 });
}

function chart(heading: string, options: LineChartOptions): Panel {
  return withHeading(heading, lineChartPanel(options));
}

// Training is blue and validation orange in both charts, whatever lines are there.
const [blue, orange, green] = theme.color.series;
const colors: Readonly<Record<string, string>> = {
  trainLoss: blue,
  trainTop1: blue,
  valLoss: orange,
  valTop1: orange,
  valTop5: green,
};

function series(name: string, logs: readonly EpochLog[], key: string): Series {
  const points = logs.map((log) => {
    const value = log[key];
    return [log.epoch, typeof value === 'number' ? value : null] as const;
  });
  return { name, points, color: colors[key] ?? theme.color.text };
}

function present(all: readonly Series[]): Series[] {
  return all.filter(({ points }) => points.some((point) => point[1] !== null));
}

function best(
  logs: readonly EpochLog[],
  key: 'valLoss' | 'valTop1',
  write: (value: number) => string,
  sign: 1 | -1,
): Pick<LineChartOptions, 'mark'> {
  let mark: LineChartOptions['mark'];
  for (const log of logs) {
    const y = log[key];
    if (typeof y !== 'number' || !Number.isFinite(y)) continue;
    if (mark === undefined || sign * y > sign * mark.y) {
      mark = { x: log.epoch, y, label: `best ${write(y)}, epoch ${log.epoch}` };
    }
  }
  return mark === undefined ? {} : { mark };
}
