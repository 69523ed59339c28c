// The blocks of a Vision Transformer, and its pooling by attention, as operations of ONNX.

import type { OnnxGraph, Value } from '../../checkpoints/onnx/onnxGraph.ts';
import {
  gridSizeOf,
  mlpHiddenDimOf,
  numPrefixTokensOf,
  type VisionTransformerConfig,
} from './config.ts';

/** Adds the block of `path`, [B, N, C] → [B, N, C]: `Block` of layers/block.ts. */
export function addBlock(
  graph: OnnxGraph,
  x: Value,
  path: string,
  config: VisionTransformerConfig,
): Value {
  const { embedDim: dim, normEps, layerScaleInit } = config;
  const branch = (value: Value, name: string, scale: string) =>
    layerScaleInit === null
      ? value
      : graph.node('Mul', [value, graph.weight(`${path}.${scale}.gamma`, [dim])], name);
  const norm1 = graph.layerNorm(x, `${path}.norm1`, dim, normEps);
  const attended = branch(attention(graph, norm1, `${path}.attn`, config), `${path}.ls1`, 'ls1');
  const y = graph.node('Add', [x, attended], `${path}.residual1`);
  const norm2 = graph.layerNorm(y, `${path}.norm2`, dim, normEps);
  const fed = branch(mlp(graph, norm2, `${path}.mlp`, config), `${path}.ls2`, 'ls2');
  return graph.node('Add', [y, fed], `${path}.residual2`);
}

// Multi-head self-attention, [B, N, C] → [B, N, C]: `Attention` of layers/attention.ts.
function attention(
  graph: OnnxGraph,
  x: Value,
  path: string,
  config: VisionTransformerConfig,
): Value {
  const { embedDim: dim, numHeads, qkvBias: bias, qkNorm, normEps } = config;
  const headDim = dim / numHeads;
  const [rows, columns] = gridSizeOf(config);
  const tokens = numPrefixTokensOf(config) + rows * columns;
  const qkv = graph.linear(x, `${path}.qkv`, { inFeatures: dim, outFeatures: 3 * dim, bias });
  const names = ['q', 'k', 'v'].map((name) => `${path}.${name}`);
  const [q, k, v] = graph.split(qkv, 2, [dim, dim, dim], names).map((part, i) => {
    const heads = graph.reshape(part, [0, tokens, numHeads, headDim], `${names[i]}.heads`);
    if (!qkNorm || i === 2) return heads;
    return graph.layerNorm(heads, `${names[i]}_norm`, headDim, normEps);
  }) as [Value, Value, Value];
  const queries = graph.transpose(q, [0, 2, 1, 3], `${path}.queries`);
  const mixed = attend(graph, [queries, k, v], path, headDim);
  const joined = graph.reshape(mixed, [0, tokens, dim], `${path}.joined`);
  return graph.linear(joined, `${path}.proj`, { inFeatures: dim, outFeatures: dim });
}

// Queries [B, h, M, D], keys and values [B, N, h, D] → [B, M, h, D].
function attend(
  graph: OnnxGraph,
  [q, k, v]: readonly [Value, Value, Value],
  path: string,
  headDim: number,
): Value {
  const scaled = graph.node('Mul', [q, graph.scalar(headDim ** -0.5)], `${path}.scaled`);
  const keys = graph.transpose(k, [0, 2, 3, 1], `${path}.keys`);
  const values = graph.transpose(v, [0, 2, 1, 3], `${path}.values`);
  const logits = graph.node('MatMul', [scaled, keys], `${path}_logits`);
  const probabilities = graph.node('Softmax', [logits], `${path}_probs`, { axis: { int: -1 } });
  const mixed = graph.node('MatMul', [probabilities, values], `${path}_output`);
  return graph.transpose(mixed, [0, 2, 1, 3], `${path}.tokens`);
}

