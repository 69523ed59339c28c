// Compiles native/ into build/tfjs_vit_native.node with the system's C++ compiler alone: no CMake, no node-gyp, no download.
// `--if-possible` (npm's prepare): without a compiler it says why in one line, notes the reason for the first run, and succeeds.
// `--force` compiles what is up to date too; CXX names the compiler. `--arch arm64` (or x64) on another processor cross-compiles
// into build/<platform>-<arch>/, on Linux with Debian's compiler for it unless CXX names one. `--standalone` makes
// tfjs_vit_native_standalone.node there instead, for other machines (scripts/packNative.mjs).

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { showProgress } from './buildProgress.mjs';
import { compilerCommand } from './compilerPackage.mjs';
import {
  emulated,
  exact,
  flags,
  isasFor,
  knowsArchitecture,
  productsFor,
  sourcesOf,
} from './nativeSources.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'native');
const build = join(root, 'build');
const reasonFile = join(build, 'native-reason.txt');

// An addon for other machines asks for no C++ library of a certain age, and shows none of the one it carries. libgcc_s stays
// outside: every Node needs it, and a copy of Debian 12's would need glibc 2.35 instead of 2.34.
const standaloneLinux = [
  '-static-libstdc++',
  '-Wl,--exclude-libs,ALL',
  '-Wl,--gc-sections',
  '-Wl,--strip-all',
];
const crossCompilers = { arm64: 'aarch64-linux-gnu-g++', x64: 'x86_64-linux-gnu-g++' };

/** The C++ compiler for an architecture: CXX, else the system's or Debian's cross compiler. */
export function compilerFor(arch) {
  return process.env.CXX || (arch === process.arch ? 'c++' : crossCompilers[arch]);
}

async function main({ arch, force, standalone }) {
  const compiler = compilerFor(arch);
  const target = arch === process.arch ? build : join(build, `${process.platform}-${arch}`);
  const suffix = standalone ? '_standalone' : '';
  const addon = join(target, `tfjs_vit_native${suffix}.node`);
  const stamp = join(target, `native-stamp${suffix}.txt`);
  const linkFlags = standalone && process.platform === 'linux' ? standaloneLinux : [];
  const shared =
    process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared'];
  const objects = join(target, 'native-objects');
  // The plan is that of a compiler with every instruction, so that an addon that is up to date needs no compiler.
  const planned = addonJobs({ objects, compiler, arch, accepted: () => true });
  const key = fingerprint([compiler, ...shared, ...linkFlags, ...linkOrder(planned)]);
  if (!force && existsSync(addon) && existsSync(stamp) && readFileSync(stamp, 'utf8') === key)
    return;
  if (process.platform === 'win32') throw new Error('there is no build for Windows yet');
  assertCompiler(compiler);
  const started = Date.now();
  const jobs = addonJobs({ objects, compiler, arch, include: ['-I', headers()] });
  const what = [...(arch === process.arch ? [] : [arch]), ...Object.keys(isasFor(arch))].join(', ');
  await compileAll(jobs, { compiler, force, what });
  const linked = `${addon}.${process.pid}`;
  const inputs = linkOrder(jobs);
  await run(compiler, [...shared, ...linkFlags, '-pthread', ...inputs, '-o', linked]);
  renameSync(linked, addon);
  writeFileSync(stamp, key);
  if (target === build) rmSync(reasonFile, { force: true });
  for (const name of readdirSync(objects))
    if (name.endsWith('.o') && !inputs.includes(join(objects, name)))
      rmSync(join(objects, name), { force: true });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`native backend: built for ${what} in ${seconds} s`);
}

const WITHOUT_AVX512 = '-DVIT_WITHOUT_AVX512';

/** The jobs of the whole addon, as `kernelJobs`; `include` are the flags that find node_api.h. */
export function addonJobs({ include = [], ...options }) {
  const { objects, compiler, extra } = options;
  const watched = options.avx512 === false ? [WITHOUT_AVX512] : [];
  const own = sourcesOf(source).onlyAddon.map((file) =>
    job({ objects, compiler, file, extra: [...watched, ...(extra ?? [])], include }),
  );
  return [...kernelJobs(options), ...own];
}

