/** A value as the command line gives it after checking. */
export type FlagValue = string | number | boolean | string[];

/**
 * One flag of a command.
 *
 * @property type      a `number` and an `integer` are finite and inside min … max; a `boolean` takes `--flag`, `--no-flag`,
 *                     `--flag=false` and `--flag False`
 * @property aliases   other names, in kebab form
 * @property value     what stands for the value in the help: FILE
 * @property choices   the words a string may be
 * @property required  true: the command needs it
 */
export interface Flag {
  type: 'string' | 'number' | 'integer' | 'boolean';
  describe: string;
  aliases?: readonly string[];
  value?: string;
  choices?: readonly string[];
  min?: number;
  max?: number;
  required?: boolean;
}

/** The checked arguments of one call. Flags that were not given are absent. */
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
 * @property positional  how the words after the command are called, and how many there may be
 */
export interface Command {
  name: string;
  describe: string;
  positional?: { name: string; describe: string; min: number; max: number };
  flags: Readonly<Record<string, Flag>>;
  examples: readonly (readonly [command: string, what: string])[];
  run(args: Arguments, terminal: Terminal): Promise<number>;
}
