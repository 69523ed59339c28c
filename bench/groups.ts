// The works of a run, in the order in which they are measured, and their names in messages.

import { InputError } from '../lib/node.ts';
import type { BenchOptions } from './options.ts';
import { opWorks } from './opWork.ts';
import { tfjsWorks } from './tfjsOps.ts';
import { worksOf, type Work } from './works.ts';

/** Works that share their contenders' processes. A model has its own, so that its peak memory is its own. */
export type Group = readonly Work[];

/**
 * The works of a run: each precision after the other for every name. The op tables are of float32, so they come once.
 *
 * @throws InputError if no row of an op table is left
 */
export function groupsOf({
  works,
  batches,
  precisions,
  only,
}: Pick<BenchOptions, 'works' | 'batches' | 'precisions' | 'only'>): Group[] {
  return works.flatMap((name): Group[] => {
    if (name === 'ops' || name === 'tfjs-ops') {
      const rows = name === 'ops' ? opWorks(only) : tfjsWorks(only);
      if (rows.length > 0) return [rows];
      throw new InputError(`Expected a part of an op's name for --only, received ${only}.`);
    }
    const ofModels = precisions.map((precision) => worksOf(name, { precision, batches }));
    if (name === 'gemm') return ofModels;
    // All precisions of a batch size come before the next one, so that compared figures are measured close in time.
    return ofModels[0]!.flatMap((_, i) => ofModels.map((all) => [all[i]!]));
  });
}

/** The name of a work in messages. */
export function labelOf({ name, kind, precision, batch, shape, gradients }: Work): string {
  if (kind === 'op') return gradients === true ? `${name} + gradients` : name;
  const size = batch === null ? shape.join('×') : `batch ${batch}`;
  return `${name} ${size}, ${precision}`;
}
