// The argument that tells a forward pass how to run.

import type * as tf from '@tensorflow/tfjs';
import type { Interceptor } from './intercept.ts';
import type { Precision } from './precision.ts';
import type { Rng } from './rng.ts';

/**
 * What a forward pass is told besides its input. There is no mode flag and no global switch.
 *
 * @property training  true: dropouts and drop path act; default false
 * @property rng       the stream they draw from; needed when training with a rate above 0. The model splits it by the path of the
 *                     layer that draws, so the numbers do not depend on the order of evaluation
 * @property intercept  stands around the steps of the pass: a `Capture`, a profiler, or several by `combineInterceptors`. Absent, it
 *                     costs nothing
 * @property keepMask  replaces the draw of a layer by a given 0/1 mask, [B] for drop path: `blocks.1.drop_path2`. For reproducing
 *                     a run of another library
 * @property precision  of every product of the pass and of its backward pass; default fp32. Results are float32 in both
 * @property recompute  true: block activations are computed again in the backward pass instead of being kept (gradient
 *                     checkpointing)
 */
export interface ForwardContext {
  training?: boolean;
  rng?: Rng;
  intercept?: Interceptor | undefined;
  keepMask?: (name: string) => tf.Tensor1D | undefined;
  precision?: Precision;
  recompute?: boolean;
}
