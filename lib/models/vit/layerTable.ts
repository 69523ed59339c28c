// The layer table of a Vision Transformer, from its configuration.

import { sizeOf } from '../../core/check.ts';
import { layerNormRow, layerRow, linearRow, type LayerRow } from '../layerRow.ts';
import {
  gridSizeOf,
  mlpHiddenDimOf,
  numPrefixTokensOf,
  type VisionTransformerConfig,
} from './config.ts';

/** Every layer of a Vision Transformer in the order of its state dict, from the configuration alone: nothing is allocated. */
export function layerTable(config: VisionTransformerConfig): LayerRow[] {
  const { embedDim: dim, patchSize, inChannels, preNorm, fcNorm, globalPool } = config;
  const grid = gridSizeOf(config);
  const numPatches = grid[0] * grid[1];
  const tokens = numPatches + numPrefixTokensOf(config);
  const rows: LayerRow[] = [tokenRow(config, tokens)];
  const patchWeight = [dim, inChannels, ...patchSize];
  const patchMacs = numPatches * sizeOf(patchWeight);
  const patch = { weight: patchWeight, ...(preNorm ? {} : { bias: [dim] }) };
  rows.push(layerRow('patch_embed.proj', 'PatchEmbed', [numPatches, dim], patch, patchMacs));
  if (preNorm) rows.push(layerNormRow('norm_pre', [tokens, dim]));
  for (let i = 0; i < config.depth; i += 1) rows.push(...blockRows(config, `blocks.${i}`, tokens));
  if (!fcNorm) rows.push(layerNormRow('norm', [tokens, dim]));
  if (globalPool === 'map') rows.push(...poolRows(config, tokens));
  const pooled = globalPool === '' ? [tokens, dim] : [dim];
  if (fcNorm) rows.push(layerNormRow('fc_norm', pooled));
  if (config.numClasses > 0) {
    rows.push(linearRow('head', pooled, config.numClasses));
    if (config.distilled) rows.push(linearRow('head_dist', pooled, config.numClasses));
  }
  return rows;
}

function tokenRow(config: VisionTransformerConfig, tokens: number): LayerRow {
  const { embedDim: dim, classToken, regTokens, posEmbed, noEmbedClass, distilled } = config;
  const placed = noEmbedClass ? tokens - numPrefixTokensOf(config) : tokens;
  const parameters: Record<string, number[]> = {};
  if (classToken) parameters.cls_token = [1, 1, dim];
  if (regTokens > 0) parameters.reg_token = [1, regTokens, dim];
  if (posEmbed === 'learned') parameters.pos_embed = [1, placed, dim];
  if (distilled) parameters.dist_token = [1, 1, dim];
  return {
    name: 'tokens',
    kind: `position: ${posEmbed}`,
    output: [tokens, dim],
    parameters: new Map(Object.entries(parameters)),
    macs: 0,
  };
}

function blockRows(config: VisionTransformerConfig, path: string, tokens: number): LayerRow[] {
  const { embedDim: dim, qkvBias, qkNorm, layerScaleInit, numHeads } = config;
  const hidden = mlpHiddenDimOf(config);
  const shape = [tokens, dim];
  const scale = (name: string) =>
    layerScaleInit === null
      ? []
      : [layerRow(`${path}.${name}`, 'LayerScale', shape, { gamma: [dim] })];
  const headNorm = [numHeads, tokens, dim / numHeads];
  return [
    layerNormRow(`${path}.norm1`, shape),
    linearRow(`${path}.attn.qkv`, shape, 3 * dim, qkvBias),
    ...(qkNorm
      ? [
          layerNormRow(`${path}.attn.q_norm`, headNorm),
          layerNormRow(`${path}.attn.k_norm`, headNorm),
        ]
      : []),
    layerRow(`${path}.attn`, `Attention, ${numHeads} heads`, shape, {}, 2 * tokens * tokens * dim),
    linearRow(`${path}.attn.proj`, shape, dim),
    ...scale('ls1'),
    layerNormRow(`${path}.norm2`, shape),
    linearRow(`${path}.mlp.fc1`, shape, hidden),
    linearRow(`${path}.mlp.fc2`, [tokens, hidden], dim),
    ...scale('ls2'),
  ];
}

function poolRows(config: VisionTransformerConfig, tokens: number): LayerRow[] {
  const { embedDim: dim, poolIncludePrefix } = config;
  const seen = poolIncludePrefix ? tokens : tokens - numPrefixTokensOf(config);
  const hidden = mlpHiddenDimOf(config);
  return [
    layerRow('attn_pool', 'AttentionPool', [dim], { latent: [1, 1, dim] }, 2 * seen * dim),
    linearRow('attn_pool.q', [dim], dim),
    linearRow('attn_pool.kv', [seen, dim], 2 * dim),
    linearRow('attn_pool.proj', [dim], dim),
    layerNormRow('attn_pool.norm', [dim]),
    linearRow('attn_pool.mlp.fc1', [dim], hidden),
    linearRow('attn_pool.mlp.fc2', [hidden], dim),
  ];
}
