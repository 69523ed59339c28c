import * as tf from '@tensorflow/tfjs';
import { backendChoices, selectBackend } from '../lib/backends/select.ts';
import { findPeer, findSetup, notSetUp } from '../lib/backends/optionalPackages.ts';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { InputError, UnsupportedError } from '../lib/core/errors.ts';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');

describe('selectBackend', () => {
  test('auto takes one that works, and says in one line which and why', async () => {
    const { name, reason } = await selectBackend();
    expect(['native', 'wasm', 'cpu']).toContain(name);
    expect(tf.getBackend()).toBe(name);
    expect(reason).toMatch(new RegExp(`^Backend ${name} \\(.+\\): .+\\.$`));
    expect(reason).not.toContain('\n');
    if (name === 'native') expect(reason).toContain('the fastest that works here');
    else expect(reason).toContain('native is not used: ');
  });

  test.each(['cpu', 'wasm'])('%s by name computes', async (backend) => {
    const selected = await selectBackend({ backend });
    expect(selected).toMatchObject({ name: backend, warnings: [] });
    expect(tf.getBackend()).toBe(backend);
    const product = tf.tidy(() => tf.matMul([[1, 2]], [[3], [4]]).dataSync());
    expect(Array.from(product)).toEqual([11]);
  });

  test.each(['cpu', 'wasm'])('%s warns that it has one thread', async (backend) => {
    expect((await selectBackend({ backend, threads: 1 })).warnings).toEqual([]);
    const { warnings } = await selectBackend({ backend, threads: 4 });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('--threads 4');
  });

  test('native by name takes the threads it is given, or says why it is not here', async () => {
    const result = await selectBackend({ backend: 'native', threads: 2 }).catch(
      (thrown: unknown) => thrown as Error,
    );
    const why = nativeUnavailableReason();
    if (why === undefined) {
      expect(result).toMatchObject({ name: 'native', warnings: [] });
      expect(result).toHaveProperty('reason', expect.stringContaining('2 threads'));
    } else {
      expect(result).toBeInstanceOf(UnsupportedError);
      expect(result).toHaveProperty('message', why);
    }
  });

  test('an unknown backend is an input error that names the choices', async () => {
    const error: unknown = await selectBackend({ backend: 'cuda' }).catch(
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(InputError);
    for (const choice of backendChoices) expect((error as Error).message).toContain(choice);
    expect((error as Error).message).toContain('"cuda"');
  });

  test.each([0, -1, 1.5, NaN, 1e9])('threads %p is an input error', async (threads) => {
    await expect(selectBackend({ backend: 'cpu', threads })).rejects.toThrow(InputError);
  });
});

describe('optional packages', () => {
  test('are found where the setup wrote its marker, and only then', () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'tfjs-vit-'));
    const before = process.cwd();
    try {
      process.chdir(folder);
      fs.mkdirSync('.backends/imaginary', { recursive: true });
      expect(findSetup('imaginary', 'setup.json')).toBeUndefined();
      fs.writeFileSync('.backends/imaginary/setup.json', '{"answer": 42}');
      const found = findSetup('imaginary', 'setup.json');
      expect(found?.require('./setup.json')).toEqual({ answer: 42 });
    } finally {
      process.chdir(before);
      fs.rmSync(folder, { recursive: true });
    }
  });

  test('peers are found in the order that was asked for', () => {
    expect(findPeer(['no-such-package-of-anyone'])).toBeUndefined();
    expect(findPeer(['no-such-package-of-anyone', 'pngjs', 'sharp'])?.name).toBe('pngjs');
  });

  test('a missing backend says which command sets it up', () => {
    expect(notSetUp('webgpu', 'the package webgpu').message).toContain('npm run setup:webgpu');
    expect(notSetUp('webgpu', 'the package webgpu')).toBeInstanceOf(UnsupportedError);
  });
});

// Real libraries are loaded into a process of their own. Where one is not set up, the message is tested.
describe.each(['tensorflow', 'webgpu'])('%s', (backend) => {
  const there = findSetup(backend, 'setup.json') !== undefined;

  test(`${there ? 'computes, or says what it lacks' : 'says how to set it up'}`, () => {
    const script = path.join(root, 'test', 'support', 'gradientOn.ts');
    const output = execFileSync(process.execPath, ['--import', 'tsx', script, backend], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [name, ...values] = JSON.parse(output.trim().split('\n').at(-1)!) as [
      string,
      ...number[],
    ];
    if (name === 'unsupported') {
      const remedy = there ? /setup:|apt-get install/ : new RegExp(`npm run setup:${backend}`);
      expect(String(values[0])).toMatch(remedy);
    } else {
      expect(there).toBe(true);
      expect(name).toBe(backend);
      const expected = [0.0446951352, 1.0456573964, -0.0921732933, 1.0939919949];
      values.forEach((value, index) => expect(value).toBeCloseTo(expected[index]!, 5));
    }
  }, 60_000);
});
