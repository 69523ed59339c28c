// The licence in the card of a model on the hub: README.md begins with a few lines of YAML.

/**
 * The licence that a model's card states; undefined where it states none. `other` is followed by the name that the card gives.
 *
 * @example licenceOf('---\nlicense: apache-2.0\n---\n# ViT');   // 'apache-2.0'
 */
export function licenceOf(card: string): string | undefined {
  const [, header] = /^---\r?\n([^]{0,100000}?)\r?\n---/.exec(card) ?? [];
  if (header === undefined) return undefined;
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}:[ \\t]*(?:\\n[ \\t]*-[ \\t]*)?["']?([^\\r\\n"'#]{1,200})`, 'm')
      .exec(header)?.[1]
      ?.trim();
  const licence = field('license');
  return licence === 'other' ? (field('license_name') ?? 'other') : licence;
}
