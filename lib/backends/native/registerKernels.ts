import { registerAttention } from './kernels/attention.ts';
import { registerBatchNorm } from './kernels/batchNorm.ts';
import { registerBranches } from './kernels/branches.ts';
import { registerConvolution } from './kernels/convolution.ts';
import { registerEinsum } from './kernels/einsum.ts';
import { registerElementwise } from './kernels/elementwise.ts';
import { registerFourier } from './kernels/fourier.ts';
import { registerGather } from './kernels/gather.ts';
import { registerIndexing } from './kernels/indexing.ts';
import { registerLayerNorm } from './kernels/layerNorm.ts';
import { registerLayout } from './kernels/layout.ts';
import { registerLinear } from './kernels/linear.ts';
import { registerLocalResponse } from './kernels/localResponse.ts';
import { registerMatMul } from './kernels/matMul.ts';
import { registerMultinomial } from './kernels/multinomial.ts';
import { registerOptimizer } from './kernels/optimizer.ts';
import { registerPatchify } from './kernels/patchify.ts';
import { registerReductions } from './kernels/reductions.ts';
import { registerRows } from './kernels/rows.ts';
import { registerScans } from './kernels/scans.ts';
import { registerUnique } from './kernels/unique.ts';

/** Puts every native kernel in the place of the one inherited from the CPU backend, and registers those of our own. */
export function registerKernels(): void {
  registerMatMul();
  registerElementwise();
  registerReductions();
  registerScans();
  registerLayout();
  registerRows();
  registerGather();
  registerIndexing();
  registerMultinomial();
  registerUnique();
  registerEinsum();
  registerLocalResponse();
  registerFourier();
  registerConvolution();
  registerBatchNorm();
  registerLinear();
  registerLayerNorm();
  registerAttention();
  registerBranches();
  registerPatchify();
  registerOptimizer();
}
