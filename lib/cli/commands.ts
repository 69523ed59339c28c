import { parity } from './commands/parity.ts';
import type { Command } from './command.ts';

/** Every command, in the order of the help. Adding one is a file in commands/ and a line here. */
export const commands: readonly Command[] = [parity];
