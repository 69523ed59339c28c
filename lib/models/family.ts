// The interface of a model family: its named sizes, its configurations, and how a model is built of one.

import type { HostTensor } from '../checkpoints/hostTensor.ts';
import type { AdaptChange } from '../checkpoints/tensorReport.ts';
import type { OnnxGraph } from '../checkpoints/onnx/onnxGraph.ts';
import type { FamilyEncoder } from './encoding.ts';
import type { LayerRow } from './layerRow.ts';
import type { BuildOptions, Model } from './model.ts';

/** The filters that a position embedding is resampled with: timm's bicubic with antialias, or DeiT's without. */
export const posEmbedInterpolations = ['timm', 'deit'] as const;

/** How a position embedding is resampled: one of `posEmbedInterpolations`. */
export type PosEmbedInterpolation = (typeof posEmbedInterpolations)[number];

/**
 * How the tensors of a checkpoint are brought to a configuration, besides their names.
 *
 * @property source                 the configuration that the checkpoint was made with, where it is known; without it the grid of a
 *                                  position embedding is taken to be square
 * @property posEmbedInterpolation  the filter for another grid; default timm's
 * @property inputChannels          true: the weights of the images' channels are adapted to another number of them
 *                                  (`adaptInputChannels`); default false: the loader reports the shape
 * @property onChange               told each tensor that is left out or resampled; default: nobody
 */
export interface AdaptOptions<C extends object = object> {
  source?: C | undefined;
  posEmbedInterpolation?: PosEmbedInterpolation;
  inputChannels?: boolean;
  onChange?: (change: AdaptChange) => void;
}

/**
 * A family of models that share one configuration type, as `registerModelFamily` takes it.
 *
 * `C` is the complete configuration, which is plain data. A family that does not recognize its own configurations by their other
 * keys puts `family` into them.
 *
 * @example
 * const mlp: ModelFamily<MlpConfig> = {
 *   family: 'mlp',
 *   names: () => ['mlp_small'],
 *   config: (name, overrides) => parse({width: 64, ...overrides}),
 *   parseConfig: (options) => parse(options),
 *   recognizes: () => false,                                 // only a config with family: 'mlp' is one of ours
 *   build: (config, {initialize = true} = {}) => new MlpClassifier(config, initialize),
 * };
 */
export interface ModelFamily<C extends object = object, M extends Model = Model> {
  /** The name of the family; also the value of the key `family` in configurations. */
  readonly family: string;
  /** The names of sizes that `createModel` knows. */
  names(): readonly string[];
  /** Whether a name is one of its sizes, where there are spellings besides those of `names`; default: it is one of `names`. */
  knows?(name: string): boolean;
  /** Whether a name is known to stand for a model with parts that are not built yet, so that no other name is suggested. */
  notBuilt?(name: string): boolean;
  /**
   * The configuration of a named size.
   *
   * @param overrides  options in the vocabulary of `parseConfig`; they replace those of the size
   * @throws InputError for an option that cannot be used
   */
  config(name: string, overrides?: object): C;
  /**
   * Completes and checks a configuration in any vocabulary that the family understands. The key `family` was taken out of it.
   *
   * @throws InputError naming the option that is unknown or out of range
   */
  parseConfig(options: object): C;
  /** Whether a configuration without the key `family` is one of this family. */
  recognizes(config: Readonly<Record<string, unknown>>): boolean;
  /** Builds a model; the caller owns it. */
  build(config: C, options?: BuildOptions): M;
  /** The layer table of a configuration, without building the model; default: that of a model built for it. */
  layerTable?(config: C): readonly LayerRow[];
  /** Sentences about what is unusual in a configuration but can be built; default none. */
  warnings?(config: C): readonly string[];
  /**
   * The tensors of a checkpoint by the names and shapes of the family's parameters; default: as they are.
   *
   * @param tensors  as the file names them
   * @param note     told, in a sentence each, what is left out or changed besides names and layouts
   * @param options  how; default as it is for a checkpoint that is only loaded
   * @throws CheckpointError if they cannot be brought to those of the parameters
   */
  adapt?(
    tensors: ReadonlyMap<string, HostTensor>,
    config: C,
    note?: (text: string) => void,
    options?: AdaptOptions<C>,
  ): ReadonlyMap<string, HostTensor>;
  /**
   * The options that the tensors of a checkpoint tell by their names and shapes, in the vocabulary of `parseConfig`; undefined if they are
   * of no model of the family. Default: undefined.
   */
  optionsOf?(tensors: ReadonlyMap<string, HostTensor>): Record<string, unknown> | undefined;
  /**
   * Fills a graph of ONNX with the model of a configuration, by the weights that the graph takes from a checkpoint; default: the family
   * cannot be written as ONNX.
   *
   * @throws InputError naming an option that the graph has no place for
   */
  onnx?(graph: OnnxGraph, config: C): void;
  /**
   * A configuration with some options replaced, in any vocabulary of `parseConfig`; default: `parseConfig({...config, ...options})`.
   *
   * @throws InputError for an option that cannot be used
   */
  override?(config: C, options: object): C;
  /**
   * The modules whose weights belong to the classes, timm's `classifier`: fine-tuning on other classes makes them anew. Default:
   * `head`, `head_dist` and `fc`.
   */
  readonly classifiers?: readonly string[];
  /** How its models encode images, for `modelEncoder`; default: they are no encoders. */
  readonly encoder?: FamilyEncoder<C, M>;
}
