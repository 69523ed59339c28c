// A Vision Transformer as a graph of ONNX, from its configuration and its weights.

import {
  batchAxis,
  notInOnnx,
  type OnnxGraph,
  type Value,
} from '../../checkpoints/onnx/onnxGraph.ts';
import { defaultsOf } from '../../core/option.ts';
import { sincos1d, sincos2d } from '../../layers/sincosEmbed.ts';
import {
  gridSizeOf,
  numPrefixTokensOf,
  placedPrefix,
  type VisionTransformerConfig,
} from './config.ts';
import { addBlock, attentionPool } from './onnxBlock.ts';
import { norm } from './onnxLayers.ts';
import { visionTransformerOptions } from './options.ts';
import { lastNorms, whole, type WholeConfig } from './variant.ts';

// The options that the graph has a place for, with the values where not every one has.
const written: Readonly<Partial<Record<string, readonly unknown[]>>> = {
  globalPool: ['token', 'avg', 'avgmax', 'max', 'map', ''],
  activation: ['gelu', 'gelu_tanh', 'quick_gelu', 'silu'],
  normLayer: ['LayerNorm', 'RmsNorm'],
  embedNormLayer: [null, 'LayerNorm', 'RmsNorm'],
  mlpLayer: ['Mlp', 'SwiGLUPacked', 'SwiGLU'],
  blockFn: ['Block', 'ResPostBlock', 'ParallelScalingBlock', 'ParallelThingsBlock'],
  posEmbed: ['learned', 'sincos2d', 'sincos1d', 'none'],
};
const free: ReadonlySet<string> = new Set([
  'imageSize', 'patchSize', 'inChannels', 'numClasses', 'embedDim', 'depth', 'numHeads', 'mlpRatio', 'qkvBias', 'qkNorm',
  'layerScaleInit', 'classToken', 'regTokens', 'distilled', 'noEmbedClass', 'preNorm', 'poolIncludePrefix', 'fcNorm', 'normEps',
  'dynamicImageSize', 'finalNorm', 'projBias', 'scaleAttnNorm', 'scaleMlpNorm',
  // They have no part in the results.
  'dropRate', 'patchDropRate', 'patchSubsets', 'posDropRate', 'projDropRate', 'attnDropRate', 'dropPathRate', 'weightInit', 'seed',
]); // prettier-ignore

/**
 * Fills a graph with a Vision Transformer: `pixel_values` [batch, I, H, W], normalised, to `logits` [batch, K].
 *
 * Without classes the output is `features` [batch, C]; with globalPool '' it has all tokens, [batch, N, K]. The logits of a distilled model
 * are the mean of its two heads. The size of the images is that of the configuration, also with `dynamicImageSize`.
 *
 * @throws InputError naming an option that the graph has no place for; CheckpointError if the weights are not those of the configuration
 */
export function vitOnnx(graph: OnnxGraph, given: VisionTransformerConfig): void {
  assertWritten(given);
  const config = whole(given);
  const { numClasses, imageSize, inChannels, globalPool, embedDim: dim } = config;
  const last = lastNorms(config);
  const images = graph.input('pixel_values', [batchAxis, inChannels, ...imageSize]);
  let x = embed(graph, images, config);
  for (let i = 0; i < config.depth; i += 1) x = addBlock(graph, x, `blocks.${i}`, config);
  if (last.norm) x = norm(graph, x, 'norm', dim, config);
  const head = (value: Value, path: string) =>
    numClasses === 0
      ? value
      : graph.linear(value, path, { inFeatures: dim, outFeatures: numClasses });
  let result: Value;
  if (config.distilled) {
    const heads = [head(tokenAt(graph, x, 0), 'head'), head(tokenAt(graph, x, 1), 'head_dist')];
    result = graph.node(
      'Mul',
      [graph.node('Add', heads, 'heads'), graph.scalar(0.5)],
      'mean of heads',
    );
  } else {
    const pooled = pool(graph, x, config);
    result = head(last.fcNorm ? norm(graph, pooled, 'fc_norm', dim, config) : pooled, 'head');
  }
  const width = numClasses === 0 ? dim : numClasses;
  const dims = globalPool === '' ? [batchAxis, tokensOf(config), width] : [batchAxis, width];
  graph.output(numClasses === 0 ? 'features' : 'logits', result, dims);
  graph.assertAllUsed();
}

// An option that is not known here is refused unless it has its default, so that a new one is never left out in silence.
function assertWritten(config: VisionTransformerConfig): void {
  const defaults = defaultsOf(visionTransformerOptions);
  for (const [name, value] of Object.entries(config)) {
    if (free.has(name) || value === undefined) continue;
    const values = written[name] ?? [defaults[name]];
    if (values.some((one) => JSON.stringify(one) === JSON.stringify(value))) continue;
    throw notInOnnx(name, value, values.map((one) => JSON.stringify(one)).join(', '));
  }
}

function tokensOf(config: VisionTransformerConfig): number {
  const [rows, columns] = gridSizeOf(config);
  return numPrefixTokensOf(config) + rows * columns;
}

