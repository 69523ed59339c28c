import '@tensorflow/tfjs-backend-cpu';
import * as fs from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as door from '../lib/node.ts';
import { refusalOf, temporaryFolder } from './support/failingDisk.ts';
import type { RunSink } from '../lib/core/runSink.ts';

const place = temporaryFolder();
const config = {
  imageSize: 8,
  patchSize: 4,
  inChannels: 1,
  numClasses: 10,
  embedDim: 12,
  depth: 1,
  numHeads: 2,
};
const images = new Uint8Array(24 * 64).map((_, i) => (i * 37) % 256);
const labels = new Uint8Array(24).map((_, i) => i % 10);
const dataset = new door.MemoryDataset({
  images,
  labels,
  imageShape: [8, 8, 1],
  classNames: door.MNIST_CLASSES,
});
const run = { epochs: 2, batchSize: 8, learningRate: 1e-3, seed: 1 };

beforeAll(() => tf.setBackend('cpu'));

async function trainInto(
  folder: string,
  more: Partial<door.FolderTrainEnv> & { epochs?: number } = {},
): Promise<string[]> {
  const { epochs = 2, ...env } = more;
  const messages: string[] = [];
  const sink: RunSink = { message: (text) => messages.push(text) };
  const model = new door.VisionTransformer(config);
  try {
    await door.trainInFolder(
      { ...run, epochs },
      {
        outputDir: join(place(), folder),
        model,
        train: dataset,
        validation: dataset,
        normalize: door.MNIST_NORMALIZATION,
        progress: false,
        sinks: [sink],
        ...env,
      },
    );
  } finally {
    model.dispose();
  }
  return messages;
}

test('a model saved into a folder is loaded from the folder, the file and the bytes', async () => {
  const model = new door.VisionTransformer(config);
  const folder = join(place(), 'model');
  await door.saveModel(model, folder);
  expect(fs.readdirSync(folder).sort()).toEqual([
    'config.json',
    'manifest.json',
    'model.safetensors',
  ]);
  const path = join(folder, 'model.safetensors');
  const before = tf.memory().numTensors;
  for (const source of [
    folder,
    path,
    new Uint8Array(fs.readFileSync(path)),
    await door.openFolder(folder),
  ]) {
    const loaded = await door.loadModel(source);
    expect(loaded.config).toEqual(model.config);
    expect(door.modelTensors(loaded)).toEqual(door.modelTensors(model));
    loaded.dispose();
  }
  fs.truncateSync(path, 100);
  expect(await refusalOf(door.loadModel(folder))).toMatch(/model\.safetensors/);
  expect(await refusalOf(door.loadModel(join(place(), 'none')))).toMatch(/no such file/);
  expect(tf.memory().numTensors).toBe(before);
  model.dispose();
});

test('a run in a folder leaves a complete set, and its best checkpoint loads', async () => {
  await trainInto('run');
  const folder = join(place(), 'run');
  const store = await door.openFolder(folder, { readOnly: true });
  const names = [...(await store.manifest())!.files.keys()];
  for (const name of [
    'config.json',
    'log.jsonl',
    'best_checkpoint.safetensors',
    'checkpoint.state.safetensors',
  ]) {
    expect(names).toContain(name);
  }
  for (const name of names) await store.readChecked(name);
  expect(fs.readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
  expect(fs.readdirSync(join(folder, 'tensorboard'))).toHaveLength(1);
  const model = await door.loadModel(folder, { family: door.vit });
  expect(model.config.embedDim).toBe(12);
  model.dispose();
});

test('a folder that cannot be used is refused before the first step', async () => {
  fs.writeFileSync(join(place(), 'file'), '');
  expect(await refusalOf(trainInto('file'))).toMatch(/found a file/);
  const other = await door.openFolder(join(place(), 'locked'), { create: true, lock: true });
  expect(await refusalOf(trainInto('locked'))).toMatch(/in use by process/);
  await other.close();
  expect(await refusalOf(trainInto('new', { resume: join(place(), 'none') }))).toMatch(
    /no such file/,
  );
  expect(fs.existsSync(join(place(), 'new'))).toBe(false);
});

test('a damaged run is not resumed', async () => {
  await trainInto('run');
  const file = join(place(), 'run', 'checkpoint.state.safetensors');
  const bytes = fs.readFileSync(file);
  bytes[bytes.length - 1]! ^= 1;
  fs.writeFileSync(file, bytes);
  const resume = join(place(), 'run');
  expect(await refusalOf(trainInto('run', { resume, epochs: 3 }))).toMatch(/SHA-256.*state/);
});
