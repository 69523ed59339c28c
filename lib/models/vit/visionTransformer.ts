// timm's Vision Transformer, assembled from the layers.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../../ops/tensor.ts';
import { assertInteger, assertOneOf, assertShape } from '../../core/check.ts';
import { assertContext, type ForwardContext } from '../../core/context.ts';
import { InputError, expected } from '../../core/errors.ts';
import { normal, truncNormal } from '../../core/init.ts';
import { namedTensor, step } from '../../core/intercept.ts';
import { assertFields, assertMethods } from '../../core/kinds.ts';
import { Module, assertModule, type Parameter } from '../../core/module.ts';
import { Rng } from '../../core/rng.ts';
import type { AttentionPool } from '../../layers/attentionPool.ts';
import { Dropout } from '../../layers/drop.ts';
import type { EncoderBlock } from '../../layers/encoderBlock.ts';
import { initial, inside, type InitScope } from '../../layers/initScope.ts';
import { makeNorm, type Norm } from '../../layers/norm.ts';
import type { PatchDropout } from '../../layers/patchDropout.ts';
import type { PatchEmbed } from '../../layers/patchEmbed.ts';
import { repeatForBatch } from '../../ops/repeatForBatch.ts';
import { runBlocks } from '../../ops/runBlocks.ts';
import { Sequence } from '../../layers/sequence.ts';
import { formatLayers } from '../formatLayers.ts';
import type { LayerRow } from '../layerRow.ts';
import type { BuildOptions, Model } from '../model.ts';
import {
  configWarnings,
  gridSizeOf,
  numPrefixTokensOf,
  type VisionTransformerConfig,
} from './config.ts';
import { idleModelOptions } from './idleOptions.ts';
import type { Intermediates, IntermediatesOptions } from './intermediates.ts';
import { layerGroups } from './layerGroups.ts';
import { layerTable } from './layerTable.ts';
import { makeAttentionPool, makeBlocks, makeHead, makePatchDrop, makePatchEmbed } from './parts.ts';
import type { Head } from './parts.ts';
import { parseModelConfig, type VisionTransformerOptions } from './parseConfig.ts';
import { pool } from './pool.ts';
import { asImages, addPosition, blockNumbers, imageGrid, placedPrefix } from './tokens.ts';
import { lastNorms, whole } from './variant.ts';
import { warnOnce } from '../warnOnce.ts';

/**
 * The Vision Transformer of timm: [B, H, W, I] images → [B, K] logits.
 *
 * Patches are projected to C channels, class and register tokens put before them, position embeddings added; then `depth`
 * blocks of attention and feed-forward; then norm, pooling and a linear head. Every parameter has timm's name, layout and place
 * in the order, so state dicts go either way. First weights are drawn as timm draws them, from our own generator: a
 * pure function of `seed` and the parameter's name.
 *
 * Source: Dosovitskiy et al. 2021; Touvron et al. 2021 (`distilled`); options and names as in timm's vision_transformer.py.
 *
 * @example
 * const model = new VisionTransformer({embedDim: 768, hiddenDim: 768 * 4, numHeads: 8, numLayers: 12, patchSize: 16,
 *   numChannels: 3, numPatches: 196, numClasses: 1000, dropout: 0.2});
 * const logits = model.forward(images);                                  // evaluation
 * model.forward(images, {training: true, rng: new Rng(1).split(step)});  // training
 * model.dispose();
 */
export class VisionTransformer extends Module implements Model {
  readonly family = 'vit';
  readonly clsToken: Parameter | undefined;
  readonly regToken: Parameter | undefined;
  readonly posEmbed: Parameter | undefined;
  readonly distToken: Parameter | undefined;
  readonly patchEmbed: PatchEmbed;
  readonly posDrop: Dropout;
  readonly patchDrop: PatchDropout;
  readonly normPre: Norm | undefined;
  readonly blocks: Sequence<EncoderBlock>;
  readonly norm: Norm | undefined;
  readonly attnPool: AttentionPool | undefined;
  readonly fcNorm: Norm | undefined;
  readonly headDrop: Dropout;
  private classifier: Head;
  private distClassifier: Head | undefined;
  private current: VisionTransformerConfig;

