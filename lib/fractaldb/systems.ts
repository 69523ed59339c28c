// The systems of a FractalDB's categories, searched or perturbed.

import { perturbedSystems } from '../fractal/perturb.ts';
import type { Ifs } from '../fractal/ifs.ts';
import type { FullFractalOptions } from '../fractal/options.ts';

/**
 * The system of each category: those of the search, or perturbations of the one that `single` names.
 *
 * @param search  gives the first categories, fewer only if it was stopped
 * @returns fewer only if the search was stopped
 */
export async function systemsOf(
  { categories, single, delta }: FullFractalOptions,
  search: (count: number) => Promise<Ifs[]>,
): Promise<Ifs[]> {
  if (single === null) return search(categories);
  const base = (await search(single + 1))[single];
  return base === undefined ? [] : perturbedSystems(base, categories, delta);
}
