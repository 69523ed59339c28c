// Finds and loads the compiled addon.

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isMainThread } from 'node:worker_threads';
import { messageOf } from '../../core/errors.ts';
import type { NativeBinding } from './binding.ts';
import { INTERFACE } from './generated/descriptors.ts';
import {
  ADDON_FILE,
  findPlatformPackage,
  packageName,
  platformName,
  readManifest,
  thisMachine,
} from './platformPackage.ts';

/** The addon and the file it came from, or why there is none. */
export type LoadedBinding = { binding: NativeBinding; file: string } | { reason: string };

// How the reason begins why the backend cannot be used.
const CANNOT = 'The native backend cannot be used: ';

let loaded: LoadedBinding | undefined;

/**
 * Loads the compiled addon, once a process: that of the local build, else that of the platform's package.
 *
 * @returns the addon with its threads set to the number of cores, or one sentence that names every reason, and a remedy
 */
export function loadBinding(): LoadedBinding {
  loaded ??= loadFrom(packageRoot());
  return loaded;
}

/** As `loadBinding`, for another checkout or installed package, and again at every call. */
export function loadFrom(root: string): LoadedBinding {
  const reasons: string[] = [];
  for (const find of [findLocalBuild, findPlatformPackage]) {
    const found = find(root);
    if ('reason' in found) {
      if (find === findLocalBuild || isListed(root)) reasons.push(found.reason);
      continue;
    }
    const { file } = found;
    try {
      const require = createRequire(import.meta.url);
      const binding = require(file) as NativeBinding;
      const mismatch = interfaceMismatch(binding);
      if (mismatch !== undefined) {
        reasons.push(`${file} ${mismatch}`);
        continue;
      }
      const forced = process.env.TFJS_VIT_ISA;
      if (forced !== undefined && forced !== '' && binding.isa() !== forced) {
        const why = `TFJS_VIT_ISA=${forced} is none of ${binding.isas().join(', ')}, which this processor has`;
        return { reason: `${CANNOT}${why}. Unset it, or set it to one of these.` };
      }
      // The pool is that of the process: a worker thread leaves it as the main one wants it.
      if (isMainThread) binding.setThreads(Math.min(availableParallelism(), 256));
      return { binding, file };
    } catch (error) {
      reasons.push(`${file} does not load (${messageOf(error).split('\n')[0]!})`);
    }
  }
  return { reason: `${CANNOT}${reasons.join(', and ')}. ${remedy(root)}` };
}

/** Says that an addon was built from other sources than these, in a clause; undefined where it fits. */
export function interfaceMismatch(binding: Partial<NativeBinding>): string | undefined {
  // An addon from before the numbers has no such function.
  const number = binding.interfaceNumber?.() ?? 1;
  if (number === INTERFACE) return undefined;
  return `was built from other sources (interface ${number}, not ${INTERFACE})`;
}

function findLocalBuild(root: string): { file: string } | { reason: string } {
  const file = join(root, 'build', ADDON_FILE);
  if (existsSync(file)) return { file };
  const [why] = noted(root);
  return { reason: `its addon was not built here${why === undefined ? '' : ` (${why})`}` };
}

// A published package lists the platforms that it was packed for; a checkout lists none, and is built.
function isListed(root: string): boolean {
  return listedVersion(root) !== undefined;
}

function listedVersion(root: string): string | undefined {
  return readManifest(root).optionalDependencies?.[packageName(platformName(thisMachine()))];
}

function remedy(root: string): string {
  const installed = root.split(sep).includes('node_modules');
  const script = join(root, 'scripts', 'buildNative.mjs');
  const build = `run ${installed ? `node ${script}` : 'npm run build:native'}`;
  const [, first] = noted(root);
  const steps = first === undefined ? build : `${first}, then ${build}`;
  const version = installed ? listedVersion(root) : undefined;
  if (version === undefined) return `${steps[0]!.toUpperCase()}${steps.slice(1)}.`;
  const name = packageName(platformName(thisMachine()));
  return `Run npm install ${name}@${version}, or ${first === undefined ? `with a C++ compiler ${build}` : steps}.`;
}

// The nearest folder above this file with a package.json: the checkout, or the installed package.
function packageRoot(): string {
  const start = dirname(fileURLToPath(import.meta.url));
  let folder = start;
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) return start;
    folder = parent;
  }
  return folder;
}

// The note that the build left behind: why there is no addon, and perhaps what is to be done first, in a clause each.
function noted(root: string): string[] {
  try {
    const lines = readFileSync(join(root, 'build', 'native-reason.txt'), 'utf8').split('\n');
    return lines.map((line) => line.trim().replace(/\.$/, '')).filter(Boolean);
  } catch {
    return [];
  }
}
