// CLIP: an image tower and a text tower into one space.

import type * as tf from '@tensorflow/tfjs';
import type { ForwardContext } from '../../core/context.ts';
import { normal } from '../../core/init.ts';
import { combineInterceptors, moduleStep, namedTensor, type Interceptor } from '../../core/intercept.ts'; // prettier-ignore
import { assertFields } from '../../core/kinds.ts';
import { Module, type Parameter } from '../../core/module.ts';
import { Rng } from '../../core/rng.ts';
import { initial, type InitScope } from '../../layers/initScope.ts';
import { linear } from '../../ops/linear.ts';
import { matMul } from '../../ops/matMul.ts';
import { normalizeRows } from '../../ops/normalizeRows.ts';
import * as t from '../../ops/tensor.ts';
import type { LayerRow } from '../layerRow.ts';
import type { BuildOptions, Model } from '../model.ts';
import { VisionTransformer } from '../vit/visionTransformer.ts';
import { parseClipConfig, type ClipConfig, type ClipOptions } from './config.ts';
import { clipLayerGroups, layerTable } from './layers.ts';
import { TextTransformer, type TextContext, type TokenIds } from './textTransformer.ts';

/** The similarities of images and texts, and their vectors of length 1. The tensors are the caller's. */
export type ClipSimilarity = {
  /** exp(logit_scale) · cosine, [B, T]. */
  logitsPerImage: tf.Tensor2D;
  /** [B, P]. */
  imageEmbeds: tf.Tensor2D;
  /** [T, P]. */
  textEmbeds: tf.Tensor2D;
};

/**
 * CLIP: images [B, H, W, I] and texts [T, N] → vectors [B, P] and [T, P] of one space.
 *
 * logits = exp(logit_scale) · x·yᵀ of vectors of length 1. The image tower is a `VisionTransformer` and can be explained as one; its names
 * stand behind `visual.`, those of the text tower behind `text.`. As a `Model` its output is the images' vectors before they get
 * length 1.
 *
 * Source: Radford et al. 2021.
 *
 * @example
 * const clip = new Clip({ vision: { imageSize: 32, patchSize: 8, embedDim: 64, depth: 4, numHeads: 4 }, projectionDim: 64 });
 * const { logitsPerImage } = clip.similarity(images, tokenizer.encodeAll(['a red circle', 'a blue 7']));
 */
export class Clip extends Module implements Model {
  readonly family = 'clip';
  readonly config: ClipConfig;
  readonly logitScale: Parameter;
  readonly visual: VisionTransformer;
  readonly text: TextTransformer;
  readonly visualProjection: Projection;
  readonly textProjection: Projection;

  /** @throws InputError naming the option that is unknown or out of range */
  constructor(options: ClipOptions | ClipConfig, build: BuildOptions = {}) {
    super();
    assertFields('the build options', build, { initialize: 'boolean?', onWarning: 'function?' });
    const config = parseClipConfig(options);
    const { projectionDim: dim, seed, logitScale, vision, text } = config;
    const rng = build.initialize === false ? undefined : new Rng(seed);
    const scope = (path: string): InitScope => ({ path, rng });
    this.config = config;
    this.logitScale = this.parameter('logit_scale', t.scalar(logitScale));
    this.visual = this.child('visual', new VisionTransformer({ ...vision, seed }, build));
    this.text = this.child('text', new TextTransformer(text, scope('text')));
    const projection = (name: string, from: number) =>
      this.child(name, new Projection(from, dim, scope(name)));
    this.visualProjection = projection('visual_projection', vision.embedDim);
    this.textProjection = projection('text_projection', text.embedDim);
  }

  /** The shape of the images that it is configured for, [H, W, I]. */
  get inputShape(): [number, number, number] {
    return this.visual.inputShape;
  }

  /** 0: the output is a vector in the space of images and texts. */
  get numClasses(): number {
    return 0;
  }

  /** Parameters without weight decay, besides those of one dimension. */
  noWeightDecay(): Set<string> {
    const visual = [...this.visual.noWeightDecay()].map((name) => `visual.${name}`);
    return new Set([...visual, 'logit_scale', 'text.positional_embedding', 'text.token_embedding']);
  }

  /** The layer of each parameter; the last blocks of both towers are one layer. */
  layerGroups(): Map<string, number> {
    return clipLayerGroups([...this.namedParameters().keys()], this.config);
  }

