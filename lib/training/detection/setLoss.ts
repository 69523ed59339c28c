// The loss of a set of predictions: cross-entropy of the classes, L1 and generalised IoU of the boxes, after the matching.

import type * as tf from '@tensorflow/tfjs';
import { softmaxCrossEntropy } from '../../ops/softmaxCrossEntropy.ts';
import * as t from '../../ops/tensor.ts';
import { assertShape, assertTensor } from '../../core/check.ts';
import { InputError, expected } from '../../core/errors.ts';
import { assertFields, assertListOf } from '../../core/kinds.ts';
import { assertObjects, type CentreBox, type LabelledBox } from '../../data/objects.ts';
import { detrWeights, matchQueries, type DetectionWeights } from './match.ts';

/** Predictions of queries: logits [B, Q, K + 1], the last of 'no object', and boxes [B, Q, 4], centre and size as shares. */
export interface SetPredictions {
  logits: tf.Tensor3D;
  boxes: tf.Tensor3D;
}

/**
 * The options of `setLoss`.
 *
 * @property weights   of the three parts, in the cost and in the loss; default DETR's 1, 5 and 2
 * @property noObject  the weight of 'no object' in the cross-entropy, beside 1 of each class; default 0.1
 */
export interface SetLossOptions {
  weights?: DetectionWeights;
  noObject?: number;
}

/** Weights and coordinates far from 0/0 for the boxes of queries that have no object; they do not count. */
const unmatchedBox: CentreBox = [0.5, 0.5, 1, 1];

/**
 * DETR's loss of a batch, a scalar to differentiate.
 *
 * class · Σ w·CE / Σ w + (box · Σ |b − b̂| + giou · Σ (1 − GIoU(b, b̂))) / N, the last two over matched queries, N the objects of the batch,
 * at least 1; w is 1 for a matched query and `noObject` for the others.
 *
 * The matching reads the predictions from the backend, so the backend has to read synchronously.
 *
 * @throws ShapeError for boxes of another shape; InputError for an object that has no area, or no class of the model
 *
 * Source: Carion et al. 2020, section 3.1; facebookresearch/detr, `SetCriterion`.
 */
export function setLoss(
  predictions: SetPredictions,
  objects: readonly (readonly LabelledBox[])[],
  options: SetLossOptions = {},
): tf.Scalar {
  assertFields('the predictions', predictions, { logits: 'instance', boxes: 'instance' });
  assertFields('the options of setLoss', options, { weights: 'object?', noObject: 'number?' });
  const { logits, boxes } = predictions;
  const { weights = detrWeights, noObject = 0.1 } = options;
  assertTensor('logits', logits);
  assertTensor('boxes', boxes);
  const [batch, queries, outputs] = logits.shape;
  assertShape('boxes', boxes, [batch, queries, 4]);
  assertListOf('objects', objects, 'list');
  if (objects.length !== batch) {
    throw new InputError(expected(`${batch}, one list for each image,`, 'objects', objects.length));
  }
  objects.forEach((own, i) => assertObjects(`the objects of image ${i}`, own, outputs - 1));
  const targets = targetsOf(predictions, objects, { weights, noObject });
  return t.tidy(() => {
    const rows = batch * queries;
    const flat = t.reshape<tf.Rank.R2>(logits, [rows, outputs]);
    const entropy = softmaxCrossEntropy(flat, t.tensor2d(targets.classes, [rows, outputs]));
    const share = targets.classWeights.reduce((sum, weight) => sum + weight, 0);
    const classLoss = t.div(t.sum(t.mul(entropy, t.tensor1d(targets.classWeights))), share);
    const predicted = t.reshape<tf.Rank.R2>(boxes, [rows, 4]);
    const wanted = t.tensor2d(targets.boxes, [rows, 4]);
    const matched = t.tensor1d(targets.matched);
    const distance = t.sum(t.abs(t.sub(predicted, wanted)), 1);
    const apart = t.sub(1, pairedGeneralizedIou(predicted, wanted));
    const boxLoss = t.add(t.mul(distance, weights.box), t.mul(apart, weights.giou));
    const count = Math.max(
      1,
      objects.reduce((sum, one) => sum + one.length, 0),
    );
    const boxTerm = t.div(t.sum(t.mul(boxLoss, matched)), count);
    return t.add<tf.Scalar>(t.mul(classLoss, weights.class), boxTerm);
  });
}

interface SetTargets {
  classes: Float32Array;
  classWeights: Float32Array;
  boxes: Float32Array;
  matched: Float32Array;
}

// The target of every query, as dense arrays: its class, its box, and whether it has an object.
function targetsOf(
  { logits, boxes }: SetPredictions,
  objects: readonly (readonly LabelledBox[])[],
  { weights, noObject }: Required<SetLossOptions>,
): SetTargets {
  const [batch, queries, outputs] = logits.shape;
  const probabilities = t.tidy(() => t.softmax(logits as tf.Tensor).dataSync());
  const places = boxes.dataSync();
  const rows = batch * queries;
  const targets = {
    classes: new Float32Array(rows * outputs),
    classWeights: new Float32Array(rows).fill(noObject),
    boxes: Float32Array.from({ length: rows * 4 }, (_, i) => unmatchedBox[i % 4]!),
    matched: new Float32Array(rows),
  };
  const label = new Int32Array(rows).fill(outputs - 1);
  for (let image = 0; image < batch; image += 1) {
    const from = image * queries;
    const own = objects[image]!;
    const plain = {
      probabilities: probabilities.subarray(from * outputs, (from + queries) * outputs),
      boxes: places.subarray(from * 4, (from + queries) * 4),
      queries,
    };
    matchQueries(plain, own, weights).forEach((query, i) => {
      if (query < 0) return;
      const row = from + query;
      label[row] = own[i]!.label;
      targets.classWeights[row] = 1;
      targets.matched[row] = 1;
      targets.boxes.set(own[i]!.box, row * 4);
    });
  }
  label.forEach((k, row) => {
    targets.classes[row * outputs + k] = 1;
  });
  return targets;
}

/** The generalised IoU of each pair of boxes, centre and size, in plain ops: [N, 4] and [N, 4] → [N]. */
export function pairedGeneralizedIou(a: tf.Tensor2D, b: tf.Tensor2D): tf.Tensor1D {
  return t.tidy(() => {
    const [first, second] = [cornersOf(a), cornersOf(b)];
    const low = t.maximum(first.low, second.low);
    const high = t.minimum(first.high, second.high);
    const intersection = product(t.relu(t.sub(high, low)));
    const union = t.sub(t.add(product(first.size), product(second.size)), intersection);
    const hull = product(
      t.sub(t.maximum(first.high, second.high), t.minimum(first.low, second.low)),
    );
    const tiny = 1e-7; // keeps a box without area from dividing by 0
    const shared = t.div(intersection, t.add(union, tiny));
    return t.sub<tf.Tensor1D>(shared, t.div(t.sub(hull, union), t.add(hull, tiny)));
  });
}

function cornersOf(boxes: tf.Tensor2D) {
  const centre = t.slice(boxes, [0, 0], [-1, 2]);
  const size = t.slice(boxes, [0, 2], [-1, 2]);
  const half = t.mul(size, 0.5);
  return { low: t.sub(centre, half), high: t.add(centre, half), size };
}

// [N, 2] → [N].
function product(sides: tf.Tensor): tf.Tensor {
  const columns = [0, 1].map((i) => t.reshape(t.slice(sides, [0, i], [-1, 1]), [-1]));
  return t.mul(columns[0]!, columns[1]!);
}
