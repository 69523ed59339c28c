import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { Capture } from '../lib/core/capture.ts';
import { InputError } from '../lib/core/errors.ts';
import { Rng } from '../lib/core/rng.ts';
import { Attention } from '../lib/layers/attention.ts';
import { AttentionPool } from '../lib/layers/attentionPool.ts';
import { Block } from '../lib/layers/block.ts';
import { Linear } from '../lib/layers/linear.ts';
import { Mlp } from '../lib/layers/mlp.ts';
import { PatchEmbed } from '../lib/layers/patchEmbed.ts';
import { posEmbedFor } from '../lib/layers/posEmbed.ts';
import { sincos1d, sincos2d } from '../lib/layers/sincosEmbed.ts';
import { grad } from '../lib/ops/gradients.ts';
import { recompute } from '../lib/ops/recompute.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => tf.engine().startScope());
afterEach(() => tf.engine().endScope());

const part = (path: string, seed = 1) => ({ path, rng: new Rng(seed) });
const tokens = (seed: number, shape: [number, number, number] = [2, 5, 12]) => {
  const rng = new Rng(seed);
  return tf.tensor3d(
    Float32Array.from({ length: shape[0] * shape[1] * shape[2] }, () => rng.normal()),
    shape,
  );
};

/** The largest difference of two tensors, over 1 + the largest value. */
function distance(a: tf.Tensor, b: tf.Tensor): number {
  expect(a.shape).toEqual(b.shape);
  const scale = 1 + tf.max(tf.abs(b)).dataSync()[0]!;
  return tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]! / scale;
}

function gradientsOf(f: () => tf.Tensor, inputs: tf.Tensor[]): tf.Tensor[] {
  const weighted = () => {
    const y = f();
    const weights = tf.reshape(tf.cos(tf.range(0, y.size)), y.shape);
    return tf.sum(tf.mul(y, weights));
  };
  return tf.engine().gradients(weighted, inputs).grads;
}

describe('Attention', () => {
  test.each([{ qkNorm: false }, { qkNorm: true }, { qkvBias: false }])(
    'one op and plain ops agree, forward and backward: %p',
    (options) => {
      const layer = new Attention({ dim: 12, numHeads: 3, ...options }, part('blocks.0.attn'));
      const x = tokens(2);
      const capture = new Capture(['blocks.0.attn_probs']);
      expect(distance(layer.forward(x), layer.forward(x, { intercept: capture }))).toBeLessThan(
        1e-6,
      );
      const inputs = [x, ...layer.namedParameters().values()];
      const fast = gradientsOf(() => layer.forward(x), inputs);
      const slow = gradientsOf(() => layer.forward(x, { intercept: capture }), inputs);
      fast.forEach((gradient, i) => expect(distance(gradient, slow[i]!)).toBeLessThan(2e-6));
      layer.dispose();
      capture.dispose();
    },
  );

  test('captured probabilities are rows that sum to 1', () => {
    const layer = new Attention({ dim: 12, numHeads: 3 }, part('a'));
    const capture = new Capture(['a_probs']);
    layer.forward(tokens(3), { intercept: capture });
    const probabilities = capture.get('a_probs');
    expect(probabilities.shape).toEqual([2, 3, 5, 5]);
    expect(distance(tf.sum(probabilities, -1), tf.ones([2, 3, 5]))).toBeLessThan(1e-6);
    capture.dispose();
    layer.dispose();
  });

  test('the captured gradient is the one with respect to the probabilities', () => {
    const layer = new Attention({ dim: 4, numHeads: 1 }, part('a'));
    layer.proj.weight.assign(tf.eye(4));
    const x = tokens(4, [1, 3, 4]);
    const capture = new Capture(['a_grad']);
    tf.grad((y: tf.Tensor) => tf.sum(layer.forward(y as tf.Tensor3D, { intercept: capture })))(x);
    // out = A·v, so d Σ out / d A[i, j] = Σ_c v[j, c] for every i.
    const v = tf.slice(layer.qkv.forward(x), [0, 0, 8], [1, 3, 4]);
    const wanted = tf.tile(tf.reshape(tf.sum(v, -1), [1, 1, 1, 3]), [1, 1, 3, 1]);
    expect(distance(capture.get('a_grad'), wanted)).toBeLessThan(1e-6);
    capture.dispose();
    layer.dispose();
  });

  test('without positions, permuted tokens give permuted results', () => {
    const layer = new Attention({ dim: 12, numHeads: 3 }, part('a'));
    const x = tokens(5);
    const order = tf.tensor1d([3, 0, 4, 1, 2], 'int32');
    const permuted = layer.forward(tf.gather(x, order, 1));
    expect(distance(permuted, tf.gather(layer.forward(x), order, 1))).toBeLessThan(1e-6);
    layer.dispose();
  });

  test('attention dropout acts on the probabilities and needs a stream', () => {
    const layer = new Attention({ dim: 12, numHeads: 3, attnDrop: 0.5 }, part('a'));
    const x = tokens(6);
    const run = (seed: number) => layer.forward(x, { training: true, rng: new Rng(seed) });
    expect(distance(run(1), run(1))).toBe(0);
    expect(distance(run(1), run(2))).toBeGreaterThan(1e-4);
    expect(() => layer.forward(x, { training: true })).toThrow(
      /Expected a random stream for context\.rng.*a\.attn_drop drops at rate 0\.5/,
    );
    expect(distance(layer.forward(x), layer.forward(x, { rng: new Rng(1) }))).toBe(0);
    layer.dispose();
  });
});

