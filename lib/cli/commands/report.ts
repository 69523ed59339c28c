// `tfjs-vit report`: the report of a run, anew.

import { signalExitCodes } from '../../core/stop.ts';
import { flagsOf, numberFlag, sharedFlags, textFlag } from '../flags.ts';
import { dataOptions } from '../dataOptions.ts';
import type { Command, Flag } from '../command.ts';

const { workers: workersFlag } = flagsOf({ workers: dataOptions.workers }) as Record<
  'workers',
  Flag
>;

/** `tfjs-vit report`: writes report.html of a run from its best checkpoint. */
export const report: Command = {
  name: 'report',
  describe: 'Write report.html of a run: results, worst images, and what to try next',
  positional: { name: 'RUN', describe: 'The run folder', min: 1, max: 1, reads: true },
  flags: {
    'data-path': {
      type: 'string',
      value: 'DIR',
      reads: true,
      describe: 'Where the data are now',
      defaultText: 'where the run found them',
    },
    workers: workersFlag,
    backend: sharedFlags.backend,
    threads: sharedFlags.threads,
  },
  examples: [
    ['report runs/photos', 'Measures the best checkpoint and writes runs/photos/report.html'],
  ],
  async run(args, terminal) {
    const { reportStoredRun } = await import('../reportStoredRun.ts');
    const { listenForSignals } = await import('../../io/signals.ts');
    const stop = listenForSignals();
    try {
      const options = {
        folder: textFlag(args, 'data-path'),
        workers: numberFlag(args, 'workers'),
        backend: textFlag(args, 'backend'),
        threads: numberFlag(args, 'threads'),
        stop,
      };
      const file = await reportStoredRun(args.positional[0]!, options, terminal);
      if (file === undefined) return signalExitCodes[stop.signal ?? 'SIGINT'];
      terminal.out(file);
      return 0;
    } finally {
      stop.dispose();
    }
  },
};