/**
 * The jobs that compile the kernels, the pool and the choice among them, without JavaScript. `extra` flags come last; `choice` are
 * those of the choice alone. `accepted` tells whether the compiler takes some flags. Without
 * `avx512` nothing is compiled for processors with AVX-512.
 */
export function kernelJobs({
  objects,
  compiler,
  arch,
  extra = [],
  choice = [],
  accepted = (asks) => accepts(compiler, asks),
  avx512 = true,
}) {
  const jobs = [];
  const runs = (own) => avx512 || !own.includes('-mavx512f');
  const sets = Object.entries(isasFor(arch)).filter(([, own]) => runs(own));
  const { perIsa, common } = sourcesOf(source);
  for (const file of perIsa)
    for (const [level, [isa, own]] of [...sets.entries()].reverse()) {
      const options = [...own, ...(exact.includes(file) ? ['-ffp-contract=off'] : []), ...extra];
      const one = job({ objects, compiler, file, name: `${file}-${isa}`, extra: options });
      jobs.push({ ...one, level });
    }
  const has = avx512 ? [] : [WITHOUT_AVX512];
  for (const [isa, { files, own, asks, last = [] }] of Object.entries(productsFor(arch))) {
    if (!accepted(asks) || (!avx512 && !(isa in emulated))) continue;
    const all = [`-DVIT_ISA=${isa}`, ...own, ...asks, ...extra, ...last];
    for (const file of files) {
      const one = job({ objects, compiler, file, name: `${file}-${isa}`, extra: all });
      // They need more than any whole set does.
      jobs.push({ ...one, level: sets.length });
    }
    has.push(`-DVIT_HAS_${isa.toUpperCase()}`);
  }
  for (const file of common) {
    const own = file === 'select' ? choice : [];
    jobs.push(job({ objects, compiler, file, extra: [...has, ...own, ...extra] }));
  }
  return jobs;
}

/**
 * The objects of jobs in the order in which they are linked: those that run on any processor first, then by instruction set.
 *
 * Every object that uses a template of the C++ library carries a copy of it, in the instructions of its own set, and the linker keeps
 * the first. If it kept that of avx512, portable code would end with SIGILL on a processor without AVX-512.
 */
export function linkOrder(jobs) {
  const sorted = [...jobs].sort((a, b) => (a.level ?? -1) - (b.level ?? -1));
  return sorted.map(({ object }) => object);
}

/**
 * A source of native/ and its object, which is named after the source, the files that it includes and the options, so that only
 * what changed is compiled again.
 */
export function job({ objects, compiler, file, name = file, extra = [], include = [] }) {
  const options = [...flags, ...extra];
  const path = join(source, `${file}.cc`);
  const hash = createHash('sha256').update(JSON.stringify([options, compiler]));
  for (const part of withIncludes(path)) hash.update(codeOf(part));
  const object = join(objects, `${name.replaceAll('/', '-')}-${hash.digest('hex').slice(0, 16)}.o`);
  return { path, options: [...options, ...include], object };
}

