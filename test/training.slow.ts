// A long run holds no more than a short one: tensors, bytes, and the memory of the process.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { openFolder } from '../lib/io/folder.ts';
import { train } from '../lib/training/trainer.ts';
import { config, normalize, patterns, tinyModel } from './support/training.ts';

const backend = nativeUnavailableReason() === undefined ? 'native' : 'cpu';

// Garbage that is not collected yet does not count as a leak.
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

test(`1,000 steps and 100 saves on ${backend}`, async () => {
  await tf.setBackend(backend);
  const folder = await mkdtemp(join(tmpdir(), 'vit-memory-'));
  const store = await openFolder(folder, { lock: true });
  const model = tinyModel();
  const seen: { tensors: number; bytes: number; rss: number }[] = [];
  const sink = {
    step() {
      if (seen.length % 100 === 0) collect();
      const { numTensors: tensors, numBytes: bytes } = tf.memory();
      seen.push({ tensors, bytes, rss: process.memoryUsage().rss / 2 ** 20 });
    },
  };
  const before = tf.memory().numTensors;
  const result = await train(
    { ...config, epochs: 20, checkpointSteps: 10, checkpointMinutes: null },
    { model, train: patterns(400), validation: patterns(40, 2), normalize, store, sinks: [sink] },
  );
  expect(result.step).toBe(1000);
  expect(tf.memory().numTensors).toBe(before);
  expect(new Set(seen.slice(1).map(({ tensors }) => tensors)).size).toBe(1);
  expect(new Set(seen.slice(1).map(({ bytes }) => bytes)).size).toBe(1);
  const lowest = (from: number, to: number) =>
    Math.min(...seen.slice(from, to).map(({ rss }) => rss));
  expect(lowest(600, 1000) - lowest(200, 600)).toBeLessThan(16);
  model.dispose();
  await store.close();
  await rm(folder, { recursive: true });
}, 600_000);
