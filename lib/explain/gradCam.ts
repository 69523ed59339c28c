// Grad-CAM on the tokens of a block.

import type * as tf from '@tensorflow/tfjs';
import { combineInterceptors, type Interceptor } from '../core/intercept.ts';
import { assertInteger } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { assertKind } from '../core/kinds.ts';
import type { Model } from '../models/model.ts';
import { recordGradient } from '../ops/recordGradient.ts';
import * as t from '../ops/tensor.ts';
import { logitRows, patchMaps, type ExplainOptions, type Explanation } from './explanation.ts';
import { inputGradient, predictTargets } from './inputGradients.ts';

/** The options of `gradCam`; `layer` is the block, from 0, negative from the end; default −1. */
export interface GradCamOptions extends ExplainOptions {
  layer?: number;
}

/**
 * Grad-CAM of a Vision Transformer, on the result of a block's first norm.
 *
 * map_p = max(0, Σ_c w_c x_pc), w_c the mean over the patches of ∂logit/∂x_pc. After the last block only the class token has a gradient,
 * so the norm before its attention is read.
 *
 * @throws InputError if the model has no blocks with norms, or a class, layer or image cannot be used
 *
 * Source: Selvaraju et al. 2017; for Transformers as jacobgil/pytorch-grad-cam has it.
 *
 * @example const { maps } = await gradCam(model, images, { target: 3 });
 */
export async function gradCam(
  model: Model,
  images: tf.Tensor4D,
  options: GradCamOptions = {},
): Promise<Explanation> {
  assertKind('options of gradCam', options, 'object');
  const { logits, targets, layout } = await predictTargets(model, images, options);
  const depth = countBlocks(model);
  const { layer = -1 } = options;
  assertInteger('layer', layer, { min: -depth, max: depth - 1 });
  const seen: { x?: tf.Tensor3D; gradient?: tf.Tensor3D } = {};
  const own = watching(`blocks.${layer < 0 ? depth + layer : layer}.norm1`, seen);
  const inner = options.intercept;
  const intercept = inner === undefined ? own : combineInterceptors(own, inner);
  try {
    inputGradient(model, images, targets, { ...options, intercept }).dispose();
    const { x, gradient } = seen;
    if (x === undefined || gradient === undefined) {
      throw new InputError(expected('a model whose blocks have norm1', 'gradCam', model.family));
    }
    const prefix = layout.numPrefixTokens;
    const cam = t.tidy(() => {
      const [batch, tokens, dim] = x.shape;
      const slopes = t.slice(gradient, [0, prefix, 0], [batch, tokens - prefix, dim]);
      return t.relu(t.sum(t.mul(x, t.mean(slopes, 1, true)), 2));
    });
    const maps = await patchMaps(cam, layout);
    return { maps, targets, logits: logitRows(logits, images.shape[0]), layout };
  } finally {
    seen.x?.dispose();
    seen.gradient?.dispose();
  }
}

/** The number of blocks of a model, by the names of its parameters. */
export function countBlocks(model: Model): number {
  const numbers = [...model.namedParameters().keys()].flatMap((name) => {
    const found = /^blocks\.(\d+)\./.exec(name);
    return found === null ? [] : [Number(found[1])];
  });
  return numbers.length === 0 ? 0 : Math.max(...numbers) + 1;
}

function watching(wanted: string, seen: { x?: tf.Tensor3D; gradient?: tf.Tensor3D }): Interceptor {
  return {
    wants: (path) => path === wanted,
    call: ({ path, inputs }, forward) => {
      const y = forward(...inputs);
      if (path !== wanted) return y;
      seen.x = t.keep(t.clone(y)) as tf.Tensor3D;
      return recordGradient(y, (dOut) => {
        seen.gradient = t.keep(t.clone(dOut)) as tf.Tensor3D;
      });
    },
  };
}
