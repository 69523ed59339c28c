// The layer table of a Vision Transformer, from its configuration.

import { sizeOf } from '../../core/check.ts';
import { layerRow, linearRow, type LayerRow } from '../layerRow.ts';
import { blockRows, normRow } from './blockRows.ts';
import {
  gridSizeOf,
  mlpHiddenDimOf,
  numPrefixTokensOf,
  type VisionTransformerConfig,
} from './config.ts';
import { lastNorms, whole, type WholeConfig } from './variant.ts';

/** Every layer of a Vision Transformer in the order of its state dict, from the configuration alone: nothing is allocated. */
export function layerTable(given: VisionTransformerConfig): LayerRow[] {
  const config = whole(given);
  const { embedDim: dim, patchSize, inChannels, preNorm, globalPool, embedNormLayer } = config;
  const last = lastNorms(config);
  const grid = gridSizeOf(config);
  const numPatches = grid[0] * grid[1];
  const tokens = numPatches + numPrefixTokensOf(config);
  const rows: LayerRow[] = [tokenRow(config, tokens)];
  const patchWeight = [dim, inChannels, ...patchSize];
  const patchMacs = numPatches * sizeOf(patchWeight);
  const patch = { weight: patchWeight, ...(preNorm ? {} : { bias: [dim] }) };
  rows.push(layerRow('patch_embed.proj', 'PatchEmbed', [numPatches, dim], patch, patchMacs));
  if (embedNormLayer !== null) {
    rows.push(normRow({ normLayer: embedNormLayer }, 'patch_embed.norm', [numPatches, dim]));
  }
  if (preNorm) rows.push(normRow(config, 'norm_pre', [tokens, dim]));
  for (let i = 0; i < config.depth; i += 1) rows.push(...blockRows(config, `blocks.${i}`, tokens));
  if (last.norm) rows.push(normRow(config, 'norm', [tokens, dim]));
  if (globalPool === 'map') rows.push(...poolRows(config, tokens));
  const pooled = globalPool === '' ? [tokens, dim] : [dim];
  if (last.fcNorm) rows.push(normRow(config, 'fc_norm', pooled));
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

function poolRows(config: WholeConfig, tokens: number): LayerRow[] {
  const { embedDim: dim, poolIncludePrefix } = config;
  const seen = poolIncludePrefix ? tokens : tokens - numPrefixTokensOf(config);
  const hidden = mlpHiddenDimOf(config);
  return [
    layerRow('attn_pool', 'AttentionPool', [dim], { latent: [1, 1, dim] }, 2 * seen * dim),
    linearRow('attn_pool.q', [dim], dim),
    linearRow('attn_pool.kv', [seen, dim], 2 * dim),
    linearRow('attn_pool.proj', [dim], dim),
    normRow(config, 'attn_pool.norm', [dim]),
    linearRow('attn_pool.mlp.fc1', [dim], hidden),
    linearRow('attn_pool.mlp.fc2', [hidden], dim),
  ];
}