  /**
   * @throws InputError naming the option that is unknown, out of range or in conflict with another
   */
  constructor(options: VisionTransformerOptions, build: BuildOptions = {}) {
    super();
    assertFields('the build options', build, { initialize: 'boolean?', onWarning: 'function?' });
    const { initialize = true, onWarning = warnOnce } = build;
    const config = parseModelConfig(options);
    this.current = config;
    idleModelOptions(config).forEach((warning) => onWarning(warning));
    const { embedDim: dim, normEps, numClasses } = config;
    const { normLayer } = whole(config);
    const last = lastNorms(config);
    const root: InitScope = {
      path: '',
      rng: initialize ? new Rng(config.seed) : undefined,
      weightInit: config.weightInit,
    };
    const tokens = (name: string, rows: number, draw: Parameters<typeof initial>[3]) =>
      this.parameter(name, initial(root, name, [1, rows, dim], draw));
    const norm = (name: string) =>
      this.child(name, makeNorm(normLayer, { dim, epsilon: normEps }, { path: name }));
    const drop = (name: string, rate: number) =>
      this.child(name, new Dropout(rate, { path: name }));
    const tinyNormal: typeof truncNormal = (shape, rng) => normal(shape, rng, { std: 1e-6 });

    if (config.classToken) this.clsToken = tokens('cls_token', 1, tinyNormal);
    if (config.regTokens > 0) this.regToken = tokens('reg_token', config.regTokens, tinyNormal);
    if (config.posEmbed === 'learned') {
      this.posEmbed = tokens('pos_embed', this.numPatches + placedPrefix(config), truncNormal);
    }
    if (config.distilled) this.distToken = tokens('dist_token', 1, truncNormal);
    this.patchEmbed = this.child(
      'patch_embed',
      makePatchEmbed(config, inside(root, 'patch_embed')),
    );
    this.posDrop = drop('pos_drop', config.posDropRate);
    this.patchDrop = this.child('patch_drop', makePatchDrop(config));
    if (config.preNorm) this.normPre = norm('norm_pre');
    this.blocks = this.child('blocks', new Sequence(makeBlocks(config, inside(root, 'blocks'))));
    if (last.norm) this.norm = norm('norm');
    if (config.globalPool === 'map') {
      const attnPool = makeAttentionPool(config, inside(root, 'attn_pool'));
      this.attnPool = this.child('attn_pool', attnPool);
    }
    if (last.fcNorm) this.fcNorm = norm('fc_norm');
    this.headDrop = drop('head_drop', config.dropRate);
    this.classifier = this.child('head', makeHead(dim, numClasses, inside(root, 'head')));
    if (config.distilled) {
      this.distClassifier = this.child(
        'head_dist',
        makeHead(dim, numClasses, inside(root, 'head_dist')),
      );
    }
  }

  /** The complete configuration. */
  get config(): VisionTransformerConfig {
    return this.current;
  }

  /** The shape of the images that it is configured for, [H, W, I]. */
  get inputShape(): [number, number, number] {
    const { imageSize, inChannels } = this.current;
    return [...imageSize, inChannels];
  }

  /** The number of classes. 0: there is no classifier, and the logits are the pooled features. */
  get numClasses(): number {
    return this.current.numClasses;
  }

  /** Channels of a token. */
  get embedDim(): number {
    return this.current.embedDim;
  }

  /** Whether the first token is a class token. */
  get hasClassToken(): boolean {
    return this.current.classToken;
  }

  /** How the tokens become the vector that is classified: timm's `global_pool`. */
  get globalPool(): VisionTransformerConfig['globalPool'] {
    return this.current.globalPool;
  }

  /** Rows and columns of patches at the configured image size. */
  get gridSize(): [number, number] {
    return gridSizeOf(this.current);
  }

  /** Patches at the configured image size. */
  get numPatches(): number {
    const [rows, columns] = this.gridSize;
    return rows * columns;
  }

  /** Class, distillation and register tokens, which stand before the patches. */
  get numPrefixTokens(): number {
    return numPrefixTokensOf(this.current);
  }

  /** Parameters that weight decay leaves alone, besides those of one dimension. */
  noWeightDecay(): Set<string> {
    return new Set(['pos_embed', 'cls_token', 'reg_token', 'dist_token']);
  }

  /** The layer of each parameter, from 0 without gaps: the embedding, each block, then the rest. */
  layerGroups(): Map<string, number> {
    return layerGroups([...this.namedParameters().keys()]);
  }

  /** Every layer in the order of the state dict. */
  layerTable(): LayerRow[] {
    return layerTable(this.current);
  }

