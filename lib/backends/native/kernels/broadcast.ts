// The walk of an elementwise kernel over two broadcast shapes.

import * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../../../core/check.ts';
import type { Walk } from '../binding.ts';
import { broadcastStrides, makeWalk, type Loop } from '../walk.ts';

/** The broadcast of two shapes and the walk over both; undefined where that takes too many loops. */
export function planBroadcast(
  a: number[],
  b: number[],
): { shape: number[]; walk: Walk } | undefined {
  if (tf.util.arraysEqual(a, b)) return { shape: a, walk: [sizeOf(a), 1, 1] };
  const shape = tf.broadcast_util.assertAndGetBroadcastShape(a, b);
  const strideA = broadcastStrides(a, shape);
  const strideB = broadcastStrides(b, shape);
  const loops = new Array<Loop>(shape.length);
  for (let i = 0; i < shape.length; i += 1) loops[i] = [shape[i]!, strideA[i]!, strideB[i]!];
  const walk = makeWalk(loops);
  return walk === undefined ? undefined : { shape, walk };
}
