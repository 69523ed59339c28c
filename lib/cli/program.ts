// The program `tfjs-vit`: finds the command, runs it, and turns what it throws into a line and an exit code.

import { InputError, expected, messageOf } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { translateError } from '../io/foreignError.ts';
import { reasonOf } from '../io/ioError.ts';
import { isReaderGone } from '../io/quietStream.ts';
import { commands } from './commands.ts';
import { helpText } from './help.ts';
import { parseArguments } from './parseArguments.ts';
import { standardTerminal } from './standardTerminal.ts';
import { version } from './version.ts';
import type { Command, Terminal } from './command.ts';

/**
 * Runs one command line and answers with the exit code; never throws.
 *
 * An error that the library throws on purpose is one line and its own exit code (2 for bad input, 1 for a check that failed).
 * A foreign error that a user can do something about is translated (`translateError`). Anything else is a defect: its stack is shown,
 * exit code 1.
 *
 * @param words  the command and its arguments, without `node` and the script
 */
export async function runProgram(words: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(words, terminal);
  } catch (error) {
    return report(error, terminal);
  }
}

// Says an error and answers with its exit code.
function report(error: unknown, terminal: Terminal): number {
  const known = translateError(error);
  if (known !== undefined) {
    terminal.error(known.message);
    return known.exitCode;
  }
  const stack = error instanceof Error ? error.stack : undefined;
  terminal.error(`This is a defect of tfjs-vit, please report it: ${stack ?? messageOf(error)}`);
  return 1;
}

/**
 * Runs a command line as the main function of a process and sets its exit code.
 *
 * Where standard output fails, a training run goes on without its log and says so once on standard error. Any other command ends
 * as with SIGPIPE (141) when its reader goes away (`| head -1`), and with 2 when its result cannot be written. Without standard
 * error every command goes on in silence.
 *
 * @param words  the command and its arguments, without `node` and the script
 */
export async function runMain(words: readonly string[]): Promise<void> {
  let outputCode = 0;
  const terminal = standardTerminal((failure) => {
    const reason = `Standard output cannot be written: ${reasonOf(failure)}.`;
    if (words[0] === 'train') return terminal.error(`${reason} Training goes on without its log.`);
    if (isReaderGone(failure)) process.exit(141);
    outputCode = 2;
    process.exitCode = outputCode;
    terminal.error(reason);
  });
  // Thrown outside of the command's own promise, by a stream or a worker.
  process.once('uncaughtException', (error) => process.exit(report(error, terminal)));
  const code = await runProgram(words, terminal);
  process.exitCode = code === 0 ? outputCode : code;
}

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
  if (Object.values(command.flags).some(({ writes }) => writes !== undefined)) {
    const { assertOutputs } = await import('./assertOutputs.ts');
    await assertOutputs(args, command);
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
