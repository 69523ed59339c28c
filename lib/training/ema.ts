import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { ema } from '../ops/ema.ts';
import { widen } from '../checkpoints/hostTensor.ts';
import type { HostTensor } from '../checkpoints/hostTensor.ts';
import { assertState } from '../checkpoints/stateDifferences.ts';
import { assertInteger, assertNumber, assertOneOf } from '../core/check.ts';

/**
 * A moving average of the weights.
 *
 * @property decay            share of the old average in each update, 0 … 1
 * @property kind             plain: `decay` from the first update on (timm's ModelEmaV2). v3: the first update copies the weights
 *                            (ModelEmaV3); default plain
 * @property useWarmup        v3: the decay rises as 1 − (1 + n/gamma)^(−power) up to `decay`; default false
 * @property warmupGamma      gamma; default 1
 * @property warmupPower      power; default 2/3
 * @property minDecay         v3: lower bound during the warm-up; default 0
 * @property updateAfterStep  v3: updates that only copy; default 0
 */
export interface EmaConfig {
  decay: number;
  kind?: 'plain' | 'v3';
  useWarmup?: boolean;
  warmupGamma?: number;
  warmupPower?: number;
  minDecay?: number;
  updateAfterStep?: number;
}

/**
 * The exponential moving average of named weights: average ← d·average + (1 − d)·weight after each update.
 *
 * It starts as a copy of the weights and owns its tensors: call `dispose()`.
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
    this.config = {
      kind: 'plain',
      useWarmup: false,
      warmupGamma: 1,
      warmupPower: 2 / 3,
      minDecay: 0,
      updateAfterStep: 0,
      ...config,
    };
    assertNumber('ema.decay', this.config.decay, { min: 0, max: 1 });
    assertOneOf('ema.kind', this.config.kind, ['plain', 'v3']);
    assertNumber('ema.warmupGamma', this.config.warmupGamma, { min: Number.MIN_VALUE });
    assertNumber('ema.warmupPower', this.config.warmupPower, { min: 0 });
    assertNumber('ema.minDecay', this.config.minDecay, { min: 0, max: 1 });
    assertInteger('ema.updateAfterStep', this.config.updateAfterStep, { min: 0 });
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

  /** Takes the weights into the average; `step` counts the updates done, from 1. */
  update(weights: ReadonlyMap<string, tf.Tensor>, step: number): void {
    const decay = this.decay(step);
    const names = [...this.averages.keys()];
    const values = names.map((name) => weights.get(name)!);
    const next = t.tidy(() =>
      decay === 0
        ? values.map((value) => t.clone(value))
        : ema([...this.averages.values()], values, { decay, reuse: true }),
    );
    names.forEach((name, i) => this.replace(name, next[i]!));
  }

  /** Puts stored averages back, bit for bit. @throws CheckpointError listing what differs; nothing is changed then */
  restore(tensors: ReadonlyMap<string, HostTensor>): void {
    assertState('the averages of this model', this.averages, tensors);
    for (const [name, tensor] of tensors) {
      this.replace(name, t.tensor(widen(tensor, name), tensor.shape, 'float32'));
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
