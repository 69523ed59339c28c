// `tfjs-vit eval`: loss and accuracy of a checkpoint.

import { dataOptions } from '../dataOptions.ts';
import {
  booleanFlag,
  checkpointFlag,
  computeFlags,
  flagsOf,
  neededNumber,
  numberFlag,
  pretrainedFlag,
  sharedFlags,
  textFlag,
  weightsChoice,
  weightsFlags,
} from '../flags.ts';
import type { Command } from '../command.ts';

const { workers, 'max-bad': maxBad } = flagsOf(dataOptions);
const dataFlags = { workers: workers!, 'max-bad': maxBad! };

/** `tfjs-vit eval`: loss and accuracy of a checkpoint on its test set. */
export const evaluateCommand: Command = {
  name: 'eval',
  describe: 'Measure a checkpoint on the test set of the data it was trained on',
  flags: {
    checkpoint: sharedFlags.checkpointOrNewest,
    dataset: sharedFlags.dataset,
    ...weightsFlags,
    ...pretrainedFlag,
    config: {
      type: 'string',
      value: 'FILE',
      reads: true,
      describe: 'An experiment whose data are used',
      defaultText: 'what config.json beside the weights says',
    },
    'batch-size': { ...sharedFlags.batchSize, default: 200 },
    'limit-val': {
      type: 'integer',
      value: 'N',
      min: 1,
      aliases: ['limit'],
      describe: 'Only the first N images',
    },
    ...dataFlags,
    json: { type: 'boolean', describe: 'One JSON object on standard output' },
    backend: sharedFlags.backend,
    threads: sharedFlags.threads,
    precision: sharedFlags.precision,
  },
  examples: [['eval --checkpoint runs/mnist', 'The best checkpoint of a run']],
  async run(args, terminal) {
    const { evaluateCheckpoint } = await import('../evaluateCheckpoint.ts');
    return evaluateCheckpoint(
      {
        ...computeFlags(args),
        checkpoint: checkpointFlag(args),
        dataset: textFlag(args, 'dataset'),
        config: textFlag(args, 'config'),
        batchSize: neededNumber(args, 'batch-size'),
        limitVal: numberFlag(args, 'limit-val'),
        workers: numberFlag(args, 'workers'),
        maxBad: numberFlag(args, 'max-bad'),
        weights: weightsChoice(args),
        json: booleanFlag(args, 'json'),
      },
      terminal,
    );
  },
};
