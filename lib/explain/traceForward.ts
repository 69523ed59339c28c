// Every tensor of one forward pass, by name, as plain numbers.

import type * as tf from '@tensorflow/tfjs';
import { assertInteger } from '../core/check.ts';
import { ShapeError, expected } from '../core/errors.ts';
import { assertKind } from '../core/kinds.ts';
import type { Interceptor } from '../core/intercept.ts';
import type { TokenLayout } from '../core/tokenLayout.ts';
import type { Model } from '../models/model.ts';
import * as t from '../ops/tensor.ts';
import { layoutOf } from './attentionMaps.ts';
import { assertAttentionModel } from './attentionModel.ts';
import { countBlocks } from './gradCam.ts';

/**
 * A tensor of a traced pass.
 *
 * @property name   the path of its step: `blocks.0.attn_probs`
 * @property shape  without the batch
 * @property data   undefined for the tensors inside blocks that are not looked into, of which the numbers below remain
 */
export interface TracedTensor {
  name: string;
  shape: number[];
  data?: Float32Array;
  low: number;
  mean: number;
  high: number;
}

/** A traced pass: its tensors in the order of their computation, and the places of the patches. */
export interface Trace {
  tensors: TracedTensor[];
  layout: TokenLayout;
  block: number;
}

/**
 * Runs one image through a model, step by step, and keeps every tensor that has a name.
 *
 * @param image          [1, H, W, C], normalised
 * @param options.block  the block whose inner tensors are kept as numbers, from 0, negative from the end; default 0
 *
 * @example const { tensors } = await traceForward(model, image);
 */
export async function traceForward(
  model: Model,
  image: tf.Tensor4D,
  options: { block?: number } = {},
): Promise<Trace> {
  assertKind('the options of traceForward', options, 'object');
  const { block = 0 } = options;
  assertAttentionModel(model);
  if (image.rank !== 4 || image.shape[0] !== 1) {
    throw new ShapeError(expected('one image [1, H, W, C]', 'image', image.shape));
  }
  const depth = countBlocks(model);
  assertInteger('block', block, { min: -depth, max: depth - 1 });
  const chosen = block < 0 ? depth + block : block;
  const kept: { name: string; tensor: tf.Tensor }[] = [];
  const places: { layout?: TokenLayout } = {};
  const interceptor: Interceptor = {
    // The gradient of the attention is no step of a forward pass.
    wants: (path) => !path.endsWith('_grad'),
    call: ({ path, inputs, layout }, forward) => {
      const y = forward(...inputs);
      if (layout !== undefined) places.layout = layout;
      kept.push({ name: path, tensor: t.keep(t.clone(y)) });
      return y;
    },
  };
  try {
    t.dispose(t.tidy(() => model.forward(image, { intercept: interceptor })));
    const tensors: TracedTensor[] = [];
    for (const { name, tensor } of kept) {
      const data = (await tensor.data()) as Float32Array;
      const inside = /^blocks\.(\d+)\./.exec(name);
      const whole = inside === null || Number(inside[1]) === chosen;
      tensors.push({
        name,
        shape: tensor.shape.slice(1),
        ...(whole && { data }),
        ...statisticsOf(data),
      });
    }
    return { tensors, layout: layoutOf(places, model), block: chosen };
  } finally {
    t.dispose(kept.map(({ tensor }) => tensor));
  }
}

function statisticsOf(data: Float32Array): { low: number; mean: number; high: number } {
  let [low, high, sum] = [Infinity, -Infinity, 0];
  for (const value of data) {
    low = Math.min(low, value);
    high = Math.max(high, value);
    sum += value;
  }
  return { low, mean: sum / data.length, high };
}
