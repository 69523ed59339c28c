// The layers of a DETR's parameters, for layer decay.

import type { DetrConfig } from './config.ts';

/** The layer of each parameter: the backbone 0, the projection 1, the layers of encoder and decoder, then embeddings and heads. */
export function layerGroupsOf(
  names: readonly string[],
  { encoderLayers, decoderLayers }: Pick<DetrConfig, 'encoderLayers' | 'decoderLayers'>,
): Map<string, number> {
  const layerOf = (name: string): number => {
    if (name.startsWith('model.backbone.')) return 0;
    if (name.startsWith('model.input_projection.')) return 1;
    const [, part, number] = /^model\.(encoder|decoder)\.layers\.(\d+)\./.exec(name) ?? [];
    if (part === 'encoder') return 2 + Number(number);
    if (part === 'decoder') return 2 + encoderLayers + Number(number);
    return 2 + encoderLayers + decoderLayers;
  };
  return new Map(names.map((name) => [name, layerOf(name)]));
}
