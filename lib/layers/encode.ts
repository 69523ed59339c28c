import type * as tf from '@tensorflow/tfjs';
import { branchesJoin, runBranches, type Branch } from '../ops/branch.ts';
import { recompute } from '../ops/recompute.ts';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import type { Block } from './block.ts';

/**
 * Blocks one after the other, [B, N, C] → [B, N, C].
 *
 * Where no gradient is asked for and nothing looks in between, all that follow each other are one op on a backend that has it.
 * With `context.checkpoint` each block is computed again in the backward pass.
 */
export function encode(
  blocks: readonly Block[],
  x: tf.Tensor3D,
  context: ForwardContext,
): tf.Tensor3D {
  return t.tidy(() => {
    if (!branchesJoin()) return blocks.reduce((y, block) => runBlock(block, y, context), x);
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

function runBlock(block: Block, x: tf.Tensor3D, context: ForwardContext): tf.Tensor3D {
  if (context.checkpoint !== true) return block.forward(x, context);
  return recompute((y) => block.forward(y, context), x, [...block.namedParameters().values()]);
}
