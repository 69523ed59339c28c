import { commonFlags } from './parseArguments.ts';
import type { Command } from './command.ts';

/**
 * The help of the program, or of one command.
 *
 * @param width  columns to wrap at; default 100
 */
export async function helpText(
  commands: readonly Command[],
  command?: Command,
  width = 100,
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
      program.command(positional ? `${name} [${positional.name}]` : name, describe);
    }
    program.option('version', { type: 'boolean', describe: 'Show the version' });
    program.example('$0 demo', 'See what a small trained model looks at');
    program.example('$0 train --help', 'The flags of one command');
  } else {
    const word = command.positional ? ` <${command.positional.name}>` : '';
    program.usage(`$0 ${command.name}${word} [flags]\n\n${command.describe}`);
    if (command.positional)
      program.positional(command.positional.name, { describe: command.positional.describe });
    for (const [name, flag] of Object.entries(command.flags)) {
      program.option(name, {
        type: flag.type === 'integer' ? 'number' : flag.type,
        describe: flag.describe,
        alias: [...(flag.aliases ?? [])],
        ...(flag.choices && { choices: [...flag.choices] }),
        ...(flag.required && { demandOption: true }),
      });
    }
    for (const [line, what] of command.examples) program.example(`$0 ${line}`, what);
  }
  program.option('help', { ...commonFlags.help, alias: 'h' });
  return program.getHelp();
}
