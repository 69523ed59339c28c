// How a run ends, goes on and saves: what must not be lost waits for the disk, and each end says what comes next.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { IoError } from '../lib/core/errors.ts';
import { formatSafetensors, parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import { bestLines } from '../lib/io/runLines.ts';
import { secondsLeft } from '../lib/training/timeLeft.ts';
import { runContent } from './support/runContent.ts';
import { data, MemoryStore, runToy } from './support/training.ts';
import type { EvaluationProgress } from '../lib/core/runSink.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** A store that refuses commits while `refuses` says so. */
class FullStore extends MemoryStore {
  refuses: (info: Record<string, unknown>, names: readonly string[]) => boolean = () => false;
  refused = 0;

  override commit(files: ReadonlyMap<string, Uint8Array | string>, info: Record<string, unknown>) {
    if (!this.refuses(info, [...files.keys()])) return super.commit(files, info);
    this.refused += 1;
    return Promise.reject(new IoError('No space is left.'));
  }
}

describe('a disk that is full', () => {
  test('for a moment at the end of an epoch costs nothing', async () => {
    const store = new FullStore();
    const until = { time: 0 };
    store.refuses = ({ epoch }) => {
      if (epoch !== 1 || store.refused > 50) return false;
      if (until.time === 0) until.time = performance.now() + 600;
      return performance.now() < until.time;
    };
    const { result, messages } = await runToy({}, { store });
    expect(result!.reason).toBe('finished');
    expect(store.refused).toBeGreaterThan(0);
    expect(messages[0]).toMatch(/^Could not save epoch 1: No space is left\. It is tried again/);
    expect(messages[1]).toBe(`Saved epoch 1 in ${store.location}.`);
    const { store: whole } = await runToy({});
    expect(runContent(store)).toEqual(runContent(whole));
  });

  test('longer than the wait lets training go on; the next save has the best weights', async () => {
    const store = new FullStore();
    store.refuses = ({ epoch }) => epoch === 1;
    const { result, messages } = await runToy({}, { store, saveWaitSeconds: 0 });
    expect(result!.reason).toBe('finished');
    expect(messages).toContainEqual(
      expect.stringMatching(/^Epoch 1 is not saved yet; training goes on/),
    );
    const { store: whole } = await runToy({});
    expect(runContent(store)).toEqual(runContent(whole));
  });

  test('at the last save ends the run with its error', async () => {
    const store = new FullStore();
    store.refuses = ({ step }) => step === 3;
    const stopped = await runToy({ maxSteps: 3 }, { store, saveWaitSeconds: 0 });
    expect(stopped.error).toBeInstanceOf(IoError);
    const last = new FullStore();
    last.refuses = ({ epoch }) => epoch === 2;
    const ended = await runToy({}, { store: last, saveWaitSeconds: 0 });
    expect(ended.error).toBeInstanceOf(IoError);
    expect(ended.messages).toContainEqual(expect.stringMatching(/^Epoch 2 is not saved/));
  });
});

describe('going on', () => {
  test('a finished run says so, and does nothing', async () => {
    const { store } = await runToy({}, { test: data.validation });
    const commits = store.commits.length;
    const { messages, result } = await runToy({}, { store, resume: store, test: data.validation });
    expect(messages[0]).toMatch(
      /^The run in memory \d+ is finished: epoch 2 is done\. A larger number/,
    );
    expect(messages.join()).not.toContain('Going on');
    expect([result!.reason, store.commits.length]).toEqual(['finished', commits]);
    const fewer = await runToy({ epochs: 1 }, { store, resume: store, test: data.validation });
    expect(fewer.messages[0]).toContain('epoch 2 is done, 1 asked for.');
  });

  test('with more epochs says that the rate rises again', async () => {
    const { store } = await runToy({});
    const { messages } = await runToy({ epochs: 6 }, { store, resume: store });
    expect(messages[1]).toMatch(
      /^The schedule is now 6 epochs long: the learning rate rises again, from \d\.\de-\d to \d\.\de-\d\.$/,
    );
    const { store: stopped } = await runToy({ maxSteps: 3 });
    const same = await runToy({}, { store: stopped, resume: stopped });
    expect(same.messages.join()).not.toContain('rises');
  });

  test('with another instruction set says so', async () => {
    const backend = tf.backend() as { instructionSet?: string };
    try {
      backend.instructionSet = 'amx';
      const { store } = await runToy({ maxSteps: 1 });
      const same = await runToy({ maxSteps: 2 }, { store, resume: store });
      expect(same.messages.join()).not.toContain('instead of');
      backend.instructionSet = 'avx2';
      const { messages } = await runToy({}, { store, resume: store });
      expect(messages[0]).toMatch(
        /^Going on with instruction set avx2 instead of amx: equal up to rounding/,
      );
    } finally {
      delete backend.instructionSet;
    }
  });

  test('a run of a version that stored no instruction set goes on without a word', async () => {
    const { store } = await runToy({ maxSteps: 1 });
    const name = 'checkpoint.state.safetensors';
    const { tensors, metadata } = parseSafetensors(store.files.get(name)!);
    metadata.delete('isa');
    store.files.set(name, formatSafetensors(tensors, Object.fromEntries(metadata)));
    const { messages } = await runToy({}, { store, resume: store });
    expect(messages.join()).not.toContain('instruction');
  });
});

describe('progress', () => {
  test('an evaluation reports its images, and is part of the time left', async () => {
    const told: EvaluationProgress[] = [];
    const sinks = [{ evaluation: (progress: EvaluationProgress) => told.push(progress) }];
    await runToy({ epochs: 1 }, { sinks, test: data.validation });
    expect(told.map(({ part, images, total }) => [part, images, total])).toEqual(
      ['validation', 'test'].flatMap((part) => [8, 16, 20].map((images) => [part, images, 20])),
    );
    expect(told.every(({ secondsLeft: left }) => left >= 0)).toBe(true);
    expect(told.at(-1)!.secondsLeft).toBe(0);
    expect(told[0]!.secondsLeft).toBeGreaterThan(0);
  });

  test('the time left counts the updates, the evaluations that are to come, and the test', () => {
    const loader = (length: number) => ({ config: { dataset: { length } } }) as never;
    const run = {
      state: { step: 10, epoch: 1 },
      config: { maxSteps: null },
      epochs: 3,
      updatesPerEpoch: 10,
      loader: loader(100),
      validation: loader(50),
      test: loader(30),
      times: {
        start: performance.now() - 15_000,
        firstStep: 0,
        evaluating: { seconds: 5, images: 50 },
      },
    };
    // 20 updates of 1 s, two evaluations of 50 images and one of 30 at 0.1 s.
    expect(secondsLeft(run as never)).toBeCloseTo(20 + 13, 0);
    const stopping = { ...run, config: { maxSteps: 15 } };
    expect(secondsLeft(stopping as never)).toBeCloseTo(5, 0);
  });

  test('the result of a run without a test in lines', () => {
    expect(bestLines({ epoch: 2, loss: 0.5, top1: 0.75, top5: 1 }, 3)).toEqual([
      'best epoch        2',
      'validation top-1  75.00 %',
    ]);
    expect(bestLines(null, 3)).toEqual(['best epoch        3, the last: nothing was held out']);
  });
});
