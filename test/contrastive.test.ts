// The task of CLIP: captions and images that belong together, and what explains their likeness.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import { VitError } from '../lib/core/errors.ts';
import { MemoryDataset } from '../lib/data/dataset.ts';
import { Loader } from '../lib/data/loader.ts';
import { scenesDataset } from '../lib/data/scenesDataset.ts';
import { similarityRelevance } from '../lib/explain/similarityRelevance.ts';
import { Clip } from '../lib/models/clip/clip.ts';
import { ClipTokenizer } from '../lib/tokenizers/clipTokenizer.ts';
import { classVectors, contrastive } from '../lib/training/contrastive.ts';
import { evaluate } from '../lib/training/evaluate.ts';
import { makeOptimizer } from '../lib/training/optimizer.ts';
import { valueAndGrad } from '../lib/training/valueAndGrad.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const normalize = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const scenes = scenesDataset({ count: 12, size: 16, maxObjects: 1 });
const tokenizer = ClipTokenizer.learn(Array.from({ length: 12 }, (_, i) => scenes.caption(i)));
const encode = (texts: readonly string[]) => tokenizer.encodeAll(texts, { length: 8 });
const prompts = scenes.classNames.map((kind) => [`a red ${kind}`, `a blue ${kind}`]);
const task = contrastive({ encode, prompts });

const tiny = () =>
  new Clip({
    vision: { imageSize: 16, patchSize: 8, embedDim: 12, depth: 1, numHeads: 2, weightInit: 'jax' },
    text: { vocabSize: tokenizer.vocabSize, eosTokenId: tokenizer.endId, contextLength: 8, embedDim: 8, depth: 1, numHeads: 2, weightInit: 'jax' }, // prettier-ignore
    projectionDim: 6,
  });

const loader = (dataset = scenes as never) => new Loader({ dataset, batchSize: 12, normalize });

describe('the task contrastive', () => {
  test('has the loss of both directions, a shared caption being one text', async () => {
    const model = tiny();
    const batch = await loader().batch(0, 0);
    const captions = batch.captions!.map((text, i) => (i < 2 ? batch.captions![0]! : text));
    const texts = [...new Set(captions)];
    expect(texts.length).toBeLessThan(12);
    const images = tf.tensor4d(batch.images, [12, 16, 16, 3]);
    const logits = tf.tidy(() => model.similarity(images, encode(texts)).logitsPerImage.arraySync()) as number[][]; // prettier-ignore
    const logSoftmax = (row: number[]) => {
      const sum = Math.log(row.reduce((all, x) => all + Math.exp(x), 0));
      return row.map((x) => x - sum);
    };
    const own = captions.map((text) => texts.indexOf(text));
    const ofImages = -logits.reduce((sum, row, i) => sum + logSoftmax(row)[own[i]!]!, 0) / 12;
    const ofTexts = -texts.reduce((sum, _, u) => {
      const column = logSoftmax(logits.map((row) => row[u]!));
      const mine = column.filter((__, i) => own[i] === u);
      return sum + mine.reduce((all, x) => all + x, 0) / mine.length;
    }, 0) / texts.length; // prettier-ignore
    const { loss, outputs } = task.loss(model, { ...batch, captions }, {});
    expect(loss.dataSync()[0]).toBeCloseTo((ofImages + ofTexts) / 2, 4);
    const { matched } = await task.count(outputs, { ...batch, captions });
    const best = logits.filter((row, i) => row.indexOf(Math.max(...row)) === own[i]).length;
    expect(matched).toBe(best);
    model.dispose();
  });

  test('is learned: an update lowers the loss, and the evaluation is zero-shot', async () => {
    const model = tiny();
    const batch = await loader().batch(0, 0);
    const optimizer = makeOptimizer(model, { opt: 'adamw', learningRate: 0.02 });
    const losses: number[] = [];
    for (let i = 0; i < 30; i += 1) {
      const { value, gradients, outputs } = valueAndGrad(model, () => task.loss(model, batch, {}));
      losses.push(value.dataSync()[0]!);
      optimizer.step(gradients);
      tf.dispose([value, ...gradients.values(), ...Object.values(outputs)]);
    }
    expect(losses.at(-1)!).toBeLessThan(0.75 * losses[0]!);
    const evaluation = await evaluate(model, loader(), { task });
    const classes = classVectors(model, { encode, prompts });
    const vectors = tf.tidy(() => {
      const images = tf.tensor4d(batch.images, [12, 16, 16, 3]);
      return tf.matMul(model.encodeImages(images), classes, false, true).argMax(1).dataSync();
    });
    const right = [...batch.labels].filter((label, i) => label === vectors[i]).length;
    expect(evaluation).toMatchObject({ images: 12, top1: right / 12 });
    expect(task.isBetter({ top1: 0.5, loss: 1 }, { top1: 0.5, loss: 2 })).toBe(true);
    expect(task.isBetter({ top1: NaN, loss: 1 }, null)).toBe(false);
    optimizer.dispose();
    classes.dispose();
    model.dispose();
  });

  test('refuses data without captions, other classes and prompts that are none', () => {
    const model = tiny();
    const bare = new MemoryDataset({ images: new Uint8Array(768), labels: [0], imageShape: [16, 16, 3], classNames: ['a'] }); // prettier-ignore
    expect(() => task.assertFits(model, loader(bare as never), {})).toThrow(/with captions/);
    const few = contrastive({ encode, prompts: prompts.slice(1) });
    expect(() => few.assertFits(model, loader(), {})).toThrow(/16 lists, one a class/);
    expect(() => contrastive({ encode, prompts: [[]] })).toThrow(/a text for prompts\[0\]/);
    expect(() => contrastive({ prompts } as never)).toThrow(VitError);
    model.dispose();
  });
});

describe('similarityRelevance', () => {
  test('of a batch is that of its pairs, and start and end of a text have none', async () => {
    const model = tiny();
    const { images: pixels } = await loader().batch(0, 0);
    const images = tf.tensor4d(pixels.slice(0, 2 * 768), [2, 16, 16, 3]);
    const ids = encode(['a red star', 'a blue circle']);
    const both = await similarityRelevance(model, images, ids, { startLayer: 0 });
    const second = await similarityRelevance(model, images.slice(1, 1), ids.slice(1), { startLayer: 0 }); // prettier-ignore
    const near = (x: ArrayLike<number>) => Array.from(x, (value): unknown => expect.closeTo(value, 5)); // prettier-ignore
    expect(Array.from(second.maps[0]!.data)).toEqual(near(both.maps[1]!.data));
    expect([...second.tokens[0]!]).toEqual(near(both.tokens[1]!));
    expect(both.maps[0]).toMatchObject({ height: 2, width: 2 });
    const end = ids[0]!.indexOf(tokenizer.endId);
    both.tokens[0]!.forEach((value, i) => expect(value > 0).toBe(i >= 1 && i < end && value > 0));
    await expect(similarityRelevance(model, images, ids.slice(1))).rejects.toThrow(
      /one image, or 1/,
    );
    await expect(similarityRelevance(model, images, ids, { startLayer: 5 })).rejects.toThrow(VitError); // prettier-ignore
    model.dispose();
  });
});
