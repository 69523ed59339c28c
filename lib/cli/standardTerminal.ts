// Standard output and standard error as the terminal of a command: the one place where text leaves for a person's screen.

import { printableLines } from '../core/format.ts';
import { QuietStream } from '../io/quietStream.ts';
import type { TextStream } from '../io/quietStream.ts';
import type { Terminal } from './command.ts';

/**
 * Standard output and standard error. Whatever a command hands over, no control character of a file reaches the screen.
 *
 * @param onFailure  told once that standard output can no longer be written
 * @param streams    default those of the process; for tests
 */
export function standardTerminal(
  onFailure: (failure: unknown) => void,
  { stdout, stderr }: { stdout: TextStream; stderr: TextStream } = process,
): Terminal {
  const out = new QuietStream(stdout, onFailure);
  const error = new QuietStream(stderr);
  return {
    out: (line) => out.write(`${printableLines(line)}\n`),
    error: (line) => error.write(`${printableLines(line)}\n`),
  };
}
