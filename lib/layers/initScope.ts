// The scope in which a layer is built: its path in the model, and the initialisation of its weights.

import { assertFields, assertKind, assertListOf } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import type { Rng } from '../core/rng.ts';

/**
 * The path of a layer in its model, and the source of its initial values.
 *
 * @property path  the layer's full name, `blocks.3.attn`: the names of its parameters begin with it, its random draws are keyed by
 *                 it, and an interceptor knows the layer by it
 * @property rng   the stream of initial values, split by parameter name; without it drawn parameters start at zero, for a model
 *                 whose weights are loaded next
 * @property weightInit  how linear weights are drawn; default 'timm'
 */
export interface InitScope {
  path: string;
  rng?: Rng | undefined;
  weightInit?: WeightInit;
}

/** The scope of a layer whose parameters are constants at first. */
export type PathScope = Pick<InitScope, 'path'>;

/**
 * How the first weights of linear layers and of the patch projection are drawn; timm's `weight_init`.
 *
 * 'timm': a cut normal of standard deviation 0.02; the projection as torch's convolutions. 'jax', as the first Vision
 * Transformers: Xavier-uniform, LeCun-normal for the projection, heads of zeros. It suits narrow models, for which 0.02 is small.
 *
 * Source: timm/models/vision_transformer.py, `init_weights_vit_timm` and `init_weights_vit_jax`.
 */
export type WeightInit = 'timm' | 'jax';

/** The scope of the layer of this name inside another one. */
export function inside(scope: InitScope, name: string): InitScope {
  assertScope(scope);
  return { ...scope, path: scope.path === '' ? name : `${scope.path}.${name}` };
}

/**
 * The initial value of a parameter: a pure function of the seed and the parameter's full name, whatever is built around it.
 *
 * @param draw  fills the shape from the stream; not called without one
 */
export function initial(
  scope: InitScope,
  name: string,
  shape: readonly number[],
  draw: (shape: readonly number[], rng: Rng) => Float32Array,
): tf.Tensor {
  assertScope(scope);
  assertListOf(`the shape of ${name}`, shape, 'count');
  if (scope.rng !== undefined) assertKind('draw', draw, 'function');
  if (scope.rng === undefined) return t.zeros([...shape]);
  return t.tensor(draw(shape, scope.rng.split(inside(scope, name).path)), [...shape]);
}

/** Throws an InputError unless a value is the scope of a layer. */
export function assertScope(scope: unknown): asserts scope is InitScope {
  assertFields('scope', scope, { path: 'text', rng: 'instance?', weightInit: 'text?' });
}
