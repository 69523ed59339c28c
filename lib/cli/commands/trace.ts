// `tfjs-vit trace`: one forward pass as a page.

import { computeFlags, neededFlag, neededNumber, sharedFlags, textFlag } from '../flags.ts';
import type { Command } from '../command.ts';

/** `tfjs-vit trace`: walks one forward pass, tensor by tensor, and writes it as a page in English and Japanese. */
export const trace: Command = {
  name: 'trace',
  describe:
    'Write one forward pass as a page: every tensor by name, with its shape, formula and picture',
  flags: {
    image: { ...sharedFlags.image, default: '0' },
    checkpoint: sharedFlags.checkpointOrNewest,
    dataset: sharedFlags.dataset,
    block: {
      type: 'integer',
      value: 'N',
      default: 1,
      describe: 'The block that is looked into, from 1; −1 is the last',
    },
    output: {
      type: 'string',
      value: 'FILE',
      writes: 'page',
      default: 'imgs/trace.html',
      describe: 'The page to write: .html',
    },
    backend: sharedFlags.backend,
    threads: sharedFlags.threads,
  },
  examples: [['trace --image digit.png --block -1', 'The last block, on your own image']],
  async run(args, terminal) {
    const { traceImage } = await import('../traceImage.ts');
    const { chooseCheckpoint } = await import('../defaultCheckpoint.ts');
    const { isIndex } = await import('../inputImage.ts');
    const { InputError, expected } = await import('../../core/errors.ts');
    const image = neededFlag(args, 'image');
    const block = neededNumber(args, 'block');
    if (block === 0) throw new InputError(expected('a block from 1, or from −1', '--block', block));
    const output = neededFlag(args, 'output');
    if (!/\.html?$/i.test(output)) {
      throw new InputError(expected('a name that ends in .html', '--output', output));
    }
    const { backend, threads } = computeFlags({
      ...args,
      flags: { ...args.flags, precision: 'fp32' },
    });
    return traceImage(
      {
        image,
        block,
        output,
        backend,
        threads,
        checkpoint: await chooseCheckpoint(
          textFlag(args, 'checkpoint'),
          { dataset: textFlag(args, 'dataset'), needsData: isIndex(image) },
          terminal.error,
        ),
      },
      terminal,
    );
  },
};
