import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import * as fs from 'node:fs';
import * as path from 'node:path';
import { parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import { Capture } from '../lib/core/capture.ts';
import { InputError, ShapeError } from '../lib/core/errors.ts';
import { Rng } from '../lib/core/rng.ts';
import { createModel, modelConfig, parseModelOptions } from '../lib/models/createModel.ts';
import { countParameters, gigaMacs, summarize } from '../lib/models/layerTable.ts';
import { loadModel } from '../lib/models/loadModel.ts';
import { modelBytes } from '../lib/models/saveModel.ts';
import { parseResNetConfig, type ResNetOptions } from '../lib/models/resnet/config.ts';
import type { Conv2d } from '../lib/layers/conv2d.ts';
import { Bottleneck } from '../lib/models/resnet/bottleneck.ts';
import { resnet } from '../lib/models/resnet/family.ts';
import { ResNet } from '../lib/models/resnet/resNet.ts';
import { paramGroupsLayerDecay } from '../lib/training/paramGroups.ts';
import { valueAndGrad } from '../lib/training/valueAndGrad.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const narrow = {
  imageSize: 16,
  inChannels: 1,
  numClasses: 3,
  planes: [4, 4, 6, 8],
} satisfies ResNetOptions;
const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());
const golden = path.join(import.meta.dirname, 'goldens/resnet/resnet18-narrow/weights.safetensors');

describe('the configuration', () => {
  test('torchvision: parameters and multiply-adds of every size', () => {
    expect(countParameters({ name: 'resnet18' })).toBe(11_689_512);
    expect(countParameters({ name: 'resnet34' })).toBe(21_797_672);
    expect(gigaMacs({ name: 'resnet18' })).toBeCloseTo(1.81, 2);
    expect(gigaMacs({ name: 'resnet34' })).toBeCloseTo(3.66, 2);
    expect(countParameters({ name: 'resnet50' })).toBe(25_557_032);
    expect(countParameters({ name: 'resnet101' })).toBe(44_549_160);
    expect(countParameters({ name: 'resnet152' })).toBe(60_192_808);
    expect(gigaMacs({ name: 'resnet50' })).toBeCloseTo(4.09, 2);
    expect(summarize({ name: 'resnet18' })).toContain('layer4.0.downsample.0');
  });

  test('the stem follows the size of the images unless it is given', () => {
    expect(modelConfig('resnet18').smallInput).toBe(false);
    expect(modelConfig('resnet18', { img_size: 32, in_chans: 1 }).smallInput).toBe(true);
    expect(parseResNetConfig({ imageSize: 32, smallInput: false }).smallInput).toBe(false);
    expect(modelConfig('resnet18', { img_size: 32, in_chans: 1 })).toMatchObject({
      family: 'resnet',
      imageSize: [32, 32],
      inChannels: 1,
    });
  });

  test.each<[object, RegExp]>([
    [{ depth: 3 }, /an option of a ResNet for config, received "depth"/],
    [{ layers: [2, 2] }, /2 integers, one for each stage of layers, for planes/],
    [{ layers: [] }, /1 to 4 stages/],
    [{ layers: [1, 1, 1, 1, 1], planes: [4, 4, 4, 4, 4] }, /1 to 4 stages/],
    [{ planes: [64, 0, 1, 1] }, /planes\[1\], received 0/],
    [{ imageSize: 28, img_size: 32 }, /Give one of the two/],
    [{ planes: [8192, 8192, 8192, 8192], layers: [256, 256, 256, 256] }, /2³³ parameters/],
  ])('%j is refused', (options, message) => {
    expect(() => parseModelOptions({ family: 'resnet', ...options })).toThrow(message);
  });

  test('a size that is not built is named so', () => {
    expect(() => createModel('resnext50_32x4d')).toThrow('not built yet');
    expect(() => createModel('resnet18', { numHeads: 3 })).toThrow(InputError);
  });
});

