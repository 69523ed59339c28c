// Interceptors for tests.

import * as tf from '@tensorflow/tfjs';
import type { ForwardContext } from '../../lib/core/context.ts';
import type { Interceptor, Step, StepForward } from '../../lib/core/intercept.ts';
import type { build } from './tinyModel.ts';

/** An interceptor that wants the steps that a pattern matches, and records every step that it is called with. */
export class Watcher implements Interceptor {
  readonly seen: { path: string; module: string; inputs: number[][]; output: number[] }[] = [];
  private readonly pattern: RegExp;

  constructor(pattern: RegExp) {
    this.pattern = pattern;
  }

  wants(path: string): boolean {
    return this.pattern.test(path);
  }

  call({ path, module, inputs }: Step, forward: StepForward): tf.Tensor {
    const y = forward(...inputs);
    this.seen.push({
      path,
      module: module?.constructor.name ?? '',
      inputs: inputs.map(({ shape }) => shape),
      output: y.shape,
    });
    return y;
  }

  paths(): string[] {
    return this.seen.map(({ path }) => path);
  }
}

/** An interceptor that gives another result for one step. */
export function replacing(wanted: string, by: (result: tf.Tensor) => tf.Tensor): Interceptor {
  return {
    wants: (path) => path === wanted,
    call: ({ path, inputs }, forward) => {
      const y = forward(...inputs);
      return path === wanted ? by(y) : y;
    },
  };
}

/** The logits of a pass as numbers. */
export function logitsOf(
  model: ReturnType<typeof build>,
  x: tf.Tensor4D,
  context: ForwardContext = {},
) {
  return tf.tidy(() => Array.from(model.forward(x, context).dataSync()));
}
