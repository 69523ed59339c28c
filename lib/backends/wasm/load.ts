// The backend `wasm`: tfjs's WebAssembly kernels, with a matrix product that is fast for transposed operands too, and the gradient of
// convolutions.

import * as tf from '@tensorflow/tfjs';
import { setThreadsCount } from '@tensorflow/tfjs-backend-wasm';
import { registerConvolutionGrad } from './convolutionGrad.ts';
import { guardKernels } from './guard.ts';
import { useFastTransposedMatMul } from './transposedMatMul.ts';

let prepared = false;

/**
 * Registers the backend `wasm`. Its .wasm files lie beside its module, where it finds them by itself in Node.
 *
 * @param threads  more than one works in a browser that is cross-origin isolated only; elsewhere a warning says so
 * @returns what it is, for people, and what it could not do
 */
export async function loadWasm(
  threads: number | undefined,
): Promise<{ about: string; warnings: readonly string[] }> {
  const inNode = tf.env().get('IS_NODE') === true;
  const warnings: string[] = [];
  if (inNode) {
    setThreadsCount(1);
    if (threads !== undefined && threads !== 1) {
      warnings.push(
        `The backend wasm runs on one thread in Node; --threads ${threads} is not used.`,
      );
    }
  } else if (threads !== undefined) setThreadsCount(threads);
  if (!prepared) {
    useFastTransposedMatMul();
    registerConvolutionGrad();
    guardKernels();
    prepared = true;
  }
  const simd = await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT');
  return { about: `WebAssembly${simd === true ? ' with SIMD' : ''}, 1 thread`, warnings };
}
