import type { Rng } from './rng.ts';
import type { Capture } from './capture.ts';
import type { Precision } from './precision.ts';
import type * as tf from '@tensorflow/tfjs';

/**
 * What a forward pass is told besides its input. There is no mode flag and no global switch.
 *
 * @property training  true: dropouts and drop path act; default false
 * @property rng       the stream they draw from; needed when training with a rate above 0. The model splits it by the name of the
 *                     part that draws, so the numbers do not depend on the order of evaluation
 * @property capture   which inner tensors to keep (`Capture`); costs nothing when absent
 * @property keepMask  replaces the draw of a part by a given 0/1 mask, [B] for drop path: `blocks.1.drop_path2`. For reproducing
 *                     a run of another library
 * @property precision  of every product of the pass and of its backward pass; default fp32. Results are float32 in both
 * @property checkpoint  true: block activations are computed again in the backward pass instead of being kept
 */
export interface ForwardContext {
  training?: boolean;
  rng?: Rng;
  capture?: Capture;
  keepMask?: (name: string) => tf.Tensor1D | undefined;
  precision?: Precision;
  checkpoint?: boolean;
}
