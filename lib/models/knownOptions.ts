// The options of a configuration by a family's own names.

import { InputError, expected } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import { optionNamed, type OptionTable } from '../core/option.ts';

/**
 * The options by the names of a table, values as given; null, undefined and the key `family` are left out.
 *
 * @param what  what the options belong to, in an error: `a DETR`
 * @throws InputError for a name that the table does not know, and for two names of one option with other values
 */
export function knownOptions(
  table: OptionTable,
  given: Readonly<Record<string, unknown>>,
  what: string,
): Record<string, unknown> {
  const values: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(given)) {
    if (value == null || key === 'family') continue;
    const field = optionNamed(table, key);
    if (field === undefined) {
      const near = didYouMean(key, Object.keys(table), 'docs/options.md lists them.');
      throw new InputError(expected(`an option of ${what}`, 'config', key, near));
    }
    const before = values[field];
    if (before !== undefined && JSON.stringify(before) !== JSON.stringify(value)) {
      const same = `the same value as ${field} ${JSON.stringify(before)}`;
      throw new InputError(expected(same, key, value, 'Give one of the two.'));
    }
    values[field] = value;
  }
  return values;
}
