// The options of the library's transforms, each said once.

import { InputError, expected } from '../core/errors.ts';
import { resizeFilters } from './resizeImage.ts';
import type { OptionTable } from '../core/option.ts';

const fill = {
  type: 'number',
  describe: 'Value outside of the image',
  min: 0,
  max: 255,
  default: 0,
} as const;
const side = { type: 'integer', min: 1, max: 16_384, required: true } as const;

/** Options of `randomAffine`. */
export const randomAffineOptions = {
  degrees: { type: 'number', describe: 'Rotation in ± degrees', min: 0, max: 180, default: 0 },
  translate: {
    type: 'number',
    describe: 'Shift in ± this fraction of the width and of the height',
    min: 0,
    max: 1,
    default: 0,
  },
  scale: {
    type: 'numbers',
    describe: '[lowest, highest] factor of the size',
    length: 2,
    min: 1e-3,
    max: 1e3,
    default: [1, 1],
    parse: (value: unknown, name: string) => {
      const [lowest, highest] = value as [number, number];
      if (highest < lowest) throw new InputError(expected('lowest ≤ highest', name, value));
      return value;
    },
  },
  shear: {
    type: 'number',
    describe: 'Horizontal shear in ± degrees',
    min: 0,
    max: 80,
    default: 0,
  },
  fill,
} as const satisfies OptionTable;

/** Options of `randomElastic`. */
export const randomElasticOptions = {
  strength: {
    type: 'number',
    describe:
      'Control points move by ± this fraction of their spacing, uniformly in x and in y; up to 0.48 the map is one-to-one',
    required: true,
    min: 0,
    max: 0.48,
  },
  cells: {
    type: 'integer',
    describe: 'Width and height of the image in spacings of control points',
    min: 1,
    max: 64,
    default: 4,
  },
  fill,
} as const satisfies OptionTable;

/** Options of `fit` and `fitImage`. */
export const fitOptions = {
  height: { ...side, describe: 'Height of the result' },
  width: { ...side, describe: 'Width of the result' },
  cropMode: {
    type: 'string',
    describe:
      'center: the largest centred part of the right proportions is kept; squash: the whole image is, and its proportions are not',
    choices: ['center', 'squash'],
    default: 'center',
  },
  interpolation: {
    type: 'string',
    describe: 'Filter of `resizeImage`',
    choices: resizeFilters,
    default: 'bilinear',
  },
} as const satisfies OptionTable;