/** A file without its lines of comments and its layout, which change no object; a directive ends with its line. */
function codeOf(path) {
  const code = readFileSync(path, 'utf8').replaceAll(/^\s*\/\/.*\n/gm, '');
  return code.replaceAll(/^#.*$/gm, (line) => `\0${line}\0`).replaceAll(/\s+/g, ' ');
}

/** A source and the files of the project that it includes, in the order in which they are first seen. */
function withIncludes(path, seen = new Set()) {
  if (seen.has(path) || !existsSync(path)) return seen;
  seen.add(path);
  for (const [, name] of readFileSync(path, 'utf8').matchAll(/^\s*#include "([^"]+)"/gm))
    withIncludes(join(dirname(path), name), seen);
  return seen;
}

/** Compiles what is not there yet, on all cores; of `what` it shows the progress. */
export async function compileAll(jobs, { compiler, force = false, what }) {
  for (const { object } of jobs) mkdirSync(dirname(object), { recursive: true });
  const missing = jobs.filter(({ object }) => force || !existsSync(object));
  const progress = showProgress(what === undefined ? 0 : missing.length, what);
  try {
    await inParallel(missing, Math.min(availableParallelism(), 16), async (one) => {
      const part = `${one.object}.${process.pid}`;
      await run(compiler, [...one.options, '-c', one.path, '-o', part]);
      renameSync(part, one.object);
      progress.step();
    });
  } finally {
    progress.end();
  }
}

class NoCompiler extends Error {}

function assertCompiler(compiler) {
  const version = spawnSync(compiler, ['--version'], { encoding: 'utf8' });
  if (version.error || version.status !== 0)
    throw new NoCompiler(`no C++ compiler: "${compiler}" does not run`);
}

function accepts(compiler, options) {
  const args = [...options, '-fsyntax-only', '-x', 'c++', '-'];
  return options.length === 0 || spawnSync(compiler, args, { input: '' }).status === 0;
}

/** The folder of node_api.h: the npm package's, else that of the running Node. */
export function headers() {
  const require = createRequire(import.meta.url);
  const candidates = [join(dirname(dirname(process.execPath)), 'include', 'node')];
  try {
    candidates.unshift(join(dirname(require.resolve('node-api-headers/package.json')), 'include'));
  } catch {
    // The package is not installed; Node's own headers may be.
  }
  const found = candidates.find((folder) => existsSync(join(folder, 'node_api.h')));
  if (!found) throw new Error('node_api.h not found: install node-api-headers');
  return found;
}

/** A number for what an addon is linked of: objects are named after all that they depend on. */
function fingerprint(parts) {
  const names = parts.map((part) => basename(part));
  return createHash('sha256').update(JSON.stringify(names)).digest('hex');
}

/** Runs a compiler; an Error with the first of what it wrote if it fails. */
export function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk) => (errors += chunk));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) {
        if (errors && !process.argv.includes('--if-possible')) process.stderr.write(errors);
        resolve();
      } else reject(new Error(`compiling failed: ${args.at(-3)}\n${errors.slice(0, 4000)}`));
    });
  });
}

async function inParallel(jobs, width, work) {
  const queue = [...jobs];
  const worker = async () => {
    for (let job = queue.shift(); job; job = queue.shift()) await work(job);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

async function fromCommandLine() {
  const ifPossible = process.argv.includes('--if-possible');
  let arch = process.arch;
  try {
    const { values } = parseArgs({
      options: {
        'if-possible': { type: 'boolean' },
        force: { type: 'boolean', default: false },
        standalone: { type: 'boolean', default: false },
        arch: { type: 'string', default: process.arch },
      },
    });
    arch = values.arch;
    if (arch !== process.arch && !knowsArchitecture(arch))
      throw new TypeError(`Expected --arch x64 or arm64, received ${arch}.`);
    await main(values);
  } catch (error) {
    if (error instanceof TypeError) {
      console.error(error.message);
      process.exitCode = 2;
      return;
    }
    const reason = error instanceof Error ? error.message : String(error);
    const line = reason.split('\n')[0];
    const first = error instanceof NoCompiler ? installCompiler() : undefined;
    if (arch === process.arch) note([line, first]);
    const then = first === undefined ? 'After mending it' : `To have it, ${first}, then`;
    if (ifPossible) {
      console.log(
        `native backend not built: ${line}. tfjs-vit uses wasm, which is slower. ${then}: npm run build:native`,
      );
    } else {
      console.error(
        `native backend not built: ${reason}${first === undefined ? '' : `; ${first}`}`,
      );
      process.exitCode = 1;
    }
  }
}

function installCompiler() {
  const command = compilerCommand();
  return `install a C++17 compiler${command === undefined ? '' : ` (${command})`}`;
}

/** Leaves the reason, and on a second line what to do first, for the loader (lib/backends/native/loader.ts). */
function note(lines) {
  try {
    mkdirSync(build, { recursive: true });
    writeFileSync(reasonFile, `${lines.filter(Boolean).join('\n')}\n`);
  } catch {
    // A read-only checkout: the loader then names the missing file only.
  }
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url))
  await fromCommandLine();
