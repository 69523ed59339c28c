// The routines of lib/fractal that a thread uses.

import { typescriptKernels, type FractalKernels } from '../fractal/kernels.ts';

/** The fastest routines there are here. */
export function fractalKernels(): FractalKernels {
  return typescriptKernels();
}
