// A family of models and a data set that the library does not know are registered through the public door, and everything neutral
// works with them.

import '@tensorflow/tfjs-backend-cpu';
import * as fs from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import * as door from '../lib/node.ts';
import { temporaryFolder } from './support/failingDisk.ts';

interface MlpConfig {
  family: 'mlp';
  side: number;
  hidden: number;
  classes: number;
  seed: number;
}

/** pixels → fc1 → gelu → head. */
class MlpClassifier extends door.Module implements door.Model {
  readonly family = 'mlp';
  readonly config: MlpConfig;
  private readonly fc1: door.Linear;
  private readonly head: door.Linear;

  constructor(config: MlpConfig, { initialize = true }: door.BuildOptions = {}) {
    super();
    this.config = config;
    const root = { path: '', rng: initialize ? new door.Rng(config.seed) : undefined };
    const layer = (path: string, inFeatures: number, outFeatures: number) =>
      this.child(path, new door.Linear({ inFeatures, outFeatures }, door.inside(root, path)));
    this.fc1 = layer('fc1', config.side ** 2, config.hidden);
    this.head = layer('head', config.hidden, config.classes);
  }

  get inputShape(): [number, number, number] {
    return [this.config.side, this.config.side, 1];
  }

  get numClasses(): number {
    return this.config.classes;
  }

  forward(images: tf.Tensor4D, context?: door.ForwardContext): tf.Tensor2D {
    return tf.tidy(() => {
      const pixels = images.reshape([images.shape[0], -1]) as tf.Tensor2D;
      const hidden = door.gelu(this.fc1.forward(pixels, context)) as tf.Tensor2D;
      return this.head.forward(hidden, context);
    });
  }

  noWeightDecay(): Set<string> {
    return new Set();
  }

  layerGroups(): Map<string, number> {
    return new Map(
      [...this.namedParameters().keys()].map((name) => [name, name.startsWith('fc1') ? 0 : 1]),
    );
  }

  layerTable(): door.LayerRow[] {
    const { side, hidden, classes } = this.config;
    return [door.linearRow('fc1', [side ** 2], hidden), door.linearRow('head', [hidden], classes)];
  }
}

function parse(options: object): MlpConfig {
  const defaults: MlpConfig = { family: 'mlp', side: 8, hidden: 6, classes: 4, seed: 1 };
  const unknown = Object.keys(options).find((key) => !(key in defaults));
  if (unknown !== undefined)
    throw new door.InputError(`Expected an option of mlp, got ${unknown}.`);
  return { ...defaults, ...options };
}

const mlp: door.ModelFamily<MlpConfig, MlpClassifier> = {
  family: 'mlp',
  names: () => ['mlp_small', 'mlp_large'],
  config: (name, overrides = {}) => parse({ hidden: name === 'mlp_small' ? 6 : 32, ...overrides }),
  parseConfig: parse,
  recognizes: (config) => 'pixels_per_side' in config,
  build: (config, options) => new MlpClassifier(config, options),
  // A foreign file calls the head `classifier` and stores its weight as [in, out].
  adapt: (tensors) =>
    new Map(
      [...tensors].map(([name, tensor]) => [
        name.replace(/^classifier\./, 'head.'),
        name === 'classifier.weight' ? transposed(tensor) : tensor,
      ]),
    ),
};

function transposed(tensor: door.HostTensor): door.HostTensor {
  const [rows = 0, columns = 0] = tensor.shape;
  const data = door.toFloat32(tensor);
  const values = data.map((_, i) => data[(i % rows) * columns + Math.floor(i / rows)]!);
  return door.hostTensor([columns, rows], values);
}

const place = temporaryFolder();
const images = () => tf.linspace(-1, 1, 3 * 64).reshape([3, 8, 8, 1]) as tf.Tensor4D;
const logitsOf = (model: door.Model) => tf.tidy(() => model.forward(images()).dataSync());
const dataset = new door.MemoryDataset({
  images: Uint8Array.from({ length: 48 * 64 }, (_, i) => (Math.floor(i / 64) % 4) * 60),
  labels: Uint8Array.from({ length: 48 }, (_, i) => i % 4),
  imageShape: [8, 8, 1],
  classNames: ['a', 'b', 'c', 'd'],
});

const normalize = { mean: [0.4], std: [0.25] };
const shades: door.DatasetDescriptor = {
  name: 'shades',
  title: 'Shades',
  parts: ['train', 'test'],
  inputChannels: 1,
  normalize,
  open: async () => dataset,
};

