// The options of a FractalDB, each said once.

import { InputError, expected } from '../core/errors.ts';
import { parseOptions, type OptionTable } from '../core/option.ts';
import { picturesOfPattern } from './places.ts';
import type { FractalOptions } from './optionTypes.ts';

/** The drawings of the published renderer. */
export const drawings = ['patch_gray', 'patch_color', 'point_gray', 'point_color'] as const;

/** Options of a FractalDB. */
export const fractalOptions = {
  categories: {
    type: 'integer',
    describe: 'Categories, each a system whose points fill a fifth of a picture',
    min: 1,
    max: 100_000,
    default: 1000,
    flag: { name: 'categories', value: 'N' },
  },
  instances: {
    type: 'integer',
    describe:
      'Pictures of a category: 25 weights, 4 flips, then other patches; default 1000, of points 100',
    min: 1,
    max: 1_000_000,
    flag: { name: 'instances', value: 'N' },
  },
  size: {
    type: 'integer',
    describe: 'Side of a picture in pixels',
    min: 16,
    max: 4096,
    default: 362,
    flag: { name: 'size', value: 'N' },
  },
  pad: {
    type: 'integer',
    describe: 'Pixels that stay empty at the edges; a patch reaches 3 into them',
    min: 4,
    max: 1024,
    default: 6,
    flag: { name: 'pad', value: 'N' },
  },
  points: {
    type: 'integer',
    describe: 'Points of a picture',
    min: 2,
    max: 20_000_000,
    default: 200_000,
    flag: { name: 'points', value: 'N' },
  },
  draw: {
    type: 'string',
    describe: 'Random patches of 3 × 3 pixels or single points, in one grey or in 128 hues',
    choices: drawings,
    default: 'patch_gray',
    flag: { name: 'draw', value: 'HOW' },
  },
  weights: {
    type: 'number',
    describe: 'Width w of the weight table: 1 − 2w, 1 − w, 1 + w, 1 + 2w on each of a … f',
    min: Number.MIN_VALUE,
    max: 0.5,
    default: 0.4,
    flag: { name: 'weights', value: 'W' },
  },
  seed: {
    type: 'integer',
    describe: 'Seed of the random patches; the categories do not depend on it',
    min: 0,
    default: 1,
    flag: { name: 'seed', value: 'N' },
  },
  single: {
    type: 'integer',
    describe:
      'Categories are perturbations of this one category of the search, from 0 (1p-frac); null: they are searched',
    min: 0,
    max: 99_999,
    default: null,
    nullable: true,
    flag: { name: 'single-fractal', value: 'CATEGORY' },
  },
  delta: {
    type: 'number',
    describe: 'Width of the perturbation, uniform in ± half of it on each of a … f',
    min: Number.MIN_VALUE,
    max: 1,
    default: 0.1,
    flag: { name: 'delta', value: 'D' },
  },
} as const satisfies OptionTable;

/** The options of a FractalDB with their defaults filled in. */
export type FullFractalOptions = Required<FractalOptions>;

/** Checks options and fills in their defaults. @throws InputError naming the option */
export function parseFractalOptions(value: object): FullFractalOptions {
  const parsed = parseOptions<Omit<FullFractalOptions, 'instances'> & FractalOptions>(
    fractalOptions,
    value,
    { what: 'an option of FractalDB' },
  );
  const { draw, size, pad, single } = parsed;
  const { delta } = value as FractalOptions;
  if (single === null && delta !== undefined) {
    const remedy = 'It is the perturbation of a single fractal (single, --single-fractal).';
    throw new InputError(expected('no delta', 'a search of categories', delta, remedy));
  }
  if (size - 2 * pad < 4) {
    throw new InputError(expected(`at most ${(size - 4) >> 1}`, `pad at size ${size}`, pad));
  }
  const most = draw.startsWith('point') ? picturesOfPattern : undefined;
  const { instances = most ?? 1000 } = parsed;
  if (most !== undefined && instances > most) {
    const why = 'Points have no random patches: 25 weights and 4 flips are all there is.';
    throw new InputError(expected(`at most ${most}`, `instances with ${draw}`, instances, why));
  }
  return { ...parsed, instances };
}
