// The layers inside the blocks of a Vision Transformer as operations of ONNX: norms, attention, MLPs.

import type { OnnxGraph, Value } from '../../checkpoints/onnx/onnxGraph.ts';
import { gridSizeOf, mlpHiddenDimOf, numPrefixTokensOf } from './config.ts';
import type { WholeConfig } from './variant.ts';

type Kind = WholeConfig['normLayer'];

/** The norm of `path` over the last axis, of the configured kind unless another is given: `makeNorm` of layers/norm.ts. */
export function norm(
  graph: OnnxGraph,
  x: Value,
  path: string,
  dim: number,
  { normEps, normLayer }: Pick<WholeConfig, 'normEps' | 'normLayer'>,
  kind: Kind = normLayer,
): Value {
  if (kind === 'LayerNorm') return graph.layerNorm(x, path, dim, normEps);
  // x / √(mean(x²) + ε) · weight: operator set 17 has no norm by the root mean square.
  const squares = graph.node('Mul', [x, x], `${path}.squares`);
  const axes = { axes: [-1], keepdims: { int: 1 } };
  const mean = graph.node('ReduceMean', [squares], `${path}.mean`, axes);
  const sum = graph.node('Add', [mean, graph.scalar(normEps)], `${path}.sum`);
  const root = graph.node('Sqrt', [sum], `${path}.root`);
  const normal = graph.node('Div', [x, root], `${path}.normal`);
  return graph.node('Mul', [normal, graph.weight(`${path}.weight`, [dim])], path);
}

/** Multi-head self-attention, [B, N, C] → [B, N, C]: `Attention` of layers/attention.ts. */
export function attention(graph: OnnxGraph, x: Value, path: string, config: WholeConfig): Value {
  const { embedDim: dim, qkvBias, projBias, scaleAttnNorm } = config;
  const qkv = graph.linear(x, `${path}.qkv`, {
    inFeatures: dim,
    outFeatures: 3 * dim,
    bias: qkvBias,
  });
  const mixed = mixTokens(graph, qkv, [path, path], config);
  const normed = scaleAttnNorm ? norm(graph, mixed, `${path}.norm`, dim, config) : mixed;
  const square = { inFeatures: dim, outFeatures: dim, bias: projBias };
  return graph.linear(normed, `${path}.proj`, square);
}

/** Queries, keys and values in one, [B, N, 3·C], to [B, N, C]. @param paths  of the values, and of the norms of queries and keys */
export function mixTokens(
  graph: OnnxGraph,
  qkv: Value,
  [path, owner]: readonly [string, string],
  config: WholeConfig,
): Value {
  const { embedDim: dim, numHeads, qkNorm } = config;
  const headDim = dim / numHeads;
  const [rows, columns] = gridSizeOf(config);
  const tokens = numPrefixTokensOf(config) + rows * columns;
  const letters = ['q', 'k', 'v'] as const;
  const names = letters.map((name) => `${path}.${name}`);
  const [q, k, v] = graph.split(qkv, 2, [dim, dim, dim], names).map((part, i) => {
    const heads = graph.reshape(part, [0, tokens, numHeads, headDim], `${names[i]}.heads`);
    if (!qkNorm || i === 2) return heads;
    return norm(graph, heads, `${owner}.${letters[i]}_norm`, headDim, config);
  }) as [Value, Value, Value];
  const queries = graph.transpose(q, [0, 2, 1, 3], `${path}.queries`);
  const mixed = attend(graph, [queries, k, v], path, headDim);
  return graph.reshape(mixed, [0, tokens, dim], `${path}.joined`);
}

/** Queries [B, h, M, D], keys and values [B, N, h, D] → [B, M, h, D]. */
export function attend(
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

/** The MLP of a block, [B, N, C] → [B, N, C]: `Mlp`, `GluMlp` and `SwiGlu` of layers/. */
export function feedForward(graph: OnnxGraph, x: Value, path: string, config: WholeConfig): Value {
  const { embedDim: dim, mlpLayer, scaleMlpNorm, projBias: bias } = config;
  const wide = mlpHiddenDimOf(config);
  const hidden = mlpLayer === 'SwiGLUPacked' ? wide / 2 : wide;
  const into = (name: string) =>
    graph.linear(x, `${path}.${name}`, { inFeatures: dim, outFeatures: wide, bias });
  const gated = (sums: Value, values: Value) =>
    graph.node('Mul', [activate(graph, sums, `${path}.act`, config), values], `${path}.gate`);
  let inner: Value;
  if (mlpLayer === 'Mlp') inner = activate(graph, into('fc1'), `${path}.act`, config);
  else if (mlpLayer === 'SwiGLU') inner = gated(into('fc1_g'), into('fc1_x'));
  else {
    const names = [`${path}.gates`, `${path}.values`];
    const [gates, values] = graph.split(into('fc1'), 2, [hidden, hidden], names);
    inner = gated(gates!, values!);
  }
  const normed = scaleMlpNorm ? norm(graph, inner, `${path}.norm`, hidden, config) : inner;
  return graph.linear(normed, `${path}.fc2`, { inFeatures: hidden, outFeatures: dim, bias });
}

/** The configured activation. */
export function activate(
  graph: OnnxGraph,
  x: Value,
  path: string,
  { activation }: Pick<WholeConfig, 'activation'>,
): Value {
  return activations[activation](graph, x, path);
}

type Activation = (graph: OnnxGraph, x: Value, path: string) => Value;

// Operator set 17 has no Gelu; ONNX Runtime joins these operations into its own.
const activations: Readonly<Record<WholeConfig['activation'], Activation>> = {
  gelu: (graph, x, path) => {
    const scaled = graph.node('Div', [x, graph.scalar(Math.SQRT2)], `${path}.scaled`);
    const erf = graph.node('Erf', [scaled], `${path}.erf`);
    const gate = graph.node('Add', [erf, graph.scalar(1)], `${path}.gate`);
    const twice = graph.node('Mul', [x, gate], `${path}.twice`);
    return graph.node('Mul', [twice, graph.scalar(0.5)], path);
  },
  gelu_tanh: (graph, x, path) => {
    const cube = graph.node('Pow', [x, graph.scalar(3)], `${path}.cube`);
    const part = graph.node('Mul', [cube, graph.scalar(0.044715)], `${path}.part`);
    const sum = graph.node('Add', [x, part], `${path}.sum`);
    const inner = graph.node('Mul', [sum, graph.scalar(Math.sqrt(2 / Math.PI))], `${path}.inner`);
    const tanh = graph.node('Tanh', [inner], `${path}.tanh`);
    const gate = graph.node('Add', [tanh, graph.scalar(1)], `${path}.gate`);
    const half = graph.node('Mul', [x, graph.scalar(0.5)], `${path}.half`);
    return graph.node('Mul', [half, gate], path);
  },
  quick_gelu: (graph, x, path) => {
    const scaled = graph.node('Mul', [x, graph.scalar(1.702)], `${path}.scaled`);
    return graph.node('Mul', [x, graph.node('Sigmoid', [scaled], `${path}.gate`)], path);
  },
  silu: (graph, x, path) =>
    graph.node('Mul', [x, graph.node('Sigmoid', [x], `${path}.gate`)], path),
};
