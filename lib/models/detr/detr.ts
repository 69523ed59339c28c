// DETR, assembled from its backbone, its transformer and its heads.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../../ops/tensor.ts';
import { assertShape, assertTensor } from '../../core/check.ts';
import { assertContext, type ForwardContext } from '../../core/context.ts';
import { kaimingUniform, normal } from '../../core/init.ts';
import { namedTensor } from '../../core/intercept.ts';
import { assertFields } from '../../core/kinds.ts';
import { Module, assertModule, type Parameter } from '../../core/module.ts';
import { Rng } from '../../core/rng.ts';
import { Conv2d } from '../../layers/conv2d.ts';
import { initial, inside, type InitScope } from '../../layers/initScope.ts';
import { LayerNorm } from '../../layers/layerNorm.ts';
import { Linear } from '../../layers/linear.ts';
import { maskedLogit } from '../../layers/multiHeadAttention.ts';
import { Sequence } from '../../layers/sequence.ts';
import { formatLayers } from '../formatLayers.ts';
import type { LayerRow } from '../layerRow.ts';
import type { BuildOptions, Model } from '../model.ts';
import { stagePlanes } from '../resnet/config.ts';
import { ResNet } from '../resnet/resNet.ts';
import { parseDetrConfig, type DetrConfig, type DetrOptions } from './config.ts';
import { BoxPredictor, DecoderLayer, EncoderLayer, type ImageTokens } from './layers.ts';
import { layerGroupsOf } from './layerGroups.ts';
import { layerTable } from './layerTable.ts';
import { maskOnGrid, sinePositions } from './positions.ts';

/**
 * The options of `Detr.detect`, besides those of a forward pass.
 *
 * @property mask       [B, H, W], 1 where an image is and 0 in its padding; default: the images fill the batch
 * @property auxiliary  true: also the predictions after each layer of the decoder but the last, for a loss
 */
export interface DetectOptions extends ForwardContext {
  mask?: tf.Tensor3D | undefined;
  auxiliary?: boolean;
}

/** The predictions of the queries: logits [B, Q, K + 1], the last of 'no object', and boxes [B, Q, 4]. */
export type QueryPredictions = { logits: tf.Tensor3D; boxes: tf.Tensor3D };

/**
 * The result of a DETR. The tensors are the caller's.
 *
 * @property logits      [B, Q, K + 1]; the last is 'no object'
 * @property boxes       [B, Q, 4]: centre x, centre y, width, height as shares of the image without its padding … of the whole batch
 *                       image where a mask is given, as the published model has it
 * @property auxiliary   the predictions after the earlier layers of the decoder, where they were asked for
 * @property tokens      [B, h·w, C], after the encoder
 * @property queries     [B, Q, C], after the decoder
 * @property featureMap  [B, h, w, D], of the backbone
 */
export type DetrOutput = QueryPredictions & {
  auxiliary: QueryPredictions[];
  tokens: tf.Tensor3D;
  queries: tf.Tensor3D;
  featureMap: tf.Tensor4D;
};

/**
 * A detector of objects: a ResNet, a transformer encoder over its last feature map, and a decoder whose queries each find one object or none.
 *
 * Every parameter and buffer has the name of Hugging Face's DetrForObjectDetection with timm's backbone, which are those of
 * facebook/detr-resnet-50. As a classifier (`forward`) it says which classes an image shows.
 *
 * Source: Carion et al. 2020; facebookresearch/detr; transformers/models/detr.
 *
 * @example
 * const model = createModel('detr_resnet50');
 * const { logits, boxes } = model.detect(images);
 * const [objects] = detections({ logits, boxes }, { sizes: [[480, 640]], threshold: 0.7 });
 */
export class Detr extends Module implements Model {
  readonly family = 'detr';
  readonly config: DetrConfig;
  readonly backbone: ResNet;
  readonly inputProjection: Conv2d;
  readonly queryEmbeddings: Parameter;
  readonly encoder: readonly EncoderLayer[];
  readonly decoder: readonly DecoderLayer[];
  readonly decoderNorm: LayerNorm;
  readonly classifier: Linear;
  readonly boxPredictor: BoxPredictor;