describe('PatchEmbed', () => {
  test.each([
    [
      [4, 4],
      [8, 12],
    ],
    [
      [2, 3],
      [4, 9],
    ],
  ] as const)('is the convolution with stride and kernel %p', (patchSize, imageSize) => {
    const layer = new PatchEmbed({ patchSize, inChannels: 3, embedDim: 5 }, part('patch_embed'));
    const rng = new Rng(1);
    const shape: [number, number, number, number] = [2, imageSize[0], imageSize[1], 3];
    const x = tf.tensor4d(
      Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => rng.normal()),
      shape,
    );
    const weight = layer.proj.weight as tf.Tensor as tf.Tensor4D;
    const filter = tf.transpose<tf.Tensor4D>(weight, [2, 3, 1, 0]);
    const wanted = tf.add(tf.conv2d(x, filter, [...patchSize], 'valid'), layer.proj.bias!);
    expect(distance(layer.forward(x), tf.reshape(wanted, [2, -1, 5]))).toBeLessThan(1e-6);
    layer.dispose();
  });
});

describe('position embeddings', () => {
  test('sincos2d: a quarter each for sine and cosine of column and row', () => {
    const table = sincos2d([2, 3], 8);
    const at = (row: number, column: number) =>
      Array.from(table.subarray((row * 3 + column) * 8, (row * 3 + column + 1) * 8));
    const omega = [1, 0.01];
    const wanted = (row: number, column: number) => [
      ...omega.map((w) => Math.fround(Math.sin(column * w))),
      ...omega.map((w) => Math.fround(Math.cos(column * w))),
      ...omega.map((w) => Math.fround(Math.sin(row * w))),
      ...omega.map((w) => Math.fround(Math.cos(row * w))),
    ];
    expect(at(1, 2)).toEqual(wanted(1, 2));
    expect(at(0, 1)).toEqual(wanted(0, 1));
    expect(() => sincos2d([2, 2], 6)).toThrow(InputError);
  });

  test('sincos1d: sine and cosine alternate', () => {
    const table = sincos1d(3, 4);
    const wanted = [Math.sin(2), Math.cos(2), Math.sin(0.02), Math.cos(0.02)].map(Math.fround);
    expect(Array.from(table.subarray(8))).toEqual(wanted);
    expect(Array.from(table.subarray(0, 4))).toEqual([0, 1, 0, 1]);
  });

  test('posEmbedFor: the same grid gives the same values, another keeps the prefix', () => {
    const learned = tokens(7, [1, 6 + 2, 3]);
    const same = posEmbedFor(learned, { prefix: 2, from: [2, 3], to: [2, 3] });
    expect(distance(same, learned)).toBe(0);
    same.dispose();
    expect(learned.isDisposed).toBe(false);
    const resized = posEmbedFor(learned, { prefix: 2, from: [2, 3], to: [4, 5] });
    expect(resized.shape).toEqual([1, 22, 3]);
    expect(distance(tf.slice(resized, 0, [1, 2, 3]), tf.slice(learned, 0, [1, 2, 3]))).toBe(0);
    // A constant stays that constant: the weights of every output sum to 1.
    const flat = posEmbedFor(tf.fill([1, 6, 3], 2.5), { prefix: 0, from: [2, 3], to: [3, 2] });
    expect(distance(flat, tf.fill([1, 6, 3], 2.5))).toBeLessThan(1e-6);
  });
});

describe('AttentionPool', () => {
  test('does not depend on the order of the tokens; every parameter has a gradient', () => {
    const layer = new AttentionPool({ dim: 12, numHeads: 3, mlpHiddenDim: 24 }, part('attn_pool'));
    const x = tokens(8);
    const order = tf.tensor1d([3, 0, 4, 1, 2], 'int32');
    expect(layer.forward(x).shape).toEqual([2, 12]);
    expect(distance(layer.forward(tf.gather(x, order, 1)), layer.forward(x))).toBeLessThan(1e-6);
    const parameters = [...layer.namedParameters().values()];
    gradientsOf(() => layer.forward(x), parameters).forEach((gradient) =>
      expect(tf.max(tf.abs(gradient)).dataSync()[0]).toBeGreaterThan(0),
    );
    layer.dispose();
  });
});

describe('initial values', () => {
  test('depend on seed and full name alone', () => {
    const make = (path: string, seed: number) =>
      new Linear({ inFeatures: 4, outFeatures: 4 }, part(path, seed));
    const values = (path: string, seed: number) => {
      const layer = make(path, seed);
      const data = Array.from(layer.weight.dataSync());
      layer.dispose();
      return data;
    };
    expect(values('a', 1)).toEqual(values('a', 1));
    expect(values('a', 1)).not.toEqual(values('a', 0));
    expect(values('a', 1)).not.toEqual(values('b', 1));
  });
});

