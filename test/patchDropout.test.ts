import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { InputError, ShapeError } from '../lib/core/errors.ts';
import { Rng } from '../lib/core/rng.ts';
import { takeRows } from '../lib/ops/takeRows.ts';
import { PatchDropout } from '../lib/layers/patchDropout.ts';
import { build, gradients, images } from './support/tinyModel.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const training = (seed = 3) => ({ training: true, rng: new Rng(seed) });
// [3, 2 + 10, 1], each token its number in the batch.
const tokens = () =>
  tf.tensor3d(
    Float32Array.from({ length: 36 }, (_, i) => i),
    [3, 12, 1],
  );

describe('PatchDropout', () => {
  test('timm: max(1, ⌊P·(1 − rate)⌋) patches of each image stay after the prefix, unscaled', () => {
    const counts = [0.25, 0.5, 0.99].map((rate) => {
      const layer = new PatchDropout({ rate, numPrefixTokens: 2 }, { path: 'patch_drop' });
      const rows = layer.forward(tokens(), training()).arraySync();
      rows.forEach((row, image) => {
        const [first, second, ...patches] = row.flat();
        expect([first, second]).toEqual([12 * image, 12 * image + 1]);
        expect(new Set(patches).size).toBe(patches.length);
        for (const patch of patches) {
          expect(patch).toBeGreaterThan(12 * image + 1);
          expect(patch).toBeLessThan(12 * image + 12);
        }
      });
      return rows[0]!.length - 2;
    });
    expect(counts).toEqual([7, 5, 1]);
  });

  test('ordered: the same patches in rising order', () => {
    const [drawn, ordered] = [false, true].map((ordered) =>
      new PatchDropout({ rate: 0.4, ordered }, { path: 'p' }).keepIndices(20, 9, training()),
    );
    expect(ordered).not.toEqual(drawn);
    expect(ordered).toEqual(drawn!.map((row) => [...row].sort((a, b) => a - b)));
  });

  test('every patch stays equally often', () => {
    const kept = new PatchDropout({ rate: 0.5 }, { path: 'p' }).keepIndices(4000, 8, training());
    const counts = new Array<number>(8).fill(0);
    for (const patch of kept.flat()) counts[patch]! += 1;
    // 4,000 draws at 1/2: a standard deviation is 32.
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(140);
  });

  test('a function of the stream and the path; nothing in evaluation', () => {
    const layer = new PatchDropout({ rate: 0.5 }, { path: 'p' });
    const x = tokens();
    const run = (seed: number) => layer.forward(x, training(seed)).dataSync();
    expect(run(1)).toEqual(run(1));
    expect(run(1)).not.toEqual(run(2));
    expect(layer.forward(x, {})).toBe(x);
    expect(new PatchDropout({ rate: 0 }, { path: 'p' }).forward(x, training())).toBe(x);
    expect(() => layer.forward(x, { training: true })).toThrow(InputError);
    expect(() => layer.forward(tf.ones([2, 2]) as never, training())).toThrow(ShapeError);
    expect(() => new PatchDropout({ rate: 1 }, { path: 'p' })).toThrow('below 1');
  });
});

describe('takeRows', () => {
  test('its gradient puts the rows back, and zeros where none was taken', () => {
    const x = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    expect(takeRows(x, [2, 0]).arraySync()).toEqual([
      [5, 6],
      [1, 2],
    ]);
    const dX = tf.grad((y: tf.Tensor) => takeRows(y as tf.Tensor2D, [2, 0]).mul([[10], [20]]));
    expect(dX(x).arraySync()).toEqual([
      [20, 20],
      [0, 0],
      [10, 10],
    ]);
    expect(() => takeRows(x, [0, 0])).toThrow('a row once');
    expect(() => takeRows(x, [3])).toThrow(InputError);
  });
});

describe('a Vision Transformer with patchDropRate', () => {
  const options = { imageSize: 32, patchDropRate: 0.5 };

  test('trains on half of the patches, with gradients for every parameter', () => {
    const model = build(options);
    const shapes: number[][] = [];
    const intercept = {
      wants: () => false,
      call: (
        { path, inputs }: { path: string; inputs: readonly tf.Tensor[] },
        forward: (...x: tf.Tensor[]) => tf.Tensor,
      ) => {
        if (path === 'blocks.input') shapes.push([...inputs[0]!.shape]);
        return forward(...inputs);
      },
    };
    const x = images([2, 32, 32, 3]);
    model.forward(x, { ...training(), intercept });
    model.forward(x, { intercept });
    expect(shapes).toEqual([
      [2, 9, 12],
      [2, 17, 12],
    ]);
    const found = gradients(model, x, training());
    expect([...found.keys()]).toEqual([...model.namedParameters().keys()]);
    model.dispose();
  });

  test('equals the model that sees the kept patches alone', () => {
    // Attention without positions does not see the order: dropping patches is a smaller image of the kept ones.
    const model = build({ ...options, posEmbed: 'none', globalPool: 'avg' });
    const context = training(5);
    const x = images([1, 32, 32, 3]);
    const [kept] = model.patchDrop.keepIndices(1, 16, context);
    const patches = tf
      .reshape(x, [4, 8, 4, 8, 3])
      .transpose([0, 2, 1, 3, 4])
      .reshape([16, 8, 8, 3]);
    const strip = tf.gather(patches, kept!).reshape([2, 4, 8, 8, 3]).transpose([0, 2, 1, 3, 4]);
    const small = build({ ...options, imageSize: [16, 32], posEmbed: 'none', globalPool: 'avg' });
    for (const [name, parameter] of small.namedParameters()) {
      parameter.assign(model.namedParameters().get(name)!);
    }
    const wanted = small.forward(tf.reshape(strip, [1, 16, 32, 3])).dataSync();
    const received = model.forward(x, context).dataSync();
    received.forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 5));
    model.dispose();
    small.dispose();
  });

  test('a configuration without it is stored as before', () => {
    const [plain, dropping] = [build(), build(options)];
    expect('patchDropRate' in plain.config).toBe(false);
    expect(dropping.config.patchDropRate).toBe(0.5);
    const x = images([1, 32, 32, 3]);
    const nhwc = () => dropping.forwardIntermediates(x, { ...training(), output: 'NHWC' });
    expect(nhwc).toThrow("'NLC' with patchDropRate");
    plain.dispose();
    dropping.dispose();
  });
});
