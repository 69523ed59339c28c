// The blocks and the classifier of a Vision Transformer, made from its configuration.

import type * as tf from '@tensorflow/tfjs';
import type { ForwardContext } from '../../core/context.ts';
import type { Module } from '../../core/module.ts';
import { AttentionPool } from '../../layers/attentionPool.ts';
import { Block, type BlockConfig } from '../../layers/block.ts';
import { dropPathRates } from '../../layers/drop.ts';
import type { EncoderBlock } from '../../layers/encoderBlock.ts';
import { Identity } from '../../layers/identity.ts';
import { Linear } from '../../layers/linear.ts';
import { inside, type InitScope } from '../../layers/initScope.ts';
import { ParallelScalingBlock } from '../../layers/parallelScalingBlock.ts';
import { ParallelThingsBlock } from '../../layers/parallelThingsBlock.ts';
import { PatchDropout } from '../../layers/patchDropout.ts';
import { PatchEmbed } from '../../layers/patchEmbed.ts';
import { ResPostBlock } from '../../layers/resPostBlock.ts';
import { mlpHiddenDimOf, numPrefixTokensOf, type VisionTransformerConfig } from './config.ts';
import { whole } from './variant.ts';

/** The form of each activation of a configuration. */
export const activationForms = {
  gelu: 'erf',
  gelu_tanh: 'tanh',
  quick_gelu: 'quick',
  silu: 'silu',
} as const;

const blocks: Readonly<
  Record<
    NonNullable<VisionTransformerConfig['blockFn']>,
    new (config: BlockConfig, scope: InitScope) => EncoderBlock
  >
> = { Block, ResPostBlock, ParallelScalingBlock, ParallelThingsBlock };

/** The blocks of a model, each with its own drop path rate. */
export function makeBlocks(config: VisionTransformerConfig, scope: InitScope): EncoderBlock[] {
  const { blockFn, projBias, scaleAttnNorm, scaleMlpNorm, normLayer, mlpLayer } = whole(config);
  const BlockOfKind = blocks[blockFn];
  const block = {
    projBias,
    scaleAttnNorm,
    scaleMlpNorm,
    normLayer,
    mlpLayer,
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
    (dropPath, i) => new BlockOfKind({ ...block, dropPath }, inside(scope, String(i))),
  );
}

/** The patch embedding of a model. */
export function makePatchEmbed(config: VisionTransformerConfig, scope: InitScope): PatchEmbed {
  const { preNorm, dynamicImageSize, embedNormLayer: norm } = whole(config);
  const embed = { ...config, norm, bias: !preNorm, flatten: !dynamicImageSize };
  return new PatchEmbed(embed, scope);
}

/** The pooling by attention of a model. */
export function makeAttentionPool(
  config: VisionTransformerConfig,
  scope: InitScope,
): AttentionPool {
  const { embedDim: dim, numHeads, normEps, activation } = config;
  const { normLayer } = whole(config);
  const own = { dim, numHeads, mlpHiddenDim: mlpHiddenDimOf(config), normEps, normLayer };
  return new AttentionPool({ ...own, activation: activationForms[activation] }, scope);
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
