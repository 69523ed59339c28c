// `tfjs-vit eval-explain`: scores of methods of explanation.

import { computeFlags, neededFlag, neededNumber, sharedFlags, textFlag } from '../flags.ts';
import type { Command } from '../command.ts';

/** `tfjs-vit eval-explain`: scores of methods of explanation against exact truth, and by perturbation. */
export const evalExplain: Command = {
  name: 'eval-explain',
  describe: 'Score methods of explanation: against exact Shapley values, and by perturbation',
  flags: {
    checkpoint: {
      ...sharedFlags.checkpoint,
      defaultText: 'the shipped model that knows subsets of patches',
    },
    images: {
      type: 'integer',
      value: 'N',
      min: 1,
      max: 100_000,
      default: 200,
      describe: 'Test images, from the first',
    },
    curves: {
      type: 'integer',
      value: 'N',
      min: 0,
      max: 100_000,
      default: 50,
      describe: 'Images of the perturbation curves and of infidelity',
    },
    probes: {
      type: 'integer',
      value: 'N',
      min: 0,
      max: 100_000,
      default: 8,
      describe: 'Images of sensitivity and of the tests with shuffled layers and other classes',
    },
    methods: {
      type: 'string',
      value: 'NAME,…',
      describe: 'Only these methods, of those of explain',
      defaultText: 'all',
    },
    'output-dir': {
      type: 'string',
      value: 'DIR',
      default: 'imgs/eval-explain',
      describe: 'The folder of the table, the charts and the Shapley values, which are kept there',
    },
    backend: sharedFlags.backend,
    threads: sharedFlags.threads,
    precision: sharedFlags.precision,
  },
  examples: [
    ['eval-explain', 'All methods on 200 images'],
    ['eval-explain --methods relevance,rollout --images 20', 'A quick comparison of two'],
  ],
  async run(args, terminal) {
    const { evaluateExplanations } = await import('../evaluateExplanations.ts');
    const { packageFile } = await import('../packageFile.ts');
    const { subsetsModel } = await import('../shippedModels.ts');
    return evaluateExplanations(
      {
        checkpoint: textFlag(args, 'checkpoint') ?? packageFile(subsetsModel.folder),
        images: neededNumber(args, 'images'),
        curves: neededNumber(args, 'curves'),
        probes: neededNumber(args, 'probes'),
        methods: textFlag(args, 'methods')?.split(','),
        outputDir: neededFlag(args, 'output-dir'),
        ...computeFlags(args),
      },
      terminal,
    );
  },
};
