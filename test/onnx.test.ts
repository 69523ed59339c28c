// Models as ONNX: the file is read and computed by an evaluator that shares nothing with the library, and gives its logits.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import { formatOnnx } from '../lib/checkpoints/onnx/formatOnnx.ts';
import { OnnxGraph } from '../lib/checkpoints/onnx/onnxGraph.ts';
import { Message } from '../lib/checkpoints/onnx/protobuf.ts';
import { hostTensor } from '../lib/checkpoints/hostTensor.ts';
import { modelTensors } from '../lib/checkpoints/modelState.ts';
import { CheckpointError, InputError } from '../lib/core/errors.ts';
import { keepRecord } from '../lib/core/modelRecord.ts';
import type { Model } from '../lib/models/model.ts';
import { ResNet } from '../lib/models/resnet/resNet.ts';
import { vitOnnx } from '../lib/models/vit/onnxGraph.ts';
import type { VisionTransformerConfig } from '../lib/models/vit/config.ts';
import type { VisionTransformerOptions } from '../lib/models/vit/parseConfig.ts';
import { onnxBytes } from '../lib/predict/onnxBytes.ts';
import { evaluateOnnx } from './support/onnxEvaluate.ts';
import { readOnnx } from './support/onnxFile.ts';
import { build, images } from './support/tinyModel.ts';
import { Rng } from '../lib/core/rng.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Every parameter and buffer away from its first value, so that one that is left out or exchanged shows. */
function enliven(model: Model): void {
  for (const [name, tensor] of model.stateDict()) {
    if (tensor.dtype === 'int32') continue;
    const rng = new Rng(7).split(name);
    const near = /norm.*weight$|gamma$|running_var$|bn\d\.weight$|downsample\.1\.weight$/.test(name)
      ? 1
      : 0;
    const values = Float32Array.from(
      { length: tensor.size },
      () => near + 0.3 * rng.normal() * (near ? 0.5 : 1),
    );
    tf.tidy(() => tensor.assign(tf.tensor(values, tensor.shape)));
  }
}

/** The largest difference of the file's results from the model's, and the largest of these. */
async function compared(model: Model, batch: number) {
  const [height, width, channels] = model.inputShape;
  const x = images([batch, height, width, channels], batch);
  const wanted = model.forward(x);
  const planes = tf.transpose(x, [0, 3, 1, 2]);
  const file = readOnnx(await onnxBytes(model));
  const [found] = evaluateOnnx(file, {
    dims: planes.shape,
    data: Array.from(planes.dataSync()),
  }).values();
  const ours = wanted.dataSync();
  expect(found!.dims).toEqual(wanted.shape);
  const outputs = file.outputs[0]!.dims.map((size) => (size === 'batch' ? batch : size));
  expect(outputs).toEqual(wanted.shape);
  tf.dispose([x, wanted, planes]);
  const differences = found!.data.map((value, i) => Math.abs(value - ours[i]!));
  return { difference: Math.max(...differences), largest: Math.max(...ours.map(Math.abs)), file };
}

const variants: Record<string, VisionTransformerOptions> = {
  plain: {},
  'mean, one channel, not square, a border': {
    globalPool: 'avg',
    inChannels: 1,
    imageSize: [17, 21],
    patchSize: [8, 4],
  },
  'mean without fcNorm': { globalPool: 'avg', fcNorm: false },
  avgmax: { globalPool: 'avgmax', regTokens: 1, poolIncludePrefix: true },
  max: { globalPool: 'max', activation: 'gelu_tanh' },
  map: { globalPool: 'map', classToken: false, regTokens: 1, activation: 'quick_gelu' },
  'no pooling, no class token': { globalPool: '', classToken: false },
  'registers without a place': { noEmbedClass: true, regTokens: 2, layerScaleInit: 0.1 },
  'registers with a place, qk-norm': { regTokens: 2, qkNorm: true },
  distilled: { distilled: true },
  'distilled, no head': { distilled: true, numClasses: 0 },
  'pre-norm, no qkv bias': { preNorm: true, qkvBias: false, normEps: 1e-3 },
  'sincos2d, sizes that may change': { posEmbed: 'sincos2d', regTokens: 1, dynamicImageSize: true },
  sincos1d: { posEmbed: 'sincos1d' },
  'no last norm, silu': { finalNorm: false, activation: 'silu' },
  'norms by the root mean square, no bias, SwiGLU in one layer': {
    normLayer: 'RmsNorm',
    embedNormLayer: 'LayerNorm',
    projBias: false,
    mlpLayer: 'SwiGLUPacked',
    activation: 'silu',
    qkNorm: true,
    preNorm: true,
  },
  'norms inside, SwiGLU in two layers': {
    scaleAttnNorm: true,
    scaleMlpNorm: true,
    mlpLayer: 'SwiGLU',
    activation: 'silu',
    embedNormLayer: 'RmsNorm',
  },
  'norms after the branches, no last norm': { blockFn: 'ResPostBlock', finalNorm: false },
  'both branches at once': { blockFn: 'ParallelScalingBlock', layerScaleInit: 0.1, qkNorm: true },
  '… without a bias': { blockFn: 'ParallelScalingBlock', qkvBias: false, projBias: false },
  'two of each branch': { blockFn: 'ParallelThingsBlock', layerScaleInit: 0.1 },
  'no last norm after a mean, map with another MLP': {
    globalPool: 'map',
    mlpLayer: 'SwiGLUPacked',
    normLayer: 'RmsNorm',
    projBias: false,
    finalNorm: false,
  },
  'no positions, no head': { posEmbed: 'none', numClasses: 0 },
};

