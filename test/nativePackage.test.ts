// The places where the addon is looked for, and the messages when it is not found: platforms, versions, broken files.

import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadFrom } from '../lib/backends/native/loader.ts';
import {
  ADDON_FILE,
  findPlatformPackage,
  packageName,
  platformName,
  prebuiltPlatforms,
  thisMachine,
  type Machine,
} from '../lib/backends/native/platformPackage.ts';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';

const addon = path.resolve(import.meta.dirname, '..', 'build', ADDON_FILE);
const here = packageName(platformName(thisMachine()));
const parent = mkdtempSync(path.join(tmpdir(), 'tfjs-vit-loader-'));
afterAll(() => rmSync(parent, { recursive: true }));

describe('a platform', () => {
  test.each([
    [{ os: 'linux', cpu: 'x64', libc: 'glibc' }, 'linux-x64'],
    [{ os: 'linux', cpu: 'x64', libc: 'musl' }, 'linux-x64-musl'],
    [{ os: 'linux', cpu: 'arm64', libc: 'musl' }, 'linux-arm64-musl'],
    [{ os: 'linux', cpu: 'arm64', libc: null }, 'linux-arm64'],
    [{ os: 'darwin', cpu: 'arm64', libc: null }, 'darwin-arm64'],
    [{ os: 'win32', cpu: 'x64', libc: null }, 'win32-x64'],
  ])('%j is %s', (machine, name) => {
    expect(platformName(machine)).toBe(name);
  });

  test('this one tells the same C library as its process report', () => {
    const { header } = process.report.getReport() as { header: { glibcVersionRuntime?: string } };
    const glibc = header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
    expect(thisMachine()).toEqual({
      os: process.platform,
      cpu: process.arch,
      libc: process.platform === 'linux' ? glibc : null,
    });
  });
});

interface Install {
  version?: string;
  listed?: boolean;
  note?: string;
  local?: string;
  name?: string;
  packageVersion?: string;
  bytes?: number;
  content?: string;
}

/** A project's node_modules with a tfjs-vit in it, and a platform package where `packageVersion` is given; the folder of the first. */
function install({
  version = '1.2.3',
  listed = true,
  note,
  local,
  name = here,
  packageVersion,
  bytes,
  content,
}: Install = {}): string {
  const modules = path.join(mkdtempSync(path.join(parent, 'project-')), 'node_modules');
  const root = path.join(modules, 'tfjs-vit');
  mkdirSync(path.join(root, 'build'), { recursive: true });
  const optionalDependencies = listed ? { [here]: version } : {};
  const json = (folder: string, manifest: object): void =>
    writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
  json(root, { name: 'tfjs-vit', version, optionalDependencies });
  if (note !== undefined) writeFileSync(path.join(root, 'build', 'native-reason.txt'), note);
  if (local !== undefined) writeFileSync(path.join(root, 'build', ADDON_FILE), local);
  if (packageVersion !== undefined) {
    const folder = path.join(modules, name);
    mkdirSync(folder, { recursive: true });
    const length = bytes ?? content?.length ?? 0;
    json(folder, { name, version: packageVersion, addon: { bytes: length } });
    if (content !== undefined) writeFileSync(path.join(folder, ADDON_FILE), content);
  }
  return root;
}

function reasonOf(root: string): string {
  const loaded = loadFrom(root);
  if (!('reason' in loaded)) throw new Error(`loaded ${loaded.file}`);
  expect(loaded.reason).not.toContain('\n');
  return loaded.reason;
}