  /** @throws InputError naming the option that is unknown, out of range or in conflict with another */
  constructor(options: DetrOptions, build: BuildOptions = {}) {
    super();
    assertFields('the build options', build, { initialize: 'boolean?', onWarning: 'function?' });
    const { initialize = true } = build;
    const config = parseDetrConfig(options);
    this.config = config;
    const rng = initialize ? new Rng(config.seed) : undefined;
    const root: InitScope = { path: '', rng, weightInit: 'jax' };
    const inner = inside(root, 'model');
    const model = this.child('model', new Part());
    const body = inside(inner, 'backbone.conv_encoder.model');
    this.backbone = model
      .add('backbone', new Part())
      .add('conv_encoder', new Part())
      .add('model', new ResNet(config.backbone, build, body));
    const { dModel: dim, numClasses } = config;
    const projected = { inChannels: this.backboneChannels, outChannels: dim, kernelSize: 1 };
    const projection = new Conv2d(projected, inside(inner, 'input_projection'));
    this.inputProjection = model.add('input_projection', projection);
    const embeddings = new Embeddings(config, inside(inner, 'query_position_embeddings'));
    this.queryEmbeddings = model.add('query_position_embeddings', embeddings).weight;
    this.encoder = layersOf(model.add('encoder', new Part()), config.encoderLayers, (i) => {
      const place = inside(inner, `encoder.layers.${i}`);
      return new EncoderLayer(encoderLayer(config), place);
    });
    const decoder = model.add('decoder', new Part());
    this.decoder = layersOf(decoder, config.decoderLayers, (i) => {
      const place = inside(inner, `decoder.layers.${i}`);
      return new DecoderLayer(decoderLayer(config), place);
    });
    const norm = new LayerNorm({ dim, epsilon: 1e-5 }, inside(inner, 'decoder.layernorm'));
    this.decoderNorm = decoder.add('layernorm', norm);
    const classes = { inFeatures: dim, outFeatures: numClasses + 1 };
    const head = new Linear(classes, inside(root, 'class_labels_classifier'));
    this.classifier = this.child('class_labels_classifier', head);
    const boxes = new BoxPredictor(dim, inside(root, 'bbox_predictor'));
    this.boxPredictor = this.child('bbox_predictor', boxes);
    if (rng !== undefined) this.startHeads(rng);
  }

  /** The shape of the images that it is configured for, [H, W, I]; it takes others too. */
  get inputShape(): [number, number, number] {
    return [...this.config.imageSize, this.config.inChannels] as [number, number, number];
  }

  /** The number of classes, without 'no object'. */
  get numClasses(): number {
    return this.config.numClasses;
  }

  /** Parameters that weight decay leaves alone, besides those of one dimension: none. */
  noWeightDecay(): Set<string> {
    return new Set();
  }

  /** The layer of each parameter: the backbone, the projection, the layers of encoder and decoder, the heads. */
  layerGroups(): Map<string, number> {
    return layerGroupsOf([...this.namedParameters().keys()], this.config);
  }

