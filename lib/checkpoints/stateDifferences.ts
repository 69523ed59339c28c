import { CheckpointError, listed } from '../core/errors.ts';

type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/** What keeps `given` from being a state of the names and shapes of `own`, one phrase each; empty when it is one. */
export function stateDifferences(own: Shapes, given: Shapes): string[] {
  const problems: string[] = [];
  for (const [name, { shape }] of own) {
    const other = given.get(name);
    if (other === undefined) problems.push(`missing ${name} [${shape.join(', ')}]`);
    else if (other.shape.join() !== shape.join()) {
      problems.push(`${name} is [${other.shape.join(', ')}], not [${shape.join(', ')}]`);
    }
  }
  for (const name of given.keys()) if (!own.has(name)) problems.push(`unexpected ${name}`);
  return problems;
}

/**
 * Throws unless `given` has the names and shapes of `own`, no more and no less.
 *
 * @param what  how the error calls them: `the averages of this model`
 * @throws CheckpointError listing the first differences
 */
export function assertState(what: string, own: Shapes, given: Shapes): void {
  const problems = stateDifferences(own, given);
  if (problems.length === 0) return;
  throw new CheckpointError(`Expected ${what}, received others: ${listed(problems)}.`);
}
