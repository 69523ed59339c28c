// Runs the blocks of an encoder: fused into one op, one by one, or recomputed in the backward pass.

import * as tf from '@tensorflow/tfjs';
import type { ForwardContext } from '../core/context.ts';
import { canFuseBranches, runBranches, type Branch } from './branch.ts';
import { recompute } from './recompute.ts';

/**
 * A block of residual branches, [B, N, C] → [B, N, C].
 *
 * @property branches  the branches of the block for an x, for `runBranches`; undefined where an interceptor or a dropout acts
 *                     between or inside them in this pass
 */
export interface ResidualBlock {
  forward(x: tf.Tensor3D, context: ForwardContext): tf.Tensor3D;
  branches(x: tf.Tensor3D, context: ForwardContext): readonly Branch[] | undefined;
  namedParameters(): ReadonlyMap<string, tf.Variable>;
}

/**
 * Blocks one after the other, [B, N, C] → [B, N, C].
 *
 * On a backend that has the kernel, consecutive blocks are one op where no gradient is asked for and nothing intercepts them.
 * With `context.recompute` each block is recomputed in the backward pass.
 */
export function runBlocks(
  blocks: readonly ResidualBlock[],
  x: tf.Tensor3D,
  context: ForwardContext,
): tf.Tensor3D {
  return tf.tidy(() => {
    if (!canFuseBranches()) return blocks.reduce((y, block) => runBlock(block, y, context), x);
    let y = x;
    let waiting: Branch[] = [];
    for (const block of blocks) {
      const branches = block.branches(x, context);
      if (branches !== undefined) {
        waiting.push(...branches);
        continue;
      }
      y = block.forward(runBranches(waiting, y), context);
      waiting = [];
    }
    return runBranches(waiting, y);
  });
}

function runBlock(block: ResidualBlock, x: tf.Tensor3D, context: ForwardContext): tf.Tensor3D {
  if (context.recompute !== true) return block.forward(x, context);
  return recompute((y) => block.forward(y, context), x, [...block.namedParameters().values()]);
}
