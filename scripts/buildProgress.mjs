// Shows how far a compilation is: on a terminal one line that is written anew, elsewhere a line at the start and one every so often.

import process from 'node:process';
import { clearInterval, setInterval } from 'node:timers';

const EVERY_MS = 20_000;

/**
 * Begins to show the progress of `total` files; nothing is shown where there are none.
 *
 * @param what  what is built, for the line at the start
 * @returns step, to be called after each file, and end, after the last or on an error
 */
export function showProgress(total, what, { stream = process.stderr, now = Date.now } = {}) {
  if (total === 0) return { step() {}, end() {} };
  const rewrites = stream.isTTY === true && process.env.TERM !== 'dumb';
  const began = now();
  let done = 0;
  let said = began;
  const line = () => {
    const seconds = Math.round((now() - began) / 1000);
    return `native backend: compiled ${done} of ${total} files, ${seconds} s`;
  };
  stream.write(
    `native backend: compiling ${total} files of C++ for ${what}; the first time takes one to three minutes\n`,
  );
  // Between two files half a minute may pass.
  const timer = rewrites ? setInterval(() => stream.write(`\r${line()}`), 1000) : undefined;
  return {
    step() {
      done += 1;
      if (rewrites) stream.write(`\r${line()}`);
      else if (done < total && now() - said >= EVERY_MS) {
        said = now();
        stream.write(`${line()}\n`);
      }
    },
    end() {
      clearInterval(timer);
      if (rewrites) stream.write('\r\u001b[K');
    },
  };
}
