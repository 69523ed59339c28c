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
   * How image files are decoded, in training and afterwards: as a viewer shows them, as Pillow
   * does, or fast, where a JPEG that is three times as large as the input or more is made
   * smaller while it is decoded. Without it as the data set says. Flag `--decode`.
   */
  decode?: 'display' | 'pil' | 'fast';
  /**
   * Threads that read and transform images, 0: the main thread does. Without it one for each
   * core, at most 8, and none for images that lie in memory. Results do not depend on it. An
   * integer ≥ 0 and ≤ 64. Flag `--workers`.
   */
  workers?: number;
  /**
   * How many image files may be damaged; 10 if it is not said. Each is replaced by another of
   * its class, told, and listed in the run folder; one more ends the run. An integer ≥ 0. Flag
   * `--max-bad`.
   */
  maxBad?: number;
  /**
   * A class folder without an image stays a class; otherwise it is an error. Flag
   * `--allow-empty-classes`.
   */
  allowEmptyClasses?: boolean;
  /**
   * Mean of each channel, 0 … 1, in place of the data set's. A list of finite numbers ≥ 0 and ≤
   * 1. Flag `--mean`.
   */
  mean?: readonly number[];
  /**
   * Deviation of each channel, in units of 0 … 1, in place of the data set's. A list of finite
   * numbers ≥ 0.000001 and ≤ 10. Flag `--std`.
   */
  std?: readonly number[];
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
