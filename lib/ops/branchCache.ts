// A cache of the prepared residual branches of a block.

import type * as tf from '@tensorflow/tfjs';
import type { Precision } from '../core/precision.ts';
import type { Branch } from './branch.ts';

/**
 * Caches the branches of the last pass without random draws for the next pass of the same shape and precision. Checking and
 * preparing them anew costs a small model a twentieth of its time.
 */
export class BranchCache<B extends readonly Branch[]> {
  private known: { shape: string; precision: Precision | undefined; branches: B } | undefined;

  /** The cached branches for an x of this shape, or new ones from `prepare`. */
  get(x: tf.Tensor, precision: Precision | undefined, prepare: () => B): B {
    const shape = x.shape.join();
    if (this.known?.shape !== shape || this.known.precision !== precision) {
      this.known = { shape, precision, branches: prepare() };
    }
    return this.known.branches;
  }
}
