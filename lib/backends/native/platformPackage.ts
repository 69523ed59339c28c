// The npm packages that carry the addon for one platform, and their names.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { familySync } from 'detect-libc';

/** The platforms that a compiled addon is packed for: `<os>-<cpu>`, and `-musl` where that is Linux's C library. */
export const prebuiltPlatforms = [
  'linux-x64',
  'linux-x64-musl',
  'linux-arm64',
  'linux-arm64-musl',
  'darwin-x64',
  'darwin-arm64',
] as const;

/** The file of the compiled addon, in `build/` and in a platform package. */
export const ADDON_FILE = 'tfjs_vit_native.node';

/**
 * The machine, as far as it decides whether a compiled addon can run.
 *
 * @property os    as `process.platform` has it
 * @property cpu   as `process.arch` has it
 * @property libc  Linux only: `glibc`, `musl`, or null for one that cannot be told
 */
export interface Machine {
  os: string;
  cpu: string;
  libc: string | null;
}

/** The machine of this process. */
export function thisMachine(): Machine {
  return { os: process.platform, cpu: process.arch, libc: familySync() };
}

/** The platform of a machine, for example linux-x64-musl. A Linux that does not tell its C library is taken for one with glibc. */
export function platformName({ os, cpu, libc }: Machine): string {
  return `${os}-${cpu}${os === 'linux' && libc === 'musl' ? '-musl' : ''}`;
}

/**
 * The npm package with the addon of a platform.
 *
 * It lies in a scope, because nobody else can publish there: what the loader runs is then never a stranger's.
 */
export function packageName(platform: string): string {
  return `@tfjs-vit/native-${platform}`;
}

/**
 * The part of a package.json that the loader reads.
 *
 * @property addon  of a platform package: the length of its addon's file, which tells a broken copy before it is loaded
 */
export interface Manifest {
  version?: string;
  optionalDependencies?: Readonly<Record<string, string>>;
  addon?: { bytes: number };
}

/** The package.json of a folder; empty if it cannot be read. */
export function readManifest(folder: string): Manifest {
  try {
    return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) ?? {}) as Manifest;
  } catch {
    return {};
  }
}

/**
 * Finds the addon that npm installed beside the package, from the platform package of its very version.
 *
 * An addon of another length than its package says is not offered: a process that loads a file which was cut short is killed.
 *
 * @param root     the folder of tfjs-vit's package.json
 * @param machine  default: this one
 * @returns the addon's file, or the reason why there is none, as a clause
 */
export function findPlatformPackage(
  root: string,
  machine: Machine = thisMachine(),
): { file: string } | { reason: string } {
  const platform = platformName(machine);
  if (!(prebuiltPlatforms as readonly string[]).includes(platform)) {
    return { reason: `there is no package with it for ${platform}` };
  }
  const name = packageName(platform);
  let folder;
  try {
    folder = dirname(createRequire(join(root, 'package.json')).resolve(`${name}/package.json`));
  } catch {
    return { reason: `the package ${name} is not installed` };
  }
  const { version, addon } = readManifest(folder);
  const own = readManifest(root).version;
  if (version === undefined || version !== own) {
    return { reason: `the package ${name} is version ${version}, not ${own} as tfjs-vit is` };
  }
  const file = join(folder, ADDON_FILE);
  if (!existsSync(file)) return { reason: `the package ${name} lacks its file ${ADDON_FILE}` };
  const bytes = statSync(file).size;
  if (bytes !== addon?.bytes) {
    return { reason: `the addon of the package ${name} has ${bytes} bytes, not ${addon?.bytes}` };
  }
  return { file };
}
