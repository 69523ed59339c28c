// The flags of native code under a sanitizer, for the kernels by themselves and for the addon in Node, which share their objects.

import { readFileSync } from 'node:fs';

// -O1 keeps the compilation short. Scratch memory is given out to the byte, so that a step past its end is seen too. Small limits let
// small cases reach both ways to sum the gradients of weights.
const smaller = ['-DVIT_SLOT_FLOATS=4096', '-DVIT_LONG_ROWS=64'];

/** Of each sanitizer the flags for compiling and linking, the definitions, and Debian's packages of its runtime. */
export const sanitizers = {
  'address,undefined': {
    flags: ['-fsanitize=address,undefined', '-fno-sanitize-recover=undefined'],
    defines: ['-DVIT_WATCHED_ADDRESSES', '-DVIT_EXACT_SCRATCH', ...smaller],
    packages: 'libasan8 and libubsan1',
  },
  thread: {
    flags: ['-fsanitize=thread'],
    defines: ['-DVIT_WATCHED_THREADS', ...smaller],
    packages: 'libtsan2',
  },
};

/** Whether this processor has AVX-512: code that it cannot run need not be compiled to be watched. */
export function hasAvx512() {
  try {
    return /\bavx512f\b/.test(readFileSync('/proc/cpuinfo', 'utf8'));
  } catch {
    return true;
  }
}

/** All flags of a source that is watched. */
export function watchedFlags({ flags, defines }) {
  return [...flags, ...defines, '-fno-omit-frame-pointer', '-g1', '-O1'];
}
