#!/usr/bin/env node
// The tfjs-vit command. Everything it does is in program.ts and commands/.

import { runProgram } from './program.ts';

// A closed pipe (`| head -1`) ends the output, not the program with a stack.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(process.exitCode ?? 0);
  throw error;
});

process.exitCode = await runProgram(process.argv.slice(2));
