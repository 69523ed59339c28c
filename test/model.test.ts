import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { formatSafetensors, parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import { Capture } from '../lib/core/capture.ts';
import { CheckpointError, InputError, ShapeError } from '../lib/core/errors.ts';
import { Rng } from '../lib/core/rng.ts';
import type { FileStore } from '../lib/core/store.ts';
import { createModel } from '../lib/models/createModel.ts';
import { parameterShapes } from '../lib/models/layerTable.ts';
import { loadModel } from '../lib/models/loadModel.ts';
import type { VisionTransformerOptions } from '../lib/models/parseConfig.ts';
import { modelBytes } from '../lib/models/saveModel.ts';
import { VisionTransformer } from '../lib/models/visionTransformer.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const tiny = {
  imageSize: 16,
  patchSize: 8,
  inChannels: 3,
  numClasses: 5,
  embedDim: 12,
  depth: 2,
  numHeads: 2,
  mlpRatio: 2,
} satisfies VisionTransformerOptions;
const quiet = { onWarning: () => {} };
const build = (options: VisionTransformerOptions = {}) =>
  new VisionTransformer({ ...tiny, ...options }, quiet);

function images(shape: [number, number, number, number] = [2, 16, 16, 3], seed = 1): tf.Tensor4D {
  const rng = new Rng(seed);
  const size = shape.reduce((product, length) => product * length);
  return tf.tensor4d(
    Float32Array.from({ length: size }, () => rng.normal()),
    shape,
  );
}

/** The gradients of a model by name, under the context. */
function gradients(
  model: VisionTransformer,
  x: tf.Tensor4D,
  context: Parameters<VisionTransformer['forward']>[1] = {},
): Map<string, Float32Array> {
  const found = new Map<string, Float32Array>();
  const parameters = [...model.namedParameters()];
  const weighted = (y: tf.Tensor) =>
    tf.sum(tf.mul(y, tf.cos(tf.reshape(tf.range(0, y.size), y.shape))));
  const loss = () => {
    const logits = model.config.distilled
      ? Object.values(model.forwardDistilled(x, context))
      : [model.forward(x, context)];
    return tf.addN(logits.map(weighted));
  };
  tf.tidy(() => {
    const variables = parameters.map(([, parameter]) => parameter);
    const { grads } = tf.engine().gradients(loss, variables, undefined, true);
    parameters.forEach(([name, { size }], i) => {
      found.set(name, grads[i] ? (grads[i].dataSync() as Float32Array) : new Float32Array(size));
    });
  });
  return found;
}

const variants: Record<string, VisionTransformerOptions> = {
  plain: {},
  avg: { globalPool: 'avg' },
  'avg without fcNorm': { globalPool: 'avg', fcNorm: false },
  avgmax: { globalPool: 'avgmax' },
  max: { globalPool: 'max' },
  map: { globalPool: 'map', classToken: false, regTokens: 1, poolIncludePrefix: true },
  'no pooling': { globalPool: '' },
  'no class token': { classToken: false, globalPool: 'avg' },
  registers: { regTokens: 3 },
  noEmbedClass: { noEmbedClass: true, regTokens: 1 },
  distilled: { distilled: true },
  qkNorm: { qkNorm: true },
  'no qkvBias': { qkvBias: false },
  layerScale: { layerScaleInit: 0.1 },
  preNorm: { preNorm: true, activation: 'quick_gelu' },
  'tanh gelu': { activation: 'gelu_tanh' },
  sincos2d: { posEmbed: 'sincos2d' },
  'sincos2d, registers': { posEmbed: 'sincos2d', regTokens: 2, noEmbedClass: true },
  sincos1d: { posEmbed: 'sincos1d' },
  'no positions': { posEmbed: 'none' },
  dynamic: { dynamicImageSize: true },
  'one channel, not square': { inChannels: 1, imageSize: [16, 24], patchSize: [8, 4] },
  'no head': { numClasses: 0 },
};

