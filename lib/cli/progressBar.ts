// Progress of a command that counts: a bar in a terminal, lines elsewhere.

import progress from 'cli-progress';
import { barStyle } from '../io/barStyle.ts';
import { duration } from '../io/progressSink.ts';
import { takesEscapeCodes } from '../io/quietStream.ts';
import type { ProgressStream } from '../io/progressSink.ts';
import type { Terminal } from './command.ts';

/** Shows how much is done. */
export interface ProgressBar {
  /** Another title begins another bar. */
  show(title: string, done: number, total: number): void;
  /** Removes the bar, before something else is written. */
  stop(): void;
}

/**
 * A bar on standard error with the time that is left; where that is no terminal, a line every `lineMs` ms, default 5,000.
 */
export function progressBar(
  terminal: Pick<Terminal, 'error'>,
  stream: ProgressStream = process.stderr,
  lineMs = 5000,
): ProgressBar {
  let bar: progress.SingleBar | undefined;
  let [title, started, last, before] = ['', 0, 0, 0];
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    stop,
    show(name, done, total) {
      const now = performance.now();
      if (name !== title) {
        stop();
        [title, started, last, before] = [name, now, now, done];
      }
      const rate = (done - before) / (now - started);
      const left = `${duration((total - done) / rate / 1000)} left`;
      if (takesEscapeCodes(stream)) {
        bar ??= startBar(stream, title, total);
        bar.update(done, { left });
      } else if (now - last >= lineMs) {
        last = now;
        terminal.error(`${title} ${done}/${total}  ${left}`);
      }
    },
  };
}

function startBar(stream: ProgressStream, title: string, total: number): progress.SingleBar {
  const bar = new progress.SingleBar({
    stream,
    format: `${title} [{bar}] {value}/{total}  {left}`,
    ...barStyle,
  });
  bar.start(total, 0, { left: '' });
  return bar;
}
