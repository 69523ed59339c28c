// imgToPatch and imgToAttention: the two helpers that tutorials name.

import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { selectBackend } from '../lib/backends/select.ts';
import { InputError, ShapeError, VitError } from '../lib/core/errors.ts';
import { imgToAttention } from '../lib/explain/imgToAttention.ts';
import { mnistDataset } from '../lib/data/mnist.ts';
import { patchify } from '../lib/ops/patchify.ts';
import { imgToPatch } from '../lib/ops/imgToPatch.ts';
import { encodePng } from '../lib/io/encodePng.ts';
import { loadMnist } from '../lib/io/mnist.ts';
import { createModel } from '../lib/models/createModel.ts';
import * as door from '../lib/node.ts';
import type { RgbImage } from '../lib/core/image.ts';
import type { Model } from '../lib/models/model.ts';

let digits: Model;
let seven: RgbImage;
beforeAll(async () => {
  await selectBackend();
  digits = await door.loadModel(join(__dirname, '../checkpoints/mnist-vit'));
  seven = mnistDataset(await loadMnist({ split: 'test', limit: 1 })).image(0);
}, 60_000);
afterAll(() => digits.dispose());

describe('imgToPatch', () => {
  const images = () => tf.reshape(tf.range(0, 2 * 4 * 6 * 3), [2, 4, 6, 3]) as tf.Tensor4D;

  test('flat patches are those of patchify; one image is a batch of one', () => {
    const x = images();
    const flat = imgToPatch(x, [2, 3]);
    expect(flat.shape).toEqual([2, 4, 18]);
    expect(flat.arraySync()).toEqual(patchify(x, { patchHeight: 2, patchWidth: 3 }).arraySync());
    const one = tf.squeeze(tf.slice(x, [1, 0, 0, 0], [1, 4, 6, 3]), [0]) as tf.Tensor3D;
    expect(imgToPatch(one, 2).arraySync()).toEqual([imgToPatch(x, 2).arraySync()[1]]);
  });

  test('unflattened patches are the parts of the image', () => {
    const x = images();
    const parts = imgToPatch(x, 2, { flattenChannels: false });
    expect(parts.shape).toEqual([2, 6, 2, 2, 3]);
    // Row 1, column 2 of the second image.
    const wanted = tf.slice(x, [1, 2, 4, 0], [1, 2, 2, 3]).arraySync()[0];
    expect(parts.arraySync()[1]![5]).toEqual(wanted);
  });

  test('what does not fit is refused, and nothing is left in memory', () => {
    const x = images();
    const before = tf.memory().numTensors;
    expect(() => imgToPatch(x, 4)).toThrow(ShapeError);
    expect(() => imgToPatch(tf.ones([4, 6]) as never, 2)).toThrow('[H, W, I]');
    expect(() => imgToPatch(x, 'a' as never)).toThrow(VitError);
    expect(() => imgToPatch(x, 2, { flattenChannels: 1 as never })).toThrow(InputError);
    expect(tf.memory().numTensors).toBe(before + 1);
  });
});

describe('imgToAttention', () => {
  test('of a tensor, an image and a file: one map on the grid of patches, and the picture', async () => {
    const before = tf.memory().numTensors;
    const { map, image } = await imgToAttention(digits, seven);
    expect([map.height, map.width, image.width]).toEqual([4, 4, 28]);
    const sum = map.data.reduce((a, b) => a + b);
    expect(sum).toBeGreaterThan(0.2);
    expect(sum).toBeLessThanOrEqual(1 + 1e-6);
    const file = await door.imgToAttention(digits, encodePng(seven));
    expect(Array.from(file.map.data)).toEqual(Array.from(map.data));
    expect((await door.overlay({ image, grid: map })).length).toBeGreaterThan(100);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('the rollout of `vis`, or one layer: the mean of its heads', async () => {
    const pixels = new Float32Array(784);
    door.normalizeInto(seven, door.MNIST_NORMALIZATION, pixels, 0);
    const capture = new door.Capture(['blocks.*.attn_probs']);
    tf.tidy(() => void digits.forward(tf.tensor4d(pixels, [1, 28, 28, 1]), { intercept: capture }));
    const attentions = await door.readAttention(capture);
    capture.dispose();
    const rollout = door.patchGrid(door.attentionRollout(attentions, { queries: [0] }));
    const { map } = await imgToAttention(digits, seven);
    map.data.forEach((value, i) => expect(value).toBeCloseTo(rollout.data[i]!, 6));
    const heads = door.attentionMaps(attentions).at(-1)!;
    const last = (await imgToAttention(digits, seven, { layer: -1 })).map;
    last.data.forEach((value, i) => {
      const mean = heads.reduce((sum, { data }) => sum + data[i]!, 0) / heads.length;
      expect(value).toBeCloseTo(mean, 6);
    });
    await expect(imgToAttention(digits, seven, { layer: 4 })).rejects.toThrow(InputError);
  });

  test('a model without attention is refused in a sentence', async () => {
    const model = createModel('resnet18', { imageSize: 8, inChannels: 1, planes: [2, 2, 2, 2] });
    await expect(imgToAttention(model, seven)).rejects.toThrow('a model with attention');
    await expect(door.imgToAttention(model, 'seven.png')).rejects.toThrow('a model with attention');
    model.dispose();
  });
});
