// The objects that the queries of a DETR found: scores, classes and boxes in pixels.

import type * as tf from '@tensorflow/tfjs';
import { assertNumber, assertShape, assertTensor } from '../../core/check.ts';
import { InputError, expected } from '../../core/errors.ts';
import { assertFields, assertListOf } from '../../core/kinds.ts';
import * as t from '../../ops/tensor.ts';
import type { QueryPredictions } from './detr.ts';

/**
 * An object that was found.
 *
 * @property query  the number of the query that found it
 * @property label  its class
 * @property score  the softmax of the class, 'no object' among the others
 * @property box    [left, top, right, bottom] in pixels; it may reach beyond the image
 */
export interface Detection {
  query: number;
  label: number;
  score: number;
  box: readonly [number, number, number, number];
}

/**
 * The options of `detections`.
 *
 * @property sizes      [height, width] of each image of the batch, in whose pixels the boxes are
 * @property threshold  a query is an object if its score is above it, 0 … 1; default 0.7, as the published model's notebook has it
 */
export interface DetectionOptions {
  sizes: readonly (readonly [number, number])[];
  threshold?: number;
}

/** The threshold of scores, where none is given. */
export const defaultThreshold = 0.7;

/** Throws an InputError unless a value is a threshold of scores. */
export function assertThreshold(name: string, value: unknown): asserts value is number {
  assertNumber(name, value, { min: 0, max: 1 });
}

/**
 * The objects of each image, in the order of the queries.
 *
 * A query's class is the one with the largest softmax, 'no object', the last, aside; its score is that softmax. Labels are as the model
 * was trained with, so they may be sparse, as the ids of COCO are.
 *
 * @throws InputError for a threshold outside 0 … 1, or another number of sizes than of images
 * @throws NumericError never: a query with a score or a box that is NaN is no object
 *
 * Source: transformers, `DetrImageProcessor.post_process_object_detection`.
 *
 * @example const [objects] = await detections(model.detect(images), { sizes: [[480, 640]] });
 */
export async function detections(
  predictions: QueryPredictions,
  options: DetectionOptions,
): Promise<Detection[][]> {
  assertFields('the predictions', predictions, { logits: 'instance', boxes: 'instance' });
  assertFields('the options of detections', options, { sizes: 'list' });
  const { logits, boxes } = predictions;
  const { sizes, threshold = defaultThreshold } = options;
  assertTensor('logits', logits);
  assertTensor('boxes', boxes);
  assertThreshold('threshold', threshold);
  assertListOf('sizes', sizes, 'list');
  const [batch, queries, outputs] = logits.shape;
  assertShape('boxes', boxes, [batch, queries, 4]);
  if (sizes.length !== batch) {
    throw new InputError(expected(`${batch}, one for each image,`, 'sizes', sizes.length));
  }
  const softmax = t.tidy(() => t.softmax(logits as tf.Tensor));
  const scores = await softmax.data();
  softmax.dispose();
  const places = await boxes.data();
  return sizes.map((size, image) => {
    const found: Detection[] = [];
    for (let query = 0; query < queries; query += 1) {
      const row = image * queries + query;
      const { label, score } = bestClass(scores, row * outputs, outputs - 1);
      const box = inPixels(places, row * 4, size);
      const sound = score > threshold && box.every(Number.isFinite);
      if (sound) found.push({ query, label, score, box });
    }
    return found;
  });
}

function bestClass(scores: ArrayLike<number>, begin: number, classes: number) {
  let label = 0;
  for (let k = 1; k < classes; k += 1) {
    if (scores[begin + k]! > scores[begin + label]!) label = k;
  }
  return { label, score: scores[begin + label]! };
}

// Centre and size as shares → corners in pixels.
function inPixels(
  boxes: ArrayLike<number>,
  at: number,
  [height, width]: readonly [number, number],
): [number, number, number, number] {
  const [cx, cy, w, h] = [0, 1, 2, 3].map((i) => boxes[at + i]!) as [
    number,
    number,
    number,
    number,
  ];
  return [
    (cx - 0.5 * w) * width,
    (cy - 0.5 * h) * height,
    (cx + 0.5 * w) * width,
    (cy + 0.5 * h) * height,
  ];
}
