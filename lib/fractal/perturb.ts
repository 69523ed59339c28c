// Categories that are one system, changed a little: 1p-frac.

import { InputError, expected } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { choicesOf, withTops } from './choices.ts';
import { mapStride, type Ifs } from './ifs.ts';
import { boxOf, follow, makeTrajectory } from './trajectory.ts';

// A system whose points stay in this box for so many steps can be drawn.
const steps = 4000;
const limit = 1000;
const attempts = 1000;

/**
 * The systems of the categories 0 … count − 1 of a single-fractal data set: each of a … f of the base is moved by a number that is
 * uniform in ±delta/2. Probabilities stay. Category k is a pure function of the base, delta and k, so more categories contain fewer.
 *
 * A system whose points run away is drawn again; the published description leaves open what happens then.
 *
 * @param delta  > 0, the width of the perturbation
 * @throws InputError if 1000 systems in a row run away
 *
 * Source: Nakamura et al. 2024 (Scaling Backwards: Minimal Synthetic Pre-training?), 1p-frac.
 */
export function perturbedSystems(base: Ifs, count: number, delta: number): Ifs[] {
  return Array.from({ length: count }, (_, category) => perturbed(base, category, delta));
}

function perturbed({ maps, probabilities }: Ifs, category: number, delta: number): Ifs {
  const rng = new Rng(0).split('1p-frac', category);
  for (let i = 0; i < attempts; i += 1) {
    const moved = maps.map((value, place) =>
      place % mapStride < 6 ? value + rng.uniform(-delta / 2, delta / 2) : value,
    );
    const ifs = { maps: moved, probabilities };
    if (staysInBox(ifs)) return ifs;
  }
  const remedy = 'Choose a smaller one, or another category.';
  throw new InputError(expected('one under which points stay near', 'delta', delta, remedy));
}

function staysInBox(ifs: Ifs): boolean {
  const rng = new Rng(1).split('1p-frac');
  const random = withTops(Float64Array.from({ length: steps }, () => rng.uniform(0, 1)));
  const trajectory = makeTrajectory(steps);
  follow(ifs, choicesOf(random, ifs), trajectory, limit);
  const box = boxOf(trajectory);
  return trajectory.count === steps && box !== undefined && box.width + box.height < limit;
}
