// The program `tfjs-vit`: finds the command, runs it, and turns what it throws into a line and an exit code.

import { readFileSync } from 'node:fs';
import { InputError, VitError, expected, messageOf } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { commands } from './commands.ts';
import { helpText } from './help.ts';
import { parseArguments } from './parseArguments.ts';
import type { Command, Terminal } from './command.ts';

/**
 * Runs one command line and answers with the exit code; never throws.
 *
 * An error that the library throws on purpose is one line and its own exit code (2 for bad input, 1 for a check that failed).
 * Anything else is a defect: its stack is shown, exit code 1.
 *
 * @param words  the command and its arguments, without `node` and the script
 */
export async function runProgram(
  words: readonly string[],
  terminal: Terminal = standardTerminal,
): Promise<number> {
  try {
    return await dispatch(words, terminal);
  } catch (error) {
    if (error instanceof VitError) {
      terminal.error(oneLine(error.message));
      return error.exitCode;
    }
    const stack = error instanceof Error ? error.stack : undefined;
    terminal.error(`This is a defect of tfjs-vit, please report it: ${stack ?? messageOf(error)}`);
    return 1;
  }
}

/**
 * Runs a command line as the main function of a process and sets its exit code.
 *
 * When the reader goes away (`| head -1`), the process ends without a stack, as with SIGPIPE; a training run goes on in silence.
 *
 * @param words  the command and its arguments, without `node` and the script
 */
export async function runMain(words: readonly string[]): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error;
      if (words[0] !== 'train') process.exit(141);
    });
  }
  process.exitCode = await runProgram(words);
}

/** Standard output and standard error. */
const standardTerminal: Terminal = {
  out: (line) => void process.stdout.write(`${line}\n`),
  error: (line) => void process.stderr.write(`${line}\n`),
};

async function dispatch(words: readonly string[], terminal: Terminal): Promise<number> {
  const [name, ...rest] = words;
  if (name === undefined) {
    throw new InputError(
      `Expected a command (${commands.map((command) => command.name).join(', ')}), received none. See tfjs-vit --help.`,
    );
  }
  if (name === '--version' || name === '-v') {
    terminal.out(version());
    return 0;
  }
  if (name === '--help' || name === '-h' || (name === 'help' && rest.length === 0)) {
    terminal.out(await helpText(commands));
    return 0;
  }
  if (name === 'help') return dispatch([...rest.slice(0, 1), '--help'], terminal);
  const command = findCommand(name);
  const args = parseArguments(rest, command);
  if (args.flags['help'] === true) {
    terminal.out(await helpText(commands, command));
    return 0;
  }
  return command.run(args, terminal);
}

function findCommand(name: string): Command {
  const command = commands.find((one) => one.name === name);
  if (command !== undefined) return command;
  const names = commands.map((one) => one.name);
  const near = nearest(name, names);
  const remedy = near === undefined ? 'See tfjs-vit --help.' : `Did you mean ${near}?`;
  throw new InputError(expected(`a command (${names.join(', ')})`, 'tfjs-vit', name, remedy));
}

function version(): string {
  // From lib/cli and from dist/lib/cli.
  for (const up of ['../../package.json', '../../../package.json']) {
    try {
      const text = readFileSync(new URL(up, import.meta.url), 'utf8');
      const { name, version } = JSON.parse(text) as { name?: string; version?: string };
      if (name === 'tfjs-vit' && version !== undefined) return version;
    } catch {
      continue;
    }
  }
  return 'unknown';
}

function oneLine(message: string): string {
  return message.replace(/\s*\n\s*/g, ' ');
}
