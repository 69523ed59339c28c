#!/usr/bin/env node
// The tfjs-vit command. Everything it does is in program.ts and commands/.

// Loaded here, so that a machine without open files or memory left ends in one line.
try {
  const { runMain } = await import('./program.ts');
  await runMain(process.argv.slice(2));
} catch (error) {
  const message = error instanceof Error ? error.message.split('\n')[0] : String(error);
  process.stderr.write(`Cannot load tfjs-vit: ${message}\n`);
  process.exitCode = 2;
}
