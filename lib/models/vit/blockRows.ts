// The rows of a layer table for one block, for every kind of block.

import { layerNormRow, layerRow, linearRow, type LayerRow } from '../layerRow.ts';
import { mlpHiddenDimOf } from './config.ts';
import type { WholeConfig } from './variant.ts';

/** The row of a norm of the configuration's kind over the last axis of `shape`. */
export function normRow(
  { normLayer }: Pick<WholeConfig, 'normLayer'>,
  name: string,
  shape: readonly number[],
): LayerRow {
  if (normLayer === 'LayerNorm') return layerNormRow(name, shape);
  return layerRow(name, normLayer, shape, { weight: [shape.at(-1)!] });
}

/** Every layer of a block, [N, C] → [N, C], in the order of its state dict. */
export function blockRows(config: WholeConfig, path: string, tokens: number): LayerRow[] {
  switch (config.blockFn) {
    case 'ParallelScalingBlock':
      return parallelRows(config, path, tokens);
    case 'ParallelThingsBlock':
      return ['attns', 'ffns'].flatMap((group) =>
        [0, 1].flatMap((i) => {
          const own = `${path}.${group}.${i}`;
          const layer =
            group === 'attns'
              ? attentionRows(config, `${own}.attn`, tokens)
              : mlpRows(config, `${own}.mlp`, tokens);
          return [norm(config, `${own}.norm`, tokens), ...layer, ...scale(config, `${own}.ls`, tokens)]; // prettier-ignore
        }),
      );
    case 'ResPostBlock':
      return [
        ...attentionRows(config, `${path}.attn`, tokens),
        norm(config, `${path}.norm1`, tokens),
        ...mlpRows(config, `${path}.mlp`, tokens),
        norm(config, `${path}.norm2`, tokens),
      ];
    default:
      return [
        norm(config, `${path}.norm1`, tokens),
        ...attentionRows(config, `${path}.attn`, tokens),
        ...scale(config, `${path}.ls1`, tokens),
        norm(config, `${path}.norm2`, tokens),
        ...mlpRows(config, `${path}.mlp`, tokens),
        ...scale(config, `${path}.ls2`, tokens),
      ];
  }
}

function norm(config: WholeConfig, name: string, tokens: number): LayerRow {
  return normRow(config, name, [tokens, config.embedDim]);
}

function scale({ layerScaleInit, embedDim }: WholeConfig, name: string, tokens: number) {
  if (layerScaleInit === null) return [];
  return [layerRow(name, 'LayerScale', [tokens, embedDim], { gamma: [embedDim] })];
}

function attentionRows(config: WholeConfig, path: string, tokens: number): LayerRow[] {
  const { embedDim: dim, qkvBias, projBias, scaleAttnNorm } = config;
  const shape = [tokens, dim];
  return [
    linearRow(`${path}.qkv`, shape, 3 * dim, qkvBias),
    ...headNorms(config, path, tokens),
    mixRow(config, path, tokens),
    ...(scaleAttnNorm ? [normRow(config, `${path}.norm`, shape)] : []),
    linearRow(`${path}.proj`, shape, dim, projBias),
  ];
}

function headNorms(config: WholeConfig, path: string, tokens: number): LayerRow[] {
  const { embedDim, numHeads, qkNorm } = config;
  if (!qkNorm) return [];
  const shape = [numHeads, tokens, embedDim / numHeads];
  return ['q_norm', 'k_norm'].map((name) => normRow(config, `${path}.${name}`, shape));
}

function mixRow({ embedDim, numHeads }: WholeConfig, path: string, tokens: number): LayerRow {
  const macs = 2 * tokens * tokens * embedDim;
  return layerRow(path, `Attention, ${numHeads} heads`, [tokens, embedDim], {}, macs);
}

function mlpRows(config: WholeConfig, path: string, tokens: number): LayerRow[] {
  const { embedDim: dim, projBias, scaleMlpNorm, mlpLayer } = config;
  const hidden = mlpHiddenDimOf(config);
  const shape = [tokens, dim];
  const inputs = mlpLayer === 'SwiGLU' ? ['fc1_g', 'fc1_x'] : ['fc1'];
  const inner = [tokens, mlpLayer === 'SwiGLUPacked' ? hidden / 2 : hidden];
  return [
    ...inputs.map((name) => linearRow(`${path}.${name}`, shape, hidden, projBias)),
    ...(scaleMlpNorm ? [normRow(config, `${path}.norm`, inner)] : []),
    linearRow(`${path}.fc2`, inner, dim, projBias),
  ];
}

function parallelRows(config: WholeConfig, path: string, tokens: number): LayerRow[] {
  const { embedDim: dim, qkvBias, projBias } = config;
  const hidden = mlpHiddenDimOf(config);
  const shape = [tokens, dim];
  const bias = qkvBias ? [] : [layerRow(path, 'Bias', [tokens, hidden], { mlp_bias: [hidden] })];
  return [
    ...bias,
    normRow(config, `${path}.in_norm`, shape),
    linearRow(`${path}.in_proj`, shape, hidden + 3 * dim, qkvBias),
    ...headNorms(config, path, tokens),
    mixRow(config, `${path}.attn`, tokens),
    linearRow(`${path}.attn_out_proj`, shape, dim, projBias),
    linearRow(`${path}.mlp_out_proj`, [tokens, hidden], dim, projBias),
    ...scale(config, `${path}.ls`, tokens),
  ];
}
