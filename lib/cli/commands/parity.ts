// `tfjs-vit parity`: this build beside stored results of the reference implementations.

import { booleanFlag, computeFlags, sharedFlags, textFlag } from '../flags.ts';
import type { Command } from '../command.ts';

/** `tfjs-vit parity`: does this build compute what PyTorch computes? */
export const parity: Command = {
  name: 'parity',
  describe:
    'Compare this build with stored results of the reference implementations (PyTorch, timm)',
  positional: {
    name: 'DIR',
    describe:
      'A golden case (a folder with case.json), or a folder above cases; several are allowed',
    min: 1,
    max: 10_000,
    reads: true,
  },
  flags: {
    backend: sharedFlags.backend,
    threads: sharedFlags.threads,
    precision: {
      ...sharedFlags.precision,
      describe: 'Precision of matrix products; bf16 is held by relative L2 norms',
    },
    short: {
      type: 'boolean',
      describe: 'Print a line for each case, and only the entries that fail',
    },
    json: {
      type: 'string',
      value: 'FILE',
      writes: 'parity',
      describe: 'Also write the whole report as JSON',
    },
  },
  examples: [
    ['parity goldens', 'Every case below goldens/'],
    ['parity --short goldens', 'A line for each case'],
    [
      'parity --backend cpu --json report.json goldens/vit-timm',
      'One family, one backend, a report',
    ],
  ],
  async run(args, terminal) {
    const { runParity } = await import('../../parity/run.ts');
    const { entryHeader, exitCodeOf, formatJson, totalsOf } =
      await import('../../parity/report.ts');
    const { writeAtomically } = await import('../outputFile.ts');
    const file = textFlag(args, 'json');
    const { useBackend } = await import('../useBackend.ts');
    const compute = computeFlags(args);
    const { precision } = compute;
    const backend = await useBackend(compute, terminal);
    const short = booleanFlag(args, 'short');
    let isHeaded = short;
    const line = (text: string): void => {
      // The table alone is on standard output, for programs that read it.
      if (!isHeaded) terminal.error(entryHeader);
      isHeaded = true;
      terminal.out(text);
    };
    const output = { line, note: terminal.error };
    const cases = await runParity(args.positional, output, { precision, short });
    if (file !== undefined) await writeAtomically(file, formatJson(backend, cases, precision));
    return exitCodeOf(totalsOf(cases));
  },
};
