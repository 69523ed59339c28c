// Lists of names in a config: parameters, modules and patterns of them.

import { InputError, expected } from '../core/errors.ts';

/**
 * Reads names from a list, or from a text in which they are joined by commas.
 *
 * @param name  how errors call the option
 * @throws InputError if there is none, or one is empty
 *
 * @example parseNames('patch_embed, blocks.0', 'freeze');   // ['patch_embed', 'blocks.0']
 */
export function parseNames(value: unknown, name: string): readonly string[] {
  const names: unknown =
    typeof value === 'string' ? value.split(',').map((one) => one.trim()) : value;
  const isList =
    Array.isArray(names) && names.every((one) => typeof one === 'string' && one !== '');
  if (isList && names.length > 0) return names as string[];
  throw new InputError(expected('names of parameters and modules', name, value));
}
