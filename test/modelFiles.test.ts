import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { formatSafetensors, parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import { CheckpointError } from '../lib/core/errors.ts';
import type { FileStore } from '../lib/core/store.ts';
import { loadModel } from '../lib/models/loadModel.ts';
import { modelBytes, saveModel } from '../lib/models/saveModel.ts';
import type { Model } from '../lib/models/model.ts';
import { build, images, tiny } from './support/tinyModel.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** A store in a map. */
class MapStore implements FileStore {
  readonly location = 'memory';
  readonly files = new Map<string, Uint8Array>();

  read(name: string): Promise<Uint8Array> {
    return Promise.resolve(this.files.get(name)!);
  }

  has(name: string): Promise<boolean> {
    return Promise.resolve(this.files.has(name));
  }

  write(name: string, bytes: Uint8Array | string): Promise<void> {
    this.files.set(name, typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes);
    return Promise.resolve();
  }

  async commit(files: ReadonlyMap<string, Uint8Array | string>): Promise<void> {
    for (const [name, bytes] of files) await this.write(name, bytes);
  }
}

describe('save and loadModel', () => {
  const logits = (model: Model) => tf.tidy(() => model.forward(images()).dataSync());

  test('a saved model comes back, bit for bit', async () => {
    const model = build({ seed: 3, regTokens: 1, layerScaleInit: 0.1 });
    const store = new MapStore();
    const before = tf.memory().numTensors;
    await saveModel(model, store);
    expect(tf.memory().numTensors).toBe(before);
    expect([...store.files.keys()].sort()).toEqual(['config.json', 'model.safetensors']);
    const loaded = await loadModel(store);
    expect(loaded.config).toEqual(model.config);
    expect(logits(loaded)).toEqual(logits(model));
    model.dispose();
    loaded.dispose();
  });

  test('the config.json of a run or of another program is not replaced, a saved model is', async () => {
    const model = build();
    const store = new MapStore();
    await store.write('config.json', '{"epochs": 3}');
    await expect(saveModel(model, store)).rejects.toThrow(/belongs to a run or another program/);
    expect([...store.files.keys()]).toEqual(['config.json']);
    store.files.clear();
    await saveModel(model, store);
    await saveModel(model, store);
    model.dispose();
  });

  test('one file is enough: it carries the configuration', async () => {
    const model = build();
    const loaded = await loadModel(await modelBytes(model));
    expect(logits(loaded)).toEqual(logits(model));
    model.dispose();
    loaded.dispose();
  });

  test('a file of another library takes the configuration beside it, a run’s or a given one', async () => {
    const model = build();
    const { tensors } = parseSafetensors(await modelBytes(model));
    const bytes = formatSafetensors(tensors);
    await expect(loadModel(bytes)).rejects.toThrow(/a model configuration for model\.safetensors/);
    const given = await loadModel(bytes, {
      config: { ...tiny, img_size: 16, imageSize: undefined },
    });
    expect(logits(given)).toEqual(logits(model));
    const store = new MapStore();
    await store.write('checkpoint.safetensors', bytes);
    await store.write('config.json', JSON.stringify({ epochs: 3, model: model.config }));
    const run = await loadModel(store);
    expect(logits(run)).toEqual(logits(model));
    for (const each of [model, given, run]) each.dispose();
  });

  test('weights that do not fit are refused, and nothing stays allocated', async () => {
    const model = build();
    const bytes = await modelBytes(model);
    const before = tf.memory().numTensors;
    const other = loadModel(bytes, { config: { ...tiny, depth: 3 } });
    await expect(other).rejects.toThrow(CheckpointError);
    await expect(loadModel(bytes.subarray(0, 100))).rejects.toThrow(CheckpointError);
    await expect(loadModel(new MapStore())).rejects.toThrow(
      /one of best_checkpoint\.safetensors, .*model\.safetensors/,
    );
    expect(tf.memory().numTensors).toBe(before);
    model
      .namedParameters()
      .get('head.bias')!
      .assign(tf.fill([5], Number.NaN));
    await expect(loadModel(await modelBytes(model))).rejects.toThrow(/head\.bias/);
    model.dispose();
  });
});
