// Descriptors of options: each option is said once, and checking, flags, help, docs and an editor's hover text come from it.

import { isRecord, range } from './check.ts';
import { InputError, expected } from './errors.ts';
import { didYouMean } from './nearest.ts';

/** The kinds of value that an option may have; `group` is an object of options, `any` is what only `parse` understands. */
export type OptionType =
  'boolean' | 'integer' | 'number' | 'string' | 'integers' | 'numbers' | 'group' | 'any';

/**
 * How an option is called on the command line.
 *
 * @property name      in kebab form, without dashes: `batch-size`
 * @property aliases   other names, in kebab form
 * @property type      the type of the flag, where the option's is no single value: a text that the option's `parse` takes apart
 * @property value     the word for the value in the help: `N`, `FILE`
 * @property reads     true: the value names a file or folder that the command reads
 * @property describe  a text for the help alone; default: the option's
 */
export interface OptionFlag {
  readonly name: string;
  readonly type?: 'string';
  readonly aliases?: readonly string[];
  readonly value?: string;
  readonly reads?: true;
  readonly describe?: string;
}

/**
 * One option. A table of these is the only place where the option's name, type, range, default and text are written.
 *
 * @property describe   a phrase without a full stop, for help, docs and hover
 * @property aliases    the option's names in other libraries, `img_size`; case, dashes and underscores do not count. `optionNamed` finds
 *                      the option of one
 * @property required   true: it has no default and must be given
 * @property default    the value if it is not given; absent: the option is then left out
 * @property sparse     true: a complete configuration leaves the option out where it has its default. It is for options that came
 *                      later, so that configurations that were stored before stay equal
 * @property nullable   true: null may be given
 * @property min, max   limits of a number, or of each element of `numbers` and `integers`
 * @property length     how many elements `numbers` and `integers` have; absent: any number of them
 * @property choices    the words a string may be
 * @property spellings  other spellings of the choices, each with the choice that it stands for
 * @property options    the table of a `group`
 * @property title      what a `group` is called above its options, in help and docs
 * @property appliesTo  the option has an effect only if its neighbours have one of these values, or one above a limit:
 *                      `{ opt: ['sgd'], momentum: { above: 0 } }`
 * @property parse      the value as it is to be used, once its type and range are checked; throws an InputError for one that
 *                      cannot be
 * @property written    for `any`: the TypeScript type, in the generated interfaces
 * @property given      the TypeScript type of the value as a user may give it, where a parser of the table's owner takes more than
 *                      the type says
 */
export interface Option {
  readonly type: OptionType;
  readonly describe: string;
  readonly aliases?: readonly string[];
  readonly required?: boolean;
  readonly default?: unknown;
  readonly sparse?: boolean;
  readonly nullable?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly length?: number;
  readonly choices?: readonly string[];
  readonly spellings?: Readonly<Record<string, string>>;
  readonly options?: OptionTable;
  readonly title?: string;
  readonly appliesTo?: Readonly<Record<string, Wanted>>;
  readonly parse?: (value: unknown, name: string) => unknown;
  readonly written?: string;
  readonly given?: string;
  readonly flag?: OptionFlag;
}

/** The values of a neighbour beside which an option has an effect: some of them, or all numbers above a limit. */
export type Wanted = readonly unknown[] | { readonly above: number };

/** Options by name, in the order of the docs. */
export type OptionTable = Readonly<Record<string, Option>>;

/** The name of the option that is called so, by its own name or an alias; undefined if none is. */
export function optionNamed(table: OptionTable, word: string): string | undefined {
  const wanted = plain(word);
  return Object.keys(table).find((name) =>
    [name, ...(table[name]!.aliases ?? [])].some((known) => plain(known) === wanted),
  );
}

// imgSize, img_size and img-size are the same.
function plain(word: string): string {
  return word.toLowerCase().replace(/[-_]/g, '');
}

/** The options' defaults; an option without one is left out. */
export function defaultsOf(table: OptionTable): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(table)
      .filter(([, option]) => option.default !== undefined)
      .map(([name, option]) => [name, option.default]),
  );
}

/** The complete options without those that are `sparse` and have their default. */
export function withoutSparse<T extends object>(table: OptionTable, complete: T): T {
  const left = Object.entries(complete).filter(
    ([name, value]) => table[name]?.sparse !== true || value !== table[name].default,
  );
  return Object.fromEntries(left) as T;
}

/**
 * The options in `value`, checked, with their defaults. A value of undefined counts as not given.
 *
 * A group is checked and kept as it was given: what uses the group fills it by the group's own table.
 *
 * @param where.name  stands before the names in messages: `optimizer` gives `optimizer.betas`
 * @param where.what  what a key is called in messages; default `an option of <name>`
 * @throws InputError for what is no object, an unknown key (naming the nearest), an option that is missing, or the first value
 *   that is of another type or out of range
 *
 * @example parseOptions<FullTrainConfig>(trainOptions, config, {what: 'a training option'});
 */
export function parseOptions<T>(
  table: OptionTable,
  value: unknown,
  where: { name?: string; what?: string } = {},
): T {
  assertOptionTable(table);
  if (!isRecord(where)) throw new InputError(expected('an object', 'where', where));
  return { ...defaultsOf(table), ...givenOptions(table, value, where) } as T;
}

