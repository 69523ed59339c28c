// The build of the addon: what it says where there is no compiler, and while it compiles; and the public door where it cannot load.

import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadFrom } from '../lib/backends/native/loader.ts';

const root = path.resolve(import.meta.dirname, '..');
type CompilerCommand = (platform?: string, release?: string) => string | undefined;
type ShowProgress = (
  total: number,
  what: string,
  options?: { stream: object; now: () => number },
) => { step: () => void; end: () => void };

let compilerCommand: CompilerCommand;
let showProgress: ShowProgress;
beforeAll(async () => {
  const [hint, progress] = ['../scripts/compilerPackage.mjs', '../scripts/buildProgress.mjs'];
  ({ compilerCommand } = (await import(hint)) as { compilerCommand: CompilerCommand });
  ({ showProgress } = (await import(progress)) as { showProgress: ShowProgress });
});

describe('the build without a compiler', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'native-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('the install succeeds, says why in one line, and the loader repeats it', () => {
    cpSync(path.join(root, 'scripts'), path.join(folder, 'scripts'), { recursive: true });
    cpSync(path.join(root, 'native'), path.join(folder, 'native'), { recursive: true });
    const script = path.join(folder, 'scripts/buildNative.mjs');
    const env = { ...process.env, CXX: path.join(folder, 'no-compiler') };
    const said = execFileSync(process.execPath, [script, '--if-possible'], {
      env,
      encoding: 'utf8',
    });
    const command = compilerCommand();
    const remedy = `nstall a C++17 compiler${command === undefined ? '' : ` (${command})`}, then`;
    const why = `no C++ compiler: "${env.CXX}" does not run`;
    expect(said).toBe(
      `native backend not built: ${why}. tfjs-vit uses wasm, which is slower. To have it, i${remedy}: npm run build:native\n`,
    );
    expect(loadFrom(folder)).toEqual({
      reason:
        `The native backend cannot be used: its addon was not built here (${why}). ` +
        `I${remedy} run npm run build:native.`,
    });
    const strict = (): string =>
      execFileSync(process.execPath, [script], { env, stdio: 'pipe' }).toString();
    expect(strict).toThrow();
  });

  test('the package of the compiler is the one of the system', () => {
    const on = (id: string, like = ''): string | undefined =>
      compilerCommand('linux', `NAME="X"\nID=${id}\nID_LIKE="${like}"\n`);
    expect(on('debian')).toBe('apt install g++');
    expect(on('linuxmint', 'ubuntu debian')).toBe('apt install g++');
    expect(on('fedora')).toBe('dnf install gcc-c++');
    expect(on('rocky', 'rhel centos fedora')).toBe('dnf install gcc-c++');
    expect(on('alpine')).toBe('apk add g++');
    expect(on('arch')).toBe('pacman -S gcc');
    expect(on('opensuse-leap', 'suse opensuse')).toBe('zypper install gcc-c++');
    expect(on('nixos')).toBeUndefined();
    expect(compilerCommand('darwin')).toBe('xcode-select --install');
    expect(compilerCommand('win32')).toBeUndefined();
  });

  test('a compilation says that it goes on, on a terminal and elsewhere', () => {
    const said = (isTTY: boolean): string => {
      let [text, time] = ['', 0];
      const stream = { isTTY, write: (more: string) => (text += more) };
      const { step, end } = showProgress(3, 'avx2', { stream, now: () => time });
      for (time = 15_000; time <= 45_000; time += 15_000) step();
      time = 45_000;
      end();
      return text;
    };
    expect(said(false).split('\n')).toEqual([
      'native backend: compiling 3 files of C++ for avx2; the first time takes one to three minutes',
      'native backend: compiled 2 of 3 files, 30 s',
      '',
    ]);
    expect(said(true)).toContain('\rnative backend: compiled 3 of 3 files, 45 s\r');
    expect(showProgress(0, 'avx2')).toBeDefined();
  });

  test('a broken addon is a reason, not a crash', () => {
    writeFileSync(path.join(folder, 'build', 'tfjs_vit_native.node'), 'not a library');
    expect(loadFrom(folder)).toHaveProperty('reason', expect.stringContaining('cannot be used'));
    expect(loadFrom(path.join(folder, 'nowhere'))).toHaveProperty(
      'reason',
      expect.stringContaining('not built'),
    );
  });
});

describe('the import of tfjs-vit/native where the addon cannot be used', () => {
  const program =
    "import * as tf from '@tensorflow/tfjs'; import './lib/backends/native/node.ts'; tf.ones([1]);";
  const run = (env: NodeJS.ProcessEnv): string[] => {
    const words = ['--import', 'tsx', '--input-type=module', '-e', program];
    const { status, stderr } = spawnSync(process.execPath, words, {
      ...{ cwd: root, encoding: 'utf8', env: { ...process.env, ...env } },
    });
    expect(status).toBe(0);
    return stderr.split('\n').filter((line) => line.startsWith('tfjs-vit: '));
  };

  test('says in one line why, and what to do', () => {
    const lines = run({ TFJS_VIT_ISA: 'sparc' });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(
      /^tfjs-vit: The native backend cannot be used: .+\. Until then TensorFlow\.js takes another backend, and plain JavaScript is over a hundred times slower\.$/,
    );
  });

  test('says nothing where it can', () => {
    const { length } = run({ TFJS_VIT_ISA: '' });
    expect(length).toBe('reason' in loadFrom(root) ? 1 : 0);
  });
});
