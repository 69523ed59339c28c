// Words of a command line → checked values. yargs' parser takes the words apart; three things it cannot do strictly are done here:
// - a switch with a word: yargs takes --flag=yes and --flag=maybe for false, and counts no repetition of a switch, so `spelled`
//   writes every switch out as --flag=true or --flag=false first, and joins the words of a flag's name by `-`;
// - a number: yargs takes `abc` for NaN and `0x10` for 16, so that every value stays text until its descriptor has checked it;
// - an unknown flag, a missing or repeated value: yargs reports or collects them in its own words, so that the errors are made here.

import { Parser } from 'yargs/helpers';
import { InputError, expected } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { parseOption } from '../core/option.ts';
import type { Arguments, Command, Flag, FlagValue } from './command.ts';

/** Flags that every command has. */
export const commonFlags = {
  help: { type: 'boolean', describe: 'Show this help', aliases: ['h'] },
} as const satisfies Record<string, Flag>;

/**
 * Checks the words after the command's name.
 *
 * Flags may be written with `-` or `_` between words, as `--flag value` or `--flag=value`. `--` ends the flags. A flag that is not
 * given has its default, if it has one.
 *
 * @throws InputError for an unknown flag (naming the nearest), a missing, repeated or unusable value, or too many words
 *
 * @example
 * parseArguments(['--output_dir', 'runs/a', '--neg=False'], command);
 */
export function parseArguments(words: readonly string[], command: Command): Arguments {
  const known: Readonly<Record<string, Flag>> = { ...commonFlags, ...command.flags };
  const names = namesOf(known);
  const options = {
    string: Object.keys(known),
    narg: Object.fromEntries(Object.keys(known).map((name) => [name, 1])),
    alias: Object.fromEntries(
      Object.entries(known).map(([name, { aliases = [] }]) => [name, [...aliases]]),
    ),
    configuration: parserConfiguration,
    // With these options the parser has one message, that a flag lacks its value; the message is then the flag's name.
    __: (_format: string, key: string) => key,
  };
  const { argv, error } = Parser.detailed(spelled(words, known, names), options);
  const { _: positional, '--': rest = [], ...values } = argv;
  const unknown = Object.keys(values).find((name) => !names.has(name));
  if (unknown !== undefined) throw unknownFlag(unknown, words, [...names.keys()], command);
  if (error !== null) throw missingValue(known, names.get(error.message) ?? error.message);
  const flags: Record<string, FlagValue> = {};
  for (const [name, flag] of Object.entries(known)) {
    const text: unknown = values[name];
    if (Array.isArray(text)) {
      throw new InputError(`Expected --${name} once, received it twice. Give one value.`);
    }
    if (typeof text === 'string') flags[name] = flagValue(name, flag, text);
    else if (flag.default !== undefined) flags[name] = flag.default;
  }
  const result = { flags, positional: [...positional, ...(rest as string[])].map(String) };
  if (flags['help'] !== true) assertComplete(result, command);
  return result;
}

const parserConfiguration = {
  'boolean-negation': false,
  'camel-case-expansion': false,
  'dot-notation': false,
  'duplicate-arguments-array': true,
  'parse-numbers': false,
  'parse-positional-numbers': false,
  'populate--': true,
  'strip-aliased': true,
} as const;

// Every name of a flag, in kebab form, with the flag's own.
function namesOf(flags: Readonly<Record<string, Flag>>): Map<string, string> {
  return new Map(
    Object.entries(flags).flatMap(([name, { aliases = [] }]) =>
      [name, ...aliases].map((alias) => [alias, name] as const),
    ),
  );
}