  /**
   * Logits of images.
   *
   * A distilled model gives the mean of its two heads; `forwardDistilled` gives both.
   *
   * @param images   [B, H, W, I], normalised as the weights expect
   * @returns [B, K]; the pooled features [B, C] of a model without classes; [B, N, K] with globalPool ''
   * @throws ShapeError if the images do not fit the configuration
   * @throws InputError if a dropout has to draw and `context.rng` is missing
   */
  forward(images: tf.Tensor, context: ForwardContext = {}): tf.Tensor2D {
    return t.tidy(() => {
      const logits = this.forwardHead(this.forwardFeatures(images, context), context);
      context.intercept?.endPass?.();
      return logits;
    });
  }

  /** Tokens after the last block and, unless it comes after the pooling, the last norm: [B, H, W, I] → [B, N, C]. */
  forwardFeatures(images: tf.Tensor, context: ForwardContext = {}): tf.Tensor3D {
    return t.tidy(() => {
      const x = runBlocks(this.blocks.items, this.embed(images, context), context);
      return this.finish(x, context);
    });
  }

  /**
   * Pooling, norm and head: [B, N, C] → [B, K].
   *
   * @param options.preLogits  true: returns the input of the head instead, [B, C]
   */
  forwardHead(
    features: tf.Tensor3D,
    options: ForwardContext & { preLogits?: boolean } = {},
  ): tf.Tensor2D {
    assertModule(this);
    assertContext(options, ['preLogits']);
    assertShape('features', features, [-1, -1, this.embedDim]);
    const { preLogits = false, ...context } = options;
    return t.tidy(() => {
      if (this.distClassifier !== undefined) return this.meanOfHeads(features, preLogits, context);
      const pooled = step('pool', [features] as const, context, (tokens) =>
        pool(tokens, this.current, this.numPrefixTokens, this.attnPool, context),
      );
      const normed = this.fcNorm?.forward(pooled, context) ?? pooled;
      const dropped = this.headDrop.forward(normed, context) as tf.Tensor2D;
      const ready = namedTensor('pre_logits', dropped, context);
      if (preLogits) return ready;
      return namedTensor('logits', this.classifier.forward(ready, context), context);
    });
  }

  /**
   * The logits of a distilled model's two heads, each [B, K]. Training compares one with labels and the other with a teacher.
   *
   * @throws InputError if the model is not distilled
   */
  forwardDistilled(
    images: tf.Tensor,
    context: ForwardContext = {},
  ): { cls: tf.Tensor2D; dist: tf.Tensor2D } {
    if (this.distClassifier === undefined) {
      throw new InputError(expected('a model with distilled true', 'forwardDistilled', false));
    }
    return t.tidy(() => this.bothHeads(this.forwardFeatures(images, context), context).logits);
  }

  /**
   * The tokens after chosen blocks, with the final features.
   *
   * @throws InputError for a block number the model does not have
   *
   * @example
   * const {intermediates} = model.forwardIntermediates(images, {indices: 4, output: 'NHWC'});  // the last 4, [B, h, w, C]
   */
  forwardIntermediates(
    images: tf.Tensor,
    options: IntermediatesOptions & ForwardContext = {},
  ): Intermediates {
    assertContext(options, ['indices', 'norm', 'output']);
    const { indices, norm = false, output = 'NLC', ...context } = options;
    assertOneOf('output', output, ['NLC', 'NHWC']);
    const wanted = blockNumbers(indices, this.blocks.items.length);
    if (output === 'NHWC' && this.patchDrop.acts(context)) {
      const remedy = 'Patches that training leaves out have no place on a grid.';
      throw new InputError(expected("'NLC' with patchDropRate", 'output', output, remedy));
    }
    return t.tidy(() => {
      let x = this.embed(images, context);
      const taken: tf.Tensor3D[] = [];
      let done = 0;
      for (const i of wanted) {
        x = runBlocks(this.blocks.items.slice(done, i + 1), x, context);
        taken.push(norm ? (this.norm?.forward(x) ?? x) : x);
        done = i + 1;
      }
      x = runBlocks(this.blocks.items.slice(done), x, context);
      const features = this.finish(x, context);
      const [batch, tokens, dim] = features.shape;
      const prefix = this.numPrefixTokens;
      const [rows, columns] = imageGrid(asImages(images), this.current);
      const patches = taken.map((y) => t.slice(y, [0, prefix, 0], [batch, tokens - prefix, dim]));
      const shaped = (y: tf.Tensor3D) =>
        output === 'NLC' ? y : t.reshape(y, [batch, rows, columns, dim]);
      const prefixTokens = taken.map((y) => t.slice(y, [0, 0, 0], [batch, prefix, dim]));
      return { features, intermediates: patches.map(shaped), prefixTokens };
    }) as Intermediates;
  }

