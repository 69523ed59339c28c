// The options of an experiment's data as a type. Written by `npm run options` from the tables beside it: change those.

import type { AugmentOptions } from '../data/augment/optionTypes.ts';
import type { TransformStep } from '../data/transformRegistry.ts';

/** The data of an experiment, as plain data. */
export interface DataConfig {
  /** Name of a registered data set. */
  dataset: string;
  /** Where its files are; without it, where the data set has its own. Flag `--data-path`. */
  folder?: string;
  /**
   * Augmentation of the training images: steps in the order of application, in place of those of
   * `augment`.
   */
  trainTransforms?: readonly TransformStep[];
  /** Steps for the images of validation and test. */
  evalTransforms?: readonly TransformStep[];
  /**
   * Augmentation in the words of timm and DeiT; an empty object is timm's random resized crop,
   * mirroring and colour jitter; without it nothing is augmented.
   */
  augment?: AugmentOptions;
}
