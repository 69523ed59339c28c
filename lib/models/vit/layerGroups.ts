// The layer numbers of a Vision Transformer's parameters.

/**
 * The layer of each parameter, from 0 without gaps: the embedding, each block, then the rest (head, `fc_norm`).
 * The final `norm` belongs to the last block.
 *
 * @param names  of the parameters, in order
 *
 * Source: `group_matcher` in timm/models/vision_transformer.py and deit.py.
 */
export function layerGroups(names: readonly string[]): Map<string, number> {
  // timm's distilled model has an embedding rule of its own.
  const stem = names.includes('dist_token')
    ? /^(cls_token|pos_embed|patch_embed|dist_token)/
    : /^(cls_token|reg_token|pos_embed|patch_embed|norm_pre)/;
  const depth = 1 + Math.max(-1, ...names.map(blockOf));
  const rank = (name: string): number => {
    if (stem.test(name)) return 0;
    const block = blockOf(name);
    if (block >= 0) return block + 1;
    return name.startsWith('norm') ? depth : depth + 1;
  };
  const used = [...new Set(names.map(rank))].sort((a, b) => a - b);
  return new Map(names.map((name) => [name, used.indexOf(rank(name))]));
}

function blockOf(name: string): number {
  const match = /^blocks\.(\d+)/.exec(name);
  return match === null ? -1 : Number(match[1]);
}
