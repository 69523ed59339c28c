// The numbers of a report, which its sections show and its advice follows from.

import { calibration, type Calibration } from '../training/calibration.ts';
import {
  classTable,
  confusions,
  type ClassMeasures,
  type Confusion,
} from '../training/classTable.ts';
import type { RunReport } from './runReport.ts';

/**
 * The numbers of an evaluated part.
 *
 * @property interval    the 95 % interval of top-1
 * @property majority    the share of the largest class: what a constant answer would reach
 * @property sure        indices of wrong predictions with a confidence of 95 % or more, the surest first
 */
export interface Evidence {
  images: number;
  top1: number;
  interval: readonly [low: number, high: number];
  loss: number;
  meanConfidence: number;
  majority: number;
  classes: ClassMeasures[];
  confusions: Confusion[];
  calibration: Calibration;
  sure: number[];
}

/** The numbers of the evaluated part of a report; undefined where there is none. */
export function evidenceOf({ evaluated, classNames }: RunReport): Evidence | undefined {
  if (evaluated === undefined) return undefined;
  const { labels, predicted, confidences, losses } = evaluated.predictions;
  const images = labels.length;
  const correct = Array.from(labels, (label, i) => label === predicted[i]);
  const right = correct.filter(Boolean).length;
  const mean = (values: Float64Array) => values.reduce((a, b) => a + b, 0) / images;
  const classes = classTable(evaluated.predictions, classNames.length);
  const largest = classes.reduce((most, { support }) => Math.max(most, support), 0);
  const sure = [...correct.keys()].filter((i) => !correct[i] && confidences[i]! >= 0.95);
  return {
    images,
    top1: right / images,
    interval: wilson(right, images),
    loss: mean(losses),
    meanConfidence: mean(confidences),
    majority: largest / images,
    classes,
    confusions: confusions(evaluated.predictions),
    calibration: calibration(confidences, correct),
    sure: sure.sort((a, b) => confidences[b]! - confidences[a]! || a - b),
  };
}

/**
 * The interval that holds a proportion with a probability of 95 %, of `right` out of n.
 *
 * Source: Wilson 1927.
 */
export function wilson(right: number, n: number): [low: number, high: number] {
  const z = 1.959963984540054;
  const [p, square] = [right / n, z * z];
  const centre = (p + square / (2 * n)) / (1 + square / n);
  const half = (z / (1 + square / n)) * Math.sqrt((p * (1 - p)) / n + square / (4 * n * n));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}
