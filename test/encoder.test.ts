// The interface of encoders: any image in, tokens, vectors, feature maps and logits out.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import { VitError } from '../lib/core/errors.ts';
import { makeImage, type RgbImage } from '../lib/core/image.ts';
import { keepRecord } from '../lib/core/modelRecord.ts';
import { Rng } from '../lib/core/rng.ts';
import { processBatch, processImage } from '../lib/data/imageProcessor.ts';
import { disposeEncoding, modelEncoder, type Encoder } from '../lib/encoders/encoder.ts';
import { poolerOf } from '../lib/encoders/pooler.ts';
import { prepareImage } from '../lib/encoders/prepare.ts';
import { parseImageProcessor } from '../lib/encoders/processors.ts';
import { buildModel } from '../lib/models/createModel.ts';
import type { VisionTransformer } from '../lib/models/vit/visionTransformer.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const tiny = { imageSize: 16, patchSize: 8, embedDim: 12, depth: 2, numHeads: 2, numClasses: 5 };

function noise(width: number, height: number, seed = 0): RgbImage {
  const rng = new Rng(seed);
  return makeImage(width, height, 3, Uint8Array.from({ length: 3 * width * height }, () => rng.integer(256))); // prettier-ignore
}

describe('the encoder of a Vision Transformer', () => {
  let encoder: Encoder;
  const notes: string[] = [];
  beforeAll(() => {
    const onNote = (text: string) => void notes.push(text);
    encoder = modelEncoder(buildModel(tiny), { name: 'tiny', onNote });
  });
  afterAll(() => encoder.dispose());

  test('describes itself, and says what it assumed', () => {
    const { parameters, preparation, ...facts } = encoder.describe();
    expect(facts).toEqual({
      name: 'tiny',
      family: 'vit',
      approach: 'Transformer over patches',
      vectorSize: 12,
      layers: ['blocks.0', 'blocks.1'],
      inputShape: [16, 16, 3],
    });
    expect(parameters).toBe(encoder.model.countParameters());
    expect(preparation).toMatchObject({ resize: { both: [16, 16] }, filter: 'bilinear' });
    expect(notes.join()).toMatch(/published weights of vit/);
  });

  test('gives tokens, vectors, maps and logits that agree with the model', async () => {
    const images = [await encoder.preprocess(noise(20, 30)), await encoder.preprocess(noise(7, 9, 1))]; // prettier-ignore
    const before = tf.memory().numTensors;
    const encoding = encoder.encode(images, { layers: ['blocks.0', 'blocks.1'] });
    const { tokens, pooled, features, logits } = encoding;
    expect([tokens.shape, pooled.shape, logits!.shape]).toEqual([[2, 5, 12], [2, 12], [2, 5]]); // prettier-ignore
    expect(Object.entries(features).map(([name, { shape }]) => [name, shape])).toEqual([
      ['blocks.0', [2, 2, 2, 12]],
      ['blocks.1', [2, 2, 2, 12]],
    ]);
    const batch = tf.tensor4d(images.flatMap(({ pixels }) => [...pixels]), [2, 16, 16, 3]); // prettier-ignore
    const wanted = encoder.model.forward(batch);
    expect([...logits!.dataSync()]).toEqual([...wanted.dataSync()]);
    const norm = (encoder.model as VisionTransformer).norm!;
    const last = tf.tidy(() => norm.forward(features['blocks.1']!.reshape([2, 4, 12]))).dataSync();
    const patches = tf.tidy(() => tokens.slice([0, 1, 0], [2, 4, 12])).dataSync();
    last.forEach((value, i) => expect(value).toBeCloseTo(patches[i]!, 5));
    tf.dispose([batch, wanted]);
    disposeEncoding(encoding);
    expect(tf.memory().numTensors).toBeLessThanOrEqual(before + 2);
  });

  test.each([
    [1, 1],
    [1, 40_000],
    [333, 1],
    [17, 5],
  ])('takes an image of %i × %i pixels', async (width, height) => {
    const image = await encoder.preprocess(noise(width, height));
    expect(image.source).toEqual([height, width]);
    const encoding = encoder.encode([image]);
    expect([...encoding.pooled.dataSync()].every(Number.isFinite)).toBe(true);
    disposeEncoding(encoding);
  });

  test.each<[string, (one: Encoder) => unknown, RegExp]>([
    ['a layer it has not', (one) => one.encode(tf.zeros([1, 16, 16, 3]), { layers: ['blocks.2'] }), /a layer of the model for layers, received "blocks\.2"/], // prettier-ignore
    ['no image', (one) => one.encode([]), /at least one image/],
    ['what is not prepared', (one) => one.encode([5 as never]), /an object for images\[0\]/],
    ['a mask', (one) => one.encode(tf.zeros([1, 16, 16, 3]), { mask: tf.ones([1, 16, 16]) }), /no mask/], // prettier-ignore
    ['what is no image', (one) => one.preprocess('x' as never), /an RgbImage/],
    ['images of two sizes', (one) => one.encode([prepareImage(noise(4, 4), sized(4)), prepareImage(noise(4, 4), sized(5))]), /images of one size/], // prettier-ignore
  ])('refuses %s in one sentence', async (_, call, message) => {
    const error = await Promise.resolve().then(() => call(encoder)).catch((thrown: unknown) => thrown); // prettier-ignore
    expect(error).toBeInstanceOf(VitError);
    expect(String(error)).toMatch(message);
  });

  test('of a model that gives no vector is refused', () => {
    const model = buildModel({ ...tiny, globalPool: '' });
    const one = modelEncoder(model);
    expect(() => one.encode(tf.zeros([1, 16, 16, 3]))).toThrow(/one vector an image/);
    one.dispose();
  });
});

