// A stream for people that may fail without ending the program: it falls silent, and the first failure is told once.

import { errorCodeOf } from './ioError.ts';

/** The stream that text for people is written to: process.stdout, or in a test something like it. */
export type TextStream = NodeJS.WritableStream & { isTTY?: boolean };

// The state of a stream, which all its writers share.
interface Health {
  failed: boolean;
  onFailure: ((failure: unknown) => void) | undefined;
}

const healths = new WeakMap<TextStream, Health>();

/**
 * A stream whose reader may go away (`| head -1`, a closed terminal) and whose disk may be full.
 *
 * All writers of one stream share its state. After the first failure nothing is written any more. The failure is told to the
 * first writer that brought an `onFailure`, once.
 */
export class QuietStream {
  private readonly stream: TextStream;
  private readonly health: Health;

  constructor(stream: TextStream, onFailure?: (failure: unknown) => void) {
    this.stream = stream;
    this.health = healths.get(stream) ?? watch(stream);
    this.health.onFailure ??= onFailure;
  }

  /** Whether nothing can be written any more. */
  get closed(): boolean {
    return this.health.failed || !this.stream.writable;
  }

  /** Writes text as it is; nothing happens where the stream is closed. */
  write(text: string): void {
    if (this.closed) return;
    try {
      this.stream.write(text);
    } catch (error) {
      fail(this.health, error);
    }
  }
}

/** Whether a stream is a terminal that understands escape codes, and so can show a bar. */
export function takesEscapeCodes(stream: TextStream): boolean {
  return stream.isTTY === true && process.env['TERM'] !== 'dumb';
}

/** Whether a stream failed because nobody reads it any more: the end of a pipe, or a terminal that is gone. */
export function isReaderGone(failure: unknown): boolean {
  return ['EPIPE', 'EIO', 'ECONNRESET', 'ERR_STREAM_DESTROYED'].includes(errorCodeOf(failure));
}

function watch(stream: TextStream): Health {
  const health: Health = { failed: false, onFailure: undefined };
  healths.set(stream, health);
  stream.on('error', (error: unknown) => fail(health, error));
  return health;
}

function fail(health: Health, failure: unknown): void {
  if (health.failed) return;
  health.failed = true;
  health.onFailure?.(failure);
}