describe('the model', () => {
  test('its state dict has the names, the order and the shapes of torchvision', () => {
    const { tensors } = parseSafetensors(fs.readFileSync(golden));
    const model = new ResNet({
      imageSize: 40,
      numClasses: 5,
      planes: [4, 6, 8, 12],
      smallInput: false,
    });
    const shapes = [...model.stateDict()].map(([name, { shape }]) => [name, shape]);
    const wanted = new Map([...tensors].map(([name, { shape }]) => [name, shape]));
    expect(new Map(shapes as [string, number[]][])).toEqual(wanted);
    const [first, second] = [...model.namedParameters().keys()];
    expect([first, second]).toEqual(['conv1.weight', 'bn1.weight']);
    const parameters = model.layerTable().flatMap((row) => [...row.parameters]);
    expect(new Map(parameters)).toEqual(
      new Map([...model.namedParameters()].map(([name, { shape }]) => [name, shape])),
    );
    model.dispose();
  });

  test('first weights depend on the seed; convolutions have variance 2/fan_out', () => {
    const [one, same, other] = [1, 1, 2].map((seed) => new ResNet({ ...narrow, seed }));
    const weights = (model: ResNet) => values(model.stages[3]!.items[1]!.conv2.weight);
    expect(weights(same!)).toEqual(weights(one!));
    expect(weights(other!)).not.toEqual(weights(one!));
    const variance = weights(one!).reduce((sum, x) => sum + x * x, 0) / weights(one!).length;
    expect(variance / (2 / (8 * 9))).toBeGreaterThan(0.7);
    expect(variance / (2 / (8 * 9))).toBeLessThan(1.4);
    const zero = new ResNet({ ...narrow, zeroInitResidual: true });
    expect(values(zero.stages[0]!.items[0]!.bn2.weight)).toEqual([0, 0, 0, 0]);
    for (const model of [one, same, other, zero]) model!.dispose();
  });

  test('shapes, named steps, and images of other sizes', () => {
    const model = new ResNet(narrow);
    const capture = new Capture(['layer*', 'avgpool', 'layer2.0']);
    const x = tf.randomNormal<tf.Rank.R4>([2, 16, 16, 1]);
    const logits = model.forward(x, { intercept: capture });
    expect(logits.shape).toEqual([2, 3]);
    expect(capture.get('layer4').shape).toEqual([2, 2, 2, 8]);
    expect(capture.get('avgpool').shape).toEqual([2, 8]);
    expect(model.forward(tf.zeros([1, 19, 7, 1])).shape).toEqual([1, 3]);
    expect(() => model.forward(tf.zeros([1, 16, 16, 3]))).toThrow(ShapeError);
    capture.dispose();
    model.dispose();
  });

  test('every parameter gets a gradient; dropouts draw from the stream', () => {
    const model = new ResNet({ ...narrow, dropRate: 0.3, dropPathRate: 0.5 });
    const x = tf.randomNormal<tf.Rank.R4>([3, 16, 16, 1]);
    const loss = (seed: number) => () =>
      tf.mean(tf.square(model.forward(x, { training: true, rng: new Rng(seed) })));
    const { value, gradients } = valueAndGrad(model, loss(1));
    expect([...gradients.keys()]).toEqual([...model.namedParameters().keys()]);
    const [same, other] = [1, 2].map((seed) => values(valueAndGrad(model, loss(seed)).value));
    expect(same).toEqual(values(value));
    expect(other).not.toEqual(values(value));
    expect(() => model.forward(x, { training: true })).toThrow('random stream');
    model.dispose();
  });

  test('layers for layer decay: the stem, each block, the head', () => {
    const model = new ResNet(narrow);
    const groups = paramGroupsLayerDecay(model, { weightDecay: 0.1, layerDecay: 0.5 });
    expect(new Set(groups.map(({ lrScale }) => Math.log2(1 / lrScale)))).toEqual(
      new Set([9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
    );
    const decays = new Map(groups.flatMap((g) => g.params.map((name) => [name, g.weightDecay])));
    expect([decays.get('bn1.weight'), decays.get('conv1.weight')]).toEqual([0, 0.1]);
    model.dispose();
  });

  test('it is saved and loaded with its running statistics, and an old file without counters too', async () => {
    const model = createModel('resnet18', { ...narrow, seed: 4 });
    const x = tf.randomNormal<tf.Rank.R4>([4, 16, 16, 1], 2);
    model.forward(x, { training: true });
    const bytes = await modelBytes(model);
    const loaded = await loadModel(bytes, { family: resnet });
    expect(values(loaded.forward(x))).toEqual(values(model.forward(x)));
    const { tensors, metadata } = parseSafetensors(bytes);
    const old = new Map([...tensors].filter(([name]) => !name.endsWith('num_batches_tracked')));
    const config = JSON.parse(metadata.get('config')!) as object;
    const again = await loadModel({ tensors: old, metadata, source: 'old', format: 'x' } as never, {
      config,
    });
    expect(values(again.forward(x))).toEqual(values(model.forward(x)));
    for (const one of [model, loaded, again]) one.dispose();
  });
});

const deep = { ...narrow, block: 'bottleneck', stemWidth: 6, smallInput: false } as const;

describe('ResNet-50 and its relatives', () => {
  test('a bottleneck is three convolutions beside the input, the stride in the second', () => {
    const block = new Bottleneck(
      { inPlanes: 3, planes: 2, outPlanes: 8, stride: 2, dropPath: 0 },
      { path: '', rng: new Rng(3) },
    );
    const x = tf.randomNormal<tf.Rank.R4>([1, 5, 5, 3], 0, 1, 'float32', 7);
    const { conv1, conv2, conv3, downsample } = block;
    const kernel = ({ weight }: Conv2d) =>
      tf.transpose(weight as tf.Tensor, [2, 3, 1, 0]) as tf.Tensor4D;
    // Norms at their first values only divide by √(1 + ε).
    const norm = <T extends tf.Tensor>(y: T) => tf.div<T>(y, Math.sqrt(1 + 1e-5));
    const narrowed = tf.relu(norm(tf.conv2d(x, kernel(conv1), 1, 'valid')));
    const seen = tf.relu(norm(tf.conv2d(narrowed, kernel(conv2), 2, 1)));
    const branch = norm(tf.conv2d(seen, kernel(conv3), 1, 'valid'));
    const shortcut = norm(tf.conv2d(x, kernel(downsample!.conv), 2, 'valid'));
    const wanted = values(tf.relu(tf.add(branch, shortcut)));
    const received = block.forward(x);
    expect(received.shape).toEqual([1, 3, 3, 8]);
    values(received).forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 5));
    block.dispose();
  });

  test('its state dict, the layer table, and the maps of the stages', () => {
    const model = new ResNet(deep);
    const parameters = model.layerTable().flatMap((row) => [...row.parameters]);
    expect(new Map(parameters)).toEqual(
      new Map([...model.namedParameters()].map(([name, { shape }]) => [name, shape])),
    );
    const maps = model.forwardStages(tf.zeros([1, 33, 64, 1]));
    expect(maps.map(({ shape }) => shape.slice(1))).toEqual([
      [9, 16, 6],
      [9, 16, 16],
      [5, 8, 16],
      [3, 4, 24],
      [2, 2, 32],
    ]);
    expect(model.forward(tf.zeros([2, 1, 1, 1])).shape).toEqual([2, 3]);
    tf.dispose(maps);
    model.dispose();
  });

  test('frozen norms are buffers that training leaves alone', () => {
    const model = new ResNet({ ...deep, frozenNorm: true });
    expect([...model.namedParameters().keys()].some((name) => name.includes('bn'))).toBe(false);
    expect([...model.stateDict().keys()].slice(1, 5)).toEqual([
      'bn1.weight',
      'bn1.bias',
      'bn1.running_mean',
      'bn1.running_var',
    ]);
    const before = [...model.namedBuffers().values()].map((buffer) => values(buffer));
    const x = tf.randomNormal<tf.Rank.R4>([2, 16, 16, 1], 3);
    const trained = values(model.forward(x, { training: true }));
    expect([...model.namedBuffers().values()].map((buffer) => values(buffer))).toEqual(before);
    expect(values(model.forward(x))).toEqual(trained);
    const { bn1 } = model;
    bn1.runningMean.assign(tf.fill([6], 2));
    bn1.runningVar.assign(tf.fill([6], 3));
    bn1.weight.assign(tf.fill([6], 5));
    const [y] = values(bn1.forward(tf.ones([1, 1, 1, 6])));
    expect(y).toBeCloseTo(-5 / Math.sqrt(3), 4);
    model.dispose();
  });

  test('names and config.json of Hugging Face', async () => {
    const config = {
      model_type: 'resnet',
      layer_type: 'bottleneck',
      depths: [2, 1, 1, 1],
      hidden_sizes: [16, 16, 24, 32],
      embedding_size: 6,
      num_channels: 1,
      hidden_act: 'relu',
      id2label: { 0: 'cat', 1: 'dog', 2: 'owl' },
    };
    const model = new ResNet({ ...deep, layers: [2, 1, 1, 1], numClasses: 3 });
    const { tensors } = parseSafetensors(await modelBytes(model));
    const foreign = new Map(
      [...tensors]
        .filter(([name]) => !name.endsWith('num_batches_tracked'))
        .map(([name, tensor]) => [huggingFaceName(name), tensor]),
    );
    expect(foreign.has('resnet.encoder.stages.0.layers.1.layer.2.convolution.weight')).toBe(true);
    const source = { tensors: foreign, metadata: new Map(), source: 'hf', format: 'x' } as never;
    const loaded = await loadModel(source, { config });
    const x = tf.randomNormal<tf.Rank.R4>([1, 20, 20, 1]);
    expect(values(loaded.forward(x))).toEqual(values(model.forward(x)));
    expect(() => parseModelOptions({ ...config, downsample_in_bottleneck: true })).toThrow(
      /false for downsample_in_bottleneck of config.json, received true/,
    );
    for (const one of [model, loaded]) one.dispose();
  });
});

function huggingFaceName(name: string): string {
  const layer = (norm: string, number: string) =>
    `layer.${Number(number) - 1}.${norm === 'bn' ? 'normalization' : 'convolution'}`;
  return name
    .replace(/^conv1/, 'resnet.embedder.embedder.convolution')
    .replace(/^bn1/, 'resnet.embedder.embedder.normalization')
    .replace(/^fc/, 'classifier.1')
    .replace(
      /^layer(\d)\.(\d)\./,
      (_, s: string, b: string) => `resnet.encoder.stages.${Number(s) - 1}.layers.${b}.`,
    )
    .replace(/(?<=\d\.)(conv|bn)(\d)/, (_, kind: string, number: string) => layer(kind, number))
    .replace('downsample.0', 'shortcut.convolution')
    .replace('downsample.1', 'shortcut.normalization');
}
