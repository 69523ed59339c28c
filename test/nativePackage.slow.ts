// The two packages as a user gets them: installed in an empty project on a machine without a compiler, and the messages when the
// platform's package is missing, of another version, or broken.

import { execFile, execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';
import {
  ADDON_FILE,
  packageName,
  platformName,
  thisMachine,
} from '../lib/backends/native/platformPackage.ts';
import { serveFolder, type Registry } from './support/registry.ts';
import { isas } from './support/native.ts';
import { tinyElf } from './support/tinyElf.ts';

const root = path.resolve(import.meta.dirname, '..');
const { version } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8')) as {
  version: string;
};
const own = platformName(thisMachine());
// A platform that is not this one, and the description of an addon for it.
const [foreign, fits, elf] =
  own === 'linux-arm64-musl'
    ? (['linux-x64', ['x64', 'glibc'], { libraries: ['libc.so.6'] }] as const)
    : ([
        'linux-arm64-musl',
        ['arm64', 'musl'],
        { machine: 183, libraries: ['libc.musl-aarch64.so.1'] },
      ] as const);

if (isas.length === 0) test.skip(`the pair: ${nativeUnavailableReason()}`, () => undefined);
else describe('the packed pair', packedPair);

function packedPair(): void {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tfjs-vit-release-'));
  const project = path.join(folder, 'project');
  const packages = path.join(folder, 'packages');
  const modules = path.join(project, 'node_modules');
  const platformFolder = path.join(modules, packageName(own));
  const tarball = `tfjs-vit-${version}.tgz`;
  const env = withoutCompiler(path.join(folder, 'bin'));
  let registry: Registry;
  let installed: string;

  beforeAll(async () => {
    const other = path.join(folder, 'foreign.node');
    fs.writeFileSync(other, tinyElf(elf));
    pack('--out', packages);
    pack('--out', packages, '--platform', foreign, '--addon', other);
    registry = await serveFolder(packages);
    fs.mkdirSync(project);
    fs.writeFileSync(path.join(project, 'package.json'), '{"name": "consumer", "private": true}');
    fs.writeFileSync(path.join(project, '.npmrc'), `@tfjs-vit:registry=${registry.url}\n`);
    installed = await npm('install', path.join(packages, tarball));
  }, 900_000); // two builds of dist and an install, on a machine that may be busy

  afterAll(() => {
    registry.close();
    fs.rmSync(folder, { recursive: true, force: true });
  });

  test('holds a root that lists the packed platforms, and nothing that runs at an install', () => {
    const manifests = fs
      .readdirSync(packages)
      .map((file) => JSON.parse(fromTarball(file, 'package.json')) as PackedManifest);
    const named = Object.fromEntries(manifests.map((one) => [one.name, one]));
    const names = [own, foreign].map(packageName);
    expect(Object.keys(named).sort()).toEqual([...names, 'tfjs-vit'].sort());
    const listed = Object.fromEntries(names.map((name) => [name, version]));
    expect(named['tfjs-vit']!.optionalDependencies).toEqual(listed);
    for (const { scripts } of manifests) {
      expect(Object.keys(scripts ?? {})).not.toContainEqual(
        expect.stringMatching(/^(pre|post)?(install|prepare)$/),
      );
    }
    const [ownOs, ownCpu] = [[process.platform], [process.arch]];
    expect(named[packageName(own)]).toMatchObject({ os: ownOs, cpu: ownCpu, version });
    expect(named[packageName(foreign)]).toMatchObject({
      ...{ os: ['linux'], cpu: [fits[0]], libc: [fits[1]], version },
      ...{ main: ADDON_FILE, license: 'MIT', addon: { bytes: tinyElf(elf).length } },
    });
    for (const file of fs.readdirSync(packages)) {
      expect(fromTarball(file, 'LICENSE')).toContain('MIT License');
      expect(fromTarball(file, 'README.md')).toContain('tfjs-vit');
    }
  });

  test('installs the platform of this machine alone, and compiles nothing', () => {
    expect(fs.readdirSync(path.join(modules, '@tfjs-vit'))).toEqual([`native-${own}`]);
    expect(fs.existsSync(path.join(modules, 'tfjs-vit', 'build'))).toBe(false);
    expect(installed).not.toContain('native backend');
    for (const platform of [own, foreign])
      expect(registry.asked).toContain(`/${packageName(platform)}`);
    const lock = fs.readFileSync(path.join(project, 'package-lock.json'), 'utf8');
    for (const platform of [own, foreign]) expect(lock).toContain(packageName(platform));
  });

  test('computes on native what the CPU backend does', async () => {
    const said = await runModel();
    expect(said.reason).toMatch(/^Backend native \(C\+\+, .+\): the fastest that works here\.$/);
    expect(said.file).toBe(fs.realpathSync(path.join(platformFolder, ADDON_FILE)));
    expect(said.logits).toHaveLength(6);
    expect(Math.max(...said.logits.map(Math.abs))).toBeGreaterThan(0.01);
    // Sums of at most 64 products of numbers near 1, in another order.
    said.logits.forEach((value, i) =>
      expect(Math.abs(value - said.expected[i]!)).toBeLessThan(2e-5),
    );
  });

  const missing = `native is not used: its addon was not built here, and `;
  const remedy = `Run npm install ${packageName(own)}@${version}, or with a C++ compiler run node `;

  test.each(['nothing', 'half', 'all but a byte'])(
    'is on wasm with a file of which %s is left',
    async (left) => {
      const file = path.join(platformFolder, ADDON_FILE);
      const whole = fs.readFileSync(file);
      const half = whole.length >> 1;
      const bytes = left === 'nothing' ? 0 : left === 'half' ? half : whole.length - 1;
      fs.writeFileSync(file, whole.subarray(0, bytes));
      try {
        const { reason } = await runModel();
        expectWasm(reason);
        const why = `the addon of the package ${packageName(own)} has ${bytes} bytes, not ${whole.length}`;
        expect(reason).toContain(`${missing}${why}. ${remedy}`);
      } finally {
        fs.writeFileSync(file, whole);
      }
    },
  );

  test('is on wasm with a file of the right length that is no library', async () => {
    const file = path.join(platformFolder, ADDON_FILE);
    const whole = fs.readFileSync(file);
    fs.writeFileSync(file, Buffer.alloc(whole.length));
    try {
      const { reason } = await runModel();
      expectWasm(reason);
      expect(reason).toContain(`${missing}${fs.realpathSync(file)} does not load (`);
    } finally {
      fs.writeFileSync(file, whole);
    }
  });

  test('is on wasm with the package of another version', async () => {
    const file = path.join(platformFolder, 'package.json');
    const whole = fs.readFileSync(file, 'utf8');
    fs.writeFileSync(file, whole.replace(`"${version}"`, '"0.0.1"'));
    try {
      const { reason } = await runModel();
      expectWasm(reason);
      const why = `the package ${packageName(own)} is version 0.0.1, not ${version} as tfjs-vit is`;
      expect(reason).toContain(`${missing}${why}. ${remedy}`);
    } finally {
      fs.writeFileSync(file, whole);
    }
  });

  test('is on wasm without the package, and on native again after npm ci', async () => {
    fs.rmSync(platformFolder, { recursive: true });
    const without = await runModel();
    expectWasm(without.reason);
    expect(without.reason).toContain(
      `${missing}the package ${packageName(own)} is not installed. ${remedy}`,
    );
    without.logits.forEach((value, i) =>
      expect(Math.abs(value - without.expected[i]!)).toBeLessThan(2e-5),
    );
    await npm('ci');
    expect((await runModel()).reason).toContain('Backend native');
  }, 200_000);

  function pack(...args: string[]): void {
    execFileSync('npm', ['run', '--silent', 'pack:native', '--', ...args], { cwd: root });
  }

  function fromTarball(file: string, name: string): string {
    const args = ['-xzOf', path.join(packages, file), `package/${name}`];
    return execFileSync('tar', args, { encoding: 'utf8' });
  }

  function npm(...args: string[]): Promise<string> {
    return runFile('npm', [...args, '--no-audit', '--no-fund', '--prefer-offline'], project, env);
  }

  /** The output of a user's script, run in the project and without a compiler. */
  async function runModel(): Promise<Said> {
    fs.writeFileSync(path.join(project, 'model.mjs'), script);
    const said = await runFile(process.execPath, ['model.mjs'], project, env);
    return JSON.parse(said.trim().split('\n').at(-1)!) as Said;
  }
}