const sized = (side: number) => ({
  resize: { both: [side, side] as const },
  filter: 'bilinear' as const,
  normalize: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
});

describe('the preparation of images', () => {
  const clip = parseImageProcessor({
    size: { shortest_edge: 24 },
    crop_size: { height: 24, width: 24 },
    do_center_crop: true,
    resample: 3,
    image_mean: [0.5, 0.5, 0.5],
    image_std: [0.25, 0.25, 0.25],
  });

  test('is that of processBatch', () => {
    const image = noise(50, 31);
    const { pixels } = processBatch([image], clip);
    expect(prepareImage(image, clip).pixels).toEqual(pixels);
  });

  test.each([
    [300, 1],
    [1, 300],
    [501, 2],
  ])('of %i × %i pixels equals that of the whole image', (width, height) => {
    const image = noise(width, height);
    const small = { ...clip, resize: { shortest: 8 }, crop: [8, 8] as const };
    expect(prepareImage(image, small).picture).toEqual(processImage(image, small));
  });

  test('of an image too long to be resized is that of its middle', () => {
    const image = noise(9001, 1);
    const middle = makeImage(101, 1, 3, image.data.slice(3 * 4450, 3 * 4551));
    expect(prepareImage(image, clip).picture).toEqual(processImage(middle, clip));
  });

  test('stored beside the weights comes first', () => {
    const model = buildModel(tiny);
    keepRecord(model, { preprocessing: { decode: 'pil', cropMode: 'squash', interpolation: 'bicubic', size: [16, 16], normalize: { mean: [0, 0, 0], std: [1, 1, 1] } } }); // prettier-ignore
    const notes: string[] = [];
    const one = modelEncoder(model, { onNote: (text) => void notes.push(text) });
    expect(one.describe().preparation).toMatchObject({ cropMode: 'squash' });
    expect(notes).toEqual([]);
    one.dispose();
  });

  test.each([
    [{ resample: 9 }, /a filter of PIL, 0 to 5, for resample/],
    [{ size: { height: 0, width: 4 } }, /a side in pixels/],
    [{ size: { shortest_edge: 1e9 } }, /a side in pixels/],
    [{ size: 8 }, /lists mean and std/],
    [null, /an object/],
  ])('by the file %p is refused', (value, message) => {
    expect(() => parseImageProcessor(value)).toThrow(message);
  });
});

describe('the pooler', () => {
  const tensors = (weight: number[], bias: number[]) =>
    new Map([
      ['vit.pooler.dense.weight', { dtype: 'F32' as const, shape: [2, 2], data: Float32Array.from(weight) }], // prettier-ignore
      ['vit.pooler.dense.bias', { dtype: 'F32' as const, shape: [bias.length], data: Float32Array.from(bias) }], // prettier-ignore
    ]);

  test('is tanh of a layer on the class token', () => {
    const pooled = poolerOf(tensors([1, 0, 0, 2], [0, 1]))!(tf.tensor3d([0.5, -0.5, 9, 9], [1, 2, 2])); // prettier-ignore
    expect([...pooled.dataSync()].map((x) => x.toFixed(6))).toEqual([Math.tanh(0.5).toFixed(6), Math.tanh(0).toFixed(6)]); // prettier-ignore
  });

  test('of other tensors is none, and of wrong shapes an error', () => {
    expect(poolerOf(new Map())).toBeUndefined();
    expect(() => poolerOf(tensors([1, 2, 3, 4], [1, 2, 3]))).toThrow(/for the pooler/);
  });
});
