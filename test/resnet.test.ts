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
  test('torchvision: parameters and multiply-adds of ResNet-18 and ResNet-34', () => {
    expect(countParameters({ name: 'resnet18' })).toBe(11_689_512);
    expect(countParameters({ name: 'resnet34' })).toBe(21_797_672);
    expect(gigaMacs({ name: 'resnet18' })).toBeCloseTo(1.81, 2);
    expect(gigaMacs({ name: 'resnet34' })).toBeCloseTo(3.66, 2);
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
    [{ layers: [2, 2] }, /4 integers/],
    [{ planes: [64, 0, 1, 1] }, /planes\[1\], received 0/],
    [{ imageSize: 28, img_size: 32 }, /Give one of the two/],
    [{ planes: [8192, 8192, 8192, 8192], layers: [256, 256, 256, 256] }, /2³³ parameters/],
  ])('%j is refused', (options, message) => {
    expect(() => parseModelOptions({ family: 'resnet', ...options })).toThrow(message);
  });

  test('a size that is not built is named so', () => {
    expect(() => createModel('resnet50')).toThrow('not built yet');
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
