// `tfjs-vit bench`: throughput of a model and of each op, per backend.

import { InputError, VitError, expected } from '../../core/errors.ts';
import {
  booleanFlag,
  neededFlag,
  neededNumber,
  numberFlag,
  sharedFlags,
  textFlag,
} from '../flags.ts';
import type { Command } from '../command.ts';

const backends = sharedFlags.backend.choices.filter((name) => name !== 'auto');

const comparison = (flag: string): string =>
  `Backends and other libraries are compared in turns by npm run bench -- --${flag} … in a checkout.`;

/** `tfjs-vit bench`: images/s of a model, and the time of each op, on every backend that works here. */
export const bench: Command = {
  name: 'bench',
  describe: 'Measure images/s in training and inference, and the time of each op, on each backend',
  flags: {
    backend: {
      type: 'string',
      value: 'A,B,…',
      aliases: ['backends'],
      describe: `Backends, joined by commas (${backends.join(', ')})`,
      default: 'native,wasm,cpu',
    },
    model: {
      type: 'string',
      value: 'NAME',
      describe: 'A size (see summary --list)',
      defaultText: 'the small model of the MNIST example',
    },
    'batch-size': { ...sharedFlags.batchSize, aliases: ['batch'], default: 64 },
    seconds: {
      type: 'number',
      value: 'X',
      min: 0.01,
      max: 3600,
      describe: 'Shortest time of one measurement',
      default: 2,
    },
    ops: {
      type: 'boolean',
      describe: 'Also a row for each op; --no-ops leaves them out',
      default: true,
    },
    json: { type: 'boolean', describe: 'One JSON object a row on standard output' },
    threads: sharedFlags.threads,
  },
  elsewhere: {
    peers: comparison('peers'),
    work: comparison('work'),
    rounds: comparison('rounds'),
    only: comparison('only'),
    chart: comparison('chart'),
    precision: comparison('precision'),
  },
  examples: [
    ['bench', 'The MNIST model on native, wasm and cpu'],
    [
      'bench --backend native --model vit_tiny_patch16_224 --batch-size 8',
      'ViT-Ti/16 on one backend',
    ],
  ],
  async run(args, terminal) {
    const names = neededFlag(args, 'backend').split(',');
    for (const name of names) {
      if (!backends.some((known) => known === name)) {
        throw new InputError(expected(`backends among ${backends.join(', ')}`, '--backend', name));
      }
    }
    const { benchModel, benchOps, formatRow } = await import('../bench.ts');
    const { useBackend } = await import('../useBackend.ts');
    const options = {
      model: textFlag(args, 'model'),
      batchSize: neededNumber(args, 'batch-size'),
      seconds: neededNumber(args, 'seconds'),
    };
    let measured = 0;
    for (const backend of names) {
      try {
        await useBackend({ backend, threads: numberFlag(args, 'threads') }, terminal);
      } catch (error) {
        if (!(error instanceof VitError)) throw error;
        terminal.error(error.message);
        continue;
      }
      measured += 1;
      const show = booleanFlag(args, 'json') ? JSON.stringify : formatRow;
      for await (const row of benchModel(backend, options)) terminal.out(show(row));
      if (!booleanFlag(args, 'ops')) continue;
      for await (const row of benchOps(backend, options)) terminal.out(show(row));
    }
    return measured > 0 ? 0 : 2;
  },
};
