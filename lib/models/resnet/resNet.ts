// torchvision's ResNet, assembled from the layers.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../../ops/tensor.ts';
import { assertRank, assertShape, assertTensor } from '../../core/check.ts';
import { assertContext, type ForwardContext } from '../../core/context.ts';
import { kaimingUniform } from '../../core/init.ts';
import { namedTensor } from '../../core/intercept.ts';
import { assertFields } from '../../core/kinds.ts';
import { Module, assertModule } from '../../core/module.ts';
import { Rng } from '../../core/rng.ts';
import { Conv2d } from '../../layers/conv2d.ts';
import { Dropout, dropPathRates } from '../../layers/drop.ts';
import { channelNorm, type ChannelNorm } from '../../layers/frozenBatchNorm.ts';
import { inside, initial, type InitScope } from '../../layers/initScope.ts';
import { Linear } from '../../layers/linear.ts';
import { Sequence } from '../../layers/sequence.ts';
import { formatLayers } from '../formatLayers.ts';
import type { LayerRow } from '../layerRow.ts';
import type { BuildOptions, Model } from '../model.ts';
import { BasicBlock } from './basicBlock.ts';
import { Bottleneck } from './bottleneck.ts';
import {
  blockPlaces,
  parseResNetConfig,
  stagePlanes,
  stemPlanes,
  type ResNetConfig,
  type ResNetOptions,
} from './config.ts';
import { layerTable } from './layerTable.ts';

/**
 * The ResNet of torchvision: [B, H, W, I] images → [B, K] logits.
 *
 * A stem, four stages of blocks (or fewer), the mean over space and a linear head. Every parameter and buffer has torchvision's name, layout and place in
 * the order, so state dicts go either way. Convolutions start normal with variance 2/fan_out, norms at 1 and 0: a pure function of
 * `seed` and the parameter's name.
 *
 * Source: He et al. 2016; torchvision/models/resnet.py. `smallInput` is the stem that the paper has for CIFAR.
 *
 * @example
 * const model = new ResNet({imageSize: 28, inChannels: 1, numClasses: 10});
 * const logits = model.forward(images);                        // with the running statistics
 * model.forward(images, {training: true, rng: new Rng(1)});    // with those of the batch, which moves the running ones
 */
export class ResNet extends Module implements Model {
  readonly family = 'resnet';
  readonly config: ResNetConfig;
  readonly conv1: Conv2d;
  readonly bn1: ChannelNorm;
  readonly stages: readonly Sequence<BasicBlock | Bottleneck>[];
  readonly headDrop: Dropout;
  readonly fc: Linear | undefined;

  /** Its full name inside another model; empty of a model of its own. */
  readonly path: string;

  /**
   * @param scope  the place of a backbone inside another model
   * @throws InputError naming the option that is unknown, out of range or in conflict with another
   */
  constructor(options: ResNetOptions, build: BuildOptions = {}, scope?: InitScope) {
    super();
    assertFields('the build options', build, { initialize: 'boolean?', onWarning: 'function?' });
    const { initialize = true } = build;
    const config = parseResNetConfig(options);
    this.config = config;
    const own = { path: '', rng: initialize ? new Rng(config.seed) : undefined };
    const root: InitScope = scope ?? own;
    this.path = root.path;
    const { smallInput, inChannels, frozenNorm = false } = config;
    const width = stemPlanes(config);
    const window = smallInput
      ? { kernelSize: 3, stride: 1, padding: 1 }
      : { kernelSize: 7, stride: 2, padding: 3 };
    const stem = { ...window, inChannels, outChannels: width, bias: false } as const;
    const conv1 = new Conv2d({ ...stem, init: 'kaiming' }, inside(root, 'conv1'));
    this.conv1 = this.child('conv1', conv1);
    this.bn1 = this.child('bn1', channelNorm(width, frozenNorm, inside(root, 'bn1')));
    this.stages = this.makeStages(root);
    this.headDrop = new Dropout(config.dropRate, inside(root, 'head_drop'));
    if (config.numClasses > 0) this.fc = this.child('fc', makeHead(config, root));
    if (!config.zeroInitResidual) return;
    for (const { items } of this.stages) {
      for (const { lastNorm } of items) lastNorm.weight.assign(t.zerosLike(lastNorm.weight));
    }
  }

  /** The shape of the images that it is configured for, [H, W, I]; it takes others too. */
  get inputShape(): [number, number, number] {
    return [...this.config.imageSize, this.config.inChannels] as [number, number, number];
  }

  /** The number of classes. 0: there is no classifier, and the logits are the pooled features. */
  get numClasses(): number {
    return this.config.numClasses;
  }

  /** Parameters that weight decay leaves alone, besides those of one dimension: none. */
  noWeightDecay(): Set<string> {
    return new Set();
  }

