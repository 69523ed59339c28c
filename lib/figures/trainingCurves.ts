// The figure of a training run: loss and accuracy over epochs.

import { assertFields, assertListOf } from '../core/kinds.ts';
import { percent } from '../core/format.ts';
import type { EpochLog } from '../core/runSink.ts';
import { lineChartPanel } from './lineChart.ts';
import type { LineChartOptions, Series } from './lineChart.ts';
import { column, figurePng, figureSvg, note, row, withHeading } from './panel.ts';
import type { FigureOptions, Panel } from './panel.ts';
import { theme } from './theme.ts';
import { shortNumber } from './ticks.ts';

/**
 * The options of training curves.
 *
 * @property numClasses  the number of classes; top-5 is left out below 6, where it says nothing
 * @property smoothing   ε of label smoothing: a note says why the training loss is then above the validation loss
 */
export interface TrainingCurvesOptions extends FigureOptions {
  numClasses?: number;
  smoothing?: number;
}

/**
 * The course of a training run as PNG bytes: loss on the left, accuracy on the right, over epochs.
 *
 * Both charts mark the epoch of the best checkpoint: the highest validation top-1 and, among equals, the lowest loss.
 *
 * Epochs without evaluation (`valLoss` null) leave a gap. A training accuracy is drawn when the log has `trainTop1`.
 *
 * @param logs  the objects of `log.jsonl`, in order; an empty list gives a picture that says "no data"
 */
export function trainingCurves(
  logs: readonly EpochLog[],
  options: TrainingCurvesOptions = {},
): Promise<Uint8Array> {
  assertFields('options', options, { title: 'text?' });
  return figurePng(curvesPanel(logs, options), { title: 'Training', ...options });
}

/** The same picture as an SVG document. */
export function trainingCurvesSvg(
  logs: readonly EpochLog[],
  options: TrainingCurvesOptions = {},
): string {
  assertFields('options', options, { title: 'text?' });
  return figureSvg(curvesPanel(logs, options), { title: 'Training', ...options });
}

function curvesPanel(logs: readonly EpochLog[], options: TrainingCurvesOptions): Panel {
  const charts = row(curvePanels(logs, options), { gap: 32 });
  const { smoothing = 0 } = options;
  if (smoothing === 0 || logs.length === 0) return charts;
  const why =
    `The training loss is that of smoothed labels (ε = ${smoothing}), which no prediction brings to 0, on augmented images; ` +
    'the validation loss has neither.';
  return column([charts, note(why, charts.width)]);
}

/** The two charts of a training run, loss and accuracy, by themselves. */
export function curvePanels(
  logs: readonly EpochLog[],
  { numClasses = Infinity }: Pick<TrainingCurvesOptions, 'numClasses'> = {},
): [loss: Panel, accuracy: Panel] {
  assertListOf('logs', logs, 'instance');
  const axis = { xLabel: 'epoch', xFormat: 'integer', width: 440, height: 300 } as const;
  const epochs = logs.map(({ epoch }) => epoch);
  const ends = [Math.min(...epochs), Math.max(...epochs)] as const;
  const shared = { ...axis, ...(epochs.length > 0 && { xLimits: ends }) };
  const best = bestEpoch(logs);
  const top1 = series('validation top-1', logs, 'valTop1');
  const loss = chart('Loss', {
    ...shared,
    series: present([series('training', logs, 'trainLoss'), series('validation', logs, 'valLoss')]),
    yLabel: 'cross-entropy in nats',
    ...markOf(best, 'valLoss', shortNumber),
  });
  const accuracy = chart('Accuracy', {
    ...shared,
    series: present([
      series('training top-1', logs, 'trainTop1'),
      top1,
      ...(numClasses > 5 ? [{ ...series('validation top-5', logs, 'valTop5'), dashed: true }] : []),
    ]),
    yLabel: 'share of images classified correctly',
    yFormat: 'percent',
    yLimits: [0, 1],
    ...markOf(best, 'valTop1', (value) => percent(value, 2)),
  });
  return [loss, accuracy];
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

/** The epoch of the best checkpoint of a classifier: the highest top-1 and, among equals, the lowest loss, the first of them. */
export function bestEpoch(logs: readonly EpochLog[]): EpochLog | undefined {
  let best: EpochLog | undefined;
  for (const log of logs) {
    if (typeof log.valLoss !== 'number' || !Number.isFinite(log.valLoss)) continue;
    const [top1, most] = [log.valTop1 ?? 0, best?.valTop1 ?? 0];
    if (best === undefined || top1 > most || (top1 === most && log.valLoss < best.valLoss!)) {
      best = log;
    }
  }
  return best;
}

function markOf(
  best: EpochLog | undefined,
  key: 'valLoss' | 'valTop1',
  write: (value: number) => string,
): Pick<LineChartOptions, 'mark'> {
  const y = best?.[key];
  if (best === undefined || typeof y !== 'number') return {};
  return { mark: { x: best.epoch, y, label: `best ${write(y)}, epoch ${best.epoch}` } };
}
