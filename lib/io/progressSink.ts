// Progress of a run for a person: a bar in a terminal, lines elsewhere.

import { assertFields } from '../core/kinds.ts';
import progress from 'cli-progress';
import { percent, printable } from '../core/format.ts';
import { barStyle } from './barStyle.ts';
import { reasonOf } from './ioError.ts';
import { QuietStream, takesEscapeCodes } from './quietStream.ts';
import { metricText, testLines } from './runLines.ts';
import type { TextStream } from './quietStream.ts';
import type { EpochLog, EvaluationProgress, RunSink, StepProgress } from '../core/runSink.ts';

/** The stream that progress is written to: process.stdout, or in a test something like it. */
export type ProgressStream = TextStream;

/**
 * The options of `progressSink`.
 *
 * @property stream  default process.stdout
 * @property title   a line that is written at once, before the first step, so that a person sees that the run has begun
 * @property lineMs  the shortest time in ms between two lines where there is no terminal; default 5000
 * @property numClasses  the number of classes; below 6 top-5, which says nothing then, is left out. Default: it is shown
 */
export interface ProgressOptions {
  stream?: ProgressStream;
  title?: string;
  lineMs?: number;
  numClasses?: number;
}

/**
 * A sink for a person: in a terminal a bar with images/s, time left, loss, accuracy and the share of time spent waiting for
 * data; elsewhere plain lines. An epoch ends with one line.
 *
 * A terminal without escape codes (TERM=dumb) gets lines too. When the reader goes away (`| head -1`, a closed terminal), or the
 * log's disk is full, it falls silent and the run goes on.
 */
export function progressSink(options: ProgressOptions = {}): RunSink {
  assertFields('progressSink', options, {
    stream: 'instance?',
    title: 'text?',
    lineMs: 'number?',
    numClasses: 'number?',
  });
  const { stream = process.stdout, title, lineMs = 5000, numClasses = Infinity } = options;
  const out = new LineStream(stream, stream === process.stdout ? tellLoss : undefined);
  if (title !== undefined) out.line(title);
  const ended = (log: EpochLog): void => out.line(epochLine(log, numClasses));
  return takesEscapeCodes(stream) ? barSink(out, stream, ended) : lineSink(out, lineMs, ended);
}

function tellLoss(failure: unknown): void {
  new LineStream(process.stderr).line(
    `Standard output cannot be written: ${reasonOf(failure)}. Training goes on without its log.`,
  );
}

class LineStream extends QuietStream {
  line(text: string): void {
    this.write(`${printable(text)}\n`);
  }
}

function lineSink(out: LineStream, lineMs: number, ended: (log: EpochLog) => void): RunSink {
  let last = -Infinity;
  return {
    message: (text) => out.line(text),
    step: (now) => {
      const time = performance.now();
      if (time - last < lineMs) return;
      last = time;
      out.line(
        `epoch ${now.epoch}/${now.epochs}  step ${now.step}/${now.stepsInEpoch}  ${figures(now)}`,
      );
    },
    evaluation: (now) => {
      const time = performance.now();
      if (time - last < lineMs) return;
      last = time;
      out.line(evaluationText(now));
    },
    epoch: (log) => {
      last = performance.now();
      ended(log);
    },
    test: (log) => testLines(log).forEach((text) => out.line(text)),
  };
}

function barSink(out: LineStream, stream: ProgressStream, ended: (log: EpochLog) => void): RunSink {
  let bar: progress.SingleBar | undefined;
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    message: (text) => {
      stop();
      out.line(text);
    },
    step: (now) => {
      if (out.closed) return stop();
      if (bar === undefined) {
        bar = new progress.SingleBar({
          stream,
          format: 'epoch {epoch}/{epochs} [{bar}] {value}/{total}  {figures}',
          ...barStyle,
        });
        bar.start(now.stepsInEpoch, now.step, payload(now));
      }
      bar.update(now.step, payload(now));
    },
    evaluation: (now) => {
      if (out.closed) return stop();
      bar?.update(bar.getTotal(), { figures: evaluationText(now) });
    },
    epoch: (log) => {
      stop();
      ended(log);
    },
    test: (log) => {
      stop();
      testLines(log).forEach((text) => out.line(text));
    },
    close: stop,
  };
}

function evaluationText({ part, images, total, secondsLeft }: EvaluationProgress): string {
  return `${part} ${images}/${total} images  ${duration(secondsLeft)} left`;
}

function payload(now: StepProgress): Record<string, unknown> {
  return { epoch: now.epoch, epochs: now.epochs, figures: figures(now) };
}

function figures(now: StepProgress): string {
  return [
    `loss ${now.loss.toFixed(4)}`,
    ...Object.entries(now.metrics).map(([name, value]) => metricText(name, value, 1)),
    `${now.imagesPerSecond.toFixed(0)} images/s`,
    `data wait ${percent(now.dataWait)}`,
    `${duration(now.secondsLeft)} left`,
  ].join('  ');
}

function epochLine(log: EpochLog, numClasses: number): string {
  const parts = [`epoch ${log.epoch}`, `train loss ${log.trainLoss.toFixed(4)}`];
  for (const [key, value] of Object.entries(log)) {
    if (!key.startsWith('val') || typeof value !== 'number') continue;
    const name = `${key.charAt(3).toLowerCase()}${key.slice(4)}`;
    if (name === 'top5' && numClasses < 6) continue;
    parts.push(name === 'top5' ? metricText(name, value, 2) : `val ${metricText(name, value, 2)}`);
  }
  parts.push(`rate ${log.learningRate.toPrecision(3)}`);
  parts.push(`${log.imagesPerSecond.toFixed(0)} images/s`, duration(log.seconds));
  return parts.join('  ');
}

/** Seconds as 45 s, 3 min 20 s, or 2 h 5 min; `?` if they are not known. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds) || seconds < 0) return '?';
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
