// The frame of the bench's commands: exit codes, and one line for a user's mistake.

import { VitError } from '../lib/node.ts';

/** Runs a command of the bench. A user's mistake is one line on stderr, with the exit code of its kind. */
export async function runCommand(
  main: (words: readonly string[]) => Promise<number>,
): Promise<void> {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof VitError)) throw error;
    console.error(error.message);
    process.exitCode = error.exitCode;
  }
}