  /** The layer of each parameter: the stem, each block, the head. Source: `group_matcher` in timm/models/resnet.py. */
  layerGroups(): Map<string, number> {
    const blocks = blockPlaces(this.config).map(({ path }) => `${path}.`);
    const layerOf = (name: string) => {
      if (name.startsWith('fc.')) return blocks.length + 1;
      return 1 + blocks.findIndex((path) => name.startsWith(path));
    };
    return new Map([...this.namedParameters().keys()].map((name) => [name, layerOf(name)]));
  }

  /** Every layer in the order of the state dict. */
  layerTable(): LayerRow[] {
    return layerTable(this.config);
  }

  /** The model as a table of layers, output shapes, parameters and FLOPs. */
  summary(): string {
    return formatLayers(this.layerTable());
  }

  /**
   * Logits of images.
   *
   * @param images  [B, H, W, I] of any size, normalised as the weights expect
   * @returns [B, K]; the pooled features [B, C] of a model without classes
   * @throws ShapeError if the images do not have the configured channels
   * @throws InputError if a dropout has to draw and `context.rng` is missing
   */
  forward(images: tf.Tensor, context: ForwardContext = {}): tf.Tensor2D {
    return t.tidy(() => {
      const logits = this.forwardHead(this.forwardFeatures(images, context), context);
      context.intercept?.endPass?.();
      return logits;
    });
  }

  /** The maps after the last stage, [B, H, W, I] → [B, H/32, W/32, C]; H/8 and W/8 with `smallInput`. Both are rounded up. */
  forwardFeatures(images: tf.Tensor, context: ForwardContext = {}): tf.Tensor4D {
    return t.tidy(() => this.forwardStages(images, context).at(-1)!);
  }

  /**
   * The maps after the stem and after each of the stages, from fine to coarse, in timm's words `features_only`. The caller owns them.
   *
   * @returns [B, H/4, W/4, stem], [B, H/4, W/4, C1] … [B, H/32, W/32, C4]; with `smallInput` H, H, H/2, H/4, H/8
   * @throws ShapeError if the images do not have the configured channels
   */
  forwardStages(images: tf.Tensor, context: ForwardContext = {}): tf.Tensor4D[] {
    assertModule(this);
    assertContext(context);
    assertTensor('images', images);
    assertShape('images', images, [-1, -1, -1, this.config.inChannels]);
    return t.tidy(() => {
      const given = t.cast(images as tf.Tensor4D, 'float32');
      let x = t.relu(this.bn1.forward(this.conv1.forward(given, context), context));
      if (!this.config.smallInput) x = t.maxPool(x, 3, 2, 1);
      x = namedTensor(this.named('maxpool'), x, context);
      const maps = [x];
      this.stages.forEach(({ items }, stage) => {
        for (const block of items) x = block.forward(x, context);
        x = namedTensor(this.named(`layer${stage + 1}`), x, context);
        maps.push(x);
      });
      return maps;
    });
  }

  /** The mean over space and the head: [B, h, w, C] → [B, K]. */
  forwardHead(features: tf.Tensor4D, context: ForwardContext = {}): tf.Tensor2D {
    assertRank('features', features, 4);
    return t.tidy(() => {
      const pooled = namedTensor(
        this.named('avgpool'),
        t.mean<tf.Tensor2D>(features, [1, 2]),
        context,
      );
      const ready = this.headDrop.forward(pooled, context);
      return namedTensor(this.named('logits'), this.fc?.forward(ready, context) ?? ready, context);
    });
  }

  private named(name: string): string {
    return this.path === '' ? name : `${this.path}.${name}`;
  }

  private makeStages(root: InitScope): Sequence<BasicBlock | Bottleneck>[] {
    const places = blockPlaces(this.config);
    const rates = dropPathRates(this.config.dropPathRate, places.length);
    const Block = this.config.block === 'bottleneck' ? Bottleneck : BasicBlock;
    const { frozenNorm = false } = this.config;
    const blocks = places.map(
      (place, i) =>
        new Block({ ...place, dropPath: rates[i]!, frozenNorm }, inside(root, place.path)),
    );
    return this.config.layers.map((count, stage, layers) => {
      const first = layers.slice(0, stage).reduce((sum, before) => sum + before, 0);
      const items = blocks.slice(first, first + count);
      return this.child(`layer${stage + 1}`, new Sequence(items));
    });
  }
}

// torch.nn.Linear's first weights.
function makeHead(config: ResNetConfig, root: InitScope): Linear {
  const { numClasses } = config;
  const inFeatures = stagePlanes(config).at(-1)!;
  const fc = new Linear({ inFeatures, outFeatures: numClasses }, { path: 'fc' });
  const draw = (shape: readonly number[], rng: Rng) => kaimingUniform(shape, rng, inFeatures);
  t.tidy(() => {
    const scope = inside(root, 'fc');
    fc.weight.assign(initial(scope, 'weight', fc.weight.shape, draw));
    fc.bias!.assign(initial(scope, 'bias', fc.bias!.shape, draw));
  });
  return fc;
}