// fc2(act(fc1(x))): `Mlp` of layers/mlp.ts.
function mlp(graph: OnnxGraph, x: Value, path: string, config: VisionTransformerConfig): Value {
  const { embedDim: dim, activation } = config;
  const hidden = mlpHiddenDimOf(config);
  const sums = graph.linear(x, `${path}.fc1`, { inFeatures: dim, outFeatures: hidden });
  const active = activations[activation](graph, sums, `${path}.act`);
  return graph.linear(active, `${path}.fc2`, { inFeatures: hidden, outFeatures: dim });
}

type Activation = (graph: OnnxGraph, x: Value, path: string) => Value;

// Operator set 17 has no Gelu; ONNX Runtime joins these operations into its own.
const activations: Readonly<Record<VisionTransformerConfig['activation'], Activation>> = {
  gelu: (graph, x, path) => {
    const scaled = graph.node('Div', [x, graph.scalar(Math.SQRT2)], `${path}.scaled`);
    const gate = graph.node(
      'Add',
      [graph.node('Erf', [scaled], `${path}.erf`), graph.scalar(1)],
      `${path}.gate`,
    );
    return graph.node(
      'Mul',
      [graph.node('Mul', [x, gate], `${path}.twice`), graph.scalar(0.5)],
      path,
    );
  },
  gelu_tanh: (graph, x, path) => {
    const cube = graph.node('Pow', [x, graph.scalar(3)], `${path}.cube`);
    const part = graph.node('Mul', [cube, graph.scalar(0.044715)], `${path}.part`);
    const sum = graph.node('Add', [x, part], `${path}.sum`);
    const inner = graph.node('Mul', [sum, graph.scalar(Math.sqrt(2 / Math.PI))], `${path}.inner`);
    const gate = graph.node(
      'Add',
      [graph.node('Tanh', [inner], `${path}.tanh`), graph.scalar(1)],
      `${path}.gate`,
    );
    return graph.node(
      'Mul',
      [graph.node('Mul', [x, graph.scalar(0.5)], `${path}.half`), gate],
      path,
    );
  },
  silu: (graph, x, path) =>
    graph.node('Mul', [x, graph.node('Sigmoid', [x], `${path}.gate`)], path),
  quick_gelu: (graph, x, path) => {
    const scaled = graph.node('Mul', [x, graph.scalar(1.702)], `${path}.scaled`);
    return graph.node('Mul', [x, graph.node('Sigmoid', [scaled], `${path}.gate`)], path);
  },
};

/** Pools tokens by one learned query, [B, n, C] → [B, C]: `AttentionPool` of layers/attentionPool.ts. */
export function attentionPool(
  graph: OnnxGraph,
  x: Value,
  tokens: number,
  config: VisionTransformerConfig,
): Value {
  const path = 'attn_pool';
  const { embedDim: dim, numHeads, normEps } = config;
  const headDim = dim / numHeads;
  const square = { inFeatures: dim, outFeatures: dim };
  const q = graph.linear(graph.weight(`${path}.latent`, [1, 1, dim]), `${path}.q`, square);
  const queries = graph.reshape(q, [1, numHeads, 1, headDim], `${path}.queries`);
  const kv = graph.linear(x, `${path}.kv`, { inFeatures: dim, outFeatures: 2 * dim });
  const names = [`${path}.k`, `${path}.v`];
  const [k, v] = graph
    .split(kv, 2, [dim, dim], names)
    .map((part, i) => graph.reshape(part, [0, tokens, numHeads, headDim], `${names[i]}.heads`)) as [
    Value,
    Value,
  ];
  const mixed = attend(graph, [queries, k, v], path, headDim);
  const pooled = graph.linear(
    graph.reshape(mixed, [0, dim], `${path}.joined`),
    `${path}.proj`,
    square,
  );
  const normed = graph.layerNorm(pooled, `${path}.norm`, dim, normEps);
  const fed = mlp(graph, normed, `${path}.mlp`, config);
  return graph.node('Add', [pooled, fed], `${path}.residual`);
}