function assertOptionTable(table: unknown): void {
  const sound = isRecord(table) && Object.values(table).every(isRecord);
  if (!sound) throw new InputError(expected('a table of options', 'table', table));
}

function givenOptions(
  table: OptionTable,
  value: unknown,
  { name = '', what = `an option of ${name}` }: { name?: string; what?: string },
): Record<string, unknown> {
  if (!isRecord(value)) {
    throw new InputError(expected('an object', name === '' ? 'the options' : name, value));
  }
  const known = Object.keys(table);
  const given: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(value)) {
    if (!Object.hasOwn(table, key)) {
      throw new InputError(
        expected(
          known.length === 0 ? 'no option' : `one of ${known.join(', ')}`,
          what,
          key,
          didYouMean(key, known),
        ),
      );
    }
    if (one !== undefined) given[key] = parseOption(table[key]!, one, path(name, key));
  }
  for (const [key, option] of Object.entries(table)) {
    if (option.required === true && !Object.hasOwn(given, key)) {
      throw new InputError(expected(valuePhrase(option), path(name, key), undefined));
    }
  }
  return given;
}

/**
 * One value, checked.
 *
 * @param name      for messages: `optimizer.betas`, `--lr`
 * @param received  what messages show; default the value
 * @throws InputError if it is of another type or out of range
 */
export function parseOption(
  option: Option,
  value: unknown,
  name: string,
  received: unknown = value,
): unknown {
  if (value === null && option.nullable === true) return null;
  const checked = checkType(option, value, name, received);
  return option.parse === undefined ? checked : option.parse(checked, name);
}

function checkType(option: Option, value: unknown, name: string, received: unknown): unknown {
  const refuse = (remedy = ''): never => {
    throw new InputError(expected(valuePhrase(option), name, received, remedy));
  };
  switch (option.type) {
    case 'any':
      return value;
    case 'group':
      return givenOptions(option.options ?? {}, value, { name });
    case 'boolean':
      return typeof value === 'boolean' ? value : refuse();
    case 'string':
      return parseText(option, value, refuse);
    case 'integer':
    case 'number':
      return isNumber(option, value) ? value : refuse();
    case 'integers':
    case 'numbers': {
      const { length } = option;
      if (!Array.isArray(value) || (length !== undefined && value.length !== length)) {
        return refuse();
      }
      const bad = value.findIndex((one) => !isNumber(option, one));
      if (bad < 0) return value;
      const element: Option = {
        ...option,
        type: option.type === 'integers' ? 'integer' : 'number',
      };
      return parseOption(element, value[bad], `${name}[${bad}]`);
    }
  }
}

/** The value that fits, as an error says it: `an integer ≥ 1`, `true or false`, `one of adamw, sgd`. */
export function valuePhrase(option: Option): string {
  const { type, choices, length, min = -Infinity, max = Infinity } = option;
  const limits = range(min, max);
  const many = length === undefined ? 'a list of' : `${length}`;
  const phrases: Record<OptionType, string> = {
    boolean: 'true or false',
    integer: `an integer${limits}`,
    number: `a finite number${limits}`,
    string: choices === undefined ? 'a text' : `one of ${choices.join(', ')}`,
    integers: `${many} integers${limits}`,
    numbers: `${many} finite numbers${limits}`,
    group: 'an object',
    any: 'a value',
  };
  return phrases[type];
}

/** An option that was given and changes nothing, with the reason: `opt is adamw`. */
export interface IdleOption {
  readonly path: string;
  readonly reason: string;
}

/**
 * The given options that have no effect beside the others, by their `appliesTo`; groups are looked into.
 *
 * @param value  options that `parseOptions` took
 */
export function idleOptions(table: OptionTable, value: object, name = ''): IdleOption[] {
  const values = { ...defaultsOf(table), ...value } as Record<string, unknown>;
  return Object.entries(value).flatMap(([key, one]: [string, unknown]) => {
    const { appliesTo = {}, options } = table[key] ?? ({} as Option);
    const unmet = Object.entries(appliesTo).find(
      ([other, wanted]) => !isWanted(wanted, values[other]),
    );
    if (one !== undefined && one !== null && unmet !== undefined) {
      const [other] = unmet;
      return [
        { path: path(name, key), reason: `${path(name, other)} is ${String(values[other])}` },
      ];
    }
    if (options === undefined || typeof one !== 'object' || one === null) return [];
    return idleOptions(options, one, path(name, key));
  });
}

function isWanted(wanted: Wanted, value: unknown): boolean {
  return 'above' in wanted ? Number(value) > wanted.above : wanted.includes(value);
}

function parseText(option: Option, value: unknown, refuse: (remedy?: string) => never): string {
  const { choices, spellings = {} } = option;
  if (typeof value !== 'string') return refuse();
  if (choices === undefined || choices.includes(value)) return value;
  const meant = Object.hasOwn(spellings, value) ? spellings[value] : undefined;
  return meant ?? refuse(didYouMean(value, choices));
}

function isNumber({ type, min = -Infinity, max = Infinity }: Option, value: unknown): boolean {
  const whole = type === 'integer' || type === 'integers';
  const sound = whole ? Number.isSafeInteger(value) : Number.isFinite(value);
  return sound && (value as number) >= min && (value as number) <= max;
}

function path(group: string, key: string): string {
  return group === '' ? key : `${group}.${key}`;
}
