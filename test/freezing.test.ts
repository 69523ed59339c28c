// Frozen parameters: what stays as it is to the last bit, and what is told and refused.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { InputError } from '../lib/core/errors.ts';
import { overridesOf, train as trainCommand } from '../lib/cli/commands/train.ts';
import { parseArguments } from '../lib/cli/parseArguments.ts';
import { parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import { train } from '../lib/training/trainer.ts';
import { trainablePart } from '../lib/training/trainablePart.ts';
import type { TrainConfig } from '../lib/training/trainConfig.ts';
import { runContent } from './support/runContent.ts';
import { config, data, MemoryStore, patterns, runToy, tinyModel } from './support/training.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const names = (choice: Parameters<typeof trainablePart>[1]) => {
  const model = tinyModel();
  try {
    return [...trainablePart(model, choice).namedParameters().keys()];
  } finally {
    model.dispose();
  }
};
const all = names({});
const isAttention = (name: string) => name.includes('.attn.');

/** The parameters of a run before and after it, as bytes, with the names of those that the optimizer has a state for. */
async function trained(changes: Partial<TrainConfig>, store = new MemoryStore()) {
  const model = tinyModel();
  const bytesOf = (tensor: tf.Tensor) => Buffer.from(tensor.dataSync().slice().buffer);
  const before = new Map(
    [...model.namedParameters()].map(([k, v]) => [k, bytesOf(v).toString('hex')]),
  );
  const messages: string[] = [];
  const sinks = [{ message: (text: string) => messages.push(text) }];
  await train(
    { ...config, maxSteps: 2, ...changes },
    { ...data, train: patterns(16), store, model, sinks },
  );
  model.dispose();
  const stored = (file: string) =>
    new Map(
      [...parseSafetensors(store.files.get(file)!).tensors].map(([k, { data: values }]) => [
        k,
        Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('hex'),
      ]),
    );
  const weights = stored('checkpoint.safetensors');
  const average = stored('checkpoint.ema.safetensors');
  const changed = (after: typeof weights) =>
    [...after.keys()].filter((k) => after.get(k) !== before.get(k));
  const state = [...stored('checkpoint.state.safetensors').keys()].map((k) =>
    k.replace(/\/.*/, ''),
  );
  return { changed: changed(weights), averaged: changed(average), state: new Set(state), messages };
}

describe('a frozen parameter', () => {
  test.each<[string, Partial<TrainConfig>, (name: string) => boolean]>([
    ['attnOnly', { attnOnly: true }, isAttention],
    [
      'attnOnly as DeiT has it',
      { attnOnly: true, unfreeze: 'head,pos_embed' },
      (name) => isAttention(name) || /^(head\.|pos_embed)/.test(name),
    ],
    [
      'modules',
      { freeze: 'patch_embed,blocks.0' },
      (name) => !/^(patch_embed|blocks\.0)\./.test(name),
    ],
    [
      'a pattern',
      { freeze: ['blocks.*.mlp', 'pos_embed'] },
      (name) => !/\.mlp\.|^pos_embed/.test(name),
    ],
  ])(
    'is equal to the byte, its average too, and has no state: %s',
    async (_, changes, isTrained) => {
      const decaying = { optimizer: { weightDecay: 0.5, layerDecay: 0.9 } };
      const { changed, averaged, state, messages } = await trained({ ...changes, ...decaying });
      const wanted = all.filter(isTrained);
      expect(changed).toEqual(wanted);
      expect(averaged).toEqual(wanted);
      expect([...state]).toEqual(wanted);
      expect(messages.join()).toMatch(
        /Training \d+ of 32 tensors, [\d,]+ of [\d,]+ parameters; the others are frozen/,
      );
    },
  );

  test('without one the run says nothing and trains all', async () => {
    const { changed, messages } = await trained({});
    expect(changed).toEqual(all);
    expect(messages.join()).not.toMatch(/frozen/);
  });

  const native = nativeUnavailableReason() === undefined ? test : test.skip;
  native('on native, which updates in place', async () => {
    await tf.setBackend('native');
    try {
      const { changed, averaged } = await trained({ attnOnly: true });
      expect([changed, averaged]).toEqual([all.filter(isAttention), all.filter(isAttention)]);
    } finally {
      await tf.setBackend('cpu');
    }
  });

  test('stays frozen in a run that is stopped and resumed: the bytes of one that never stopped', async () => {
    const [whole, store] = [new MemoryStore(), new MemoryStore()];
    const run = async (place: MemoryStore, maxSteps: number | null, resume?: MemoryStore) => {
      const model = tinyModel();
      const choice = { freeze: 'blocks.0', maxSteps };
      await train(
        { ...config, ...choice },
        { ...data, train: patterns(16), store: place, resume, model },
      );
      model.dispose();
    };
    await run(whole, null);
    await run(store, 1);
    await run(store, 3, store);
    await run(store, null, store);
    expect(runContent(store)).toEqual(runContent(whole));
  });
});

describe('names', () => {
  test('stand for parameters, modules and patterns, in a list or a text', () => {
    expect(names({ freeze: 'blocks' })).toEqual(all.filter((name) => !name.startsWith('blocks.')));
    expect(names({ freeze: 'blocks', unfreeze: 'blocks.1.norm2' })).toContain(
      'blocks.1.norm2.bias',
    );
    expect(names({ freeze: ['cls_token', 'norm.bias'] })).toHaveLength(all.length - 2);
    expect(names({ freeze: 'blocks.*.norm*' })).toHaveLength(all.length - 8);
  });

  test.each<[Parameters<typeof trainablePart>[1], RegExp]>([
    [
      { freeze: 'blokcs.0' },
      /a parameter or module of the model for freeze, received "blokcs\.0"\. Did you mean blocks\.0\?/,
    ],
    [{ freeze: 'block' }, /received "block"\. Did you mean blocks\?/],
    [{ freeze: 'zzzzzzzz' }, /received "zzzzzzzz"\. tfjs-vit summary/],
    [{ freeze: 'head', unfreeze: 'heat' }, /for unfreeze, received "heat"\. Did you mean head\?/],
    [{ freeze: '**' }, /a parameter to train.*Everything is frozen/],
    [{ freeze: '' }, /names of parameters and modules for freeze, received ""/],
    [{ unfreeze: 'head' }, /freeze or attnOnly for unfreeze/],
  ])('%j is refused', (choice, message) => {
    expect(() => names(choice)).toThrow(InputError);
    expect(() => names(choice)).toThrow(message);
  });

  test('attnOnly needs attention, before anything is written', async () => {
    const { error, store } = await runToy({ attnOnly: true });
    expect(error?.message).toMatch(/a model with attention for attnOnly/);
    expect(store.commits).toEqual([]);
  });

  test('the flags of train', () => {
    const words = ['--freeze', 'head,norm', '--attn-only', '--unfreeze', 'pos_embed'];
    const { freeze, attnOnly, unfreeze } = Object.fromEntries(
      overridesOf(parseArguments(words, trainCommand)),
    );
    expect([freeze, attnOnly, unfreeze]).toEqual(['head,norm', true, 'pos_embed']);
  });
});
