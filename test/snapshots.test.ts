// Snapshots of a run: when they are made, of which weights, and what becomes of them when a run goes on or is replaced.

import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { parseSnapshots } from '../lib/training/parseSnapshots.ts';
import { vit, writeExperiment } from './support/cli.ts';
import type { MemoryStore } from './support/training.ts';
import { runToy, Toy } from './support/training.ts';

jest.setTimeout(300_000);
beforeAll(async () => {
  await tf.setBackend('cpu');
});

const epochsOf = (store: MemoryStore) =>
  [...store.files.keys()].filter((name) => name.startsWith('snapshot-')).sort();

// A snapshot that says what the bias is.
const biasOf = (model: Toy) => async (epoch: number) =>
  JSON.stringify({ epoch, bias: [...(await model.bias.data())] });

describe('train', () => {
  test('makes one before the first epoch, after every so many, and after the last', async () => {
    const model = new Toy();
    const { error, store } = await runToy(
      { epochs: 5, snapshots: 2 },
      { model, snapshot: biasOf(model) },
    );
    expect(error).toBeUndefined();
    expect(epochsOf(store)).toEqual([
      'snapshot-0000.json',
      'snapshot-0002.json',
      'snapshot-0004.json',
      'snapshot-0005.json',
    ]);
    const first = JSON.parse(store.text('snapshot-0000.json')) as { bias: number[] };
    expect(first.bias).toEqual([0, 0, 0, 0]);
    model.dispose();
  });

  test('takes the averaged weights where they are what is evaluated', async () => {
    const biases: number[][] = [];
    for (const ema of [null, { decay: 0.99 }]) {
      const model = new Toy();
      const { store } = await runToy(
        { epochs: 1, snapshots: 1, ema },
        { model, snapshot: biasOf(model) },
      );
      const last = JSON.parse(store.text('snapshot-0001.json')) as { bias: number[] };
      biases.push(last.bias.map(Math.abs));
      model.dispose();
    }
    // An average moves a hundredth of the way.
    expect(Math.max(...biases[1]!)).toBeLessThan(0.2 * Math.max(...biases[0]!));
  });

  test('goes on where a snapshot cannot be made, and says so', async () => {
    const { error, store, messages } = await runToy(
      { epochs: 1, snapshots: 1 },
      { snapshot: () => Promise.reject(new Error('no light')) },
    );
    expect([error, epochsOf(store)]).toEqual([undefined, []]);
    expect(messages.join('\n')).toContain('Could not make the snapshot of epoch 1: no light');
  });

  test('says that nobody makes them', async () => {
    const { messages } = await runToy({ epochs: 1, snapshots: 1 });
    expect(messages.join('\n')).toContain('snapshots has no effect');
  });

  test('leaves no tensor behind, and changes nothing of the training', async () => {
    const weights: string[] = [];
    for (const snapshots of [null, 1]) {
      const before = tf.memory().numTensors;
      const model = new Toy();
      const { store } = await runToy({ epochs: 2, snapshots }, { model, snapshot: biasOf(model) });
      weights.push(Buffer.from(store.files.get('checkpoint.safetensors')!).toString('base64'));
      model.dispose();
      expect(tf.memory().numTensors).toBe(before);
    }
    expect(weights[1]).toBe(weights[0]);
  });

  test('reads every=N and plain numbers', () => {
    expect(['every=5', '3', 2].map((value) => parseSnapshots(value, 'x'))).toEqual([5, 3, 2]);
    for (const value of ['every=0', 'every', '-1', 'every=1.5', '', 0, 1.5, NaN, [2]]) {
      expect(() => parseSnapshots(value, '--snapshots')).toThrow(/--snapshots/);
    }
  });
});

describe('tfjs-vit train --snapshots', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'snapshots-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  const words = (run: string) => [
    ...[
      'train',
      '--backend',
      'cpu',
      '--config',
      writeExperiment(path.join(folder, 'tiny.json')),
      '--epochs',
      '2',
    ],
    ...['--limit', '24', '--limit-val', '16', '--output-dir', path.join(folder, run)],
  ];
  const snapshotsIn = (run: string) =>
    readdirSync(path.join(folder, run)).filter((name) => name.startsWith('snapshot-'));

  test('shows in the report how attention formed', async () => {
    const { code, error } = await vit(...words('run'), '--snapshots', 'every=1');
    expect([code, error.includes('Could not')]).toEqual([0, false]);
    expect(snapshotsIn('run')).toHaveLength(3);
    const text = readFileSync(path.join(folder, 'run', 'snapshot-0002.json'), 'utf8');
    const { probes } = JSON.parse(text) as { probes: { relevance: number[]; label: number }[] };
    expect(new Set(probes.map(({ label }) => label)).size).toBe(4);
    const page = readFileSync(path.join(folder, 'run', 'report.html'), 'utf8');
    expect(page).toContain('How attention formed');
    expect(page).toContain('Epoch 2');
    // Four images in two tables, each with three maps.
    expect(page.split('data:image/jpeg').length - 1).toBeGreaterThanOrEqual(4 * 2 * 3);

    // A run that replaces it keeps none of its snapshots.
    await vit(...words('run'), '--overwrite');
    expect(snapshotsIn('run')).toEqual([]);
    const again = readFileSync(path.join(folder, 'run', 'report.html'), 'utf8');
    expect(again).not.toContain('How attention formed');
  });

  test('goes on in another folder with the snapshots that it has', async () => {
    await vit(...words('first'), '--snapshots', 'every=1', '--max-steps', '4');
    const at = (name: string) => path.join(folder, name);
    const resumed = ['train', '--backend', 'cpu', '--resume', at('first')];
    const { code } = await vit(...resumed, '--max-steps', '100', '--output-dir', at('second'));
    expect([code, snapshotsIn('second').length]).toEqual([0, 3]);
    expect(existsSync(path.join(at('second'), 'report.html'))).toBe(true);
  });

  test('refuses a model without attention', async () => {
    const model = {
      ...{ family: 'resnet', imageSize: 28, inChannels: 1, numClasses: 10 },
      ...{ planes: [4, 4, 8, 8], layers: [1, 1, 1, 1] },
    };
    const config = writeExperiment(path.join(folder, 'cnn.json'), { model });
    const more = ['--snapshots', 'every=1', '--output-dir', path.join(folder, 'cnn')];
    const { code, error } = await vit('train', '--backend', 'cpu', '--config', config, ...more);
    expect([code, error]).toEqual([2, expect.stringContaining('a model with attention')]);
    expect(existsSync(path.join(folder, 'cnn'))).toBe(false);
  });

  test('refuses every=0 in one line', async () => {
    const { code, error } = await vit(...words('run'), '--snapshots', 'every=0');
    expect([code, error]).toEqual([2, expect.stringContaining('snapshots')]);
  });
});
