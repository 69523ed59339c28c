// The interface that every model family implements.

import type * as tf from '@tensorflow/tfjs';
import type { ForwardContext } from '../core/context.ts';
import type { Module } from '../core/module.ts';
import type { LayerRow } from './layerRow.ts';

/**
 * A model of any family: images [B, H, W, C] → logits [B, K], with named parameters.
 *
 * The caller that builds a model owns it and calls `dispose()`.
 *
 * A module whose forward pass runs through `moduleStep` is a step of its own for a `Capture` and for the profiler.
 *
 * @example class Classifier extends Module implements Model { … }
 */
export interface Model extends Module {
  /** The name of its family, `vit`. */
  readonly family: string;
  /**
   * Its complete configuration as plain data, which is stored beside the weights as JSON. Its key `family` is the family's name;
   * a configuration of a Vision Transformer has no such key.
   */
  readonly config: object;
  /** The shape of the images that it takes, [H, W, C]. */
  readonly inputShape: readonly [number, number, number];
  /** The number of classes. 0: there is no classifier, and the logits are the pooled features. */
  readonly numClasses: number;
  /** Logits [B, K] of images [B, H, W, C]. */
  forward(images: tf.Tensor, context?: ForwardContext): tf.Tensor2D;
  /** Names of parameters without weight decay, besides those of one dimension. */
  noWeightDecay(): ReadonlySet<string>;
  /**
   * The layer number of each parameter by its name, from 0 at the images to the largest at the logits, without gaps. Layer decay
   * gives the parameters of a layer one learning rate.
   *
   * Source: `group_matcher` of timm's models.
   */
  layerGroups(): ReadonlyMap<string, number>;
  /** Every layer in the order of the state dict. */
  layerTable(): readonly LayerRow[];
}

/**
 * The options of building a model, besides its configuration.
 *
 * @property initialize  false: weights that would be drawn start at zero, for a model that is loaded next; default true
 * @property onWarning   receives sentences about options that have no effect; default console.warn, once a process for each sentence
 */
export interface BuildOptions {
  initialize?: boolean;
  onWarning?: (text: string) => void;
}
