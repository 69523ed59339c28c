// The blocks and the classifier of a Vision Transformer, made from its configuration.

import type * as tf from '@tensorflow/tfjs';
import type { ForwardContext } from '../../core/context.ts';
import type { Module } from '../../core/module.ts';
import { Block } from '../../layers/block.ts';
import { dropPathRates } from '../../layers/drop.ts';
import { Identity } from '../../layers/identity.ts';
import { Linear } from '../../layers/linear.ts';
import { inside, type InitScope } from '../../layers/initScope.ts';
import { PatchDropout } from '../../layers/patchDropout.ts';
import { mlpHiddenDimOf, numPrefixTokensOf, type VisionTransformerConfig } from './config.ts';

/** The form of GELU for each activation of a configuration. */
export const activationForms = { gelu: 'erf', gelu_tanh: 'tanh', quick_gelu: 'quick' } as const;

/** The blocks of a model, each with its own drop path rate. */
export function makeBlocks(config: VisionTransformerConfig, scope: InitScope): Block[] {
  const block = {
    dim: config.embedDim,
    numHeads: config.numHeads,
    mlpHiddenDim: mlpHiddenDimOf(config),
    qkvBias: config.qkvBias,
    qkNorm: config.qkNorm,
    normEps: config.normEps,
    activation: activationForms[config.activation],
    layerScaleInit: config.layerScaleInit,
    projDrop: config.projDropRate,
    attnDrop: config.attnDropRate,
  };
  return dropPathRates(config.dropPathRate, config.depth).map(
    (dropPath, i) => new Block({ ...block, dropPath }, inside(scope, String(i))),
  );
}

/** The patch dropout of a model, which leaves the prefix tokens. */
export function makePatchDrop(config: VisionTransformerConfig): PatchDropout {
  const options = {
    rate: config.patchDropRate ?? 0,
    numPrefixTokens: numPrefixTokensOf(config),
    subsets: config.patchSubsets ?? false,
  };
  return new PatchDropout(options, { path: 'patch_drop' });
}

/** The head of a model: pooled features to logits. */
export type Head = Module & { forward<T extends tf.Tensor>(x: T, context?: ForwardContext): T };

/** The classifier of a model; without classes, the identity. */
export function makeHead(dim: number, numClasses: number, scope: InitScope): Head {
  return numClasses > 0
    ? new Linear({ inFeatures: dim, outFeatures: numClasses }, scope)
    : new Identity(scope);
}