  /** The attention layers by their paths: `<path>_probs` of a capture is the attention of one. */
  attentionPaths(): { encoder: string[]; decoderSelf: string[]; decoderCross: string[] } {
    return {
      encoder: this.encoder.map(({ selfAttn }) => selfAttn.path),
      decoderSelf: this.decoder.map(({ selfAttn }) => selfAttn.path),
      decoderCross: this.decoder.map(({ crossAttn }) => crossAttn.path),
    };
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
   * How much each class is in an image: the largest logit of the class over the queries, above the query's 'no object'. Positive: one of
   * the queries says the class rather than nothing.
   *
   * @param images  [B, H, W, I] of any size, normalised as the weights expect
   * @returns [B, K]
   */
  forward(images: tf.Tensor, context: ForwardContext = {}): tf.Tensor2D {
    return t.tidy(() => {
      const { logits } = this.detect(images, context);
      const { numClasses } = this.config;
      const classes = t.slice(logits, [0, 0, 0], [-1, -1, numClasses]);
      const nothing = t.slice(logits, [0, 0, numClasses], [-1, -1, 1]);
      return t.max<tf.Tensor2D>(t.sub(classes, nothing), 1);
    });
  }

  /**
   * The objects of images: the logits and boxes of every query, and what they were read from.
   *
   * @param images  [B, H, W, I] of any size, normalised as the weights expect
   * @throws ShapeError if the images do not have the configured channels, or the mask has not their size
   * @throws InputError if a dropout has to draw and `context.rng` is missing
   *
   * An image of a padded batch is seen with its mask: positions are counted within it, and padding is never attended to. The backbone's
   * convolutions still see the padding next to the border, as in the published model. Images of one size need no padding, and then the
   * results do not depend on the batch at all.
   */
  detect(images: tf.Tensor, options: DetectOptions = {}): DetrOutput {
    assertModule(this);
    assertContext(options, ['mask', 'auxiliary']);
    assertTensor('images', images);
    assertShape('images', images, [-1, -1, -1, this.config.inChannels]);
    const { mask, auxiliary = false, ...context } = options;
    const [batch, rows, columns] = images.shape as [number, number, number, number];
    if (mask !== undefined) assertShape('mask', mask, [batch, rows, columns]);
    return t.tidy(() => {
      const map = this.backbone.forwardFeatures(images, context);
      const featureMap = namedTensor('backbone_feature', map, context);
      const image = this.encode(featureMap, mask, context);
      const states = this.decode(image, context);
      const predictions = states.map((state, i) => {
        const isLast = i === states.length - 1;
        return isLast || auxiliary ? this.predict(state, isLast ? context : {}) : undefined;
      });
      const { logits, boxes } = predictions.pop()!;
      context.intercept?.endPass?.();
      return {
        logits,
        boxes,
        auxiliary: predictions.filter((one) => one !== undefined),
        tokens: image.tokens,
        queries: states.at(-1)!,
        featureMap,
      };
    });
  }

  // [B, h, w, D] → tokens [B, h·w, C] with their positions.
  private encode(
    featureMap: tf.Tensor4D,
    mask: tf.Tensor3D | undefined,
    context: ForwardContext,
  ): ImageTokens {
    const { dModel: dim } = this.config;
    const [batch, height, width] = featureMap.shape;
    const grid =
      mask === undefined
        ? t.ones<tf.Rank.R3>([1, height, width])
        : maskOnGrid(t.cast(mask, 'float32'), [height, width]);
    namedTensor('backbone_mask', grid, context);
    const positions = namedTensor('position_embedding', sinePositions(grid, dim), context);
    // A token of padding gets a logit that no other can outweigh.
    const covered = t.reshape<tf.Rank.R2>(grid, [-1, height * width]);
    const bias =
      mask === undefined ? undefined : t.mul<tf.Tensor2D>(t.sub(1, covered), maskedLogit);
    const projected = this.inputProjection.forward(featureMap, context);
    let tokens: tf.Tensor3D = t.reshape(projected, [batch, height * width, dim]);
    for (const layer of this.encoder) tokens = layer.forward(tokens, { positions, bias }, context);
    return {
      tokens: namedTensor('encoder_last_hidden_state', tokens, context),
      positions,
      bias,
    };
  }

  // The states of the queries after each layer of the decoder, normalised, [B, Q, C].
  private decode(image: ImageTokens, context: ForwardContext): tf.Tensor3D[] {
    const { numQueries, dModel: dim } = this.config;
    const [batch] = image.tokens.shape;
    const queries = t.reshape<tf.Rank.R3>(this.queryEmbeddings, [1, numQueries, dim]);
    let x: tf.Tensor3D = t.zeros([batch, numQueries, dim]);
    return this.decoder.map((layer, i) => {
      x = layer.forward(x, { queries, image }, context);
      const isLast = i === this.decoder.length - 1;
      const state = this.decoderNorm.forward(x, isLast ? context : {});
      return isLast ? namedTensor('decoder_last_hidden_state', state, context) : state;
    });
  }

  private predict(state: tf.Tensor3D, context: ForwardContext): QueryPredictions {
    return {
      logits: namedTensor('logits', this.classifier.forward(state, context), context),
      boxes: namedTensor('pred_boxes', this.boxPredictor.forward(state, context), context),
    };
  }

  private get backboneChannels(): number {
    return stagePlanes(this.config.backbone).at(-1)!;
  }

  // The heads start as torch.nn.Linear, as the published code leaves them.
  private startHeads(rng: Rng): void {
    const heads = new Map([
      ['class_labels_classifier', this.classifier],
      ...this.boxPredictor.layers.items.map((one) => [one.path, one] as const),
    ]);
    t.tidy(() => {
      for (const [path, { weight, bias }] of heads) {
        const draw = (shape: readonly number[], stream: Rng) =>
          kaimingUniform(shape, stream, weight.shape[1]!);
        weight.assign(initial({ path, rng }, 'weight', weight.shape, draw));
        bias!.assign(initial({ path, rng }, 'bias', bias!.shape, draw));
      }
    });
  }
}

// A module that only groups others under its name.
class Part extends Module {
  add<M extends Module>(name: string, module: M): M {
    return this.child(name, module);
  }
}

class Embeddings extends Module {
  readonly weight: Parameter;

  constructor({ numQueries, dModel }: DetrConfig, scope: InitScope) {
    super();
    const draw = (shape: readonly number[], rng: Rng) => normal(shape, rng);
    this.weight = this.parameter('weight', initial(scope, 'weight', [numQueries, dModel], draw));
  }
}

function layersOf<M extends Module>(part: Part, count: number, make: (i: number) => M): M[] {
  const items = Array.from({ length: count }, (_, i) => make(i));
  part.add('layers', new Sequence(items));
  return items;
}

function encoderLayer(config: DetrConfig) {
  const { dModel, encoderAttentionHeads, encoderFfnDim, ...rest } = config;
  return { ...rest, dim: dModel, numHeads: encoderAttentionHeads, ffnDim: encoderFfnDim };
}

function decoderLayer(config: DetrConfig) {
  const { dModel, decoderAttentionHeads, decoderFfnDim, ...rest } = config;
  return { ...rest, dim: dModel, numHeads: decoderAttentionHeads, ffnDim: decoderFfnDim };
}
