// The layer table of a DETR, from its configuration.

import { layerNormRow, layerRow, linearRow, type LayerRow } from '../layerRow.ts';
import { layerTable as resNetTable } from '../resnet/layerTable.ts';
import type { DetrConfig } from './config.ts';

/** Every layer of a DETR in the order of its state dict, from the configuration alone: nothing is allocated. */
export function layerTable(config: DetrConfig): LayerRow[] {
  const { dModel: dim, numQueries, numClasses, imageSize } = config;
  const backbone = resNetTable({ ...config.backbone, imageSize }).map((row) => prefixed(row));
  const [height = 1, width = 1, channels = 1] = backbone.at(-1)!.output;
  const tokens = height * width;
  const projection = layerRow(
    'model.input_projection',
    'Conv2d 1×1',
    [height, width, dim],
    { weight: [dim, channels, 1, 1], bias: [dim] },
    tokens * dim * channels,
  );
  const embeddings = layerRow('model.query_position_embeddings', 'Embedding', [numQueries, dim], {
    weight: [numQueries, dim],
  });
  const encoder = range(config.encoderLayers).flatMap((i) => {
    const path = `model.encoder.layers.${i}`;
    return [
      ...attentionRows(`${path}.self_attn`, dim, [tokens, tokens]),
      layerNormRow(`${path}.self_attn_layer_norm`, [tokens, dim]),
      ...mlpRows(path, [tokens, dim], config.encoderFfnDim),
    ];
  });
  const decoder = range(config.decoderLayers).flatMap((i) => {
    const path = `model.decoder.layers.${i}`;
    return [
      ...attentionRows(`${path}.self_attn`, dim, [numQueries, numQueries]),
      layerNormRow(`${path}.self_attn_layer_norm`, [numQueries, dim]),
      ...attentionRows(`${path}.encoder_attn`, dim, [numQueries, tokens]),
      layerNormRow(`${path}.encoder_attn_layer_norm`, [numQueries, dim]),
      ...mlpRows(path, [numQueries, dim], config.decoderFfnDim),
    ];
  });
  const heads = [
    linearRow('class_labels_classifier', [numQueries, dim], numClasses + 1),
    ...[dim, dim, 4].map((out, i) =>
      linearRow(`bbox_predictor.layers.${i}`, [numQueries, dim], out),
    ),
  ];
  const norm = layerNormRow('model.decoder.layernorm', [numQueries, dim]);
  return [...backbone, projection, embeddings, ...encoder, ...decoder, norm, ...heads];
}

function prefixed(row: LayerRow): LayerRow {
  const prefix = 'model.backbone.conv_encoder.model.';
  const parameters = [...row.parameters].map(([name, shape]) => [prefix + name, shape] as const);
  return { ...row, name: prefix + row.name, parameters: new Map(parameters) };
}

// Projections of keys and values, then of queries and of the result, which also counts the two products of attention.
function attentionRows(
  path: string,
  dim: number,
  [queries, keys]: readonly [number, number],
): LayerRow[] {
  const out = linearRow(`${path}.out_proj`, [queries, dim], dim);
  return [
    linearRow(`${path}.k_proj`, [keys, dim], dim),
    linearRow(`${path}.v_proj`, [keys, dim], dim),
    linearRow(`${path}.q_proj`, [queries, dim], dim),
    { ...out, macs: out.macs + 2 * queries * keys * dim },
  ];
}

function mlpRows(path: string, shape: readonly [number, number], hidden: number): LayerRow[] {
  return [
    linearRow(`${path}.fc1`, shape, hidden),
    linearRow(`${path}.fc2`, [shape[0], hidden], shape[1]),
    layerNormRow(`${path}.final_layer_norm`, shape),
  ];
}

function range(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}