// The words with two dashes and `-` in every flag's name, and every switch with its value.
function spelled(
  words: readonly string[],
  flags: Readonly<Record<string, Flag>>,
  names: ReadonlyMap<string, string>,
): string[] {
  const switchOf = (name: string): string | undefined => {
    const own = names.get(name);
    return own !== undefined && flags[own]!.type === 'boolean' ? own : undefined;
  };
  const queue = [...words];
  const result: string[] = [];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === '--') return [...result, word, ...queue];
    if (!isFlag(word)) {
      result.push(word);
      continue;
    }
    const [raw, given] = halves(word);
    const on = switchOf(raw);
    const off = on === undefined && raw.startsWith('no-') ? switchOf(raw.slice(3)) : undefined;
    const name = on ?? off;
    if (name === undefined) {
      const value = given ?? numbersOf(flags[names.get(raw) ?? ''], queue);
      result.push(value === undefined ? `--${raw}` : `--${raw}=${value}`);
      continue;
    }
    // Only an unmistakable word after the flag is its value: "1" may be the next argument.
    const next = given === undefined && /^(true|false)$/i.test(queue[0] ?? '');
    const value = switchValue(name, given ?? (next ? queue.shift()! : 'true'));
    result.push(`--${name}=${value === (off === undefined)}`);
  }
  return result;
}

// The numbers that stand behind a flag of several, taken from the words that follow it.
function numbersOf(flag: Flag | undefined, queue: string[]): string | undefined {
  if (flag?.type !== 'numbers') return undefined;
  const taken: string[] = [];
  while (isNumeral(queue[0] ?? '')) taken.push(queue.shift()!);
  return taken.length === 0 ? undefined : taken.join(',');
}

// A minus alone, or before a digit, is a value: -1.
function isFlag(word: string): boolean {
  return /^(--.|-[a-z_])/i.test(word);
}

// A flag's name in kebab form, and what stands behind its `=`.
function halves(word: string): [name: string, given: string | undefined] {
  const equals = word.indexOf('=');
  const name = (equals < 0 ? word : word.slice(0, equals)).replace(/^--?/, '').replaceAll('_', '-');
  return [name, equals < 0 ? undefined : word.slice(equals + 1)];
}

const truths = new Map([
  ...['true', 'yes', 'on', '1'].map((word) => [word, true] as const),
  ...['false', 'no', 'off', '0'].map((word) => [word, false] as const),
]);

function switchValue(name: string, text: string): boolean {
  const value = truths.get(text.toLowerCase());
  if (value === undefined) throw new InputError(expected('true or false', `--${name}`, text));
  return value;
}

function flagValue(name: string, flag: Flag, text: string): FlagValue {
  if (flag.type === 'string' && text === '') {
    throw new InputError(`Expected a value for --${name}, received an empty one.`);
  }
  return parseOption(flag, valueOf(flag, text), `--${name}`, text) as FlagValue;
}

function valueOf({ type }: Flag, text: string): FlagValue {
  if (type === 'string') return text;
  if (type === 'boolean') return text === 'true';
  if (type === 'numbers') return text.split(/[, ]+/).map(numberOf);
  return numberOf(text);
}

function numberOf(text: string): number {
  return isNumeral(text) ? Number(text) : NaN;
}

function isNumeral(text: string): boolean {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text);
}

function unknownFlag(
  name: string,
  words: readonly string[],
  known: readonly string[],
  command: Command,
): InputError {
  const written = words.find((word) => isFlag(word) && halves(word)[0] === name) ?? `--${name}`;
  // A flag of one letter, and one that merely begins like it, is near to too much.
  const near = nearest(
    name,
    known.filter(
      (one) =>
        name.length > 1 && one.length > 1 && (one.length < 2 * name.length || name.length < 4),
    ),
  );
  const elsewhere = command.elsewhere?.[name];
  const remedy =
    elsewhere !== undefined
      ? elsewhere
      : near === undefined
        ? `See tfjs-vit ${command.name} --help.`
        : `Did you mean --${near}?`;
  return new InputError(expected(`a flag of ${command.name}`, 'the command line', written, remedy));
}

function missingValue(flags: Readonly<Record<string, Flag>>, name: string): InputError {
  const what = flags[name]?.value ?? flags[name]?.type ?? 'VALUE';
  return new InputError(`Expected a value for --${name}, received none. Give --${name} ${what}.`);
}

function assertComplete({ flags, positional }: Arguments, command: Command): void {
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
