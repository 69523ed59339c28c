// The layer table of CLIP, and the layer numbers of its parameters.

import { layerNormRow, layerRow, linearRow, type LayerRow } from '../layerRow.ts';
import { layerTable as visionTable } from '../vit/layerTable.ts';
import type { ClipConfig, ClipTextConfig } from './config.ts';

/** Every layer of CLIP in the order of its state dict, from the configuration alone: nothing is allocated. */
export function layerTable({ vision, text, projectionDim }: ClipConfig): LayerRow[] {
  return [
    layer('temperature', 'Logarithm', [], { logit_scale: [] }),
    ...visionTable(vision).map(behindVisual),
    ...textRows(text),
    linearRow('visual_projection', [vision.embedDim], projectionDim, false),
    linearRow('text_projection', [text.embedDim], projectionDim, false),
  ];
}

function behindVisual(row: LayerRow): LayerRow {
  const parameters = [...row.parameters].map(([name, shape]) => [`visual.${name}`, shape] as const);
  return { ...row, name: `visual.${row.name}`, parameters: new Map(parameters) };
}

// A row whose parameters have their own full names.
function layer(
  name: string,
  kind: string,
  output: readonly number[],
  parameters: Readonly<Record<string, readonly number[]>>,
): LayerRow {
  return { name, kind, output, parameters: new Map(Object.entries(parameters)), macs: 0 };
}

function textRows(config: ClipTextConfig): LayerRow[] {
  const { vocabSize, contextLength: tokens, embedDim: dim, depth, numHeads, hiddenDim } = config;
  const shape = [tokens, dim];
  const tables = {
    'text.token_embedding': [vocabSize, dim],
    'text.positional_embedding': [tokens, dim],
  };
  const block = (path: string) => [
    layerNormRow(`${path}.norm1`, shape),
    linearRow(`${path}.attn.qkv`, shape, 3 * dim),
    layerRow(`${path}.attn`, `Attention, ${numHeads} heads`, shape, {}, 2 * tokens * tokens * dim),
    linearRow(`${path}.attn.proj`, shape, dim),
    layerNormRow(`${path}.norm2`, shape),
    linearRow(`${path}.mlp.fc1`, shape, hiddenDim),
    linearRow(`${path}.mlp.fc2`, [tokens, hiddenDim], dim),
  ];
  const paths = Array.from({ length: depth }, (_, i) => `text.blocks.${i}`);
  return [
    layer('text.tokens', 'Embedding', shape, tables),
    ...paths.flatMap(block),
    layerNormRow('text.norm', shape),
  ];
}

/**
 * The layer of each parameter, from 0 without gaps: the embeddings, each block, then the norms and projections. The towers are counted
 * from their ends, so the last blocks of both are one layer.
 */
export function clipLayerGroups(
  names: readonly string[],
  { vision, text }: ClipConfig,
): Map<string, number> {
  const depth = Math.max(vision.depth, text.depth);
  const stem =
    /^(visual\.(cls_token|reg_token|pos_embed|patch_embed|norm_pre)|text\.(token|positional)_embedding)/;
  const layerOf = (name: string): number => {
    if (stem.test(name)) return 0;
    const [, tower, block] = /^(visual|text)\.blocks\.(\d+)\./.exec(name) ?? [];
    if (block === undefined) return depth + 1;
    const own = tower === 'visual' ? vision.depth : text.depth;
    return depth - own + Number(block) + 1;
  };
  return new Map(names.map((name) => [name, layerOf(name)]));
}