describe('without an addon the reason', () => {
  test('names both places and both remedies', () => {
    const note =
      'no C++ compiler: "c++" does not run.\ninstall a C++17 compiler (apt install g++)\n';
    const root = install({ note });
    expect(reasonOf(root)).toBe(
      'The native backend cannot be used: its addon was not built here (no C++ compiler: "c++" does not run), ' +
        `and the package ${here} is not installed. Run npm install ${here}@1.2.3, or ` +
        `install a C++17 compiler (apt install g++), then run node ${path.join(root, 'scripts', 'buildNative.mjs')}.`,
    );
  });

  test('does not name a package that this version does not have', () => {
    const root = install({ listed: false });
    const script = path.join(root, 'scripts', 'buildNative.mjs');
    expect(reasonOf(root)).toBe(
      `The native backend cannot be used: its addon was not built here. Run node ${script}.`,
    );
  });

  test('names a compiler where none was looked for yet', () => {
    expect(reasonOf(install())).toMatch(
      /\. Run npm install \S+, or with a C\+\+ compiler run node \S+buildNative\.mjs\.$/,
    );
  });

  test('refuses a package of another version, unread', () => {
    const reason = reasonOf(install({ packageVersion: '1.2.2', content: 'no library' }));
    expect(reason).toContain('not built here, and');
    expect(reason).toContain(`the package ${here} is version 1.2.2, not 1.2.3 as tfjs-vit is`);
  });

  test('tells a file that was cut short by its length, unread', () => {
    const reason = reasonOf(install({ packageVersion: '1.2.3', content: 'cut', bytes: 4000 }));
    expect(reason).toContain(`the addon of the package ${here} has 3 bytes, not 4000`);
  });

  test('tells a package without its file', () => {
    expect(reasonOf(install({ packageVersion: '1.2.3' }))).toContain(
      `lacks its file ${ADDON_FILE}`,
    );
  });

  test('repeats what the system says of a file that is no library, of both places', () => {
    const root = install({ local: 'not one', packageVersion: '1.2.3', content: 'nor this one' });
    const file = path.join(path.dirname(root), here, ADDON_FILE);
    const local = path.join(root, 'build', ADDON_FILE);
    const [first, second] = reasonOf(root).split(', and ');
    expect(first).toContain(`cannot be used: ${local} does not load (`);
    expect(second).toContain(`${file} does not load (`);
  });
});

describe('the package that is looked for', () => {
  const musl: Machine = { os: 'linux', cpu: 'x64', libc: 'musl' };
  const glibc: Machine = { ...musl, libc: 'glibc' };

  test('is that of the C library', () => {
    const name = '@tfjs-vit/native-linux-x64-musl';
    const root = install({ name, packageVersion: '1.2.3', content: 'x' });
    const file = path.join(path.dirname(root), name, ADDON_FILE);
    expect(findPlatformPackage(root, musl)).toEqual({ file });
    expect(findPlatformPackage(root, glibc)).toEqual({
      reason: 'the package @tfjs-vit/native-linux-x64 is not installed',
    });
  });

  test.each([
    { os: 'win32', cpu: 'x64', libc: null },
    { os: 'linux', cpu: 'riscv64', libc: 'glibc' },
  ])('does not exist for %j', (machine) => {
    const name = platformName(machine);
    expect(prebuiltPlatforms).not.toContain(name);
    expect(findPlatformPackage(install(), machine)).toEqual({
      reason: `there is no package with it for ${name}`,
    });
  });
});

if (!existsSync(addon)) test.skip(`an addon: ${nativeUnavailableReason()}`, () => undefined);
else
  describe('with an addon', () => {
    const withPackage = (local?: string): string => {
      const root = install({ packageVersion: '1.2.3', content: '', ...(local && { local }) });
      const folder = path.join(path.dirname(root), here);
      cpSync(addon, path.join(folder, ADDON_FILE));
      const bytes = statSync(addon).size;
      const manifest = { name: here, version: '1.2.3', addon: { bytes } };
      writeFileSync(path.join(folder, 'package.json'), JSON.stringify(manifest));
      return root;
    };

    test.each([['no local build'], ['a local build that does not load']])(
      'the package is taken where there is %s',
      (what) => {
        const root = withPackage(what === 'no local build' ? undefined : 'broken');
        const file = path.join(path.dirname(root), here, ADDON_FILE);
        expect(loadFrom(root)).toMatchObject({ file });
      },
    );

    test('the local build comes first', () => {
      const root = withPackage();
      const file = path.join(root, 'build', ADDON_FILE);
      cpSync(addon, file);
      expect(loadFrom(root)).toMatchObject({ file });
    });
  });
