// `tfjs-vit fractaldb`: a FractalDB from its formula.

import { InputError } from '../../core/errors.ts';
import { fractalOptions, parseFractalOptions } from '../../fractal/options.ts';
import { booleanFlag, flagsOf, neededFlag, numberFlag } from '../flags.ts';
import type { Command } from '../command.ts';

/** `tfjs-vit fractaldb`: images for pre-training from a formula, with no download. */
export const fractaldb: Command = {
  name: 'fractaldb',
  describe:
    'Generate FractalDB, images for pre-training, from its formula; the categories are the official ones',
  flags: {
    ...flagsOf(fractalOptions),
    'one-instance': {
      type: 'boolean',
      describe: 'One picture of each category (OFDB); the same as --instances 1',
    },
    'search-only': {
      type: 'boolean',
      describe: "The categories' parameters alone: DIR/csv/00000.csv … with a, b, c, d, e, f, p",
    },
    'contact-sheet': {
      type: 'boolean',
      describe: 'Also draw DIR/contact-sheet.png with the first 40 categories',
      default: true,
    },
    output: {
      type: 'string',
      value: 'DIR',
      aliases: ['output-dir'],
      describe: 'The folder; what is in it already is kept, so the same command goes on',
      required: true,
    },
    workers: {
      type: 'integer',
      value: 'N',
      min: 0,
      max: 256,
      describe: 'Worker threads, 0: none; the images do not depend on it',
      defaultText: 'one for each core',
    },
  },
  examples: [
    ['fractaldb --output fractaldb-1k', 'FractalDB-1k, a million pictures'],
    ['fractaldb --one-instance --output ofdb-1k', 'OFDB-1k: 1000 pictures'],
    [
      'fractaldb --single-fractal 0 --delta 0.1 --one-instance --output 1p-frac',
      '1p-frac: 1000 perturbations of one fractal',
    ],
    ['fractaldb --categories 40 --search-only --output codes', 'The parameters of 40 categories'],
    [
      'fractaldb --categories 100 --size 64 --points 20000 --pad 4 --output small',
      'Small pictures',
    ],
  ],
  async run(args, terminal) {
    const given: Record<string, unknown> = {};
    for (const name of Object.keys(fractalOptions)) given[name] = args.flags[name];
    if (booleanFlag(args, 'one-instance')) {
      const { instances = 1 } = given;
      if (instances !== 1) {
        const remedy = 'Leave one of the two out.';
        throw new InputError(
          `Expected no --instances with --one-instance, received ${String(instances)}. ${remedy}`,
        );
      }
      given['instances'] = 1;
    }
    const options = parseFractalOptions(given);
    const { generateFractaldb } = await import('../generateFractaldb.ts');
    return generateFractaldb(
      options,
      {
        folder: neededFlag(args, 'output'),
        searchOnly: booleanFlag(args, 'search-only'),
        sheet: booleanFlag(args, 'contact-sheet', true),
        workers: numberFlag(args, 'workers'),
      },
      terminal,
    );
  },
};
