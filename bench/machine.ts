// The machine: its name, its widest instruction set, and its measured limits.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { peerFolder } from './peers/folder.ts';

/** The processor's name as the system has it. */
export function processorName(): string {
  return cpus()[0]?.model.trim() ?? 'unknown';
}

/** The widest of the instruction sets that matter here: amx, avx512, avx2, neon, or the architecture's name. */
export function processorIsa(): string {
  if (process.arch === 'arm64') return 'neon';
  let flags = '';
  try {
    flags = / ?flags\s*: (.*)/.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '';
  } catch {
    return process.arch;
  }
  const names = [
    ['amx_bf16', 'amx'],
    ['avx512_bf16', 'avx512bf16'],
    ['avx512f', 'avx512'],
    ['avx2', 'avx2'],
  ] as const;
  return names.find(([flag]) => flags.split(' ').includes(flag))?.[1] ?? process.arch;
}

/** The best of a few runs of limits.cc, and the compiler. */
export interface Limits {
  fmaMs: number;
  fmaFlops: number;
  triadMs: number;
  triadBytes: number;
  compiler: string;
}

/**
 * Measures float32 multiply-adds in registers and the triad of STREAM in memory, on all threads.
 *
 * @throws Error with one sentence if there is no C++ compiler, or it fails
 */
export function measureLimits(threads: number): Limits {
  const compiler = process.env['CXX'] || 'c++';
  const folder = peerFolder('machine');
  const program = join(folder, 'limits');
  mkdirSync(folder, { recursive: true });
  const source = join(import.meta.dirname, 'limits.cc');
  const flags = ['-O3', '-march=native', '-std=c++17', '-pthread', '-o', program];
  const built = spawnSync(compiler, [...flags, source], { encoding: 'utf8' });
  if (built.status !== 0) {
    const why = built.error?.message ?? built.stderr.split('\n')[0];
    throw new Error(`The machine's limits are not measured: ${compiler} fails (${why}).`);
  }
  const limits = JSON.parse(
    execFileSync(program, [String(threads)], { encoding: 'utf8' }),
  ) as Limits;
  const version = execFileSync(compiler, ['--version'], { encoding: 'utf8' }).split('\n')[0]!;
  return { ...limits, compiler: version };
}
