import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { Capture } from '../lib/core/capture.ts';
import { InputError, ShapeError } from '../lib/core/errors.ts';
import { Rng } from '../lib/core/rng.ts';
import { createModel } from '../lib/models/createModel.ts';
import { VisionTransformer } from '../lib/models/vit/visionTransformer.ts';
import { build, gradients, images, quiet, tiny } from './support/tinyModel.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe('the constructor', () => {
  test('works as the first sketches of this library wrote it', () => {
    const model = new VisionTransformer(
      {
        embedDim: 48,
        hiddenDim: 48 * 4,
        numHeads: 8,
        numLayers: 2,
        patchSize: 4,
        numChannels: 3,
        numPatches: 16,
        numClasses: 10,
        dropout: 0.2,
      },
      quiet,
    );
    const x = images([1, 16, 16, 3]);
    expect(model.forward(x).shape).toEqual([1, 10]);
    expect(model.forward(x, { training: true, rng: new Rng(0) }).shape).toEqual([1, 10]);
    expect(() => model.forward(x, { training: true })).toThrow(/context\.rng.*pos_drop/);
    model.dispose();
  });

  test('warns once of an option without effect; notes are for the summary', () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
    const options = { ...tiny, embedDim: 40, numHeads: 5, poolIncludePrefix: true };
    new VisionTransformer(options).dispose();
    const model = new VisionTransformer(options);
    const idle = 'poolIncludePrefix has no effect, because globalPool is token.';
    expect(warn.mock.calls).toEqual([[idle]]);
    expect(model.summary()).toContain(idle);
    expect(model.summary()).toMatch(/embedDim 40 is not a multiple of 3·numHeads/);
    model.dispose();
    createModel('test_vit', { imageSize: 32 }).dispose();
    expect(warn).toHaveBeenCalledTimes(1);
    warn.mockRestore();
  });

  test('weights are a function of seed and name: timm’s distributions', () => {
    const [a, b, c] = [build(), build({ depth: 3 }), build({ seed: 1 })];
    const values = (model: VisionTransformer, name: string) =>
      Array.from(model.namedParameters().get(name)!.dataSync());
    const qkv = 'blocks.1.attn.qkv.weight';
    expect(values(a, qkv)).toEqual(values(b, qkv));
    expect(values(a, qkv)).not.toEqual(values(c, qkv));
    const deviation = (list: number[]) =>
      Math.sqrt(list.reduce((s, v) => s + v * v, 0) / list.length);
    expect(deviation(values(a, qkv))).toBeCloseTo(0.02, 2);
    expect(deviation(values(a, 'pos_embed'))).toBeCloseTo(0.02, 2);
    expect(deviation(values(a, 'cls_token'))).toBeLessThan(1e-5);
    const bound = 1 / Math.sqrt(3 * 8 * 8);
    const patch = values(a, 'patch_embed.proj.weight');
    expect(Math.max(...patch.map(Math.abs))).toBeLessThanOrEqual(bound);
    expect(deviation(patch)).toBeCloseTo(bound / Math.sqrt(3), 2);
    expect(new Set(values(a, 'blocks.0.norm1.weight'))).toEqual(new Set([1]));
    expect(new Set(values(a, 'head.bias'))).toEqual(new Set([0]));
    for (const model of [a, b, c]) model.dispose();
  });

  test('weightInit jax: heads of zeros, Xavier-uniform weights, LeCun-normal patches', () => {
    const model = build({ weightInit: 'jax', embedDim: 24, numHeads: 2 });
    const values = (name: string) => Array.from(model.namedParameters().get(name)!.dataSync());
    const rms = (list: number[]) => Math.sqrt(list.reduce((s, v) => s + v * v, 0) / list.length);
    expect(new Set(values('head.weight'))).toEqual(new Set([0]));
    const bound = Math.sqrt(6 / (24 + 72));
    expect(Math.max(...values('blocks.0.attn.qkv.weight').map(Math.abs))).toBeLessThan(bound);
    expect(rms(values('blocks.0.attn.qkv.weight')) / (bound / Math.sqrt(3))).toBeCloseTo(1, 1);
    expect(rms(values('patch_embed.proj.weight')) * Math.sqrt(3 * 8 * 8)).toBeCloseTo(1, 1);
    expect(rms(values('blocks.0.mlp.fc1.bias'))).toBeLessThan(1e-5);
    model.resetClassifier(3);
    expect(new Set(values('head.weight'))).toEqual(new Set([0]));
    expect(() => build({ weightInit: 'moco' as 'jax' })).toThrow(/one of timm, jax/);
    model.dispose();
  });

  test('a failing constructor allocates nothing', () => {
    const before = tf.memory().numTensors;
    expect(() => build({ imageSize: 7 })).toThrow(InputError);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('dispose frees everything', () => {
    const before = tf.memory().numTensors;
    build({ distilled: true }).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('forward', () => {
  let model: VisionTransformer;
  beforeAll(() => {
    model = build({ dropPathRate: 0.5, projDropRate: 0.1, attnDropRate: 0.1, dropRate: 0.1 });
  });
  afterAll(() => {
    model.dispose();
  });

  test.each([
    [[1, 3, 16, 16], /shape \[any, 16, 16, 3\] for images, received \[1, 3, 16, 16\]/],
    [[1, 24, 16, 3], /\[any, 16, 16, 3\] for images, received \[1, 24, 16, 3\]/],
    [[16, 16, 3], /\[any, 16, 16, 3\] for images, received \[16, 16, 3\]/],
  ])('images %p are refused, both shapes named', (shape, message) => {
    const before = tf.memory().numTensors;
    const x = tf.zeros<tf.Rank>(shape) as tf.Tensor4D;
    expect(() => model.forward(x)).toThrow(ShapeError);
    expect(() => model.forward(x)).toThrow(message);
    x.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('images of integers are taken as the numbers they are', () => {
    tf.tidy(() => {
      const x = tf.fill<tf.Rank.R4>([1, 16, 16, 3], 3);
      const whole = tf.cast(x, 'int32');
      expect(model.forward(whole).dataSync()).toEqual(model.forward(x).dataSync());
    });
  });

  test('training draws from the stream alone: same stream, same result, whatever ran before', () => {
    const x = images();
    const run = (seed: number) =>
      tf.tidy(() => model.forward(x, { training: true, rng: new Rng(seed) }).dataSync());
    const first = run(1);
    run(2);
    expect(run(1)).toEqual(first);
    expect(run(2)).not.toEqual(first);
    x.dispose();
  });

  test('gradients with dropouts are the same when blocks are recomputed', () => {
    const x = images();
    const context = { training: true, rng: new Rng(4) };
    const wanted = gradients(model, x, context);
    expect(gradients(model, x, { ...context, recompute: true })).toEqual(wanted);
    x.dispose();
  });

  test('keep masks replace the draws of drop path, by name', () => {
    const simple = build({ dropPathRate: 0.5 });
    const x = images();
    const names: string[] = [];
    const keepMask = (name: string) => {
      names.push(name);
      return tf.tensor1d([1, 0]);
    };
    tf.tidy(() => {
      // The last block is dropped for the second image, so its result is that of the first block.
      const capture = new Capture(['blocks.*.output']);
      simple.forward(x, { training: true, keepMask, intercept: capture });
      const last = (i: number) =>
        tf.slice(capture.get(`blocks.${i}.output`), [1, 0, 0], [1, 5, 12]).dataSync();
      expect(last(1)).toEqual(last(0));
      capture.dispose();
    });
    // Block 0 has rate 0.
    expect(names).toEqual(['blocks.1.drop_path1', 'blocks.1.drop_path2']);
    x.dispose();
    simple.dispose();
  });

  test('captures by name, in the order of the pass, and costs nothing without', () => {
    const x = images();
    const capture = new Capture(['*', 'blocks.input', 'blocks.*.*']);
    const before = tf.memory().numTensors;
    gradients(model, x, { intercept: capture });
    const inBlock = (i: number) =>
      [
        ...['norm1', 'attn_logits', 'attn_probs', 'attn_output', 'attn', 'residual1'],
        ...['norm2', 'mlp', 'residual2', 'output'],
      ].map((name) => `blocks.${i}.${name}`);
    expect([...capture.entries().keys()]).toEqual([
      'patch_embed',
      'pos_embed',
      'blocks.input',
      ...inBlock(0),
      ...inBlock(1),
      'norm',
      'forward_features',
      'pool',
      'pre_logits',
      'head',
      'logits',
      'blocks.1.attn_grad',
      'blocks.0.attn_grad',
    ]);
    expect(capture.get('blocks.0.attn_grad').shape).toEqual([2, 2, 5, 5]);
    expect(capture.get('patch_embed').shape).toEqual([2, 4, 12]);
    capture.dispose();
    expect(tf.memory().numTensors).toBe(before);
    x.dispose();
  });

  test('a captured attention gradient is the same when blocks are recomputed', () => {
    const x = images();
    const run = (recompute: boolean) => {
      const capture = new Capture(['blocks.*.attn_grad']);
      gradients(model, x, { intercept: capture, recompute });
      const values = ['blocks.0.attn_grad', 'blocks.1.attn_grad'].map((name) =>
        capture.get(name).dataSync(),
      );
      capture.dispose();
      return values;
    };
    expect(run(true)).toEqual(run(false));
    x.dispose();
  });

  test('permuted patches without positions give permuted features', () => {
    const blind = build({ posEmbed: 'none' });
    tf.tidy(() => {
      const x = images();
      const [top, bottom] = tf.split(x, 2, 1) as [tf.Tensor4D, tf.Tensor4D];
      const a = blind.forwardFeatures(x).arraySync();
      const b = blind.forwardFeatures(tf.concat([bottom, top], 1)).arraySync();
      for (const [from, to] of [
        [0, 0],
        [1, 3],
        [2, 4],
        [3, 1],
        [4, 2],
      ] as const) {
        a[0]![from]!.forEach((value, c) => expect(b[0]![to]![c]).toBeCloseTo(value, 5));
      }
    });
    blind.dispose();
  });
});

describe('dynamicImageSize', () => {
  test.each(['learned', 'sincos2d', 'sincos1d', 'none'] as const)(
    '%s takes other sizes',
    (posEmbed) => {
      const model = build({ dynamicImageSize: true, posEmbed });
      tf.tidy(() => {
        for (const size of [
          [16, 16],
          [24, 8],
          [32, 40],
        ] as const) {
          expect(model.forward(images([1, ...size, 3])).shape).toEqual([1, 5]);
        }
        expect(() => model.forward(images([1, 20, 16, 3]))).toThrow(ShapeError);
        expect(() => model.forward(images([1, 20, 16, 3]))).toThrow(
          /multiples of patchSize 8×8 for images, received \[1, 20, 16, 3\]/,
        );
      });
      model.dispose();
    },
  );

  test('the position embedding learns through the resize', () => {
    const model = build({ dynamicImageSize: true });
    const x = images([1, 24, 24, 3]);
    const gradient = gradients(model, x).get('pos_embed')!;
    expect(gradient.every((value) => value !== 0)).toBe(true);
    x.dispose();
    model.dispose();
  });
});

describe('heads', () => {
  test('predict: probabilities that sum to 1', () => {
    const model = build();
    const probabilities = tf.tidy(() => model.predict(images()).arraySync());
    for (const row of probabilities) {
      expect(row.reduce((sum, value) => sum + value)).toBeCloseTo(1, 5);
    }
    model.dispose();
  });

  test('resetClassifier changes the head alone, in its place', () => {
    const model = build({ distilled: true });
    const before = tf.memory().numTensors;
    const names = [...model.namedParameters().keys()];
    const qkv = model.namedParameters().get('blocks.0.attn.qkv.weight')!.dataSync();
    model.resetClassifier(9, new Rng(7));
    expect([...model.namedParameters().keys()]).toEqual(names);
    expect(model.namedParameters().get('head_dist.weight')!.shape).toEqual([9, 12]);
    expect(model.namedParameters().get('blocks.0.attn.qkv.weight')!.dataSync()).toEqual(qkv);
    expect(model.config.numClasses).toBe(9);
    expect(tf.memory().numTensors).toBe(before);
    model.resetClassifier(0);
    tf.tidy(() => expect(model.forward(images()).shape).toEqual([2, 12]));
    model.resetClassifier(3);
    tf.tidy(() => expect(model.forward(images()).shape).toEqual([2, 3]));
    expect([...model.namedParameters().keys()]).toEqual(names);
    expect(() => model.resetClassifier(-1)).toThrow(InputError);
    model.dispose();
  });

  test('a distilled model: forward is the mean of both heads', () => {
    const model = build({ distilled: true });
    tf.tidy(() => {
      const x = images();
      const { cls, dist } = model.forwardDistilled(x);
      const mean = tf.div(tf.add(cls, dist), 2).dataSync();
      model
        .forward(x)
        .dataSync()
        .forEach((value, i) => expect(value).toBeCloseTo(mean[i]!, 6));
    });
    model.dispose();
    const plain = build();
    expect(() => plain.forwardDistilled(tf.zeros([1, 16, 16, 3]))).toThrow(/distilled true/);
    plain.dispose();
  });

  test('preLogits are the input of the head', () => {
    const model = build();
    tf.tidy(() => {
      const features = model.forwardFeatures(images());
      const before = model.forwardHead(features, { preLogits: true });
      const head = model.namedParameters();
      const logits = tf.add(
        tf.matMul(before, head.get('head.weight')! as tf.Tensor as tf.Tensor2D, false, true),
        head.get('head.bias')!,
      );
      const direct = model.forwardHead(features).dataSync();
      logits.dataSync().forEach((value, i) => expect(value).toBeCloseTo(direct[i]!, 5));
    });
    model.dispose();
  });
});

describe('forwardIntermediates', () => {
  test('takes chosen blocks, as tokens or as a map, normed or not', () => {
    const model = build({ imageSize: [16, 24], regTokens: 2 });
    tf.tidy(() => {
      const x = images([2, 16, 24, 3]);
      const capture = new Capture(['blocks.*.output', 'forward_features']);
      const all = model.forwardIntermediates(x, { intercept: capture });
      expect(all.intermediates.map(({ shape }) => shape)).toEqual([
        [2, 6, 12],
        [2, 6, 12],
      ]);
      expect(all.prefixTokens.map(({ shape }) => shape)).toEqual([
        [2, 3, 12],
        [2, 3, 12],
      ]);
      const first = tf.slice(capture.get('blocks.0.output'), [0, 3, 0], [2, 6, 12]);
      expect(all.intermediates[0]!.dataSync()).toEqual(first.dataSync());
      expect(all.features.dataSync()).toEqual(model.forwardFeatures(x).dataSync());
      capture.dispose();

      const last = model.forwardIntermediates(x, { indices: 1, norm: true, output: 'NHWC' });
      expect(last.intermediates.map(({ shape }) => shape)).toEqual([[2, 2, 3, 12]]);
      const patches = tf.slice(last.features, [0, 3, 0], [2, 6, 12]);
      expect(last.intermediates[0]!.dataSync()).toEqual(patches.dataSync());
      const negative = model.forwardIntermediates(x, { indices: [-1], norm: true });
      expect(negative.intermediates[0]!.dataSync()).toEqual(patches.dataSync());
      expect(() => model.forwardIntermediates(x, { indices: [2] })).toThrow(InputError);
    });
    model.dispose();
  });
});

test('names that weight decay leaves alone are timm’s', () => {
  const model = build({ distilled: true });
  const { noWeightDecay } = model;
  expect(noWeightDecay.call(model)).toEqual(
    new Set(['pos_embed', 'cls_token', 'reg_token', 'dist_token']),
  );
  model.dispose();
});