/** The standard output of a command, whose exit code must be 0. */
async function command(...words: string[]): Promise<string> {
  let out = '';
  const write = (text: string | Uint8Array) => ((out += String(text)), true);
  const streams = [process.stdout, process.stderr];
  const spies = streams.map((stream, i) =>
    jest.spyOn(stream, 'write').mockImplementation(i === 0 ? write : () => true),
  );
  try {
    await door.runMain(words);
    expect(process.exitCode).toBe(0);
    return out;
  } finally {
    spies.forEach((spy) => spy.mockRestore());
    process.exitCode = undefined;
  }
}

beforeAll(async () => {
  await tf.setBackend('cpu');
  door.registerModelFamily(mlp);
  door.registerDataset(shades);
});

describe('a family from outside', () => {
  test('is found by the names of its sizes', () => {
    expect(door.modelNames()).toEqual(
      expect.arrayContaining(['mlp_small', 'vit_tiny_patch16_224']),
    );
    expect(door.modelConfig('mlp_large', { classes: 3 })).toEqual(
      parse({ hidden: 32, classes: 3 }),
    );
    const model = door.createModel('mlp_large');
    expect(model).toBeInstanceOf(MlpClassifier);
    expect(model.countParameters()).toBe(64 * 32 + 32 + 32 * 4 + 4);
    model.dispose();
    expect(() => door.createModel('mlp_smal')).toThrow(/Did you mean mlp_small\?/);
  });

  test('is found by options with its name, or with keys that it recognizes', () => {
    const model = door.buildModel({ family: 'mlp', hidden: 5 });
    expect(model.config).toEqual(parse({ hidden: 5 }));
    model.dispose();
    // The family itself refuses an option that it recognizes but does not know.
    expect(() => door.buildModel({ pixels_per_side: 8 })).toThrow(/an option of mlp/);
    expect(() => door.buildModel({ family: 'mpl' })).toThrow(
      /a registered model family for family, received "mpl"\. Did you mean mlp\?/,
    );
    expect(() => door.buildModel({ family: 'vit', name: 'mlp_small' })).toThrow(
      /mlp, which has mlp_small, for model\.family/,
    );
    expect(() => door.buildModel({ model_type: 'swin' })).toThrow(
      /Give family, one of vit, resnet, detr, clip, mlp/,
    );
  });

  test('cannot take a name or a size that is taken', () => {
    expect(() => door.registerModelFamily(mlp)).toThrow(/a name that is free/);
    const twin = { ...mlp, family: 'twin', names: () => ['vit_tiny_16_224'] };
    expect(() => door.registerModelFamily(twin)).toThrow(/received "vit_tiny_16_224"/);
    expect(door.modelFamilies().map(({ family }) => family)).toEqual([
      'vit',
      'resnet',
      'detr',
      'clip',
      'mlp',
    ]);
  });

  test('is saved and loaded, bit for bit', async () => {
    const model = door.createModel('mlp_small', { seed: 7 });
    const folder = join(place(), 'saved');
    await door.saveModel(model, folder);
    const config = JSON.parse(fs.readFileSync(join(folder, 'config.json'), 'utf8')) as object;
    expect(config).toEqual({ family: 'mlp', side: 8, hidden: 6, classes: 4, seed: 7 });
    const loaded = await door.loadModel(folder, { family: mlp });
    expect(loaded).toBeInstanceOf(MlpClassifier);
    expect(logitsOf(loaded)).toEqual(logitsOf(model));
    await expect(door.loadModel(folder, { family: door.vit })).rejects.toThrow(
      /a model of family vit for config, received "mlp"/,
    );
    for (const each of [model, loaded]) each.dispose();
  });

  test('adapts the names and layouts of a foreign checkpoint, and nothing stays allocated where that fails', async () => {
    const model = door.createModel('mlp_small');
    const own = await door.downloadModelTensors(model);
    const foreign = new Map(
      [...own].map(([name, tensor]) => [
        name.replace(/^head\./, 'classifier.'),
        name === 'head.weight' ? transposed(tensor) : tensor,
      ]),
    );
    expect(foreign.get('classifier.weight')!.shape).not.toEqual(own.get('head.weight')!.shape);
    const bytes = door.formatSafetensors(foreign);
    const loaded = await door.loadModel(bytes, { config: { family: 'mlp' } });
    expect(logitsOf(loaded)).toEqual(logitsOf(model));
    loaded.dispose();
    const before = tf.memory().numTensors;
    await expect(door.loadModel(bytes, { config: { family: 'mlp', hidden: 7 } })).rejects.toThrow(
      door.CheckpointError,
    );
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
  });

  test('a configuration that leads to another family is not saved', async () => {
    const model = door.createModel('mlp_small');
    const { family: _, ...nameless } = parse({});
    Object.assign(model, { config: nameless });
    await expect(door.modelBytes(model)).rejects.toThrow(
      /a configuration of mlp for the stored model, received "vit"\. Put family: 'mlp' into/,
    );
    model.dispose();
  });

  test('a family whose configurations do not lead back to it builds nothing', () => {
    const lost: door.ModelFamily<MlpConfig, MlpClassifier> = {
      ...mlp,
      family: 'lost',
      names: () => ['lost_small'],
      config: () => parse({}),
    };
    door.registerModelFamily(lost);
    const before = tf.memory().numTensors;
    const build = mlp.build.bind(mlp);
    lost.build = (config, options) => Object.assign(build(config, options), { family: 'lost' });
    expect(() => door.createModel('lost_small')).toThrow(
      /received "mlp"\. Put family: 'lost' into/,
    );
    expect(tf.memory().numTensors).toBe(before);
  });

  test('has a summary, whose model is disposed', () => {
    const before = tf.memory().numTensors;
    const text = door.summarize({ name: 'mlp_large' });
    expect(text).toMatch(/^fc1 +Linear +\[B, 32\] +2,080 +4\.1 k$/m);
    expect(text).toMatch(/^total +2,212 /m);
    expect(door.parameterShapes({ family: 'mlp' }).get('head.weight')).toEqual([4, 6]);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('is trained into a run folder, each layer at its own rate, and its best checkpoint loads', async () => {
    const model = door.createModel('mlp_small');
    const groups = door.makeOptimizer(model, { learningRate: 1, layerDecay: 0.5 });
    expect(groups.groups.map(({ lrScale }) => lrScale)).toEqual([0.5, 0.5, 1, 1]);
    groups.dispose();
    const folder = join(place(), 'run');
    const run = { epochs: 8, batchSize: 8, learningRate: 0.05, seed: 1, smoothing: 0 };
    const env = {
      model,
      train: dataset,
      validation: dataset,
      normalize,
    };
    const before = logitsOf(model);
    await door.trainInFolder(
      { ...run, optimizer: { layerDecay: 0.5 } },
      { ...env, outputDir: folder, progress: false, tensorboard: false },
    );
    expect(logitsOf(model)).not.toEqual(before);
    const loaded = await door.loadModel(folder);
    const loader = new door.Loader({ dataset, batchSize: 16, normalize: env.normalize });
    expect((await door.evaluate(loaded, loader)).top1).toBe(1);
    for (const each of [model, loaded]) each.dispose();
  });

  test('the commands train it on a data set from outside, summarise it, evaluate it and predict with it', async () => {
    const folder = join(place(), 'commands');
    const config = join(place(), 'experiment.json');
    const experiment = {
      name: 'outside',
      model: { name: 'mlp_small', seed: 2 },
      data: { dataset: 'shades' },
      epochs: 8,
      batchSize: 8,
      learningRate: 0.05,
      valSplit: 8,
    };
    fs.writeFileSync(config, JSON.stringify(experiment));
    const cpu = ['--backend', 'cpu'];
    await command('train', '--config', config, '--output-dir', folder, ...cpu);
    expect(await command('summary', folder)).toMatch(/^fc1 +Linear +\[B, 6\] +390 /m);
    const evaluated = await command('eval', '--checkpoint', folder, '--json', ...cpu);
    expect(JSON.parse(evaluated)).toMatchObject({ images: 48, top1: 1 });
    const file = join(place(), 'image.png');
    fs.writeFileSync(file, door.encodePng(dataset.image(2)));
    for (const image of ['2', file]) {
      const words = ['predict', '--image', image, '--checkpoint', folder, '--json', ...cpu];
      const { predictions } = JSON.parse(await command(...words)) as {
        predictions: { name: string; probability: number }[];
      };
      expect(predictions[0]!.name).toBe('c');
      const loaded = await door.loadModel(folder, { family: mlp });
      const pixels = new Float32Array(64);
      door.normalizeInto(dataset.image(2), normalize, pixels, 0);
      const probabilities = tf.tidy(() =>
        tf.softmax(loaded.forward(tf.tensor4d(pixels, [1, 8, 8, 1]))).dataSync(),
      );
      loaded.dispose();
      expect(predictions[0]!.probability).toBeCloseTo(probabilities[2]!, 5);
    }
  });

  test('a model without attention is not drawn', async () => {
    const model = door.createModel('mlp_small');
    const picture = door.makeImage(8, 8, 1, new Uint8Array(64));
    await expect(
      door.visualizeAttention({ model, pixels: new Float32Array(64), picture }),
    ).rejects.toThrow(/a model with attention for model, received "mlp"/);
    model.dispose();
  });
});
