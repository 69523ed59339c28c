// The error classes, and the form that every message has: "Expected <what> for <name>, received <value>. <what to do>."

import { printable, shorten } from './format.ts';

/** The kind of an error, as a word that programs can compare. */
export type ErrorCode = 'input' | 'shape' | 'checkpoint' | 'io' | 'numeric' | 'unsupported';

/**
 * The base of every error the library throws on purpose.
 *
 * `exitCode` is the exit code of the command line: 2 for bad usage or input, 1 for a check that failed while running.
 * `message` is one printable line of at most 2,000 characters. A command prints it alone; only an error that is not a `VitError` is a defect and shows its stack.
 */
export class VitError extends Error {
  readonly code: ErrorCode;
  readonly exitCode: 1 | 2;

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; exitCode?: 1 | 2 } = {},
  ) {
    super(shown(message), options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.exitCode = options.exitCode ?? 2;
  }
}

// One line for a person, whatever names of a file stand in it: they may be long and hold escape codes.
function shown(message: string): string {
  return shorten(printable(message.replace(/\s*\n\s*/g, ' ')), 2000);
}

/** A config value, flag or argument that cannot be used. */
export class InputError extends VitError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('input', message, options);
  }
}

/** A tensor whose shape does not fit; the message names the tensor and both shapes. */
export class ShapeError extends VitError {
  constructor(message: string) {
    super('shape', message);
  }
}

/** A checkpoint that is broken, hostile, incomplete, or of another model. */
export class CheckpointError extends VitError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('checkpoint', message, options);
  }
}

/** A file or directory that cannot be read or written; the message names its path. */
export class IoError extends VitError {
  constructor(message: string, options?: { cause?: unknown }) {
    super('io', message, options);
  }
}

/** A NaN or an infinity where training cannot go on; the message names the first bad tensor. Exit code 1. */
export class NumericError extends VitError {
  constructor(message: string) {
    super('numeric', message, { exitCode: 1 });
  }
}

/** Something this build, backend or format version does not do. */
export class UnsupportedError extends VitError {
  constructor(message: string) {
    super('unsupported', message);
  }
}

/**
 * The message of an error in the form that all of them have.
 *
 * @example
 * throw new InputError(expected('a positive integer', 'batchSize', -1));
 * // Expected a positive integer for batchSize, received -1.
 */
export function expected(what: string, name: string, received: unknown, remedy = ''): string {
  const sentence = `Expected ${what} for ${name}, received ${show(received)}.`;
  return remedy === '' ? sentence : `${sentence} ${remedy}`;
}

/** A value as an error message shows it: strings quoted, shapes in brackets, at most 120 printable characters. */
export function show(value: unknown): string {
  let text: string;
  if (typeof value === 'string') text = JSON.stringify(value);
  else if (Array.isArray(value)) text = `[${value.map((item) => show(item)).join(', ')}]`;
  else if (typeof value === 'function') text = `function ${value.name}`;
  else if (typeof value === 'bigint') text = `${value}n`;
  else if (typeof value === 'object' && value !== null) text = showObject(value);
  else text = String(value);
  const shown = printable(text);
  return shown.length > 120 ? `${shown.slice(0, 117)}...` : shown;
}

// An object of a class by its class, and its size where it has one: its fields are not what was given wrong.
function showObject(value: object): string {
  try {
    const name: unknown = (Object.getPrototypeOf(value) as object | null)?.constructor?.name;
    if (typeof name === 'string' && name !== '' && name !== 'Object') {
      const { shape, length } = value as { shape?: unknown; length?: unknown };
      if (Array.isArray(shape)) return `${name} ${show(shape)}`;
      return typeof length === 'number' ? `${name}(${length})` : name;
    }
    return JSON.stringify(value) ?? Object.prototype.toString.call(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/** Phrases joined as `a; b; c`. Only the first `most` are written, then how many are left. */
export function listed(phrases: readonly string[], most = 3): string {
  const more = phrases.length > most ? `; and ${phrases.length - most} more` : '';
  return phrases.slice(0, most).join('; ') + more;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  // `instanceof` would fail: an error of another realm (a worker, a test runner) is of another class.
  if (typeof error === 'object' && error !== null && 'message' in error) {
    return String(error.message);
  }
  return String(error);
}