  /** Every layer in the order of the state dict. */
  layerTable(): LayerRow[] {
    return layerTable(this.config);
  }

  /** As `encodeImages`. */
  forward(images: tf.Tensor, context: ForwardContext = {}): tf.Tensor2D {
    return t.tidy(() => {
      const vectors = this.encodeImages(images, context);
      context.intercept?.endPass?.();
      return vectors;
    });
  }

  /** The vectors of images, [B, H, W, I] → [B, P], not of length 1. */
  encodeImages(images: tf.Tensor, context: ForwardContext = {}): tf.Tensor2D {
    return t.tidy(() => {
      const inner = visualContext(context);
      const tokens = this.visual.forwardFeatures(images, inner);
      const pooled = this.visual.forwardHead(tokens, { ...inner, preLogits: true });
      return this.projectImages(pooled, context);
    });
  }

  /** The vectors of texts, [T, N] → [T, P], not of length 1. */
  encodeTexts(ids: TokenIds, context: TextContext = {}): tf.Tensor2D {
    return t.tidy(() => {
      const vectors = this.textProjection.forward(this.text.forward(ids, context), context);
      return namedTensor('text_features', vectors, context);
    });
  }

  /** Pooled features of the image tower [B, C] in the space of images and texts, [B, P]. */
  projectImages(pooled: tf.Tensor2D, context: ForwardContext = {}): tf.Tensor2D {
    const vectors = this.visualProjection.forward(pooled, context);
    return namedTensor('image_features', vectors, context);
  }

  /** How well each image and each text fit. @throws ShapeError, InputError for images or texts that do not fit the configuration */
  similarity(images: tf.Tensor, ids: TokenIds, context: TextContext = {}): ClipSimilarity {
    const { attentionMask: _, ...ofImages } = context;
    return t.tidy(() => {
      const imageEmbeds = normalizeRows(this.encodeImages(images, ofImages));
      const textEmbeds = normalizeRows(this.encodeTexts(ids, context));
      return { logitsPerImage: this.logits(imageEmbeds, textEmbeds, ofImages), imageEmbeds, textEmbeds }; // prettier-ignore
    });
  }

  /** exp(logit_scale) · x·yᵀ of vectors of length 1, [B, P] and [T, P] → [B, T]. */
  logits(
    imageEmbeds: tf.Tensor2D,
    textEmbeds: tf.Tensor2D,
    { precision }: ForwardContext = {},
  ): tf.Tensor2D {
    return t.tidy(() => {
      const cosines = matMul(imageEmbeds, textEmbeds, { transposeB: true, precision });
      return t.mul<tf.Tensor2D>(cosines, t.exp(this.logitScale as tf.Tensor));
    });
  }
}

/** A linear map without a bias, y = x·Wᵀ, W [O, I] drawn with a deviation of 1/√I. */
export class Projection extends Module {
  readonly weight: Parameter;
  readonly path: string;

  constructor(inFeatures: number, outFeatures: number, scope: InitScope) {
    super();
    assertFields('Projection', { inFeatures, outFeatures }, { inFeatures: 'count', outFeatures: 'count' }); // prettier-ignore
    const draw = (shape: readonly number[], rng: Rng) => normal(shape, rng, { std: inFeatures ** -0.5 }); // prettier-ignore
    this.path = scope.path;
    this.weight = this.parameter('weight', initial(scope, 'weight', [outFeatures, inFeatures], draw)); // prettier-ignore
  }

  forward(x: tf.Tensor2D, context: ForwardContext = {}): tf.Tensor2D {
    const { precision } = context;
    return moduleStep(this, x, context, (given) => {
      const weight = this.weight as tf.Tensor as tf.Tensor2D;
      return linear(given, weight, undefined, { precision }) as tf.Tensor2D;
    });
  }
}

/** The context of the image tower in a pass of the whole: its steps stand behind `visual.`. */
export function visualContext(context: ForwardContext): ForwardContext {
  const { intercept, keepMask } = context;
  return {
    ...context,
    ...(intercept && { intercept: behindVisual(combineInterceptors(intercept)) }),
    ...(keepMask && { keepMask: (name: string) => keepMask(`visual.${name}`) }),
  };
}

function behindVisual(outer: Interceptor): Interceptor {
  const whole = (path: string) => `visual.${path}`;
  return {
    wants: (path) => outer.wants(whole(path)),
    call: (step, forward) => outer.call({ ...step, path: whole(step.path) }, forward),
  };
}
