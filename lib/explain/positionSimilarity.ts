// The similarity of a model's position embeddings, patch by patch.

import type * as tf from '@tensorflow/tfjs';
import { InputError, expected } from '../core/errors.ts';
import type { Grid } from '../figures/grid.ts';
import type { Model } from '../models/model.ts';
import { assertAttentionModel } from './attentionModel.ts';

/** Cosines between the position embeddings of all pairs of patches: `matrix` [P, P], patches row by row of the grid. */
export interface PositionSimilarity {
  matrix: Grid<Float32Array>;
  gridSize: readonly [rows: number, columns: number];
}

/**
 * The cosine similarity of the learned position embedding of each patch with that of every patch.
 *
 * cos(p, q) = e_p·e_q / (‖e_p‖ ‖e_q‖), 0 where an embedding is zero. Prefix tokens are left out.
 *
 * @throws InputError if the model has no learned position embedding
 *
 * Source: Dosovitskiy et al. 2021, figure 7 (middle).
 */
export async function positionSimilarity(model: Model): Promise<PositionSimilarity> {
  assertAttentionModel(model);
  const { gridSize } = model;
  const parameter: tf.Tensor | undefined = model.namedParameters().get('pos_embed');
  if (parameter === undefined) {
    const remedy = "It has posEmbed 'none' or a fixed one.";
    throw new InputError(expected('a learned position embedding', 'model', model.family, remedy));
  }
  const values = await parameter.data();
  const patches = gridSize[0] * gridSize[1];
  const [, rows = 0, dim = 0] = parameter.shape;
  const first = rows - patches;
  const dot = (p: number, q: number) => {
    let sum = 0;
    for (let c = 0; c < dim; c += 1) {
      sum += values[(first + p) * dim + c]! * values[(first + q) * dim + c]!;
    }
    return sum;
  };
  const norms = Float64Array.from({ length: patches }, (_, p) => Math.sqrt(dot(p, p)));
  const data = new Float32Array(patches * patches);
  for (let p = 0; p < patches; p += 1) {
    for (let q = 0; q < patches; q += 1) {
      const scale = norms[p]! * norms[q]!;
      data[p * patches + q] = scale > 0 ? dot(p, q) / scale : 0;
    }
  }
  return { matrix: { height: patches, width: patches, data }, gridSize };
}
