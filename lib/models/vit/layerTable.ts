import { sizeOf } from '../../core/check.ts';
import {
  gridSizeOf,
  mlpHiddenDimOf,
  numPrefixTokensOf,
  type VisionTransformerConfig,
} from './config.ts';

/** One line of a model's description. */
export interface LayerRow {
  /** Its name in the state dict: `blocks.0.attn.qkv`. */
  readonly name: string;
  readonly kind: string;
  /** Shape of its result for one image, without the batch axis. */
  readonly output: readonly number[];
  /** Its own parameters by full name, in torch's order. */
  readonly parameters: ReadonlyMap<string, readonly number[]>;
  /** Multiply-adds for one image. */
  readonly macs: number;
}

/**
 * Every layer of a model in the order of its state dict, computed from the configuration alone: nothing is allocated.
 *
 * Counted are the products of matrices: of the patches, of every linear layer, of queries with keys, of attention with values.
 */
export function layerTable(config: VisionTransformerConfig): LayerRow[] {
  const { embedDim: dim, patchSize, inChannels, preNorm, fcNorm, globalPool } = config;
  const grid = gridSizeOf(config);
  const numPatches = grid[0] * grid[1];
  const tokens = numPatches + numPrefixTokensOf(config);
  const rows: LayerRow[] = [tokenRow(config, tokens)];
  const patchWeight = [dim, inChannels, ...patchSize];
  const patchMacs = numPatches * sizeOf(patchWeight);
  const patch = { weight: patchWeight, ...(preNorm ? {} : { bias: [dim] }) };
  rows.push(row('patch_embed.proj', 'PatchEmbed', [numPatches, dim], patch, patchMacs));
  if (preNorm) rows.push(normRow('norm_pre', [tokens, dim]));
  for (let i = 0; i < config.depth; i += 1) rows.push(...blockRows(config, `blocks.${i}`, tokens));
  if (!fcNorm) rows.push(normRow('norm', [tokens, dim]));
  if (globalPool === 'map') rows.push(...poolRows(config, tokens));
  const pooled = globalPool === '' ? [tokens, dim] : [dim];
  if (fcNorm) rows.push(normRow('fc_norm', pooled));
  if (config.numClasses > 0) {
    rows.push(linearRow('head', pooled, config.numClasses));
    if (config.distilled) rows.push(linearRow('head_dist', pooled, config.numClasses));
  }
  return rows;
}

/** The parameters of a model by name, in torch's order, without building it. */
export function parameterShapes(config: VisionTransformerConfig): Map<string, readonly number[]> {
  return new Map(layerTable(config).flatMap(({ parameters }) => [...parameters]));
}

/** The number of scalars in all parameters of a model, without building it. */
export function countParameters(config: VisionTransformerConfig): number {
  let count = 0;
  for (const shape of parameterShapes(config).values()) count += sizeOf(shape);
  return count;
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
    layerScaleInit === null ? [] : [row(`${path}.${name}`, 'LayerScale', shape, { gamma: [dim] })];
  const headNorm = [numHeads, tokens, dim / numHeads];
  return [
    normRow(`${path}.norm1`, shape),
    linearRow(`${path}.attn.qkv`, shape, 3 * dim, qkvBias),
    ...(qkNorm
      ? [normRow(`${path}.attn.q_norm`, headNorm), normRow(`${path}.attn.k_norm`, headNorm)]
      : []),
    row(`${path}.attn`, `Attention, ${numHeads} heads`, shape, {}, 2 * tokens * tokens * dim),
    linearRow(`${path}.attn.proj`, shape, dim),
    ...scale('ls1'),
    normRow(`${path}.norm2`, shape),
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
    row('attn_pool', 'AttentionPool', [dim], { latent: [1, 1, dim] }, 2 * seen * dim),
    linearRow('attn_pool.q', [dim], dim),
    linearRow('attn_pool.kv', [seen, dim], 2 * dim),
    linearRow('attn_pool.proj', [dim], dim),
    normRow('attn_pool.norm', [dim]),
    linearRow('attn_pool.mlp.fc1', [dim], hidden),
    linearRow('attn_pool.mlp.fc2', [hidden], dim),
  ];
}

function normRow(name: string, shape: readonly number[]): LayerRow {
  const dim = shape.at(-1)!;
  return row(name, 'LayerNorm', shape, { weight: [dim], bias: [dim] });
}

function linearRow(
  name: string,
  input: readonly number[],
  outFeatures: number,
  bias = true,
): LayerRow {
  const output = [...input.slice(0, -1), outFeatures];
  const parameters = {
    weight: [outFeatures, input.at(-1)!],
    ...(bias ? { bias: [outFeatures] } : {}),
  };
  return row(name, 'Linear', output, parameters, sizeOf(input) * outFeatures);
}

function row(
  name: string,
  kind: string,
  output: readonly number[],
  parameters: Readonly<Record<string, readonly number[]>>,
  macs = 0,
): LayerRow {
  const named = Object.entries(parameters).map(
    ([key, shape]) => [`${name}.${key}`, shape] as const,
  );
  return { name, kind, output, parameters: new Map(named), macs };
}
