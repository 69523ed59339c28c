// Presets for a folder of images by their number, as data: what a training takes that nobody configured.

import type { ModelOptions } from '../models/families.ts';
import type { AugmentOptions } from '../data/augment/optionTypes.ts';

/**
 * A preset for folders of up to `images` images.
 *
 * @property model         of a training from scratch; undefined: that of the checkpoint
 * @property valSplit      the share that is held out
 * @property augment       by timm's names
 */
export interface FolderPreset {
  readonly images: number;
  readonly model?: ModelOptions;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  readonly valSplit: number;
  readonly layerDecay?: number;
  readonly augment: AugmentOptions;
}

// Small images and few layers: what two cores train in minutes, and what so few images can fill.
const small = {
  patchSize: 8,
  numHeads: 4,
  classToken: false,
  globalPool: 'avg',
  weightInit: 'jax',
} as const;

// The whole image is looked at; what varies is said by each preset.
const gentle = { evalCropRatio: 1, reprob: 0, mixup: 0, cutmix: 0, augRepeats: 1 } as const;

/** Presets of trainings from scratch; the last serves any number. */
export const scratchPresets: readonly FolderPreset[] = [
  {
    images: 1000,
    model: { ...small, imageSize: 64, embedDim: 128, depth: 6 },
    epochs: 100,
    batchSize: 16,
    learningRate: 1e-3,
    valSplit: 0.2,
    augment: { ...gentle, scale: [0.4, 1], aa: 'rand-m5-mstd0.5-inc1', colorJitter: 0 },
  },
  {
    images: 10_000,
    model: { ...small, imageSize: 64, embedDim: 192, depth: 6 },
    epochs: 60,
    batchSize: 64,
    learningRate: 1e-3,
    valSplit: 0.1,
    augment: { ...gentle, scale: [0.35, 1], aa: 'rand-m7-mstd0.5-inc1', colorJitter: 0 },
  },
  {
    images: 100_000,
    model: { ...small, imageSize: 96, patchSize: 12, embedDim: 192, depth: 9 },
    epochs: 60,
    batchSize: 128,
    learningRate: 1e-3,
    valSplit: 0.05,
    augment: {
      ...gentle,
      scale: [0.25, 1],
      aa: 'rand-m9-mstd0.5-inc1',
      colorJitter: 0,
      mixup: 0.2,
      cutmix: 1,
    },
  },
  {
    images: Infinity,
    model: { name: 'vit_tiny_patch16_224' },
    epochs: 100,
    batchSize: 256,
    learningRate: 1e-3,
    valSplit: 0.02,
    augment: {
      ...gentle,
      scale: [0.08, 1],
      aa: 'rand-m9-mstd0.5-inc1',
      colorJitter: 0,
      mixup: 0.8,
      cutmix: 1,
      reprob: 0.25,
    },
  },
];

/** Presets of fine-tunings: the fewer images, the smaller the rate of the first layers. */
export const fineTunePresets: readonly FolderPreset[] = [
  {
    images: 1000,
    epochs: 30,
    batchSize: 32,
    learningRate: 3e-4,
    layerDecay: 0.65,
    valSplit: 0.2,
    augment: { ...gentle, scale: [0.5, 1], aa: null, colorJitter: 0.2 },
  },
  {
    images: 10_000,
    epochs: 20,
    batchSize: 64,
    learningRate: 3e-4,
    layerDecay: 0.75,
    valSplit: 0.1,
    augment: { ...gentle, scale: [0.35, 1], aa: 'rand-m5-mstd0.5-inc1', colorJitter: 0 },
  },
  {
    images: Infinity,
    epochs: 15,
    batchSize: 128,
    learningRate: 5e-4,
    layerDecay: 0.75,
    valSplit: 0.05,
    augment: { ...gentle, scale: [0.25, 1], aa: 'rand-m9-mstd0.5-inc1', colorJitter: 0 },
  },
];

/** The preset for so many images. */
export function presetFor(presets: readonly FolderPreset[], images: number): FolderPreset {
  return presets.find((preset) => images <= preset.images) ?? presets.at(-1)!;
}
