import { nativeDrawnTests } from './support/nativeDrawn.ts';

nativeDrawnTests(12, 2);
