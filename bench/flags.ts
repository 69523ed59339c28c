// Parsing of the flags of the bench's commands, with error messages of one form.

import { availableParallelism } from 'node:os';
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { InputError } from '../lib/node.ts';

/** node:util's parseArgs with `--no-…`. @throws InputError naming the command that explains its flags */
export function readFlags<const T extends NonNullable<ParseArgsConfig['options']>>(
  command: string,
  words: readonly string[],
  options: T,
) {
  try {
    return parseArgs({ args: [...words], allowNegative: true, options }).values;
  } catch (error) {
    const why = error instanceof Error ? error.message.split('. ')[0]! : String(error);
    throw new InputError(`${why}. See npm run ${command} -- --help.`);
  }
}

/** Names of a list with commas, each once. @throws InputError for one that is not known */
export function listOf<T extends string>(flag: string, text: string, known: readonly T[]): T[] {
  const names = text.split(',').map((name) => {
    const found = known.find((one) => one === name);
    if (found !== undefined) return found;
    throw new InputError(
      `Expected names among ${known.join(', ')} for --${flag}, received ${name}.`,
    );
  });
  return [...new Set(names)];
}

/** One name. @throws InputError for one that is not known */
export function oneOf<T extends string>(flag: string, text: string, known: readonly T[]): T {
  const found = known.find((name) => name === text);
  if (found !== undefined) return found;
  throw new InputError(`Expected ${known.join(' or ')} for --${flag}, received ${text}.`);
}

/** An integer from 1 to `max`. @throws InputError for anything else */
export function wholeOf(flag: string, text: string, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (value >= 1 && value <= max) return value;
  throw new InputError(`Expected an integer from 1 to ${max} for --${flag}, received ${text}.`);
}

/** --threads; all cores if it is not given. @throws InputError unless 1 … 256 */
export function threadsOf(text: string | undefined): number {
  return wholeOf('threads', text ?? String(Math.min(256, availableParallelism())), 256);
}

/** --seconds. @throws InputError unless 0 … 3600 */
export function secondsOf(text: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (value >= 0 && value <= 3600) return value;
  throw new InputError(`Expected a number from 0 to 3600 for --seconds, received ${text}.`);
}
