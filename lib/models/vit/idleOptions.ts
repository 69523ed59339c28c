// The options of a configuration that have no effect beside the others.

import { defaultsOf, idleOptions } from '../../core/option.ts';
import { numPrefixTokensOf, unseenBorder, type VisionTransformerConfig } from './config.ts';
import { visionTransformerOptions } from './options.ts';

/**
 * One sentence for each option that differs from its default and changes nothing beside the others, and one for pixels that make no patch.
 *
 * @example idleModelOptions({...config, globalPool: 'token', poolIncludePrefix: true});
 * // ['poolIncludePrefix has no effect, because globalPool is token.']
 */
export function idleModelOptions(config: VisionTransformerConfig): string[] {
  const chosen = chosenIn(config);
  const idle = idleOptions(visionTransformerOptions, config).filter(({ path }) => chosen.has(path));
  const reasons = new Map(idle.map(({ path, reason }) => [path, reason]));
  for (const name of ['noEmbedClass', 'poolIncludePrefix']) {
    if (chosen.has(name) && numPrefixTokensOf(config) === 0 && !reasons.has(name)) {
      reasons.set(name, 'there are no prefix tokens');
    }
  }
  if (chosen.has('dropPathRate') && config.depth === 1) {
    reasons.set('dropPathRate', 'the first block has 0, and there is no other');
  }
  const idleLines = [...reasons].map(
    ([name, reason]) => `${name} has no effect, because ${reason}.`,
  );
  return [...unseenBorder(config), ...idleLines];
}

// The names of the options whose value is not the default.
function chosenIn(config: VisionTransformerConfig): Set<string> {
  const defaults = defaultsOf(visionTransformerOptions);
  const isDefault = ([name, value]: [string, unknown]) =>
    JSON.stringify(value) === JSON.stringify(defaults[name]);
  return new Set(
    Object.entries(config)
      .filter((entry) => !isDefault(entry))
      .map(([name]) => name),
  );
}
