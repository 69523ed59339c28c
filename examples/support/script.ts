// The frame of a script: its flags, and what goes wrong said in one line with the exit code of the commands.

import { parseArgs } from 'node:util';
import { InputError, VitError } from 'tfjs-vit/node';

/** A flag of a script; the default says its type, and null that it has none. */
export type Flags = Readonly<Record<string, string | number | boolean | null>>;

/** The values of flags: as the default, a text for one without. */
export type Values<F extends Flags> = {
  [K in keyof F]: F[K] extends null
    ? string | undefined
    : F[K] extends number
      ? number
      : F[K] extends boolean
        ? boolean
        : string;
};

/**
 * Runs a script with the flags of this process.
 *
 * @param flags  by name with their defaults: `{ image: 'data/digit.png', threshold: 0.7, checkpoint: null }`
 * @param main   gets the values and the words besides flags; an error of the library that it throws is one line and exit code 2 (or 1)
 */
export async function runScript<F extends Flags>(
  flags: F,
  main: (values: Values<F>, words: readonly string[]) => Promise<void>,
): Promise<void> {
  try {
    const { values, words } = valuesOf(flags);
    await main(values, words);
  } catch (error) {
    if (!(error instanceof VitError)) throw error;
    console.error(error.message);
    process.exitCode = error.exitCode;
  }
}

function valuesOf<F extends Flags>(flags: F): { values: Values<F>; words: readonly string[] } {
  const types = Object.entries(flags).map(
    ([name, value]) => [name, { type: typeof value === 'boolean' ? 'boolean' : 'string' }] as const,
  );
  const words = joined(process.argv.slice(2), flags);
  const parsed = parsedWords(words, Object.fromEntries(types));
  const known = Object.entries(flags).map(([name, value]) => {
    const given = parsed.values[name];
    if (given === undefined) return [name, value ?? undefined] as const;
    return [name, typeof value === 'number' ? numberOf(name, String(given)) : given] as const;
  });
  return { values: Object.fromEntries(known) as Values<F>, words: parsed.positionals };
}

// `--threshold -1` is a value, not another flag.
function joined(words: readonly string[], flags: Flags): string[] {
  const own: string[] = [];
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i]!;
    const next = words[i + 1];
    const takes = word.startsWith('--') && typeof flags[word.slice(2)] === 'number';
    if (takes && next !== undefined) {
      own.push(`${word}=${next}`);
      i += 1;
    } else own.push(word);
  }
  return own;
}

function parsedWords(args: string[], options: Record<string, { type: 'boolean' | 'string' }>) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    const known = Object.keys(options).map((name) => `--${name}`);
    throw new InputError(`${(error as Error).message.split('. ')[0]}. Flags: ${known.join(', ')}.`);
  }
}

function numberOf(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && !Number.isNaN(value)) return value;
  throw new InputError(`Expected a number for --${name}, received "${text}".`);
}