describe.each(Object.entries(variants))('%s', (_name, options) => {
  let model: VisionTransformer;
  beforeAll(() => {
    model = build(options);
  });
  afterAll(() => {
    model.dispose();
  });
  const batch = () => images([2, ...model.config.imageSize, model.config.inChannels]);

  test('logits are finite and of the right shape', () => {
    tf.tidy(() => {
      const logits = model.forward(batch());
      const { numClasses, embedDim, globalPool } = model.config;
      const width = numClasses === 0 ? embedDim : numClasses;
      const tokens = model.numPrefixTokens + model.numPatches;
      expect(logits.shape).toEqual(globalPool === '' ? [2, tokens, width] : [2, width]);
      expect(logits.dataSync().every(Number.isFinite)).toBe(true);
    });
  });

  test('the parameters are those of the table', () => {
    const own = [...model.namedParameters()].map(([name, { shape }]) => [name, shape]);
    expect(own).toEqual([...parameterShapes(model.config)]);
  });

  test('every parameter gets a gradient, the same with blocks computed twice', () => {
    const x = batch();
    const plain = gradients(model, x);
    for (const [name, gradient] of plain) {
      expect({ name, zero: gradient.every((value) => value === 0) }).toEqual({ name, zero: false });
    }
    for (const [name, gradient] of gradients(model, x, { checkpoint: true })) {
      expect({ name, gradient }).toEqual({ name, gradient: plain.get(name) });
    }
    x.dispose();
  });

  test('memory is flat', () => {
    const x = batch();
    const context = { training: true, rng: new Rng(1) };
    const once = () => {
      model.forward(x).dispose();
      gradients(model, x, context);
      gradients(model, x, { ...context, checkpoint: true });
    };
    once();
    const before = tf.memory().numTensors;
    once();
    expect(tf.memory().numTensors).toBe(before);
    x.dispose();
  });
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

  test('warns once of a width that is no multiple of 3·numHeads', () => {
    const warn = jest.spyOn(console, 'warn').mockImplementation(() => {});
    const options = { ...tiny, embedDim: 40, numHeads: 5 };
    new VisionTransformer(options).dispose();
    new VisionTransformer(options).dispose();
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/^embedDim 40 is not a multiple/)]]);
    // A published size is as it is.
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

  test('a failing constructor allocates nothing', () => {
    const before = tf.memory().numTensors;
    expect(() => build({ imageSize: 15 })).toThrow(InputError);
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

  test('gradients with dropouts are the same when blocks are computed twice', () => {
    const x = images();
    const context = { training: true, rng: new Rng(4) };
    const wanted = gradients(model, x, context);
    expect(gradients(model, x, { ...context, checkpoint: true })).toEqual(wanted);
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
      // With its last block dropped, the second image is what the first block made of it.
      const capture = new Capture(['blocks.*.output']);
      simple.forward(x, { training: true, keepMask, capture });
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
    gradients(model, x, { capture });
    expect([...capture.entries().keys()]).toEqual([
      'patch_embed',
      'blocks.input',
      'blocks.0.attn_probs',
      'blocks.0.output',
      'blocks.1.attn_probs',
      'blocks.1.output',
      'forward_features',
      'pre_logits',
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

  test('a captured attention gradient is the same when blocks are computed twice', () => {
    const x = images();
    const run = (checkpoint: boolean) => {
      const capture = new Capture(['blocks.*.attn_grad']);
      gradients(model, x, { capture, checkpoint });
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

  test('preLogits are what the head sees', () => {
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
      const all = model.forwardIntermediates(x, { capture });
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

/** A store in a map. */
class MapStore implements FileStore {
  readonly location = 'memory';
  readonly files = new Map<string, Uint8Array>();

  read(name: string): Promise<Uint8Array> {
    return Promise.resolve(this.files.get(name)!);
  }

  has(name: string): Promise<boolean> {
    return Promise.resolve(this.files.has(name));
  }

  write(name: string, bytes: Uint8Array | string): Promise<void> {
    this.files.set(name, typeof bytes === 'string' ? new TextEncoder().encode(bytes) : bytes);
    return Promise.resolve();
  }

  async commit(files: ReadonlyMap<string, Uint8Array | string>): Promise<void> {
    for (const [name, bytes] of files) await this.write(name, bytes);
  }
}

describe('save and loadModel', () => {
  const logits = (model: VisionTransformer) => tf.tidy(() => model.forward(images()).dataSync());

  test('a saved model comes back, bit for bit', async () => {
    const model = build({ seed: 3, regTokens: 1, layerScaleInit: 0.1 });
    const store = new MapStore();
    const before = tf.memory().numTensors;
    await model.save(store);
    expect(tf.memory().numTensors).toBe(before);
    expect([...store.files.keys()].sort()).toEqual(['config.json', 'model.safetensors']);
    const loaded = await loadModel(store);
    expect(loaded.config).toEqual(model.config);
    expect(logits(loaded)).toEqual(logits(model));
    model.dispose();
    loaded.dispose();
  });

  test('one file is enough: it carries the configuration', async () => {
    const model = build();
    const loaded = await loadModel(await modelBytes(model, model.config));
    expect(logits(loaded)).toEqual(logits(model));
    model.dispose();
    loaded.dispose();
  });

  test('a file of another library takes the configuration beside it, a run’s or a given one', async () => {
    const model = build();
    const { tensors } = parseSafetensors(await modelBytes(model, model.config));
    const bytes = formatSafetensors(tensors);
    await expect(loadModel(bytes)).rejects.toThrow(/a model configuration for model\.safetensors/);
    const given = await loadModel(bytes, {
      config: { ...tiny, img_size: 16, imageSize: undefined },
    });
    expect(logits(given)).toEqual(logits(model));
    const store = new MapStore();
    await store.write('checkpoint.safetensors', bytes);
    await store.write('config.json', JSON.stringify({ epochs: 3, model: model.config }));
    const run = await loadModel(store);
    expect(logits(run)).toEqual(logits(model));
    for (const each of [model, given, run]) each.dispose();
  });

  test('what does not fit is refused, and nothing stays allocated', async () => {
    const model = build();
    const bytes = await modelBytes(model, model.config);
    const before = tf.memory().numTensors;
    const other = loadModel(bytes, { config: { ...tiny, depth: 3 } });
    await expect(other).rejects.toThrow(CheckpointError);
    await expect(loadModel(bytes.subarray(0, 100))).rejects.toThrow(CheckpointError);
    await expect(loadModel(new MapStore())).rejects.toThrow(/one of model\.safetensors/);
    expect(tf.memory().numTensors).toBe(before);
    model
      .namedParameters()
      .get('head.bias')!
      .assign(tf.fill([5], Number.NaN));
    await expect(loadModel(await modelBytes(model, model.config))).rejects.toThrow(/head\.bias/);
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
