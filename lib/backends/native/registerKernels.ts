import { registerElementwise } from './kernels/elementwise.ts';
import { registerMatMul } from './kernels/matMul.ts';

/** Puts every native kernel in the place of the one inherited from the CPU backend. */
export function registerKernels(): void {
  registerMatMul();
  registerElementwise();
}
