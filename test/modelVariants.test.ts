import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { Rng } from '../lib/core/rng.ts';
import { parameterShapes } from '../lib/models/layerTable.ts';
import type { VisionTransformerOptions } from '../lib/models/vit/parseConfig.ts';
import type { VisionTransformer } from '../lib/models/vit/visionTransformer.ts';
import { build, gradients, images } from './support/tinyModel.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

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
  'no final norm, silu': { finalNorm: false, activation: 'silu' },
  'RmsNorm, SwiGLUPacked': { normLayer: 'RmsNorm', mlpLayer: 'SwiGLUPacked', qkNorm: true },
  'SwiGLU, scale norms': {
    mlpLayer: 'SwiGLU',
    activation: 'silu',
    scaleAttnNorm: true,
    scaleMlpNorm: true,
  },
  'no biases': { projBias: false, qkvBias: false, embedNormLayer: 'RmsNorm' },
  ResPostBlock: { blockFn: 'ResPostBlock', layerScaleInit: 0.5 },
  ParallelScalingBlock: {
    blockFn: 'ParallelScalingBlock',
    qkvBias: false,
    qkNorm: true,
    layerScaleInit: 0.5,
  },
  ParallelThingsBlock: { blockFn: 'ParallelThingsBlock', layerScaleInit: 0.5 },
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

  test('every parameter gets a gradient, the same with recomputed blocks', () => {
    const x = batch();
    const plain = gradients(model, x);
    for (const [name, gradient] of plain) {
      expect({ name, zero: gradient.every((value) => value === 0) }).toEqual({ name, zero: false });
    }
    for (const [name, gradient] of gradients(model, x, { recompute: true })) {
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
      gradients(model, x, { ...context, recompute: true });
    };
    once();
    const before = tf.memory().numTensors;
    once();
    expect(tf.memory().numTensors).toBe(before);
    x.dispose();
  });
});
