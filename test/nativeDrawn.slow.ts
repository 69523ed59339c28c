import { nativeDrawnTests } from './support/nativeDrawn.ts';

nativeDrawnTests(30, 2);
