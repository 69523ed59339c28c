// A family of models of your own: node --import tsx examples/ownFamily.ts [FOLDER]
//
// `registerModelFamily` makes its sizes known to createModel, loadModel, train and the commands. This one is a small multilayer
// perceptron: pixels → hidden → logits.

import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import {
  InputError,
  Linear,
  Module,
  Rng,
  createModel,
  gelu,
  inside,
  linearRow,
  loadModel,
  registerModelFamily,
  saveModel,
  selectBackend,
  type BuildOptions,
  type ForwardContext,
  type Model,
  type ModelFamily,
} from 'tfjs-vit/node';

/** The complete configuration; its key `family` leads a stored model back to the family. */
interface MlpConfig {
  family: 'mlp';
  side: number;
  hidden: number;
  classes: number;
  seed: number;
}

const sizes: Record<string, Partial<MlpConfig>> = {
  mlp_small: { hidden: 32 },
  mlp_large: { hidden: 256 },
};

class MlpClassifier extends Module implements Model {
  readonly family = 'mlp';
  readonly config: MlpConfig;
  private readonly fc1: Linear;
  private readonly head: Linear;

  constructor(config: MlpConfig, { initialize = true }: BuildOptions = {}) {
    super();
    this.config = config;
    // First weights are a function of the seed and the parameter's name, or zero for a model that is loaded next.
    const scope = { path: '', rng: initialize ? new Rng(config.seed) : undefined };
    const layer = (name: string, inFeatures: number, outFeatures: number) =>
      this.child(name, new Linear({ inFeatures, outFeatures }, inside(scope, name)));
    this.fc1 = layer('fc1', config.side ** 2, config.hidden);
    this.head = layer('head', config.hidden, config.classes);
  }

  get inputShape(): [number, number, number] {
    return [this.config.side, this.config.side, 1];
  }

  get numClasses(): number {
    return this.config.classes;
  }

  forward(images: tf.Tensor, context?: ForwardContext): tf.Tensor2D {
    return tf.tidy(() => {
      const pixels = tf.reshape(images, [-1, this.config.side ** 2]);
      return this.head.forward(gelu(this.fc1.forward(pixels, context)), context) as tf.Tensor2D;
    });
  }

  noWeightDecay(): Set<string> {
    return new Set();
  }

  layerGroups(): Map<string, number> {
    const names = [...this.namedParameters().keys()];
    return new Map(names.map((name) => [name, name.startsWith('fc1') ? 0 : 1]));
  }

  layerTable() {
    const { side, hidden, classes } = this.config;
    return [linearRow('fc1', [side ** 2], hidden), linearRow('head', [hidden], classes)];
  }
}

function parse(options: object): MlpConfig {
  const defaults: MlpConfig = { family: 'mlp', side: 28, hidden: 32, classes: 10, seed: 0 };
  const unknown = Object.keys(options).find((key) => !(key in defaults));
  if (unknown !== undefined)
    throw new InputError(`Expected an option of mlp, received ${unknown}.`);
  return { ...defaults, ...options };
}

const mlp: ModelFamily<MlpConfig, MlpClassifier> = {
  family: 'mlp',
  names: () => Object.keys(sizes),
  config: (name, overrides = {}) => parse({ ...sizes[name], ...overrides }),
  parseConfig: parse,
  recognizes: () => false, // only a configuration with family: 'mlp' is one of ours
  build: (config, options) => new MlpClassifier(config, options),
};
registerModelFamily(mlp);

const folder = path.join(process.argv[2] ?? 'runs', 'ownFamily');
console.log((await selectBackend()).reason);

const model = createModel('mlp_small', { seed: 7 });
await saveModel(model, folder);
const loaded = await loadModel(folder, { family: mlp });
const images = tf.randomUniform([4, 28, 28, 1]);
const [before, after] = [model, loaded].map((one) => one.forward(images).dataSync());
const same = before!.every((value, i) => value === after![i]);
console.log(`${loaded.countParameters()} parameters; loaded: the same logits, ${same}`);
for (const one of [model, loaded]) one.dispose();
