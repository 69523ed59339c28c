import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../../core/errors.ts';
import type { NativeBinding } from './binding.ts';

/** The addon, or why there is none. */
export type LoadedBinding = { binding: NativeBinding } | { reason: string };

let loaded: LoadedBinding | undefined;

/**
 * Loads the compiled addon, once a process.
 *
 * @returns the addon with its threads set to the number of cores, or one sentence that names every reason
 */
export function loadBinding(): LoadedBinding {
  loaded ??= loadFrom(packageRoot());
  return loaded;
}

/** As `loadBinding`, from the build of another checkout or installed package, and again at every call. */
export function loadFrom(root: string): LoadedBinding {
  const path = join(root, 'build', 'tfjs_vit_native.node');
  const installed = root.split(sep).includes('node_modules');
  const script = join(root, 'scripts', 'buildNative.mjs');
  const remedy = `Run ${installed ? `node ${script}` : 'npm run build:native'}.`;
  if (!existsSync(path)) {
    const note = noted(join(root, 'build', 'native-reason.txt'));
    const why = note ?? 'its addon was not built';
    return { reason: `The native backend cannot be used: ${why}. ${remedy}` };
  }
  try {
    const require = createRequire(import.meta.url);
    const binding = require(path) as NativeBinding;
    const forced = process.env.TFJS_VIT_ISA;
    if (forced !== undefined && forced !== '' && binding.isa() !== forced) {
      const why = `TFJS_VIT_ISA=${forced} is not portable, avx2 or avx512, or this processor lacks it`;
      return { reason: `The native backend cannot be used: ${why}.` };
    }
    binding.setThreads(Math.min(availableParallelism(), 256));
    return { binding };
  } catch (error) {
    const why = messageOf(error).split('\n')[0]!;
    return { reason: `The native backend cannot be used: ${why}. ${remedy}` };
  }
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

function noted(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim().replace(/\.$/, '') || undefined;
  } catch {
    return undefined;
  }
}
