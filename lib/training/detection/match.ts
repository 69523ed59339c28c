// The matching of queries and objects: each object gets the query whose prediction costs least, all objects together.

import { generalizedIou, toCorners, type CentreBox, type LabelledBox } from '../../data/objects.ts';
import { assign } from './assignment.ts';

/** The weights of the parts of a cost or a loss: the class, the L1 distance of boxes, their generalised IoU. */
export interface DetectionWeights {
  class: number;
  box: number;
  giou: number;
}

/** DETR's weights, of the cost and of the loss. */
export const detrWeights: DetectionWeights = { class: 1, box: 5, giou: 2 };

/**
 * The predictions for one image as plain numbers.
 *
 * @property probabilities  [Q, K + 1], row by row
 * @property boxes          [Q, 4], centre and size
 */
export interface PlainPredictions {
  probabilities: ArrayLike<number>;
  boxes: ArrayLike<number>;
  queries: number;
}

/**
 * The query of each object of an image, by the Hungarian method.
 *
 * cost = −class·p(label) + box·L1 + giou·(−GIoU).
 *
 * @returns a query for each object, all different. Where there are more objects than queries, the first objects get one, and the others −1
 *
 * Source: Carion et al. 2020, eq. 1; facebookresearch/detr, `HungarianMatcher`.
 */
export function matchQueries(
  { probabilities, boxes, queries }: PlainPredictions,
  objects: readonly LabelledBox[],
  weights: DetectionWeights = detrWeights,
): number[] {
  const outputs = probabilities.length / queries;
  const predicted = Array.from({ length: queries }, (_, query) => {
    const box = [0, 1, 2, 3].map((i) => boxes[4 * query + i]!) as unknown as CentreBox;
    return { box, corners: toCorners(box) };
  });
  const costs = objects.slice(0, queries).map(({ label, box }) => {
    const corners = toCorners(box);
    return predicted.map((one, query) => {
      const l1 = box.reduce((sum, value, i) => sum + Math.abs(value - one.box[i]!), 0);
      return (
        weights.box * l1 -
        weights.class * probabilities[query * outputs + label]! -
        weights.giou * generalizedIou(one.corners, corners)
      );
    });
  });
  const matched = costs.length === 0 ? [] : assign(costs);
  return objects.map((_, i) => matched[i] ?? -1);
}
