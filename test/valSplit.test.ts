// The validation split: the images held out, the choice of the best epoch on them, and the one evaluation on the test part.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { InputError } from '../lib/core/errors.ts';
import type { TestLog } from '../lib/core/runSink.ts';
import type { Stop } from '../lib/core/stop.ts';
import { firstImages, MemoryDataset, type Dataset } from '../lib/data/dataset.ts';
import { Loader } from '../lib/data/loader.ts';
import { heldOutCount, holdOut } from '../lib/data/split.ts';
import { evaluate } from '../lib/training/evaluate.ts';
import { runContent } from './support/runContent.ts';
import { MemoryStore, normalize, patterns, runToy, Toy, weightsIn } from './support/training.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

// Image i has the byte i, so that an image says where it comes from.
function numbered(labels: readonly number[], classes = 3): MemoryDataset {
  return new MemoryDataset({
    images: Uint8Array.from(labels, (_, i) => i),
    labels: Uint8Array.from(labels),
    imageShape: [1, 1, 1],
    classNames: Array.from({ length: classes }, (_, k) => String(k)),
  });
}

async function indicesOf(dataset: Dataset): Promise<number[]> {
  const indices: number[] = [];
  for (let i = 0; i < dataset.length; i += 1) indices.push((await dataset.image(i)).data[0]!);
  return indices;
}

describe('holdOut', () => {
  // 100, 60 and 40 images of three classes, mixed.
  const labels = Array.from({ length: 200 }, (_, i) => [0, 1, 0, 2, 0, 1, 0, 2, 0, 1][i % 10]!);
  const dataset = numbered(labels);

  test('always takes the same images', async () => {
    const [a, b] = [holdOut(dataset, 20), holdOut(numbered(labels), 20)];
    expect(await indicesOf(a.validation)).toEqual(await indicesOf(b.validation));
    // Written down once: a run that goes on, and a model card, depend on them.
    expect(await indicesOf(holdOut(numbered([0, 1, 0, 1, 0, 1, 0, 1], 2), 4).validation)).toEqual([
      0, 1, 3, 6,
    ]);
  });

  test('gives disjoint parts that together are all of it, each in the order of the data set', async () => {
    const { train, validation } = holdOut(dataset, 20);
    const [a, b] = [await indicesOf(train), await indicesOf(validation)];
    expect([a.length, b.length]).toEqual([180, 20]);
    expect([...a, ...b].sort((x, y) => x - y)).toEqual(labels.map((_, i) => i));
    for (const part of [a, b]) expect(part).toEqual([...part].sort((x, y) => x - y));
    expect(a.map((_, i) => train.label(i))).toEqual(a.map((i) => labels[i]));
    expect(b.map((_, i) => validation.label(i))).toEqual(b.map((i) => labels[i]));
  });

  test('takes of each class its share', () => {
    const { validation } = holdOut(dataset, 20);
    const counts = [0, 0, 0];
    for (let i = 0; i < 20; i += 1) counts[validation.label(i)]! += 1;
    expect(counts).toEqual([10, 6, 4]);
  });

  test('a larger split contains a smaller one', async () => {
    const larger = new Set(await indicesOf(holdOut(dataset, 40).validation));
    for (const index of await indicesOf(holdOut(dataset, 20).validation)) {
      expect(larger.has(index)).toBe(true);
    }
  });

  test('0 holds nothing out', async () => {
    const { train, validation } = holdOut(dataset, 0);
    expect(validation.length).toBe(0);
    expect(await indicesOf(train)).toEqual(await indicesOf(dataset));
  });

  test('leaves each class an image to train on', () => {
    const { train } = holdOut(numbered([0, 0, 0, 0, 1, 1, 2, 2]), 5);
    const left = new Set(Array.from({ length: 3 }, (_, i) => train.label(i)));
    expect(left).toEqual(new Set([0, 1, 2]));
  });

  test.each([-1, 1.5, 200, NaN])('refuses %d of 200 images', (count) => {
    expect(() => holdOut(dataset, count)).toThrow(/valSplit/);
  });
});

