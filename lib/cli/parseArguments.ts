// Words of a command line → checked values. yargs shows the help; what a word means is decided here, because a silently
// misread flag costs a training run: yargs takes --flag=no for false, --lr abc for NaN and the last of two values.

import { range } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import type { Arguments, Command, Flag, FlagValue } from './command.ts';

/** Flags that every command has. */
export const commonFlags = {
  help: { type: 'boolean', describe: 'Show this help', aliases: ['h'] },
} as const satisfies Record<string, Flag>;

/**
 * Checks the words after the command's name.
 *
 * Flags may be written with `-` or `_` between words, as `--flag value` or `--flag=value`. `--` ends the flags.
 *
 * @throws InputError for an unknown flag (naming the nearest), a missing, repeated or unusable value, or too many words
 *
 * @example
 * parseArguments(['--output_dir', 'runs/a', '--neg=False'], command);
 */
export function parseArguments(words: readonly string[], command: Command): Arguments {
  const known = flagNames({ ...commonFlags, ...command.flags });
  const flags: Record<string, FlagValue> = {};
  const positional: string[] = [];
  const queue = [...words];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--') {
      positional.push(...queue);
      break;
    }
    if (!isFlag(word)) {
      positional.push(word);
      continue;
    }
    const { name, flag, given, negated } = resolve(word, known, command);
    if (Object.hasOwn(flags, name)) {
      throw new InputError(`Expected --${name} once, received it twice. Give one value.`);
    }
    if (flag.type === 'boolean') flags[name] = booleanValue(name, given, negated, queue);
    else flags[name] = flagValue(name, flag, given ?? nextValue(name, flag, queue));
  }
  if (flags['help'] !== true) assertComplete(flags, positional, command);
  return { flags, positional };
}

/** Every name a flag is known by, in kebab form, with the flag's own name. */
export function flagNames(flags: Readonly<Record<string, Flag>>): Map<string, [string, Flag]> {
  const names = new Map<string, [string, Flag]>();
  for (const [name, flag] of Object.entries(flags)) {
    for (const alias of [name, ...(flag.aliases ?? [])]) names.set(alias, [name, flag]);
  }
  return names;
}

// A minus alone, or before a digit, is a value: -1.
function isFlag(word: string): boolean {
  return /^(--.|-[a-z_])/i.test(word);
}

interface Resolved {
  name: string;
  flag: Flag;
  given: string | undefined;
  negated: boolean;
}

function resolve(
  word: string,
  known: ReadonlyMap<string, [string, Flag]>,
  command: Command,
): Resolved {
  const equals = word.indexOf('=');
  const raw = (equals < 0 ? word : word.slice(0, equals)).replace(/^--?/, '').replaceAll('_', '-');
  const given = equals < 0 ? undefined : word.slice(equals + 1);
  const plain = known.get(raw);
  if (plain !== undefined) return { name: plain[0], flag: plain[1], given, negated: false };
  const positive = raw.startsWith('no-') ? known.get(raw.slice(3)) : undefined;
  if (positive?.[1].type === 'boolean') {
    return { name: positive[0], flag: positive[1], given, negated: true };
  }
  const near = nearest(raw, [...known.keys()]);
  const remedy =
    near === undefined ? `See tfjs-vit ${command.name} --help.` : `Did you mean --${near}?`;
  throw new InputError(expected(`a flag of ${command.name}`, 'the command line', word, remedy));
}

const truths = new Map([
  ...['true', 'yes', 'on', '1'].map((word) => [word, true] as const),
  ...['false', 'no', 'off', '0'].map((word) => [word, false] as const),
]);

function booleanValue(
  name: string,
  given: string | undefined,
  negated: boolean,
  queue: string[],
): boolean {
  // Only an unmistakable word after the flag is its value: "1" may be the next argument.
  if (given === undefined && /^(true|false)$/i.test(queue[0] ?? '')) given = queue.shift();
  if (given === undefined) return !negated;
  const value = truths.get(given.toLowerCase());
  if (value === undefined) throw new InputError(expected('true or false', `--${name}`, given));
  return value !== negated;
}

function nextValue(name: string, flag: Flag, queue: string[]): string {
  const next = queue[0];
  if (next === undefined || isFlag(next)) {
    const what = flag.value ?? flag.type;
    throw new InputError(`Expected a value for --${name}, received none. Give --${name} ${what}.`);
  }
  return queue.shift()!;
}

function flagValue(name: string, flag: Flag, text: string): FlagValue {
  if (flag.type === 'number' || flag.type === 'integer') return numberValue(name, flag, text);
  if (text === '') throw new InputError(`Expected a value for --${name}, received an empty one.`);
  if (flag.choices !== undefined && !flag.choices.includes(text)) {
    const near = nearest(text, flag.choices);
    const remedy = near === undefined ? '' : `Did you mean ${near}?`;
    throw new InputError(expected(`one of ${flag.choices.join(', ')}`, `--${name}`, text, remedy));
  }
  return text;
}

function numberValue(name: string, flag: Flag, text: string): number {
  const value = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text) ? Number(text) : NaN;
  const { min = -Infinity, max = Infinity } = flag;
  const whole = flag.type === 'number' || Number.isSafeInteger(value);
  if (!Number.isFinite(value) || !whole || value < min || value > max) {
    const kind = flag.type === 'integer' ? 'an integer' : 'a finite number';
    const words = `${kind}${range(min, max)}`;
    throw new InputError(expected(words, `--${name}`, text));
  }
  return value;
}

function assertComplete(
  flags: Readonly<Record<string, FlagValue>>,
  positional: readonly string[],
  command: Command,
): void {
  for (const [name, flag] of Object.entries(command.flags)) {
    if (flag.required === true && !Object.hasOwn(flags, name)) {
      throw new InputError(
        `Expected --${name} ${flag.value ?? flag.type} for ${command.name}, received none. ${flag.describe}.`,
      );
    }
  }
  const { min, max, name } = command.positional ?? { min: 0, max: 0, name: 'argument' };
  if (positional.length > max) {
    const what = max === 0 ? 'no further word' : `at most ${max} ${name}`;
    throw new InputError(expected(what, command.name, positional[max]));
  }
  if (positional.length < min) {
    throw new InputError(
      `Expected ${name} for ${command.name}, received none. See tfjs-vit ${command.name} --help.`,
    );
  }
}
