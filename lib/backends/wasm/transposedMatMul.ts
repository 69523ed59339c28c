// A matrix product for `wasm` that transposes an operand first, because XNNPACK takes none that lies transposed.

import * as tf from '@tensorflow/tfjs';
import { replaceKernel } from './replaceKernel.ts';

/**
 * Makes `wasm` multiply transposed matrices fast, for every tfjs program.
 *
 * tfjs-backend-wasm 4.22 hands a product to XNNPACK only if neither operand is transposed and there is one matrix; a loop does
 * the rest. A linear layer's x·Wᵀ and its gradient dOutᵀ·x are such products. Here the operand is transposed first, which costs
 * far less than the loop: 1576×192·192×576 from 150 to 12 ms.
 */
export function useFastTransposedMatMul(): void {
  const transpose = tf.getKernel('Transpose', 'wasm')?.kernelFunc;
  if (transpose === undefined) return;
  replaceKernel('BatchMatMul', (original) => (args) => {
    const { inputs, backend, attrs } = args;
    const { transposeA, transposeB } = attrs as { transposeA: boolean; transposeB: boolean };
    const { a, b } = inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    if ((!transposeA && !transposeB) || !isOneMatrix(a) || !isOneMatrix(b)) return original(args);
    const transposed: tf.TensorInfo[] = [];
    const turn = (x: tf.TensorInfo): tf.TensorInfo => {
      const rank = x.shape.length;
      const perm = [...Array(rank - 2).keys(), rank - 1, rank - 2];
      const y = transpose({ inputs: { x }, backend, attrs: { perm } }) as tf.TensorInfo;
      transposed.push(y);
      return y;
    };
    const operands = { a: transposeA ? turn(a) : a, b: transposeB ? turn(b) : b };
    const plain = { transposeA: false, transposeB: false };
    const out = original({ inputs: operands, backend, attrs: plain });
    for (const { dataId } of transposed) (backend as tf.KernelBackend).disposeData(dataId);
    return out;
  });
}

function isOneMatrix({ shape }: tf.TensorInfo): boolean {
  return shape.slice(0, -2).every((size) => size === 1);
}
