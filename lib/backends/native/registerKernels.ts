import { registerAttention } from './kernels/attention.ts';
import { registerBatchNorm } from './kernels/batchNorm.ts';
import { registerBranches } from './kernels/branches.ts';
import { registerConvolution } from './kernels/convolution.ts';
import { registerConvolutionGrad } from './kernels/convolutionGrad.ts';
import { registerDepthwise } from './kernels/depthwise.ts';
import { registerElementwise } from './kernels/elementwise.ts';
import { registerGather } from './kernels/gather.ts';
import { registerLayerNorm } from './kernels/layerNorm.ts';
import { registerLayout } from './kernels/layout.ts';
import { registerLinear } from './kernels/linear.ts';
import { registerMatMul } from './kernels/matMul.ts';
import { registerOptimizer } from './kernels/optimizer.ts';
import { registerPatchify } from './kernels/patchify.ts';
import { registerPooling } from './kernels/pooling.ts';
import { registerReductions } from './kernels/reductions.ts';
import { registerResize } from './kernels/resize.ts';
import { registerRows } from './kernels/rows.ts';
import { registerTurning } from './kernels/turning.ts';

/** Puts every native kernel in the place of the one inherited from the CPU backend, and registers those of our own. */
export function registerKernels(): void {
  registerMatMul();
  registerElementwise();
  registerReductions();
  registerLayout();
  registerRows();
  registerGather();
  registerConvolution();
  registerConvolutionGrad();
  registerDepthwise();
  registerPooling();
  registerResize();
  registerTurning();
  registerBatchNorm();
  registerLinear();
  registerLayerNorm();
  registerAttention();
  registerBranches();
  registerPatchify();
  registerOptimizer();
}