test.each([
  [0, 0],
  [5000, 5000],
  [1, 1],
  [0.1, 6000],
  [0.00001, 1],
])('valSplit %d holds out %d of 60,000', (valSplit, count) => {
  expect(heldOutCount(valSplit, 60_000)).toBe(count);
});

test.each([-1, 1.5, NaN, Infinity, '0.1'])('valSplit %p is refused', (valSplit) => {
  expect(() => heldOutCount(valSplit as number, 10)).toThrow(InputError);
});

describe('a run that holds out images', () => {
  const whole = patterns(56, 1);
  const test_ = patterns(24, 3);
  const parts = { train: whole, validation: undefined, test: test_, normalize };
  const heldOut = holdOut(whole, 20);

  test('trains on the rest, chooses the best epoch on them, and tests once with its weights', async () => {
    const reads: number[] = [];
    const image = test_.image.bind(test_);
    const counted = Object.assign(patterns(24, 3), {
      image: (index: number) => {
        reads.push(index);
        return image(index);
      },
    });
    const tests: [TestLog, number][] = [];
    const sinks = [{ test: (log: TestLog, epochs: number) => tests.push([log, epochs]) }];
    const { result, store, error } = await runToy(
      { valSplit: 20, epochs: 3 },
      { ...parts, test: counted, sinks },
    );
    expect(error).toBeUndefined();
    // The fingerprint reads each of the few images once, the evaluation again.
    expect(reads).toHaveLength(2 * 24);
    const best = weightsIn(store, 'best_checkpoint.safetensors');
    const model = new Toy();
    model.weight.assign(tf.tensor(Float32Array.from(best.get('head.weight') as never), [64, 4]));
    model.bias.assign(tf.tensor(Float32Array.from(best.get('head.bias') as never), [4]));
    const on = async (dataset: Dataset) =>
      evaluate(model, new Loader({ dataset, batchSize: 8, normalize }));
    const [validation, tested] = [await on(heldOut.validation), await on(test_)];
    model.dispose();
    expect(result!.best!.top1).toBe(validation.top1);
    expect(result!.best!.top1).toBe(Math.max(...result!.log.map(({ valTop1 }) => valTop1!)));
    const { images, loss, top1, top5 } = tested;
    const { epoch, top1: valTop1, loss: valLoss, top5: valTop5 } = result!.best!;
    const chosen = { valLoss, valTop1, valTop5 };
    expect(result!.test).toEqual({ epoch, ...chosen, images, loss, top1, top5 });
    expect(tests).toEqual([[result!.test, 3]]);
    expect(JSON.parse(store.text('test.json'))).toEqual({
      epochs: 3,
      ...result!.test,
      ...tested,
    });
    expect([...store.files.get('test_confusion.png')!.subarray(1, 4)]).toEqual([0x50, 0x4e, 0x47]);
  });

  test('is the run of the parts themselves, byte for byte', async () => {
    const a = await runToy({ valSplit: 20 }, parts);
    const b = await runToy({}, { ...parts, ...heldOut });
    const [held, given] = [runContent(a.store), runContent(b.store)];
    expect([held.weights, held.best, held.log]).toEqual([given.weights, given.best, given.log]);
    expect(a.messages[0]).toMatch(/Held out for validation: 20 of 56 training images/);
    expect(b.messages[0]).toMatch(/validation part of the data, 20 images; nothing is held out/);
    expect(JSON.parse(a.store.text('config.json'))).toMatchObject({ valSplit: 20 });
  });

  test('counts limit after the split', async () => {
    const { steps, store } = await runToy({ valSplit: 20, limit: 16, epochs: 1 }, parts);
    expect(steps).toHaveLength(2);
    const given = await runToy(
      { limit: 16, epochs: 1 },
      { ...parts, ...heldOut, train: firstImages(heldOut.train, 16) },
    );
    expect(runContent(store).weights).toEqual(runContent(given.store).weights);
  });

  test('a validation part is used, and nothing is held out', async () => {
    const { messages, store } = await runToy(
      { valSplit: 20, epochs: 1 },
      { ...parts, validation: patterns(12, 2) },
    );
    const plain = await runToy({ epochs: 1 }, { train: whole, validation: patterns(12, 2) });
    expect(messages[0]).toMatch(/validation part of the data, 12 images; nothing is held out/);
    expect(runContent(store).weights).toEqual(runContent(plain.store).weights);
  });

  test('valSplit 0: the last epoch is the best, says so, and is tested', async () => {
    const { result, store, messages } = await runToy({ valSplit: 0, ema: null }, parts);
    expect(messages[0]).toMatch(/valSplit 0.*the last epoch counts as the best/);
    expect(result!.best).toBeNull();
    expect(result!.test).toMatchObject({ epoch: 2, valTop1: null, images: 24 });
    expect(weightsIn(store, 'best_checkpoint.safetensors')).toEqual(
      weightsIn(store, 'checkpoint.safetensors'),
    );
  });

  test('keeps its own weights through the test', async () => {
    const model = new Toy();
    const { store } = await runToy({ valSplit: 20 }, { ...parts, model });
    const last = weightsIn(store, 'checkpoint.safetensors').get('head.weight');
    expect(await model.weight.data()).toEqual(last);
    model.dispose();
  });

  test.each([[1], [5], [9], [10]])('stopped after step %d it goes on as one', async (step) => {
    const straight = await runToy({ valSplit: 20 }, parts);
    const store = new MemoryStore();
    const first = await runToy({ valSplit: 20, maxSteps: step }, { ...parts, store });
    const finished = step === 10;
    expect(first.result!.test === null).toBe(!finished);
    expect(store.files.has('test.json')).toBe(finished);
    const { result } = await runToy({ valSplit: 20 }, { ...parts, store, resume: store });
    expect(result!.test).toEqual(straight.result!.test);
    expect(runContent(store)).toEqual(runContent(straight.store));
    expect(store.text('test.json')).toBe(straight.store.text('test.json'));
  });

  test('a signal during the test ends it; going on makes up for it, and then there is nothing to do', async () => {
    const straight = await runToy({ valSplit: 20 }, parts);
    const store = new MemoryStore();
    let reads = 0;
    const slow = patterns(24, 3);
    const image = slow.image.bind(slow);
    slow.image = (index) => {
      reads += 1;
      return image(index);
    };
    const stop: Stop = {
      get signal() {
        return reads > 24 ? 'SIGTERM' : undefined;
      },
    };
    const stopped = await runToy({ valSplit: 20 }, { ...parts, test: slow, store, stop });
    expect(stopped.result).toMatchObject({
      reason: 'SIGTERM',
      exitCode: 143,
      epoch: 2,
      test: null,
    });
    expect(store.files.has('test.json')).toBe(false);
    const going = { ...parts, store, resume: store };
    const { result } = await runToy({ valSplit: 20 }, going);
    expect(result).toMatchObject({ reason: 'finished', test: straight.result!.test });
    expect(runContent(store)).toEqual(runContent(straight.store));
    store.commits = [];
    await runToy({ valSplit: 20 }, going);
    expect(store.commits).toEqual([]);
  });

  test('for more epochs it is tested anew at its new end', async () => {
    const store = new MemoryStore();
    await runToy({ valSplit: 20 }, { ...parts, store });
    const { result } = await runToy(
      { valSplit: 20, epochs: 3 },
      { ...parts, store, resume: store },
    );
    expect(JSON.parse(store.text('test.json'))).toMatchObject({ epochs: 3, ...result!.test });
  });

  test('another split is a difference', async () => {
    const store = new MemoryStore();
    await runToy({ valSplit: 20, maxSteps: 2 }, { ...parts, store });
    const { error } = await runToy({ valSplit: 10 }, { ...parts, store, resume: store });
    expect(error!.message).toMatch(/valSplit: 20 → 10/);
  });
});
