// Builds and runs native/test, the tests of the C++ kernels without Node:
//   npm run test:kernels [-- --sanitize address,undefined | --sanitize thread | --arch arm64] [--rounds N] [--seed N] [--isa NAME] [--only CASE]
// Plain, the objects are those of the addon. `--arch` of another processor cross-compiles and runs under QEMU. Closes with
// `N passed, N failed`; exit code 1 on a failure or a sanitizer's report, 2 on bad usage or where a tool is missing.

import { spawn, spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { compileAll, compilerFor, job, kernelJobs, linkOrder, run } from './buildNative.mjs';
import { isasFor } from './nativeSources.mjs';
import { hasAvx512, sanitizers, watchedFlags } from './sanitizers.mjs';

const root = path.resolve(import.meta.dirname, '..');

/** The needs of cross-compiling to an architecture: Debian's packages, and QEMU's name of it. */
const crossTools = {
  arm64: { compiler: 'g++-aarch64-linux-gnu', qemu: 'aarch64' },
  x64: { compiler: 'g++-x86-64-linux-gnu', qemu: 'x86_64' },
};
class UsageError extends Error {}

async function main() {
  const { sanitize, arch, forwarded } = readArguments();
  const compiler = compilerFor(arch);
  const native = arch === process.arch;
  assertRuns(compiler, native ? 'g++' : crossTools[arch].compiler);
  const emulator = native ? [] : [findQemu(arch)];
  const { flags = [], defines = [], packages } = sanitizers[sanitize] ?? {};
  // The tests themselves, which work out the expected values, are not watched.
  const extra = sanitize === undefined ? [] : watchedFlags({ flags, defines });
  const target = native ? path.join(root, 'build') : path.join(root, 'build', `linux-${arch}`);
  const name = sanitize === undefined ? 'plain' : sanitize.replace(',', '-');
  const folder = path.join(target, 'kernel-tests', name);
  // The kernels as they ship; with a sanitizer, apart.
  const objects = path.join(sanitize === undefined ? target : folder, 'native-objects');
  // The test computes AMX's instructions where the processor lacks them; a sanitizer would not see their reads and writes.
  const choice =
    sanitize === undefined && process.platform === 'linux' && arch === 'x64' && native
      ? ['-DVIT_TRAPPED_AMX']
      : [];
  const avx512 = sanitize === undefined || hasAvx512();
  const jobs = kernelJobs({ objects, compiler, arch, extra, choice, avx512 });
  const tests = readdirSync(path.join(root, 'native', 'test')).filter((file) =>
    file.endsWith('.cc'),
  );
  for (const file of tests)
    jobs.push(
      job({
        objects: folder,
        compiler,
        file: `test/${file.slice(0, -3)}`,
        // The test of the pool has threads of its own.
        extra: ['-O2', ...choice, ...(file === 'pool.cc' ? extra : defines)],
      }),
    );
  await compileAll(jobs, { compiler });
  const program = path.join(folder, 'kernels_test');
  const link = [...flags, '-pthread', ...(native ? [] : ['-static'])];
  try {
    await run(compiler, [...link, ...linkOrder(jobs), '-o', program]);
  } catch (error) {
    if (packages === undefined) throw error;
    throw new UsageError(
      `Expected a compiler with the runtime of --sanitize ${sanitize}, but ${compiler} does not link it. Install Debian's ${packages}.`,
      { cause: error },
    );
  }
  const what = [native ? '' : arch, sanitize ?? ''].filter(Boolean).join(', ');
  console.log(`kernels of ${Object.keys(isasFor(arch)).join(', ')}${what && ` (${what})`}`);
  return report([...emulator, program, ...forwarded]);
}

function readArguments() {
  const single = { type: 'string' };
  let values;
  try {
    ({ values } = parseArgs({
      options: {
        sanitize: single,
        arch: { ...single, default: process.arch },
        rounds: single,
        seed: single,
        isa: single,
        only: single,
      },
    }));
  } catch (error) {
    throw new UsageError(error.message, { cause: error });
  }
  const { sanitize, arch, ...rest } = values;
  if (process.platform === 'win32')
    throw new UsageError('Expected Linux or macOS, received Windows.');
  if (sanitize !== undefined && !(sanitize in sanitizers))
    throw new UsageError(
      `Expected --sanitize ${Object.keys(sanitizers).join(' or ')}, received ${sanitize}.`,
    );
  if (arch !== process.arch && !(arch in crossTools))
    throw new UsageError(
      `Expected --arch ${Object.keys(crossTools).join(' or ')}, received ${arch}.`,
    );
  if (arch !== process.arch && sanitize !== undefined)
    throw new UsageError('Expected --sanitize on the own architecture, received --arch too.');
  // A round under ThreadSanitizer, or by an emulated processor, takes half a minute or more.
  const slow = sanitize === 'thread' || arch !== process.arch;
  rest.rounds ??= slow ? '1' : sanitize === undefined ? '10' : '2';
  return {
    sanitize,
    arch,
    forwarded: Object.entries(rest).flatMap(([name, value]) => [`--${name}`, value]),
  };
}

function assertRuns(command, debian) {
  if (spawnSync(command, ['--version']).status !== 0)
    throw new UsageError(
      `Expected ${command} to run, but it does not. Install Debian's ${debian}.`,
    );
}

function findQemu(arch) {
  const { qemu } = crossTools[arch];
  const found = [`qemu-${qemu}-static`, `qemu-${qemu}`].find(
    (command) => spawnSync(command, ['--version']).status === 0,
  );
  if (found === undefined)
    throw new UsageError(
      `Expected qemu-${qemu}-static to run, but it does not. Install Debian's qemu-user-static.`,
    );
  return found;
}

/** Runs the program and passes on what it says; the closing line counts a crash or a sanitizer's report as a failure. */
async function report(command) {
  let { code, output, errors } = await start(command);
  // ThreadSanitizer's fixed addresses do not bear every randomization of the kernel.
  if (errors.includes('unexpected memory mapping'))
    ({ code, output } = await start(['setarch', '-R', ...command]));
  const closing = /^(\d+) passed, (\d+) failed$/m.exec(output);
  const passed = Number(closing?.[1] ?? 0);
  let failed = Number(closing?.[2] ?? 0);
  if (code !== 0 && failed === 0) {
    console.log(`FAILED the program: it ended with ${code}`);
    failed = 1;
  }
  if (code === 0 && closing === null) failed = 1;
  console.log(`${passed} passed, ${failed} failed`);
  return code === 2 ? 2 : failed === 0 ? 0 : 1;
}

function start([command, ...args]) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, UBSAN_OPTIONS: 'print_stacktrace=1', TSAN_OPTIONS: 'halt_on_error=1' },
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
      process.stdout.write(String(chunk).replace(/^\d+ passed, \d+ failed\n/m, ''));
    });
    child.stderr.on('data', (chunk) => {
      errors += chunk;
      process.stderr.write(chunk);
    });
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code: code ?? signal, output, errors }));
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof UsageError ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
