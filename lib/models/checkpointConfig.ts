// The configuration of the model that a checkpoint holds: named, stored, or told by the program that wrote it.

import type { CheckpointFacts } from '../checkpoints/checkpointFormat.ts';
import type { HostTensor } from '../checkpoints/hostTensor.ts';
import { InputError, VitError, expected, listed } from '../core/errors.ts';
import { vitSizesThatFit } from './familyWeights.ts';
import { familyWithSize, modelFamilies } from './registry.ts';

/**
 * The parts of a checkpoint that tell its model.
 *
 * @property config  as it is stored beside the weights
 * @property facts   of the program that wrote the weights
 */
export interface CheckpointParts {
  tensors: ReadonlyMap<string, HostTensor>;
  config?: object | undefined;
  facts?: CheckpointFacts | undefined;
}

/**
 * The configuration of a checkpoint, in the vocabulary of its family.
 *
 * In this order: the configuration that is stored beside the weights; the size that `model` names; the size that the program wrote into
 * the file. A size has the classes and channels of the tensors.
 *
 * @param options.model   a name of `modelNames`
 * @param options.source  how errors call the checkpoint
 * @param options.note    told, in a sentence, what was taken where nothing was stored
 * @throws InputError for an unknown name, or where nothing tells the model; it names the sizes whose shapes fit
 *
 * @example checkpointConfig(await readCheckpoint('deit_tiny.pth'), {model: 'vit_tiny_16_224'});
 */
export function checkpointConfig(
  { tensors, config, facts }: CheckpointParts,
  {
    model,
    source = 'the checkpoint',
    note = () => undefined,
  }: { model?: string | undefined; source?: string; note?: (text: string) => void } = {},
): object {
  if (config !== undefined) return config;
  if (model !== undefined) return sized(model, tensors);
  const { model: named, imageSize } = facts ?? {};
  if (named !== undefined && isSize(named)) {
    note(`${source} says that its model is ${named}.`);
    const size = { ...sized(named, tensors), ...(imageSize !== undefined && { imageSize }) };
    return size;
  }
  const sizes = vitSizesThatFit(tensors);
  const [first = 'vit_tiny_patch16_224'] = sizes;
  const seen = sizes.length === 0 ? '' : `Its tensors have the shapes of ${listed(sizes, 4)}. `;
  const remedy = `${seen}Name the model: --model ${first}, {config: {name: '${first}'}}, or put config.json beside it.`;
  throw new InputError(expected('a model configuration', source, undefined, remedy));
}

function isSize(name: string): boolean {
  return familyWithSize(name) !== undefined || familyWithSize(name.split('.')[0]!) !== undefined;
}

// A size with what the tensors say of its ends.
function sized(name: string, tensors: ReadonlyMap<string, HostTensor>): Record<string, unknown> {
  const told = toldByTensors(tensors);
  if (told === undefined) return { name };
  const { numClasses, inChannels } = told;
  return {
    name,
    ...(numClasses !== undefined && { numClasses }),
    ...(inChannels !== undefined && { inChannels }),
  };
}

/** The options that the tensors alone tell, of the first family that knows them; undefined if none does. */
export function toldByTensors(
  tensors: ReadonlyMap<string, HostTensor>,
): Record<string, unknown> | undefined {
  for (const family of modelFamilies()) {
    try {
      const told = family.optionsOf?.(tensors);
      if (told !== undefined) return told;
    } catch (error) {
      // Names that do not belong together tell nothing; loading says what is wrong with them.
      if (!(error instanceof VitError)) throw error;
    }
  }
  return undefined;
}
