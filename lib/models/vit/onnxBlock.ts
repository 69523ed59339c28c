// The blocks of a Vision Transformer, and its pooling by attention, as operations of ONNX.

import type { OnnxGraph, Value } from '../../checkpoints/onnx/onnxGraph.ts';
import { mlpHiddenDimOf } from './config.ts';
import { activate, attend, attention, feedForward, mixTokens, norm } from './onnxLayers.ts';
import type { WholeConfig } from './variant.ts';

/** Adds the block of `path`, [B, N, C] → [B, N, C]: the layer that `blockFn` names. */
export function addBlock(graph: OnnxGraph, x: Value, path: string, config: WholeConfig): Value {
  return blocks[config.blockFn](graph, x, path, config);
}

const blocks: Readonly<Record<WholeConfig['blockFn'], typeof addBlock>> = {
  Block: (graph, x, path, config) => {
    const scale = (value: Value, name: string) =>
      layerScale(graph, value, `${path}.${name}`, config);
    const { embedDim: dim } = config;
    const norm1 = norm(graph, x, `${path}.norm1`, dim, config);
    const attended = scale(attention(graph, norm1, `${path}.attn`, config), 'ls1');
    const y = graph.node('Add', [x, attended], `${path}.residual1`);
    const norm2 = norm(graph, y, `${path}.norm2`, dim, config);
    const fed = scale(feedForward(graph, norm2, `${path}.mlp`, config), 'ls2');
    return graph.node('Add', [y, fed], `${path}.residual2`);
  },
  ResPostBlock: (graph, x, path, config) => {
    const { embedDim: dim } = config;
    const attended = attention(graph, x, `${path}.attn`, config);
    const norm1 = norm(graph, attended, `${path}.norm1`, dim, config);
    const y = graph.node('Add', [x, norm1], `${path}.residual1`);
    const fed = feedForward(graph, y, `${path}.mlp`, config);
    const norm2 = norm(graph, fed, `${path}.norm2`, dim, config);
    return graph.node('Add', [y, norm2], `${path}.residual2`);
  },
  ParallelScalingBlock: (graph, x, path, config) => {
    const { embedDim: dim, qkvBias, projBias: bias } = config;
    const hidden = mlpHiddenDimOf(config);
    const normed = norm(graph, x, `${path}.in_norm`, dim, config);
    const sizes = { inFeatures: dim, outFeatures: hidden + 3 * dim, bias: qkvBias };
    const packed = graph.linear(normed, `${path}.in_proj`, sizes);
    const names = [`${path}.mlp`, `${path}.qkv`];
    const [raw, qkv] = graph.split(packed, 2, [hidden, 3 * dim], names) as [Value, Value];
    const mixed = mixTokens(graph, qkv, [`${path}.attn`, path], config);
    const sums = qkvBias
      ? raw
      : graph.node('Add', [raw, graph.weight(`${path}.mlp_bias`, [hidden])], `${path}.mlp_sums`);
    const active = activate(graph, sums, `${path}.mlp_act`, config);
    const out = (value: Value, name: string, inFeatures: number) =>
      graph.linear(value, `${path}.${name}`, { inFeatures, outFeatures: dim, bias });
    const parts = [out(mixed, 'attn_out_proj', dim), out(active, 'mlp_out_proj', hidden)];
    const both = graph.node('Add', parts, `${path}.residual1`);
    const branch = layerScale(graph, both, `${path}.ls`, config);
    return graph.node('Add', [x, branch], `${path}.residual2`);
  },
  ParallelThingsBlock: (graph, x, path, config) => {
    const together = (given: Value, group: string, inner: string, layer: typeof attention) => {
      const results = [0, 1].map((i) => {
        const own = `${path}.${group}.${i}`;
        const normed = norm(graph, given, `${own}.norm`, config.embedDim, config);
        return layerScale(
          graph,
          layer(graph, normed, `${own}.${inner}`, config),
          `${own}.ls`,
          config,
        );
      });
      return graph.node('Add', results, `${path}.${group}.residual`);
    };
    const y = graph.node('Add', [x, together(x, 'attns', 'attn', attention)], `${path}.residual1`);
    return graph.node('Add', [y, together(y, 'ffns', 'mlp', feedForward)], `${path}.residual2`);
  },
};

function layerScale(graph: OnnxGraph, x: Value, path: string, config: WholeConfig): Value {
  const { layerScaleInit, embedDim: dim } = config;
  if (layerScaleInit === null) return x;
  return graph.node('Mul', [x, graph.weight(`${path}.gamma`, [dim])], path);
}

/** Pools tokens by one learned query, [B, n, C] → [B, C]: `AttentionPool` of layers/attentionPool.ts. */
export function attentionPool(
  graph: OnnxGraph,
  x: Value,
  tokens: number,
  config: WholeConfig,
): Value {
  const path = 'attn_pool';
  const { embedDim: dim, numHeads } = config;
  const headDim = dim / numHeads;
  const square = { inFeatures: dim, outFeatures: dim };
  const q = graph.linear(graph.weight(`${path}.latent`, [1, 1, dim]), `${path}.q`, square);
  const queries = graph.reshape(q, [1, numHeads, 1, headDim], `${path}.queries`);
  const kv = graph.linear(x, `${path}.kv`, { inFeatures: dim, outFeatures: 2 * dim });
  const names = [`${path}.k`, `${path}.v`];
  const heads = [0, tokens, numHeads, headDim];
  const [k, v] = graph
    .split(kv, 2, [dim, dim], names)
    .map((part, i) => graph.reshape(part, heads, `${names[i]}.heads`)) as [Value, Value];
  const mixed = attend(graph, [queries, k, v], path, headDim);
  const joined = graph.reshape(mixed, [0, dim], `${path}.joined`);
  const pooled = graph.linear(joined, `${path}.proj`, square);
  const normed = norm(graph, pooled, `${path}.norm`, dim, config);
  // Its MLP is a plain one, whatever those of the blocks are.
  const plain = { ...config, mlpLayer: 'Mlp', scaleMlpNorm: false, projBias: true } as const;
  const fed = feedForward(graph, normed, `${path}.mlp`, plain);
  return graph.node('Add', [pooled, fed], `${path}.residual`);
}
