import { nativeFuzzTests } from './support/nativeFuzz.ts';

nativeFuzzTests(12, 2);
