// Gradient clipping: by norm, by element, or by unit.

import { assertKind } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { globalNorm } from '../ops/globalNorm.ts';
import { InputError, expected } from '../core/errors.ts';
import { parseOptions } from '../core/option.ts';
import { clipOptions } from './options/clip.ts';
import type { ClipConfig } from './options/types.ts';

/**
 * The gradients after clipping. The caller owns the returned tensors; the given ones are not changed.
 *
 * norm:   g · min(1, value / (‖all g‖ + 1e-6))
 * value:  min(max(g, −value), value)
 * agc:    g · m / max(‖g‖, 1e-6) where ‖g‖ ≥ m, m = value · max(‖w‖, 1e-3); norms over all axes but the first, over all of a vector
 *
 * A norm of 0 leaves the gradients 0.
 *
 * @param gradients      by parameter name
 * @param parameters     the weights by name; agc needs them
 * @param options.norm   ‖all g‖ if it is known already; [] (a scalar)
 * @throws InputError if mode or value cannot be used, or agc lacks a parameter
 *
 * Source: torch.nn.utils.clip_grad_norm_; Brock et al. 2021, eq. 3, as in timm/utils/agc.py.
 */
export function clipGradients(
  gradients: ReadonlyMap<string, tf.Tensor>,
  config: ClipConfig,
  parameters: ReadonlyMap<string, tf.Tensor>,
  options: { norm?: tf.Scalar } = {},
): Map<string, tf.Tensor> {
  assertKind('gradients', gradients, 'map');
  assertKind('parameters', parameters, 'map');
  assertKind('options of clipGradients', options, 'instance');
  const { norm } = options;
  const { mode, value } = parseOptions<ClipConfig>(clipOptions, config, { name: 'clip' });
  const names = [...gradients.keys()];
  const clipped = t.tidy(() => {
    const all = [...gradients.values()];
    if (mode === 'value') return all.map((g) => t.minimum(t.maximum(g, -value), value));
    if (mode === 'agc') return names.map((name, i) => clipUnits(all[i]!, weightOf(name), value));
    const factor = t.minimum(t.div(value, t.add(norm ?? globalNorm(all), 1e-6)), 1);
    return all.map((g) => t.mul(g, factor));
  });
  return new Map(names.map((name, i) => [name, clipped[i]!]));

  function weightOf(name: string): tf.Tensor {
    const weight = parameters.get(name);
    if (weight === undefined) {
      throw new InputError(expected('a parameter of each gradient', 'parameters', name));
    }
    return weight;
  }
}

function clipUnits(gradient: tf.Tensor, weight: tf.Tensor, ratio: number): tf.Tensor {
  const largest = t.mul(t.maximum(unitNorm(weight), 1e-3), ratio);
  const norm = unitNorm(gradient);
  const smaller = t.mul(gradient, t.div(largest, t.maximum(norm, 1e-6)));
  const keep = t.broadcastTo(t.less(norm, largest), gradient.shape);
  return t.where(keep, gradient, smaller);
}

function unitNorm(x: tf.Tensor): tf.Tensor {
  const axes = x.rank <= 1 ? undefined : x.shape.map((_, axis) => axis).slice(1);
  return t.sqrt(t.sum(t.square(x), axes, x.rank > 1));
}
