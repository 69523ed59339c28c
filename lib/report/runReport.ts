// The content of a report: what a run was, and what its best checkpoint predicts.

import type { EpochLog } from '../core/runSink.ts';
import type { FormingAttention } from './formingAttention.ts';
import type { Predictions } from '../training/predictions.ts';

/** A group of facts about a run, as lines of name and value. */
export interface FactGroup {
  title: string;
  facts: readonly (readonly [name: string, value: string])[];
}

/**
 * An image with a high loss.
 *
 * @property index  its place in the predictions
 * @property uri    a `data:` address with a thumbnail, [height, width] pixels
 * @property file   where it is, if it is a file
 * @property maps   explanations laid over it, each as a `data:` address
 */
export interface WorstImage {
  index: number;
  uri: string;
  width: number;
  height: number;
  file?: string | undefined;
  maps?: readonly { name: string; uri: string }[] | undefined;
}

/**
 * The predictions of the best checkpoint on images that it was not trained on.
 *
 * @property training  its results on training images without augmentation, of which there may be a sample only
 */
export interface EvaluatedPart {
  part: 'validation' | 'test';
  predictions: Predictions;
  worst: readonly WorstImage[];
  training?: { images: number; top1: number; loss: number } | undefined;
}

/**
 * The content of a report.
 *
 * @property log             the finished epochs
 * @property best            the epoch of the best checkpoint, from 1; null before the first
 * @property epochs          how many were planned
 * @property end             how the run ended
 * @property smoothing       ε of label smoothing
 * @property trainingCounts  images of each class to train on
 * @property evaluated       undefined where no images were held out
 * @property pretrained      whether it began from a checkpoint
 * @property forming         the snapshots of the training, if it kept any
 * @property badImages       files that could not be read, and why
 */
export interface RunReport {
  name: string;
  log: readonly EpochLog[];
  best: number | null;
  epochs: number;
  end: 'finished' | 'earlyStop' | 'unfinished';
  smoothing: number;
  classNames: readonly string[];
  trainingCounts: readonly number[];
  evaluated?: EvaluatedPart | undefined;
  pretrained: boolean;
  forming?: FormingAttention | undefined;
  badImages: readonly { file: string; reason: string }[];
  facts: readonly FactGroup[];
}
