// The interface of a command of `tfjs-vit`: its flags, its arguments, and where it writes.

import type { Option, OptionFlag } from '../core/option.ts';

/** A value as the command line gives it after checking. */
export type FlagValue = string | number | boolean | readonly number[];

/** The kind of a file or folder that a command writes. */
export type OutputKind =
  'picture' | 'trace' | 'profile' | 'parity' | 'explanation' | 'page' | 'table' | 'run' | 'weights';

/**
 * One flag of a command: an option of `core/option.ts` whose value is a word.
 *
 * @property type         a `boolean` takes `--flag`, `--no-flag`, `--flag=false` and `--flag False`; `numbers` take `--flag 0.9 0.999`
 *                        and `--flag 0.9,0.999`
 * @property default      the value if the flag is not given
 * @property defaultText  what the help says in place of the default, where the default comes from elsewhere
 * @property reads        true: the value names a file or folder that the command reads
 * @property writes       the kind of the file or folder that the value names and the command writes. The program refuses one that
 *                        would replace an input, or something of another kind
 * @property group        the heading that the help puts the flag under
 */
export interface Flag
  extends
    Pick<Option, 'describe' | 'choices' | 'spellings' | 'min' | 'max' | 'length' | 'required'>,
    Pick<OptionFlag, 'aliases' | 'value'> {
  readonly type: 'string' | 'number' | 'integer' | 'boolean' | 'numbers';
  readonly default?: FlagValue;
  readonly defaultText?: string;
  readonly reads?: true;
  readonly writes?: OutputKind;
  readonly group?: string;
}

/** The checked arguments of one call. Flags that were not given have their default, or are absent without one. */
export interface Arguments {
  readonly flags: Readonly<Record<string, FlagValue>>;
  readonly positional: readonly string[];
}

/**
 * Where a command writes, and how it learns that it should end.
 *
 * @property out    the result, for a pipe: standard output
 * @property error  what is said to a person: standard error
 */
export interface Terminal {
  out: (line: string) => void;
  error: (line: string) => void;
}

/**
 * One command of `tfjs-vit`.
 *
 * `run` answers with the exit code. It imports what it needs when it runs, so that `--help` is quick.
 *
 * @property elsewhere   flags that other programs have, with a sentence on what stands in their place here
 * @property positional  how the words after the command are called, how many there may be, and whether they name files to read
 */
export interface Command {
  name: string;
  describe: string;
  positional?: { name: string; describe: string; min: number; max: number; reads?: true };
  flags: Readonly<Record<string, Flag>>;
  elsewhere?: Readonly<Record<string, string>>;
  examples: readonly (readonly [command: string, what: string])[];
  run(args: Arguments, terminal: Terminal): Promise<number>;
}
