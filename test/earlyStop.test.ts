// Early stopping: when it ends a run, what it says, and that stopping and going on changes nothing.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { InputError } from '../lib/core/errors.ts';
import { classification } from '../lib/training/classification.ts';
import { isStoppedEarly } from '../lib/training/earlyStop.ts';
import type { Evaluation } from '../lib/training/metrics.ts';
import type { Task } from '../lib/training/task.ts';
import { runContent } from './support/runContent.ts';
import { data, runToy } from './support/training.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

// Epoch `last` is the best one, whatever the numbers are.
function bestAt(last: number): Task<Evaluation> {
  const better = (b: { epoch?: number } | null) => b === null || (b.epoch ?? 0) < last;
  return { ...classification(), isBetter: (_, b) => better(b) };
}

test.each([
  [{ epoch: 5, update: 0, best: { epoch: 3 } }, { earlyStop: 2, minEpochs: null }, true],
  [{ epoch: 4, update: 0, best: { epoch: 3 } }, { earlyStop: 2, minEpochs: null }, false],
  [{ epoch: 5, update: 1, best: { epoch: 3 } }, { earlyStop: 2, minEpochs: null }, false],
  [{ epoch: 5, update: 0, best: { epoch: 3 } }, { earlyStop: 2, minEpochs: 6 }, false],
  [{ epoch: 2, update: 0, best: null }, { earlyStop: 2, minEpochs: null }, true],
  [{ epoch: 99, update: 0, best: null }, { earlyStop: null, minEpochs: null }, false],
])('%j with %j ends: %s', (state, config, ends) => {
  expect(isStoppedEarly(state, config)).toBe(ends);
});

test('ends a run after epochs that were not better, says why, and tests the best', async () => {
  const { result, messages, store } = await runToy(
    { epochs: 9, earlyStop: 2 },
    { task: bestAt(2), test: data.validation },
  );
  expect(result).toMatchObject({ reason: 'earlyStop', exitCode: 0, epoch: 4, best: { epoch: 2 } });
  expect(messages).toContain(
    'Stopped early after epoch 4: none of the last 2 was better than epoch 2. A larger earlyStop (--early-stop) goes on.',
  );
  expect(result!.test).toMatchObject({ epoch: 2, images: 20 });
  expect(store.text('test.json')).not.toBe('');
});

test('minEpochs puts the end off', async () => {
  const { result } = await runToy({ epochs: 9, earlyStop: 1, minEpochs: 5 }, { task: bestAt(1) });
  expect(result).toMatchObject({ reason: 'earlyStop', epoch: 5 });
});

test('a run that was stopped in between ends at the same epoch with the same bytes', async () => {
  const early = { epochs: 9, earlyStop: 2 };
  const task = bestAt(2);
  const { store: whole } = await runToy(early, { task });
  for (const maxSteps of [3, 10, 18, 20]) {
    const { store } = await runToy({ ...early, maxSteps }, { task });
    const { result } = await runToy(early, { store, resume: store, task });
    expect(result).toMatchObject({ reason: 'earlyStop', epoch: 4 });
    expect(runContent(store)).toEqual(runContent(whole));
  }
});

test('an ended run says so when it is resumed, and goes on with a larger patience', async () => {
  const task = bestAt(1);
  const { store } = await runToy({ epochs: 4, earlyStop: 1 }, { task });
  const commits = store.commits.length;
  const again = await runToy({ epochs: 4, earlyStop: 1 }, { store, resume: store, task });
  expect(again.messages).toEqual([
    'Stopped early after epoch 2: none of the last 1 was better than epoch 1. A larger earlyStop (--early-stop) goes on.',
  ]);
  expect([again.result!.reason, store.commits.length]).toEqual(['earlyStop', commits]);
  const { store: patient } = await runToy({ epochs: 4, earlyStop: 3 }, { task });
  await runToy({ epochs: 4, earlyStop: 3 }, { store, resume: store, task });
  expect(runContent(store)['weights']).toEqual(runContent(patient)['weights']);
});

test('needs images to evaluate on', async () => {
  const { error } = await runToy({ earlyStop: 3 }, { validation: undefined });
  expect(error).toBeInstanceOf(InputError);
  expect(error!.message).toBe(
    'Expected validation images for earlyStop 3, received none. Hold images out (valSplit, --val-split 0.1), or leave it out.',
  );
});
