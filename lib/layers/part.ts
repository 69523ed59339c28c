import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import type { Rng } from '../core/rng.ts';

/**
 * Where a layer stands in the model, and what its first values are drawn from.
 *
 * @property path  the layer's full name, `blocks.3.attn`: what its parameters' names begin with, what its random draws are keyed
 *                 by, and what its inner tensors are called in a capture
 * @property rng   the stream of initial values, split by parameter name; without it drawn parameters start at zero, for a model
 *                 whose weights are loaded next
 * @property weightInit  how linear weights are drawn; default 'timm'
 */
export interface Part {
  path: string;
  rng?: Rng | undefined;
  weightInit?: WeightInit;
}

/**
 * How the first weights of linear layers and of the patch projection are drawn; timm's `weight_init`.
 *
 * 'timm': a cut normal of standard deviation 0.02; the projection as torch's convolutions. 'jax', as the first Vision
 * Transformers: Xavier-uniform, LeCun-normal for the projection, heads of zeros. It suits narrow models, for which 0.02 is small.
 *
 * Source: timm/models/vision_transformer.py, `init_weights_vit_timm` and `init_weights_vit_jax`.
 */
export type WeightInit = 'timm' | 'jax';

/** The part of the given name inside another one. */
export function inside(part: Part, name: string): Part {
  return { ...part, path: part.path === '' ? name : `${part.path}.${name}` };
}

/**
 * The initial value of a parameter: a pure function of the seed and the parameter's full name, whatever is built around it.
 *
 * @param draw  fills the shape from the stream; not called without one
 */
export function initial(
  part: Part,
  name: string,
  shape: readonly number[],
  draw: (shape: readonly number[], rng: Rng) => Float32Array,
): tf.Tensor {
  if (part.rng === undefined) return t.zeros([...shape]);
  return t.tensor(draw(shape, part.rng.split(inside(part, name).path)), [...shape]);
}
