// Patterns of names that are joined by dots: those of parameters, modules and inner tensors.

/**
 * The names that a pattern stands for: `*` matches any characters but a dot, `**` any characters.
 *
 * @example namePattern('blocks.*.attn').test('blocks.3.attn');   // true
 */
export function namePattern(pattern: string): RegExp {
  const pieces = pattern.split(/(\*+)/).map((piece) => {
    if (piece === '*') return '[^.]*';
    if (piece.startsWith('*')) return '.*';
    return piece.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${pieces.join('')}$`);
}