  /** Class probabilities, [B, H, W, I] → [B, K], rows summing to 1. */
  predict(images: tf.Tensor, context: ForwardContext = {}): tf.Tensor2D {
    return t.tidy(() => t.softmax(this.forward(images, context)));
  }

  /**
   * Replaces the head by a newly initialised one for another number of classes; 0 removes it.
   *
   * @param rng  the stream of its weights; default the model's seed
   */
  resetClassifier(numClasses: number, rng: Rng = new Rng(this.current.seed)): void {
    assertModule(this);
    assertMethods('an Rng', 'rng', rng, ['split']);
    assertInteger('numClasses', numClasses, { min: 0, max: 65_536 });
    const { embedDim, weightInit } = this.current;
    const head = (path: string) =>
      this.replaceChild(path, makeHead(embedDim, numClasses, { path, rng, weightInit }));
    this.classifier = head('head');
    if (this.distClassifier !== undefined) this.distClassifier = head('head_dist');
    this.current = { ...this.current, numClasses };
  }

  /** The model as a table of layers, output shapes, parameters and FLOPs. */
  summary(): string {
    const notes = [...configWarnings(this.current), ...idleModelOptions(this.current)];
    return formatLayers(this.layerTable(), notes);
  }

  // [B, H, W, I] → [B, N, C], the input of the first block.
  private embed(given: tf.Tensor, context: ForwardContext): tf.Tensor3D {
    assertModule(this);
    assertContext(context);
    const images = asImages(given);
    const grid = imageGrid(images, this.current);
    const [batch] = images.shape;
    const { embedDim, noEmbedClass } = this.current;
    const embedded = this.patchEmbed.forward(t.cast(images, 'float32'), context);
    const patches: tf.Tensor3D =
      embedded.rank === 3
        ? (embedded as tf.Tensor3D)
        : t.reshape(embedded, [batch, grid[0] * grid[1], embedDim]);
    const prefix = [this.clsToken, this.distToken, this.regToken]
      .filter((token) => token !== undefined)
      .map((token) => repeatForBatch(token as tf.Tensor as tf.Tensor3D, batch));
    const join = (x: tf.Tensor3D) => (prefix.length > 0 ? t.concat([...prefix, x], 1) : x);
    const learned = this.posEmbed as tf.Tensor | undefined as tf.Tensor3D | undefined;
    const place = (x: tf.Tensor3D) => addPosition(x, learned, grid, this.current, context);
    const placed = step('pos_embed', [patches] as const, context, (given) =>
      noEmbedClass ? join(place(given)) : place(join(given)),
    );
    const kept = this.patchDrop.forward(this.posDrop.forward(placed, context), context);
    const normed = this.normPre?.forward(kept, context) ?? kept;
    // Patches that were left out have no place on a grid.
    const { numPrefixTokens, hasClassToken } = this;
    const layout = { numPrefixTokens, hasClassToken, gridSize: grid };
    const whole = !this.patchDrop.acts(context);
    return namedTensor('blocks.input', normed, context, whole ? layout : undefined);
  }

  private finish(x: tf.Tensor3D, context: ForwardContext): tf.Tensor3D {
    return namedTensor('forward_features', this.norm?.forward(x, context) ?? x, context);
  }

  private meanOfHeads(
    features: tf.Tensor3D,
    preLogits: boolean,
    context: ForwardContext,
  ): tf.Tensor2D {
    const { tokens, logits } = this.bothHeads(features, context);
    const mean = (name: string, { cls, dist }: typeof logits) =>
      step(name, [cls, dist] as const, context, (a, b) => t.mul<tf.Tensor2D>(t.add(a, b), 0.5));
    const ready = mean('pre_logits', tokens);
    return preLogits ? ready : mean('logits', logits);
  }

  private bothHeads(
    features: tf.Tensor3D,
    context: ForwardContext,
  ): Record<'tokens' | 'logits', Record<'cls' | 'dist', tf.Tensor2D>> {
    const [batch, , dim] = features.shape;
    const token = (i: number) =>
      t.reshape<tf.Rank.R2>(t.slice(features, [0, i, 0], [batch, 1, dim]), [batch, dim]);
    const tokens = { cls: token(0), dist: token(1) };
    const logits = {
      cls: this.classifier.forward(tokens.cls, context),
      dist: this.distClassifier!.forward(tokens.dist, context),
    };
    return { tokens, logits };
  }
}