describe('recompute', () => {
  const block = () =>
    new Block(
      {
        dim: 12,
        numHeads: 3,
        mlpHiddenDim: 24,
        layerScaleInit: 0.5,
        projDrop: 0.3,
        attnDrop: 0.2,
        dropPath: 0.4,
      },
      part('blocks.1'),
    );

  test('gives the value and gradients of the function, dropouts included', () => {
    const layer = block();
    const context = { training: true, rng: new Rng(9) };
    const x = tokens(10, [3, 5, 12]);
    const parameters = [...layer.namedParameters().values()];
    const plain = () => layer.forward(x, context);
    const again = () => recompute((y) => layer.forward(y, context), x, parameters);
    expect(distance(again(), plain())).toBe(0);
    const wanted = gradientsOf(plain, [x, ...parameters]);
    gradientsOf(again, [x, ...parameters]).forEach((gradient, i) =>
      expect(distance(gradient, wanted[i]!)).toBe(0),
    );
    layer.dispose();
  });

  test('two in a row, with other work between, leave the outer gradient whole', () => {
    const layer = block();
    const x = tokens(11);
    const parameters = [...layer.namedParameters().values()];
    const run = (f: (y: tf.Tensor3D) => tf.Tensor3D) => () => tf.exp(f(tf.tanh(f(x))));
    const wanted = gradientsOf(
      run((y) => layer.forward(y)),
      [x, ...parameters],
    );
    const twice = run((y) => recompute((z) => layer.forward(z), y, parameters));
    gradientsOf(twice, [x, ...parameters]).forEach((gradient, i) =>
      expect(distance(gradient, wanted[i]!)).toBeLessThan(1e-6),
    );
    layer.dispose();
  });

  test('keeps less for the backward pass and leaks nothing', () => {
    const layer = block();
    const x = tokens(12);
    const parameters = [...layer.namedParameters().values()];
    const held = (f: () => tf.Tensor) => {
      let during = 0;
      const before = tf.memory().numTensors;
      tf.tidy(() => {
        const loss = () => {
          const y = tf.sum(f());
          during = tf.memory().numTensors - before;
          return y;
        };
        tf.engine().gradients(loss, [x, ...parameters]);
      });
      expect(tf.memory().numTensors).toBe(before);
      return during;
    };
    const plain = held(() => layer.forward(x));
    const again = held(() => recompute((y) => layer.forward(y), x, parameters));
    expect(again).toBeLessThan(plain / 2);
    layer.dispose();
  });

  test('an error in the second run leaks nothing and leaves the engine usable', () => {
    const layer = block();
    const x = tokens(13);
    let runs = 0;
    const f = (y: tf.Tensor3D): tf.Tensor3D => {
      runs += 1;
      const out = layer.forward(y);
      if (runs === 2) throw new RangeError('second run');
      return out;
    };
    const parameters = [...layer.namedParameters().values()];
    const before = tf.memory().numTensors;
    const broken = grad((y: tf.Tensor) =>
      tf.sum(recompute(f, tf.exp(y as tf.Tensor3D), parameters)),
    );
    expect(() => tf.tidy(() => broken(x))).toThrow('second run');
    expect(tf.memory().numTensors).toBe(before);
    const [gradient] = gradientsOf(() => tf.exp(x), [x]);
    expect(gradient!.shape).toEqual(x.shape);
    layer.dispose();
  });
});

test('a forward pass of a layer leaves its result and nothing else', () => {
  const x = tokens(9);
  const learned = tokens(10, [1, 5, 12]);
  const images = tf.zeros<tf.Rank.R4>([2, 4, 6, 3]);
  const layers = {
    attention: new Attention({ dim: 12, numHeads: 3, projDrop: 0.5 }, part('blocks.0.attn')),
    mlp: new Mlp({ dim: 12, hiddenDim: 24, drop: 0.5 }, part('blocks.0.mlp')),
    pool: new AttentionPool({ dim: 12, numHeads: 3, mlpHiddenDim: 24 }, part('attn_pool')),
    embed: new PatchEmbed({ patchSize: [2, 3], inChannels: 3, embedDim: 12 }, part('patch_embed')),
  };
  const training = { training: true, rng: new Rng(3) };
  const passes: [string, () => tf.Tensor][] = [
    ['Attention', () => layers.attention.forward(x, training)],
    ['Mlp', () => layers.mlp.forward(x, training)],
    ['AttentionPool', () => layers.pool.forward(x)],
    ['PatchEmbed', () => layers.embed.forward(images)],
    ['posEmbedFor', () => posEmbedFor(learned, { prefix: 1, from: [2, 2], to: [3, 4] })],
  ];
  const left = passes.map(([name, pass]) => {
    const before = tf.memory().numTensors;
    pass();
    return [name, tf.memory().numTensors - before];
  });
  expect(left).toEqual(passes.map(([name]) => [name, 1]));
});
