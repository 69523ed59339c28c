// Compiles native/ into build/tfjs_vit_native.node with the system's C++ compiler alone: no CMake, no node-gyp, no download.
// `--if-possible` (npm's prepare): without a compiler it says why in one line, notes the reason for the first run, and succeeds.
// `--force` compiles what is up to date too; CXX names the compiler.
// `--standalone`: build/tfjs_vit_native_standalone.node instead, for other machines (scripts/packNative.mjs).

import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const source = join(root, 'native');
const build = join(root, 'build');
const standalone = process.argv.includes('--standalone') ? '_standalone' : '';
const addon = join(build, `tfjs_vit_native${standalone}.node`);
const stamp = join(build, `native-stamp${standalone}.txt`);
const reasonFile = join(build, 'native-reason.txt');

// Results are stated to be equal from run to run: contraction is fixed here, and nothing may reorder a sum.
const flags = [
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
  '-Wall',
  '-Wextra',
];
// An addon for other machines asks for no C++ library of a certain age, and shows none of the one it carries. libgcc_s stays
// outside: every Node needs it, and a copy of Debian 12's would need glibc 2.35 instead of 2.34.
const standaloneLinux = [
  '-static-libstdc++',
  '-Wl,--exclude-libs,ALL',
  '-Wl,--gc-sections',
  '-Wl,--strip-all',
];
// Compiled once for each instruction set, the rest once.
const perIsa = [
  'gemm',
  'gemm_bf16',
  'bf16_pack',
  'bf16_micro',
  'elementwise',
  'layout',
  'rows',
  'norm',
  'attention',
  'branch',
  'mlp_branch',
  'attention_branch',
  'optimizer',
  'table',
];
const common = ['binding', 'branch_binding', 'arguments', 'parallel', 'select'];
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
  portable: ['-DVIT_ISA=portable'],
  ...(process.arch === 'x64' && {
    avx2: ['-DVIT_ISA=avx2', '-DVIT_AVX2', '-mavx2', '-mfma'],
    avx512: ['-DVIT_ISA=avx512', ...avx512],
  }),
};
// The inner routines of bf16 that need instructions which not every compiler knows: file, flags, and the flags to ask it about.
const amxFlags = ['-mamx-tile', '-mamx-bf16'];
const products = {
  amx_emulated: { file: 'bf16_tiles', own: ['-O1'], asks: [] },
  ...(process.arch === 'x64' && {
    avx512bf16: {
      file: 'bf16_micro',
      own: ['-DVIT_AVX512BF16', ...avx512],
      asks: ['-mavx512bf16'],
    },
    ...(process.platform === 'linux' && {
      amx: { file: 'bf16_tiles', own: ['-DVIT_AMX'], asks: amxFlags },
    }),
  }),
};

async function main() {
  const force = process.argv.includes('--force');
  const compiler = process.env.CXX || 'c++';
  const key = fingerprint(compiler);
  if (!force && existsSync(addon) && existsSync(stamp) && readFileSync(stamp, 'utf8') === key)
    return;
  if (process.platform === 'win32') throw new Error('there is no build for Windows yet');
  const version = spawnSync(compiler, ['--version'], { encoding: 'utf8' });
  if (version.error || version.status !== 0)
    throw new Error(`no C++ compiler: "${compiler}" does not run`);
  const include = headers();

  const started = Date.now();
  const objects = join(build, 'native-objects');
  mkdirSync(objects, { recursive: true });
  const jobs = [];
  for (const file of perIsa)
    for (const [isa, own] of Object.entries(isas).reverse())
      jobs.push(job(objects, compiler, `${file}.cc`, [...flags, ...own], `${file}-${isa}`));
  const has = [];
  for (const [isa, { file, own, asks }] of Object.entries(products)) {
    if (!accepts(compiler, asks)) continue;
    const options = [...flags, `-DVIT_ISA=${isa}`, ...own, ...asks];
    jobs.push(job(objects, compiler, `${file}.cc`, options, `${file}-${isa}`));
    has.push(`-DVIT_HAS_${isa.toUpperCase()}`);
  }
  for (const file of common)
    jobs.push(job(objects, compiler, `${file}.cc`, [...flags, ...has], file));
  const compile = async ({ file, options, object }) => {
    if (!force && existsSync(object)) return;
    const part = `${object}.${process.pid}`;
    await run(compiler, [...options, '-I', include, '-c', join(source, file), '-o', part]);
    renameSync(part, object);
  };
  await inParallel(jobs, Math.min(availableParallelism(), 16), compile);
  const linked = `${addon}.${process.pid}`;
  const shared =
    process.platform === 'darwin' ? ['-bundle', '-undefined', 'dynamic_lookup'] : ['-shared'];
  const inputs = jobs.map(({ object }) => object);
  if (standalone && process.platform === 'linux') shared.push(...standaloneLinux);
  await run(compiler, [...shared, '-pthread', ...inputs, '-o', linked]);
  renameSync(linked, addon);
  writeFileSync(stamp, key);
  rmSync(reasonFile, { force: true });
  for (const name of readdirSync(objects))
    if (name.endsWith('.o') && !inputs.includes(join(objects, name)))
      rmSync(join(objects, name), { force: true });
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  console.log(`native backend: built for ${Object.keys(isas).join(', ')} in ${seconds} s`);
}

// An object is named after all that it is made of, so that only what changed is compiled again.
function job(objects, compiler, file, options, name) {
  const hash = createHash('sha256').update(JSON.stringify([options, compiler]));
  for (const part of readdirSync(source).sort())
    if (part.endsWith('.h') || part === file) hash.update(readFileSync(join(source, part)));
  const object = join(objects, `${name}-${hash.digest('hex').slice(0, 16)}.o`);
  return { file, options, object };
}

function accepts(compiler, options) {
  const args = [...options, '-fsyntax-only', '-x', 'c++', '-'];
  return options.length === 0 || spawnSync(compiler, args, { input: '' }).status === 0;
}

/** The folder of node_api.h: the npm package's, else that of the running Node. */
function headers() {
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

function fingerprint(compiler) {
  const hash = createHash('sha256');
  hash.update(JSON.stringify([flags, isas, products, compiler, process.platform, process.arch]));
  if (standalone) hash.update(JSON.stringify(standaloneLinux));
  for (const name of readdirSync(source).sort())
    hash.update(name).update(readFileSync(join(source, name)));
  return hash.digest('hex');
}

function run(command, args) {
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

try {
  await main();
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error);
  const line = reason.split('\n')[0];
  try {
    mkdirSync(build, { recursive: true });
    writeFileSync(reasonFile, `${line}\n`);
  } catch {
    // A read-only checkout: the loader then names the missing file only.
  }
  if (process.argv.includes('--if-possible')) {
    console.log(
      `native backend not built (${line}); tfjs-vit uses wasm. After fixing it: npm run build:native`,
    );
  } else {
    console.error(`native backend not built: ${reason}`);
    process.exitCode = 1;
  }
}
