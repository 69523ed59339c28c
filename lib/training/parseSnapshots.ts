// How often a run keeps snapshots, as a config or a flag has it.

import { assertInteger } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';

/**
 * Reads a number of epochs, or a text: `every=5`, `5`.
 *
 * @param name  how errors call the option
 * @throws InputError if it is not an integer ≥ 1
 */
export function parseSnapshots(value: unknown, name: string): number {
  let epochs: unknown = value;
  if (typeof value === 'string') {
    const found = /^\s*(?:every=)?(\d{1,9})\s*$/.exec(value);
    if (found === null) throw new InputError(expected('every=N, an integer ≥ 1,', name, value));
    epochs = Number(found[1]);
  }
  assertInteger(name, epochs, { min: 1, max: 2 ** 31 });
  return epochs;
}
