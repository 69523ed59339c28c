import { nativeFuzzTests } from './support/nativeFuzz.ts';

nativeFuzzTests(4, 1);