interface PackedManifest {
  name: string;
  optionalDependencies?: Record<string, string>;
  scripts?: Record<string, string>;
}

interface Said {
  reason: string;
  file?: string;
  logits: number[];
  expected: number[];
}

const script = `
  import * as tf from '@tensorflow/tfjs';
  import { createModel } from 'tfjs-vit';
  import { nativeInfo, nativeUnavailableReason } from 'tfjs-vit/native';
  import { selectBackend } from 'tfjs-vit/node';
  const { reason } = await selectBackend();
  const file = nativeUnavailableReason() === undefined ? nativeInfo().file : undefined;
  const pixels = Float32Array.from({ length: 2 * 16 * 16 }, (_, i) => Math.sin(i));
  const model = createModel('vit_tiny_patch16_224', {
    ...{ imageSize: 16, patchSize: 4, inChannels: 1, embedDim: 32, depth: 2, numHeads: 4, numClasses: 3 },
  });
  const run = () => Array.from(model.forward(tf.tensor4d(pixels, [2, 16, 16, 1])).dataSync());
  const logits = run();
  await tf.setBackend('cpu');
  console.log(JSON.stringify({ reason, file, logits, expected: run() }));
`;

function expectWasm(reason: string): void {
  expect(reason).toMatch(
    /^Backend wasm \(.+\): native is not used: its addon was not built here, and /,
  );
  expect(reason).not.toContain('\n');
}

/** An environment whose PATH has Node, npm and a shell, and no compiler. */
function withoutCompiler(bin: string): NodeJS.ProcessEnv {
  fs.mkdirSync(bin);
  fs.symlinkSync(process.execPath, path.join(bin, 'node'));
  for (const name of ['npm', 'sh']) {
    const found = execFileSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8' }).trim();
    fs.symlinkSync(fs.realpathSync(found), path.join(bin, name));
  }
  const env: NodeJS.ProcessEnv = { ...process.env, PATH: bin };
  for (const name of ['CXX', 'CC', 'TFJS_VIT_ISA']) delete env[name];
  return env;
}

function runFile(
  command: string,
  args: string[],
  cwd: string,
  env: NodeJS.ProcessEnv,
): Promise<string> {
  return new Promise((resolve, reject) =>
    execFile(command, args, { cwd, env }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${command} ${args[0]}: ${error.signal ?? error.code}\n${stderr}`));
    }),
  );
}
