// How the sources of native/ are compiled: the flags, the instruction sets, and which of them a source is compiled for.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';

// Results are stated to be equal from run to run: contraction is fixed here, and nothing may reorder a sum.
export const flags = [
  '-std=c++17',
  '-O3',
  '-fPIC',
  '-pthread',
  '-fvisibility=hidden',
  '-DNAPI_VERSION=9',
  '-DNDEBUG',
  '-ffp-contract=fast',
  '-fno-math-errno',
  '-fno-trapping-math',
  // Where the inner routine happens to lie would move a model's time by 3 %.
  '-falign-loops=64',
  '-Wall',
  '-Wextra',
];

/**
 * The sources of a folder by how they are compiled, so that no list of them is kept: those of the namespace VIT_ISA once for each
 * instruction set, those that read JavaScript's arguments for the addon alone, the others once.
 */
export function sourcesOf(folder) {
  const of = { perIsa: [], common: [], onlyAddon: [] };
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.cc')) continue;
    const file = name.slice(0, -3);
    const text = readFileSync(join(folder, name), 'utf8');
    if (/\bVIT_ISA\b/.test(text)) {
      if (!onlyProducts.has(file)) of.perIsa.push(file);
    } else if (/^#include "(entry|arguments|descriptors)\.h"/m.test(text)) of.onlyAddon.push(file);
    else of.common.push(file);
  }
  return of;
}

// The sources in which a threshold, a tie or the edge of a pixel decides, so that the numbers must be JavaScript's to the last bit.
export const exact = ['transform', 'non_max_suppression', 'fractal', 'pixels'];
// The routines that only a processor with tiles has, or an emulation of them.
const onlyProducts = new Set(['bf16_tiles']);
const portable = ['-DVIT_ISA=portable'];
const avx512 = [
  '-DVIT_AVX512',
  '-mavx2',
  '-mfma',
  '-mavx512f',
  '-mavx512bw',
  '-mavx512dq',
  '-mavx512vl',
];
const isas = {
  x64: {
    portable,
    avx2: ['-DVIT_ISA=avx2', '-DVIT_AVX2', '-mavx2', '-mfma'],
    avx512: ['-DVIT_ISA=avx512', ...avx512],
  },
  arm64: {
    portable,
    // Scheduling before registers are given out hoists the loads of a micro-kernel so far that its sums are spilled (GCC).
    neon: [
      '-DVIT_ISA=neon',
      '-DVIT_NEON',
      '-fno-schedule-insns',
      '-Wno-ignored-optimization-argument',
    ],
  },
};
// The parts of bf16 that need instructions which not every compiler knows: files, flags, and the flags to ask it about.
// ThreadSanitizer would watch every number of emulated tiles, for half a minute; who writes where is the same in the other tables.
export const emulated = {
  amx_emulated: {
    files: ['bf16_tiles'],
    own: ['-O1'],
    asks: [],
    last: ['-fno-sanitize=thread'],
  },
};
const products = {
  x64: {
    ...emulated,
    avx512bf16: {
      files: ['bf16_micro', 'bf16_pack', 'bf16_rows'],
      own: ['-DVIT_AVX512BF16', ...avx512],
      asks: ['-mavx512bf16'],
    },
    ...(process.platform === 'linux' && {
      amx: { files: ['bf16_tiles'], own: ['-DVIT_AMX'], asks: ['-mamx-tile', '-mamx-bf16'] },
    }),
  },
};

/** Whether there are instruction sets beside the plain one for an architecture, as Node names it. */
export function knowsArchitecture(arch) {
  return arch in isas;
}

/** The flags of each instruction set of an architecture, the plainest first. */
export function isasFor(arch) {
  return isas[arch] ?? { portable };
}

/** The parts of bf16 that an architecture has beside those of its instruction sets. */
export function productsFor(arch) {
  return products[arch] ?? emulated;
}
