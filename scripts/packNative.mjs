// Packs a release: the package tfjs-vit, and a package with the compiled addon of one platform.
//   npm run pack:native                                                 for this machine, compiled here
//   npm run pack:native -- --platform linux-arm64 --addon FILE          for another, compiled elsewhere
//   --out DIR   where the tarballs go; default dist-packages
// The manifest of the packed tfjs-vit lists as optionalDependencies the platform packages of its version that lie in DIR, so a
// release is packed into one folder, a run for each platform. The repository's own package.json lists none: `npm ci` would look
// for packages that are not published yet. Platform packages are to be published before tfjs-vit. Exit code 1 if something does
// not build, 2 on bad usage.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import {
  ADDON_FILE,
  packageName,
  platformName,
  prebuiltPlatforms,
  thisMachine,
} from '../lib/backends/native/platformPackage.ts';
import { readAddon } from './addonFile.mjs';
import { platformManifest, platformReadme, rootManifest } from './packageTexts.mjs';

const root = path.resolve(import.meta.dirname, '..');
const own = platformName(thisMachine());

class UsageError extends Error {}

function main() {
  const { platform, addon, out } = readArguments();
  const file = addon ?? compile();
  const about = checked(file, platform);
  if (platform === own) loadOnce(file);
  fs.mkdirSync(out, { recursive: true });
  const staging = fs.mkdtempSync(path.join(os.tmpdir(), 'tfjs-vit-pack-'));
  try {
    packPlatform(path.join(staging, 'platform'), { platform, file, about, out });
    packRoot(path.join(staging, 'root'), out);
  } finally {
    fs.rmSync(staging, { recursive: true });
  }
}

function readArguments() {
  const options = {
    platform: { type: 'string' },
    addon: { type: 'string' },
    out: { type: 'string' },
  };
  let values;
  try {
    ({ values } = parseArgs({ options }));
  } catch (error) {
    throw new UsageError(error.message, { cause: error });
  }
  const { platform = own, addon, out = path.join(root, 'dist-packages') } = values;
  if (!prebuiltPlatforms.includes(platform))
    throw new UsageError(
      `Expected one of ${prebuiltPlatforms.join(', ')} for --platform, received ${platform}.`,
    );
  if (platform !== own && addon === undefined)
    throw new UsageError(
      `Expected --addon with --platform ${platform}, received none. This machine is ${own}: name the file that was compiled for ${platform}.`,
    );
  if (addon !== undefined && !fs.statSync(addon, { throwIfNoEntry: false })?.isFile())
    throw new UsageError(`Expected a file for --addon, received ${addon}. It is not there.`);
  if (fs.existsSync(out) && !fs.statSync(out).isDirectory())
    throw new UsageError(`Expected a folder for --out, received ${out}. It is a file.`);
  return { platform, addon, out: path.resolve(out) };
}

function compile() {
  const script = path.join(root, 'scripts', 'buildNative.mjs');
  execFileSync(process.execPath, [script, '--standalone'], { stdio: 'inherit' });
  return path.join(root, 'build', 'tfjs_vit_native_standalone.node');
}

/** The properties of the addon, after checking that they fit the platform. */
function checked(file, platform) {
  const [wantedOs, cpu, musl] = platform.split('-');
  const bytes = fs.readFileSync(file);
  const refuse = (why, remedy = '') => {
    throw new UsageError(
      `Expected an addon for ${platform} for --addon, received ${file}: ${why}.${remedy}`,
    );
  };
  let about;
  try {
    about = readAddon(bytes);
  } catch (error) {
    refuse(error.message);
  }
  const { cpus, libc, libraries } = about;
  if (about.os !== wantedOs || !cpus.includes(cpu))
    refuse(`it is for ${about.os}-${cpus.join(' and ')}`);
  const wantedLibc = wantedOs !== 'linux' ? undefined : musl ? 'musl' : 'glibc';
  if (libc !== wantedLibc) refuse(`its C library is ${libc ?? 'not named'}, not ${wantedLibc}`);
  const cxx = libraries.find((name) => /^lib(std)?c\+\+/.test(name));
  if (wantedOs === 'linux' && cxx !== undefined)
    refuse(
      `it needs ${cxx}, which an older machine may lack`,
      ' Compile it with buildNative.mjs --standalone.',
    );
  return { ...about, bytes: bytes.length };
}

function loadOnce(file) {
  const code = 'process.stdout.write(require(process.argv[1]).isa())';
  try {
    execFileSync(process.execPath, ['-e', code, path.resolve(file)], { stdio: 'pipe' });
  } catch (error) {
    const why =
      String(error.stderr)
        .split('\n')
        .find((line) => line.includes('Error')) ?? error.message;
    throw new Error(`The addon ${file} does not load here: ${why}`, { cause: error });
  }
}

function packPlatform(folder, { platform, file, about, out }) {
  const manifest = platformManifest({ platform, about, own: ownManifest() });
  fs.mkdirSync(folder);
  fs.copyFileSync(file, path.join(folder, ADDON_FILE));
  fs.copyFileSync(path.join(root, 'LICENSE'), path.join(folder, 'LICENSE'));
  fs.writeFileSync(path.join(folder, 'README.md'), platformReadme({ platform, about }));
  pack(folder, manifest, out);
}

function packRoot(folder, out) {
  const manifest = ownManifest();
  fs.rmSync(path.join(root, 'dist'), { recursive: true, force: true }); // it may hold files whose source is gone
  npm(['run', '--silent', 'build'], root, 'inherit');
  const [{ files }] = packed(npm(['pack', '--dry-run', '--ignore-scripts', '--json'], root));
  for (const file of files) fs.cpSync(path.join(root, file.path), path.join(folder, file.path));
  const there = prebuiltPlatforms.filter((platform) =>
    fs.existsSync(path.join(out, tarball(packageName(platform), manifest.version))),
  );
  pack(folder, rootManifest(manifest, there.map(packageName)), out);
}

function pack(folder, manifest, out) {
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  const options = ['--ignore-scripts', '--json', '--pack-destination', out];
  const [{ filename, size }] = packed(npm(['pack', ...options], folder));
  const name = tarball(manifest.name, manifest.version);
  if (path.basename(filename) !== name)
    throw new Error(`npm packed ${filename} where ${name} was expected.`);
  console.log(`${path.join(out, name)}  ${(size / 1024).toFixed(0)} KB`);
}

function ownManifest() {
  return JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'));
}

function tarball(name, version) {
  return `${name.replace('@', '').replace('/', '-')}-${version}.tgz`;
}

function npm(args, cwd, stdout = 'pipe') {
  return execFileSync('npm', args, { cwd, encoding: 'utf8', stdio: ['ignore', stdout, 'inherit'] });
}

function packed(text) {
  return JSON.parse(text.slice(text.indexOf('[')));
}

try {
  main();
} catch (error) {
  if (error.status === undefined) console.error(error.message); // a child that failed has said why
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
