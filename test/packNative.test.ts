// Wrong arguments and addons of another machine are refused before anything is packed.

import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ADDON_FILE } from '../lib/backends/native/platformPackage.ts';
import { tinyElf, type TinyElf } from './support/tinyElf.ts';

const root = path.resolve(import.meta.dirname, '..');
const folder = mkdtempSync(path.join(tmpdir(), 'tfjs-vit-pack-'));
afterAll(() => rmSync(folder, { recursive: true }));

interface Addon {
  os: string;
  cpus: string[];
  libraries: string[];
  libc?: string;
  glibc?: string;
}
const script = '../scripts/addonFile.mjs';
let readAddon: (bytes: Buffer) => Addon;
beforeAll(async () => {
  ({ readAddon } = (await import(script)) as { readAddon: (bytes: Buffer) => Addon });
});

const linux: TinyElf = {
  libraries: ['libc.so.6', 'libm.so.6'],
  versions: ['GLIBC_2.9', 'GLIBC_2.34', 'GLIBC_2.2.5', 'GLIBC_PRIVATE'],
};

describe('the description of an addon', () => {
  test('ELF: processor, libraries, the newest glibc', () => {
    expect(readAddon(tinyElf(linux))).toEqual({
      os: 'linux',
      cpus: ['x64'],
      libraries: ['libc.so.6', 'libm.so.6'],
      libc: 'glibc',
      glibc: '2.34',
    });
    expect(readAddon(tinyElf({ ...linux, machine: 183 })).cpus).toEqual(['arm64']);
    expect(readAddon(tinyElf({ ...linux, machine: 243 })).cpus).toEqual(['ELF machine 243']);
  });

  test.each([['libc.musl-x86_64.so.1'], ['libc.so']])('ELF: %s is musl', (library) => {
    const about = readAddon(tinyElf({ libraries: [library] }));
    expect(about).toMatchObject({ libc: 'musl', glibc: undefined });
  });

  test('Mach-O, thin and with two processors', () => {
    expect(readAddon(machO(0x0100000c))).toMatchObject({ os: 'darwin', cpus: ['arm64'] });
    expect(readAddon(fatMachO(0x01000007, 0x0100000c)).cpus).toEqual(['x64', 'arm64']);
  });

  test('nothing, where it is cut short, at whatever byte', () => {
    for (const whole of [tinyElf(linux), fatMachO(0x01000007, 0x0100000c)])
      for (let length = 0; length < whole.length; length += 1) {
        expect(() => readAddon(whole.subarray(0, length))).toThrow(
          /^it is (cut short|neither ELF)/,
        );
      }
  });

  test('nothing, where a number in it leads anywhere', () => {
    const whole = tinyElf(linux);
    for (let at = 0; at < whole.length - 24; at += 1) {
      const bytes = Buffer.from(whole);
      bytes[at] = 0xff;
      try {
        readAddon(bytes);
      } catch (error) {
        expect((error as Error).message).toMatch(/^it is /);
      }
    }
  });

  test('nothing, where it is no addon', () => {
    expect(() => readAddon(tinyElf({ ...linux, entryPoint: 'main' }))).toThrow('no addon of Node');
    expect(() => readAddon(tinyElf({ ...linux, type: 2 }))).toThrow('no shared library');
    expect(() => readAddon(readFileSync(import.meta.filename))).toThrow('neither ELF');
  });

  const built = path.join(root, 'build', ADDON_FILE);
  if (!existsSync(built)) test.skip('the built one: it is not there', () => undefined);
  else
    test('the built one is for this machine', () => {
      const { os, cpus } = readAddon(readFileSync(built));
      expect([os, cpus]).toEqual([process.platform, [process.arch]]);
    });
});

function machO(processor: number): Buffer {
  const bytes = Buffer.alloc(64);
  bytes.writeUInt32LE(0xfeedfacf, 0);
  bytes.writeUInt32LE(processor, 4);
  bytes.write('napi_register_module_v1', 32);
  return bytes;
}

function fatMachO(...processors: number[]): Buffer {
  const head = Buffer.alloc(8 + 20 * processors.length);
  head.writeUInt32BE(0xcafebabe, 0);
  head.writeUInt32BE(processors.length, 4);
  processors.forEach((processor, i) => {
    head.writeUInt32BE(processor, 8 + 20 * i);
    head.writeUInt32BE(head.length + 64 * i, 16 + 20 * i);
    head.writeUInt32BE(64, 20 + 20 * i);
  });
  return Buffer.concat([head, ...processors.map(machO)]);
}

describe('npm run pack:native refuses', () => {
  const file = (name: string, elf: TinyElf): string => {
    writeFileSync(path.join(folder, name), tinyElf(elf));
    return path.join(folder, name);
  };
  const other = process.arch === 'arm64' ? 'linux-x64-musl' : 'linux-arm64-musl';
  const musl = ['libc.musl-aarch64.so.1'];

  test.each([
    ['an unknown flag', ['--plattform', 'linux-x64'], "Unknown option '--plattform'"],
    ['an unknown platform', ['--platform', 'sparc'], 'for --platform, received sparc.'],
    [
      'a foreign platform without a file',
      ['--platform', other],
      `Expected --addon with --platform`,
    ],
    ['a file that is not there', ['--addon', 'nowhere.node'], 'received nowhere.node. It is not'],
    ['a folder that is a file', ['--out', 'package.json'], 'Expected a folder for --out'],
    [
      'another processor',
      ['--platform', 'linux-arm64', '--addon', file('x64.node', linux)],
      'x64.node: it is for linux-x64.',
    ],
    [
      'another system',
      ['--platform', 'darwin-arm64', '--addon', file('arm64.node', { ...linux, machine: 183 })],
      'it is for linux-arm64.',
    ],
    [
      'another C library',
      [
        '--platform',
        'linux-arm64',
        '--addon',
        file('musl.node', { libraries: musl, machine: 183 }),
      ],
      'its C library is musl, not glibc.',
    ],
    [
      'an addon that asks for a C++ library',
      [
        '--platform',
        'linux-x64',
        '--addon',
        file('cxx.node', { libraries: ['libc.so.6', 'libstdc++.so.6'] }),
      ],
      'it needs libstdc++.so.6, which an older machine may lack. Compile it with buildNative.mjs --standalone.',
    ],
    [
      'a text',
      ['--platform', 'linux-x64', '--addon', 'package.json'],
      'received package.json: it is neither ELF',
    ],
  ])('%s, in one line, with exit code 2', async (_what, args, message) => {
    const out = path.join(folder, 'out');
    const { code, stderr } = await pack(args.includes('--out') ? args : [...args, '--out', out]);
    expect(stderr).toContain(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(code).toBe(2);
    expect(existsSync(out)).toBe(false);
  });
});

function pack(args: string[]): Promise<{ code: number | string; stderr: string }> {
  const all = ['--import', 'tsx', 'scripts/packNative.mjs', ...args];
  return new Promise((resolve) =>
    execFile(process.execPath, all, { cwd: root }, (error, _stdout, stderr) =>
      resolve({ code: error?.code ?? 0, stderr }),
    ),
  );
}
