// The encoders of the scripts: a checkpoint of the user's, or the one that is shipped; where none is, an untrained model, which is said.

import { existsSync } from 'node:fs';
import path from 'node:path';
import {
  createModel,
  decodeImage,
  loadModel,
  makePreprocessing,
  modelEncoder,
  sceneKinds,
  type Encoder,
  type ImagePreparation,
  type Model,
  type RgbImage,
} from 'tfjs-vit/node';

/** The kinds of encoders that the scripts know. */
export const encoderNames = ['vit', 'clip', 'detr', 'resnet'] as const;

/** The name of a kind of encoder. */
export type EncoderName = (typeof encoderNames)[number];

const size = 64;
const scenes = { imageSize: size, numClasses: sceneKinds.length };
const backbone = { layers: [1, 1], planes: [32, 64], smallInput: false };

// Models of the sizes that examples/trainScenes.ts trains.
const untrained: Readonly<Record<Exclude<EncoderName, 'clip'>, () => Model>> = {
  vit: () =>
    createModel('vit_tiny_patch16_224', {
      ...scenes,
      patchSize: 8,
      embedDim: 96,
      depth: 4,
      numHeads: 4,
    }),
  detr: () =>
    createModel('detr_resnet50', {
      ...{ ...scenes, backbone, numQueries: 8, dModel: 64 },
      ...{ encoderLayers: 2, encoderAttentionHeads: 4, encoderFfnDim: 128 },
      ...{ decoderLayers: 2, decoderAttentionHeads: 4, decoderFfnDim: 128 },
    }),
  resnet: () =>
    createModel('resnet18', {
      ...scenes,
      smallInput: false,
      layers: [1, 1, 1],
      planes: [32, 64, 128],
    }),
};

/**
 * The encoder of a kind.
 *
 * @param checkpoint  a folder or file; default checkpoints/scenes-<name>, else an untrained model
 * @param say         told which model it is, and what had to be assumed
 * @returns undefined where there is neither a checkpoint nor a model of this kind to build
 */
export async function openEncoder(
  name: EncoderName,
  checkpoint: string | undefined,
  say: (text: string) => void,
): Promise<Encoder | undefined> {
  const shipped = path.join(import.meta.dirname, '../../checkpoints', `scenes-${name}`);
  const place = checkpoint ?? (existsSync(shipped) ? shipped : undefined);
  if (place !== undefined) {
    say(`${name}: ${checkpoint === undefined ? `the shipped checkpoints/scenes-${name}` : place}.`);
    const options = { name, onNote: (text: string) => say(`${name}: ${text}`) };
    return modelEncoder(await loadModel(place), options);
  }
  if (name === 'clip') {
    say('clip: no model is shipped yet and no checkpoint was given, so it is left out.');
    return undefined;
  }
  say(
    `${name}: no model is shipped yet and no checkpoint was given; its weights are UNTRAINED, and so are its pictures.`,
  );
  const normalize = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
  const preparation: ImagePreparation = makePreprocessing({
    size: [size, size],
    cropMode: 'squash',
    normalize,
  });
  return modelEncoder(untrained[name](), { name, preparation });
}

/** An image file as pixels, and its name without the ending, which begins the names of its pictures. */
export async function openImage(file: string): Promise<{ image: RgbImage; stem: string }> {
  return { image: await decodeImage(file), stem: path.parse(file).name };
}

/** The names of a model's classes, where it is one of scenes; else their numbers. */
export function classNamesOf(model: Model): readonly string[] {
  const names: readonly string[] = sceneKinds;
  if (model.numClasses === names.length) return names;
  return Array.from({ length: model.numClasses }, (_, k) => String(k));
}