// [B, I, H, W] → [B, N, C], the input of the first block.
function embed(graph: OnnxGraph, images: Value, config: WholeConfig): Value {
  const { embedDim: dim, inChannels, patchSize, preNorm, noEmbedClass, embedNormLayer } = config;
  const [rows, columns] = gridSizeOf(config);
  const weights = [graph.weight('patch_embed.proj.weight', [dim, inChannels, ...patchSize])];
  if (!preNorm) weights.push(graph.weight('patch_embed.proj.bias', [dim]));
  const attributes = { kernel_shape: patchSize, strides: patchSize };
  const maps = graph.node('Conv', [images, ...weights], 'patch_embed.proj', attributes);
  const flat = graph.reshape(maps, [0, dim, rows * columns], 'patch_embed.flat');
  let x = graph.transpose(flat, [0, 2, 1], 'patch_embed');
  if (embedNormLayer !== null) {
    x = norm(graph, x, 'patch_embed.norm', dim, config, embedNormLayer);
  }
  const prefix = prefixTokens(graph, images, config);
  const join = () => {
    if (prefix !== undefined) x = graph.node('Concat', [prefix, x], 'tokens', { axis: { int: 1 } });
  };
  if (!noEmbedClass) join();
  const places = positions(graph, config);
  if (places !== undefined) x = graph.node('Add', [x, places], 'pos_embed.sum');
  if (noEmbedClass) join();
  return preNorm ? norm(graph, x, 'norm_pre', dim, config) : x;
}

// Class, distillation and register tokens, repeated for the batch: [B, prefix, C].
function prefixTokens(
  graph: OnnxGraph,
  images: Value,
  config: VisionTransformerConfig,
): Value | undefined {
  const { embedDim: dim, classToken, distilled, regTokens } = config;
  const tokens = [
    ...(classToken ? [graph.weight('cls_token', [1, 1, dim])] : []),
    ...(distilled ? [graph.weight('dist_token', [1, 1, dim])] : []),
    ...(regTokens > 0 ? [graph.weight('reg_token', [1, regTokens, dim])] : []),
  ];
  const [first, ...others] = tokens;
  if (first === undefined) return undefined;
  const all =
    others.length === 0 ? first : graph.node('Concat', tokens, 'prefix', { axis: { int: 1 } });
  const batch = graph.node('Shape', [images], 'batch.size', { start: { int: 0 }, end: { int: 1 } });
  const parts = [batch, graph.integers([numPrefixTokensOf(config), dim])];
  const shape = graph.node('Concat', parts, 'prefix.shape', { axis: { int: 0 } });
  return graph.node('Expand', [all, shape], 'prefix.tokens');
}

// The position embedding [1, N', C] of the tokens that it is added to.
function positions(graph: OnnxGraph, config: VisionTransformerConfig): Value | undefined {
  const { posEmbed, embedDim: dim } = config;
  const grid = gridSizeOf(config);
  const prefix = placedPrefix(config);
  const dims = [1, prefix + grid[0] * grid[1], dim];
  switch (posEmbed) {
    case 'none':
      return undefined;
    case 'learned':
      return graph.weight('pos_embed', dims);
    case 'sincos1d':
      return graph.constant('pos_embed', dims, sincos1d(dims[1]!, dim));
    case 'sincos2d': {
      // Prefix tokens have no place on the grid.
      const table = new Float32Array(dims[1]! * dim);
      table.set(sincos2d(grid, dim), prefix * dim);
      return graph.constant('pos_embed', dims, table);
    }
  }
}

// [B, N, C] → [B, C].
function tokenAt(graph: OnnxGraph, x: Value, index: number): Value {
  const one = graph.node('Slice', [x, ...range(graph, index, index + 1)], `token ${index}`);
  return graph.node('Squeeze', [one, graph.integers([1])], `token ${index}.flat`);
}

// Tokens from `first` to before `end`: the further inputs of Slice.
function range(graph: OnnxGraph, first: number, end: number): Value[] {
  return [graph.integers([first]), graph.integers([end]), graph.integers([1])];
}

function pool(graph: OnnxGraph, x: Value, config: WholeConfig): Value {
  const { globalPool, poolIncludePrefix } = config;
  if (globalPool === '') return x;
  if (globalPool === 'token') return tokenAt(graph, x, 0);
  const first = poolIncludePrefix ? 0 : numPrefixTokensOf(config);
  const all = tokensOf(config);
  const seen = first === 0 ? x : graph.node('Slice', [x, ...range(graph, first, all)], 'patches');
  const attributes = { axes: [1], keepdims: { int: 0 } };
  const mean = () => graph.node('ReduceMean', [seen], 'pool.mean', attributes);
  const max = () => graph.node('ReduceMax', [seen], 'pool.max', attributes);
  switch (globalPool) {
    case 'avg':
      return mean();
    case 'max':
      return max();
    case 'avgmax':
      return graph.node(
        'Mul',
        [graph.node('Add', [max(), mean()], 'pool.sum'), graph.scalar(0.5)],
        'pool',
      );
    case 'map':
      return attentionPool(graph, seen, all - first, config);
  }
}
