// The moving average of the weights.

import { assertKind } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { ema } from '../ops/ema.ts';
import type { HostTensor } from '../checkpoints/hostTensor.ts';
import { uploadTensor } from '../checkpoints/modelState.ts';
import { assertStateDict } from '../checkpoints/stateDictErrors.ts';
import { parseOptions } from '../core/option.ts';
import { emaOptions } from './options/ema.ts';
import type { EmaConfig } from './options/types.ts';

/**
 * The exponential moving average of named weights: average ← d·average + (1 − d)·weight after each update.
 *
 * It starts as a copy of the weights and owns its tensors: call `dispose()`. Buffers such as running means are averaged like
 * weights, counters are copied.
 *
 * Source: timm/utils/model_ema.py, ModelEmaV2 and ModelEmaV3.
 *
 * @example
 * const ema = new Ema(model.namedParameters(), {decay: 0.9998});
 * ema.update(model.namedParameters(), step);   // step = updates done, from 1
 */
export class Ema {
  /** The averages by parameter name. */
  readonly averages: Map<string, tf.Tensor>;
  private readonly config: Required<EmaConfig>;

  constructor(weights: ReadonlyMap<string, tf.Tensor>, config: EmaConfig) {
    assertKind('weights', weights, 'map');
    this.config = parseOptions(emaOptions, config, { name: 'ema' });
    this.averages = new Map(
      [...weights].map(([name, weight]) => [name, t.keep(t.clone(weight))] as const),
    );
  }

  /** The decay of update `step`, from 1. */
  decay(step: number): number {
    const { decay, kind, useWarmup, warmupGamma, warmupPower, minDecay, updateAfterStep } =
      this.config;
    if (kind === 'plain') return decay;
    const n = step - updateAfterStep - 1;
    if (n <= 0) return 0;
    if (!useWarmup) return decay;
    const warm = 1 - (1 + n / warmupGamma) ** -warmupPower;
    return Math.max(Math.min(warm, decay), minDecay);
  }

  /** Takes the weights into the average, those that are given; the others' averages stay. `step` counts the updates done, from 1. */
  update(weights: ReadonlyMap<string, tf.Tensor>, step: number): void {
    const decay = this.decay(step);
    const given = [...this.averages.keys()].filter((name) => weights.has(name));
    const isAveraged = (name: string) => decay > 0 && weights.get(name)!.dtype === 'float32';
    const names = given.filter(isAveraged);
    const [averages, values] = [this.averages, weights].map((all) =>
      names.map((name) => all.get(name)!),
    );
    const next = t.tidy(() => ema(averages!, values!, { decay, reuse: true }));
    names.forEach((name, i) => this.replace(name, next[i]!));
    for (const name of given) {
      if (!isAveraged(name)) this.replace(name, t.clone(weights.get(name)!));
    }
  }

  /** Puts stored averages back, bit for bit. @throws CheckpointError listing what differs; nothing is changed then */
  restore(tensors: ReadonlyMap<string, HostTensor>): void {
    assertStateDict('the averages of this model', this.averages, tensors);
    for (const [name, tensor] of tensors) {
      this.replace(name, uploadTensor(tensor, this.averages.get(name)!.dtype, name));
    }
  }

  /** Frees the averages. */
  dispose(): void {
    for (const average of this.averages.values()) average.dispose();
  }

  private replace(name: string, next: tf.Tensor): void {
    this.averages.get(name)!.dispose();
    this.averages.set(name, t.keep(next));
  }
}
