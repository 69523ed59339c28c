import { nativeDrawnTests } from './support/nativeDrawn.ts';

nativeDrawnTests(4, 1);
