// The errors of a state dict: missing and unexpected tensors, wrong shapes and dtypes.

import { CheckpointError, listed } from '../core/errors.ts';
import { isNumericDtype } from './hostTensor.ts';
import type { HostTensor } from './hostTensor.ts';

type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;
type Stored = ReadonlyMap<string, Pick<HostTensor, 'shape' | 'dtype'>>;

/** The errors of `given` as a state dict for the names and shapes of `own`, a phrase each; none if it fits. */
export function stateDictErrors(own: Shapes, given: Stored): string[] {
  const problems: string[] = [];
  for (const [name, { shape }] of own) {
    const other = given.get(name);
    if (other === undefined) problems.push(`missing ${name} [${shape.join(', ')}]`);
    else if (other.shape.join() !== shape.join()) {
      problems.push(`${name} is [${other.shape.join(', ')}], not [${shape.join(', ')}]`);
    } else if (!isNumericDtype(other.dtype)) {
      problems.push(`${name} is ${other.dtype}, which has no value in float32`);
    }
  }
  for (const name of given.keys()) if (!own.has(name)) problems.push(`unexpected ${name}`);
  return problems;
}

/**
 * Throws unless `given` has the names and shapes of `own`, no more and no less, in dtypes that can become float32.
 *
 * @param what  how the error calls them: `the averages of this model`
 * @throws CheckpointError listing the first differences
 */
export function assertStateDict(what: string, own: Shapes, given: Stored): void {
  const problems = stateDictErrors(own, given);
  if (problems.length === 0) return;
  throw new CheckpointError(`Expected ${what}, received others: ${listed(problems)}.`);
}
