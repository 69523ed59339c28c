import { nativeKernelTests } from './support/nativeKernels.ts';

nativeKernelTests(true);
