// The help of the program and of a command, as yargs lays it out.

import { commonFlags } from './parseArguments.ts';
import type { Options } from 'yargs';
import type { Command, Flag } from './command.ts';

/**
 * The help of the program, or of one command.
 *
 * @param width  columns to wrap at; default those of the terminal, at most 100; 80 where there is none
 */
export async function helpText(
  commands: readonly Command[],
  command?: Command,
  width = Math.min(100, process.stdout.columns ?? 80),
): Promise<string> {
  const { default: yargs } = await import('yargs');
  const program = yargs([])
    .scriptName('tfjs-vit')
    .help(false)
    .version(false)
    .wrap(width)
    .locale('en')
    .epilogue(
      'Words in a flag may be joined by - or _. --no-FLAG or --FLAG=false turns a switch off.',
    );
  if (command === undefined) {
    program.usage('Vision Transformers on TensorFlow.js\n\n$0 <command> [flags]');
    for (const { name, describe, positional } of commands) {
      program.command(positional ? `${name} ${positionalWord(positional)}` : name, describe);
    }
    program.option('version', { type: 'boolean', describe: 'Show the version' });
    program.example('$0 demo', 'See what a small trained model looks at');
    program.example('$0 train --help', 'The flags of one command');
  } else {
    const word = command.positional ? ` ${positionalWord(command.positional)}` : '';
    program.usage(`$0 ${command.name}${word} [flags]\n\n${command.describe}`);
    if (command.positional)
      program.positional(command.positional.name, { describe: command.positional.describe });
    for (const [name, flag] of Object.entries(command.flags)) program.option(name, shown(flag));
    for (const [line, what] of command.examples) program.example(`$0 ${line}`, what);
  }
  program.option('help', { ...commonFlags.help, alias: 'h' });
  return program.getHelp();
}

// `<DIR..>` for a word that must be there, `[MODEL]` for one that may be; two dots where there may be several.
function positionalWord({ name, min, max }: NonNullable<Command['positional']>): string {
  const word = max > 1 ? `${name}..` : name;
  return min > 0 ? `<${word}>` : `[${word}]`;
}

const kinds = {
  string: 'string',
  number: 'number',
  integer: 'number',
  numbers: 'array',
  boolean: 'boolean',
} as const satisfies Record<Flag['type'], string>;

function shown({ type, describe, aliases, choices, required, group, ...flag }: Flag): Options {
  const text = flag.defaultText ?? (flag.default === undefined ? undefined : String(flag.default));
  return {
    describe,
    alias: [...(aliases ?? [])],
    // The choices say what kind of word it is, so yargs need not say "string" too.
    ...(choices ? { choices: [...choices] } : { type: kinds[type] }),
    ...(text !== undefined && { defaultDescription: text }),
    ...(required && { demandOption: true }),
    ...(group !== undefined && { group }),
  };
}
