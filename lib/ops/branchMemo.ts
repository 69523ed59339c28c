// A memory for residual branches that are run again and again.

import type * as tf from '@tensorflow/tfjs';
import type { Precision } from '../core/precision.ts';
import type { Branch } from './branch.ts';

/**
 * Keeps the branches of the last pass that drew nothing, for the next one of the same shape and precision: to check and describe
 * them anew costs a small model a twentieth of its time.
 */
export class BranchMemo<B extends readonly Branch[]> {
  private known: { shape: string; precision: Precision | undefined; branches: B } | undefined;

  /** The known branches for an x of this shape, or those that `prepare` makes. */
  get(x: tf.Tensor, precision: Precision | undefined, prepare: () => B): B {
    const shape = x.shape.join();
    if (this.known?.shape !== shape || this.known.precision !== precision) {
      this.known = { shape, precision, branches: prepare() };
    }
    return this.known.branches;
  }
}