describe('a Vision Transformer', () => {
  test.each(Object.entries(variants))('%s: batches of 1 and 3', async (_, options) => {
    const model = build(options);
    enliven(model);
    for (const batch of [1, 3]) {
      const { difference, largest } = await compared(model, batch);
      expect(largest).toBeGreaterThan(0.5);
      // float32 against float64, and our erf of 1.5e-7.
      expect(difference).toBeLessThan(1e-5 * largest);
    }
    model.dispose();
  });

  test('the file says its version, its axes and what it was told', async () => {
    const model = build();
    const normalize = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] };
    const classNames = ['a', 'b', 'c', 'd', 'é'];
    keepRecord(model, { preprocessing: { size: [16, 16], normalize, decode: 'pil', cropMode: 'center', interpolation: 'bicubic' }, classNames }); // prettier-ignore
    const file = readOnnx(await onnxBytes(model));
    expect([file.irVersion, file.opset, file.producer]).toEqual([8, 17, 'tfjs-vit']);
    expect(file.inputs).toEqual([{ name: 'pixel_values', type: 1, dims: ['batch', 3, 16, 16] }]);
    expect(file.outputs).toEqual([{ name: 'logits', type: 1, dims: ['batch', 5] }]);
    const told = Object.fromEntries(
      [...file.metadata].map(([key, text]) => [key, JSON.parse(text) as unknown]),
    );
    expect(told).toMatchObject({ ...normalize, class_names: classNames, config: { embedDim: 12 } });
    const other = readOnnx(await onnxBytes(build(), { classNames: ['1', '2', '3', '4', '5'], preprocessing: { normalize } })); // prettier-ignore
    expect(other.metadata.get('mean')).toBe('[0.5,0.4,0.3]');
    expect(readOnnx(await onnxBytes(build())).metadata.has('mean')).toBe(false);
    model.dispose();
  });

  test('an option or a tensor that the writer does not know is refused by its name', () => {
    const model = build();
    const tensors = modelTensors(model);
    const write = (changes: object, all = tensors) =>
      vitOnnx(new OnnxGraph(all), { ...model.config, ...changes } as VisionTransformerConfig);
    expect(() => write({ feedForward: 'swiglu' })).toThrow(/feedForward, received "swiglu"/);
    expect(() => write({ activation: 'relu' })).toThrow(/for ONNX.*|activation/);
    expect(() => write({ mlpLayer: 'Moe' })).toThrow(/mlpLayer/);
    expect(() => write({ blockFn: 'Mixer' })).toThrow(/blockFn/);
    expect(() => write({ globalPool: 'gem' })).toThrow(InputError);
    expect(() => write({ posEmbed: 'rope' })).toThrow(InputError);
    const more = new Map(tensors).set(
      'blocks.1.mlp.gate.weight',
      hostTensor([1], new Float32Array(1)),
    );
    expect(() => write({}, more)).toThrow(/blocks\.1\.mlp\.gate\.weight/);
    const fewer = new Map(tensors);
    fewer.delete('blocks.1.norm2.bias');
    expect(() => write({}, fewer)).toThrow(/blocks\.1\.norm2\.bias/);
    const bent = new Map(tensors).set('head.weight', hostTensor([12, 5], new Float32Array(60)));
    expect(() => write({}, bent)).toThrow(CheckpointError);
    write({});
    model.dispose();
  });
});

test.each([
  ['large images', { imageSize: 33, smallInput: false }],
  ['small images, no head', { imageSize: 9, numClasses: 0 }],
  [
    'bottlenecks, another stem',
    { imageSize: 33, smallInput: false, block: 'bottleneck', stemWidth: 4 },
  ],
] as const)('a ResNet: %s', async (_, options) => {
  const model = new ResNet({
    layers: [1, 2, 1, 1],
    planes: [2, 3, 4, 5],
    numClasses: 3,
    ...options,
  });
  enliven(model);
  for (const batch of [1, 3]) {
    const { difference, largest } = await compared(model, batch);
    expect(largest).toBeGreaterThan(0.01);
    expect(difference).toBeLessThan(1e-5 * largest);
  }
  model.dispose();
});

test('a model of 2 GiB is refused before anything is allocated', () => {
  const graph = new OnnxGraph(new Map());
  graph.initializers.set('w', {
    kind: 'float32',
    dims: [2 ** 29],
    values: () => {
      throw new Error('asked for its values');
    },
  });
  expect(() => formatOnnx(graph)).toThrow(/below 2 GiB.*safetensors/s);
});

test('the wire format', () => {
  const message = new Message()
    .integer(1, 300)
    .text(2, 'é')
    .integer(3, -1)
    .float(4, 1)
    .packed(5, [1, 128]);
  expect([...message.message(16, new Message().integer(1, 0)).bytes()]).toEqual([
    8, 172, 2, 18, 2, 195, 169, 24, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1, 37, 0, 0, 128, 63, 42, 3, 1,
    128, 1, 130, 1, 2, 8, 0,
  ]); // prettier-ignore
});
