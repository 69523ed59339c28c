// `tfjs-vit predict`: the likeliest classes of an image.

import { classLabel, percent } from '../../core/format.ts';
import {
  booleanFlag,
  checkpointFlag,
  computeFlags,
  neededFlag,
  neededNumber,
  pretrainedFlag,
  sharedFlags,
  textFlag,
  weightsChoice,
  weightsFlags,
} from '../flags.ts';
import type { Command } from '../command.ts';

/** `tfjs-vit predict`: the likeliest classes of an image. */
export const predict: Command = {
  name: 'predict',
  describe: 'Classify an image',
  flags: {
    image: { ...sharedFlags.image, required: true },
    checkpoint: sharedFlags.checkpointOrNewest,
    dataset: sharedFlags.dataset,
    ...weightsFlags,
    ...pretrainedFlag,
    topk: {
      type: 'integer',
      value: 'N',
      min: 1,
      max: 1000,
      describe: 'Classes to show',
      default: 5,
    },
    json: { type: 'boolean', describe: 'One JSON object on standard output' },
    backend: sharedFlags.backend,
    threads: sharedFlags.threads,
    precision: sharedFlags.precision,
  },
  examples: [
    ['predict --image digit.png --checkpoint runs/mnist --topk 3', 'The three likeliest digits'],
  ],
  async run(args, terminal) {
    const { loadTrained } = await import('../trainedModel.ts');
    const { isIndex, openImage } = await import('../inputImage.ts');
    const { checkpointTitle } = await import('../checkpointTitle.ts');
    const { chooseCheckpoint } = await import('../defaultCheckpoint.ts');
    const { useBackend } = await import('../useBackend.ts');
    const { assertClassifier } = await import('../classifier.ts');
    const { probabilitiesOf } = await import('../../predict/probabilities.ts');
    const compute = computeFlags(args);
    const given = neededFlag(args, 'image');
    const checkpoint = await chooseCheckpoint(
      checkpointFlag(args),
      { dataset: textFlag(args, 'dataset'), needsData: isIndex(given) },
      terminal.error,
    );
    await useBackend(compute, terminal);
    const trained = await loadTrained(checkpoint, terminal.error, weightsChoice(args));
    try {
      assertClassifier(trained.model, 'predict');
      const image = await openImage(given, trained, terminal.error);
      const probabilities = await probabilitiesOf(trained.model, image.pixels, compute.precision);
      const top = [...probabilities]
        .map((probability, index) => ({ index, probability }))
        .sort((a, b) => b.probability - a.probability || a.index - b.index)
        .slice(0, neededNumber(args, 'topk'))
        .map((entry) => ({
          ...entry,
          name: classLabel(entry.index, trained.classNames),
        }));
      if (booleanFlag(args, 'json')) {
        const { source, label } = image;
        terminal.out(
          JSON.stringify({ image: source, checkpoint: trained.path, label, predictions: top }),
        );
        return 0;
      }
      terminal.out(`${image.title}, by ${await checkpointTitle(trained.path)}:`);
      const width = Math.max(...top.map(({ name }) => name.length));
      for (const { name, probability } of top) {
        terminal.out(`${name.padEnd(width)}  ${percent(probability, 2).padStart(8)}`);
      }
      return 0;
    } finally {
      trained.model.dispose();
    }
  },
};
