// `tfjs-vit summary`: the layers and the size of a model.

import { existsSync } from 'node:fs';
import { InputError, expected } from '../../core/errors.ts';
import { isHubAddress } from '../../hub/hubAddress.ts';
import { booleanFlag, numberFlag } from '../flags.ts';
import type { Command } from '../command.ts';

/** `tfjs-vit summary`: layers, shapes, parameters and FLOPs of a model. */
export const summary: Command = {
  name: 'summary',
  describe: 'Show the layers, shapes, parameters and FLOPs of a model or a checkpoint',
  positional: {
    name: 'MODEL',
    describe: 'A size (vit_tiny_patch16_224) or a checkpoint (a folder, a file, hf-hub:OWNER/NAME)',
    min: 0,
    max: 1,
  },
  flags: {
    list: { type: 'boolean', describe: 'The names of all sizes' },
    'num-classes': {
      type: 'integer',
      value: 'N',
      min: 0,
      max: 65_536,
      describe: 'Classes of the head',
    },
    'image-size': {
      type: 'integer',
      value: 'N',
      min: 1,
      max: 16_384,
      describe: 'Side of the image',
    },
  },
  examples: [
    ['summary vit_tiny_patch16_224', 'One size'],
    ['summary runs/mnist', 'The model of a run'],
    ['summary --list', 'Every size there is'],
  ],
  async run(args, terminal) {
    const { modelNames } = await import('../../models/createModel.ts');
    const { summarize } = await import('../../models/layerTable.ts');
    const [model] = args.positional;
    const list = booleanFlag(args, 'list') || model === undefined;
    const overrides = {
      numClasses: numberFlag(args, 'num-classes'),
      imageSize: numberFlag(args, 'image-size'),
    };
    const given = ['num-classes', 'image-size'].find((name) => args.flags[name] !== undefined);
    if (list && (given ?? model) !== undefined) {
      const remedy = 'The list names all sizes: leave one of the two out.';
      const what = given === undefined ? 'no MODEL' : `no --${given}`;
      throw new InputError(expected(what, 'the list of sizes', given ?? model, remedy));
    }
    if (list) {
      for (const name of modelNames()) terminal.out(name);
      return 0;
    }
    if (existsSync(model) || isHubAddress(model)) {
      if (given !== undefined) {
        const remedy =
          'A checkpoint has its own configuration: give a size, or leave the flag out.';
        throw new InputError(expected(`no --${given}`, 'a checkpoint', model, remedy));
      }
      const { readCheckpoint } = await import('../../io/checkpointFile.ts');
      const { checkpointConfig } = await import('../../models/checkpointConfig.ts');
      const { localCheckpoint } = await import('../localCheckpoint.ts');
      const read = await readCheckpoint(await localCheckpoint(model, terminal.error));
      terminal.out(summarize(checkpointConfig(read, { source: read.path, note: terminal.error })));
      return 0;
    }
    terminal.out(summarize({ name: model, ...overrides }));
    return 0;
  },
};
