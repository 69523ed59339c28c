// A run that is there already is never replaced without a word, and a run that replaces another leaves nothing of it.

import * as fs from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { InputError } from '../lib/core/errors.ts';
import { openFolder } from '../lib/io/folder.ts';
import { tensorboardSink } from '../lib/io/tensorboard.ts';
import { trainInFolder } from '../lib/node.ts';
import { temporaryFolder } from './support/failingDisk.ts';
import { eventsIn, shownSteps } from './support/tensorboardEvents.ts';
import { config, data, MemoryStore, runToy, Toy } from './support/training.ts';
import type { TrainConfig } from '../lib/training/trainConfig.ts';
import type { FolderTrainEnv } from '../lib/node.ts';

const place = temporaryFolder();
beforeAll(async () => {
  await tf.setBackend('cpu');
});

async function trainInto(
  folder: string,
  changes: Partial<TrainConfig> = {},
  env: Partial<FolderTrainEnv> = {},
): Promise<string> {
  const outputDir = join(place(), folder);
  const model = new Toy();
  const whole = { outputDir, model, ...data, progress: false, ...env };
  await trainInFolder({ ...config, ...changes }, whole).finally(() => model.dispose());
  return outputDir;
}

describe('a place with a run', () => {
  test('is refused with the ways on, and left as it is', async () => {
    const { store } = await runToy({ epochs: 1 });
    const before = new Map(store.files);
    const { error } = await runToy({ epochs: 2 }, { store });
    expect(error).toBeInstanceOf(InputError);
    expect(error!.message).toMatch(/a place without a run.*resume.*overwrite/);
    expect(store.files).toEqual(before);
  });

  test('is refused for a run that goes on from another place, too', async () => {
    const [first, second] = [await runToy({ epochs: 1 }), await runToy({ epochs: 1 })];
    const onto = { store: second.store, resume: first.store };
    expect((await runToy({}, onto)).error!.message).toMatch(/without a run/);
    expect((await runToy({}, { ...onto, overwrite: true })).error).toBeUndefined();
  });

  test('is replaced when that is asked for, and no file of it stays', async () => {
    const { store } = await runToy({}, { test: data.validation });
    for (const name of ['checkpoint.ema.safetensors', 'test.json', 'confusion.png']) {
      expect([name, await store.has(name)]).toEqual([name, true]);
    }
    const again = { ema: null, maxSteps: 1 };
    const { messages } = await runToy(again, { store, overwrite: true });
    expect(messages[0]).toBe(`Replacing the run in ${store.location}.`);
    const { store: fresh } = await runToy(again);
    expect([...store.files.keys()].sort()).toEqual([...fresh.files.keys()].sort());
  });

  test('on a disk: manifest, figures and event files are those of the new run', async () => {
    const folder = await trainInto('run', {}, { test: data.validation });
    await expect(trainInto('run')).rejects.toThrow(/without a run/);
    const old = new Set(fs.readdirSync(join(folder, 'tensorboard')));
    await trainInto('run', { ema: null, maxSteps: 1 }, { overwrite: true });
    const fresh = await trainInto('fresh', { ema: null, maxSteps: 1 });
    expect(fs.readdirSync(folder).sort()).toEqual(fs.readdirSync(fresh).sort());
    const names = async (path: string) =>
      [...(await (await openFolder(path)).manifest())!.files.keys()].sort();
    expect(await names(folder)).toEqual(await names(fresh));
    const events = fs.readdirSync(join(folder, 'tensorboard'));
    expect(events).toHaveLength(1);
    expect(old.has(events[0]!)).toBe(false);
  });

  test('a manifest that lists foreign places removes nothing there', async () => {
    const folder = await trainInto('run', { maxSteps: 1 });
    fs.writeFileSync(join(place(), 'other.txt'), 'mine');
    const manifest = join(folder, 'manifest.json');
    const text = fs.readFileSync(manifest, 'utf8');
    const entry = `"../other.txt": {"bytes": 4, "sha256": "${'0'.repeat(64)}"},`;
    fs.writeFileSync(manifest, text.replace('"files": {', `"files": {${entry}`));
    await trainInto('run', { maxSteps: 1 }, { overwrite: true });
    expect(fs.readFileSync(join(place(), 'other.txt'), 'utf8')).toBe('mine');
  });
});

test.each(['config.json', 'model.safetensors', 'best_checkpoint.safetensors'])(
  'a place with a %s of something else is refused, whatever is asked for',
  async (name) => {
    for (const overwrite of [false, true]) {
      const store = new MemoryStore();
      store.files.set(name, Uint8Array.of(1));
      const { error } = await runToy({}, { store, overwrite });
      expect(error).toBeInstanceOf(InputError);
      expect(error!.message).toContain(name);
      expect([...store.files.keys()]).toEqual([name]);
    }
  },
);

describe('TensorBoard', () => {
  test('shows each step once after a kill and a resume', async () => {
    // The first run reports step 7 and is killed; step 4 was the last that was saved.
    const folder = await trainInto('run', { maxSteps: 4 });
    const killed = tensorboardSink(join(folder, 'tensorboard'), { flushMs: 0 });
    for (const step of [5, 6, 7]) killed.scalars!(step, { loss: -1 });
    await trainInto('run', {}, { resume: folder });
    const shown = shownSteps(eventsIn(join(folder, 'tensorboard')), 'loss');
    expect(shown.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(shown.every(({ value }) => value > 0)).toBe(true);
    const epochs = shownSteps(eventsIn(join(folder, 'tensorboard')), 'epoch/trainLoss');
    expect(epochs.map(({ step }) => step)).toEqual([1, 2]);
  });

  test('reads the files in the order of the runs, also when a clock went back', () => {
    const folder = join(place(), 'events');
    const clock = jest.spyOn(Date, 'now').mockReturnValue(2_000_000_000_000);
    const write = (value: number) => {
      const sink = tensorboardSink(folder);
      sink.begin!({ epoch: 0, step: 0, resumed: true, replaced: false });
      sink.scalars!(1, { loss: value });
      void sink.close!();
    };
    write(1);
    clock.mockReturnValue(1_900_000_000_000);
    write(2);
    clock.mockRestore();
    expect(shownSteps(eventsIn(folder), 'loss')).toEqual([{ step: 1, value: 2 }]);
  });
});
