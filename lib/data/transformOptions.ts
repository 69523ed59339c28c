// The options of the library's transforms, each said once.

import { InputError, expected } from '../core/errors.ts';
import { parsePolicy } from './augment/policy.ts';
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
const interpolation = {
  type: 'string',
  describe: 'Filter of `resizeImage`',
  choices: resizeFilters,
  default: 'bilinear',
} as const;
const probability = { type: 'number', min: 0, max: 1 } as const;
const levels = {
  type: 'numbers',
  describe: 'Colour outside of the image, a level for each channel or one for all',
  min: 0,
  max: 255,
} as const;

function ascending(value: unknown, name: string): unknown {
  const [lowest, highest] = value as [number, number];
  if (highest < lowest) throw new InputError(expected('lowest ≤ highest', name, value));
  return value;
}

function notEmpty(value: unknown, name: string): unknown {
  if ((value as number[]).length === 0) {
    throw new InputError(expected('at least one level', name, value));
  }
  return value;
}

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
    parse: ascending,
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
  interpolation,
  cropPct: {
    type: 'number',
    describe:
      "timm's crop_pct: the image is resized to the size over this, then the middle is cut out; without it, the middle is resized",
    min: 0.01,
    max: 1,
  },
} as const satisfies OptionTable;

/** Options of `resize`. */
export const resizeOptions = {
  size: { ...side, describe: 'The side in pixels' },
  side: {
    type: 'string',
    describe: 'The side that gets this length; the other follows, with `both` it has the same',
    choices: ['shorter', 'longer', 'both'],
    default: 'shorter',
  },
  interpolation,
} as const satisfies OptionTable;

/** Options of `centerCrop`. */
export const centerCropOptions = {
  height: { ...side, describe: 'Height of the result' },
  width: { ...side, describe: 'Width of the result' },
  fill: { ...levels, default: [0], parse: notEmpty },
} as const satisfies OptionTable;

/** Options of `randomResizedCrop`. */
export const randomResizedCropOptions = {
  height: { ...side, describe: 'Height of the result' },
  width: { ...side, describe: 'Width of the result' },
  scale: {
    type: 'numbers',
    describe: '[smallest, largest] share of the area',
    length: 2,
    min: 1e-6,
    max: 1,
    default: [0.08, 1],
    parse: ascending,
  },
  ratio: {
    type: 'numbers',
    describe: '[lowest, highest] width / height',
    length: 2,
    min: 1e-3,
    max: 1e3,
    default: [3 / 4, 4 / 3],
    parse: ascending,
  },
  interpolation: {
    ...interpolation,
    describe: 'Filter of `resizeImage`; random: bilinear or bicubic, drawn for each image',
    choices: ['random', ...resizeFilters] as const,
  },
} as const satisfies OptionTable;

/** Options of `randomCrop`. */
export const randomCropOptions = {
  height: { ...side, describe: 'Height of the result' },
  width: { ...side, describe: 'Width of the result' },
  padding: {
    type: 'integer',
    describe: 'Margin added on each side first',
    min: 0,
    max: 16_384,
    default: 0,
  },
  paddingMode: {
    type: 'string',
    describe: 'constant: the margin is black; reflect: it mirrors the image',
    choices: ['constant', 'reflect'],
    default: 'constant',
  },
} as const satisfies OptionTable;

/** Options of `randomHorizontalFlip` and `randomVerticalFlip`. */
export const randomFlipOptions = {
  p: { ...probability, describe: 'How likely the image is mirrored', default: 0.5 },
} as const satisfies OptionTable;

const strength = { type: 'number', min: 0, default: 0 } as const;

/** Options of `colorJitter`. */
export const colorJitterOptions = {
  brightness: { ...strength, describe: 'Factor in 1 ± this', max: 10 },
  contrast: { ...strength, describe: 'Factor in 1 ± this', max: 10 },
  saturation: { ...strength, describe: 'Factor in 1 ± this', max: 10 },
  hue: { ...strength, describe: 'Shift in ± this share of the colour circle', max: 0.5 },
} as const satisfies OptionTable;

/** Options of `autoAugment`. */
export const autoAugmentOptions = {
  policy: {
    type: 'string',
    describe: 'original, originalr, v0, v0r, 3a or rand-m#-n#-mstd#-inc#-p#, as in timm',
    required: true,
    parse: (value: unknown, name: string) => {
      parsePolicy(value as string, name);
      return value;
    },
  },
  interpolation: {
    type: 'string',
    describe:
      'Filter of rotations, shears and shifts; random: bilinear or bicubic, drawn each time',
    choices: ['random', 'nearest', 'bilinear', 'bicubic'],
    default: 'random',
  },
  fill: { ...levels, default: [128], parse: notEmpty },
  translateConst: {
    type: 'number',
    describe: 'Largest shift of TranslateX and TranslateY in pixels',
    min: 0,
    max: 16_384,
    default: 250,
  },
  translatePct: {
    type: 'number',
    describe: 'Largest shift of TranslateXRel and TranslateYRel as a share of the side',
    min: 0,
    max: 1,
    default: 0.45,
  },
} as const satisfies OptionTable;

/** Options of `randomErasing`. */
export const randomErasingOptions = {
  p: { ...probability, describe: 'How likely an image is erased in', default: 0.25 },
  mode: {
    type: 'string',
    describe: 'const: 0; rand: one normal colour a box; pixel: a normal colour each pixel',
    choices: ['const', 'rand', 'pixel'],
    default: 'pixel',
  },
  minArea: { ...probability, describe: 'Smallest share of the image', default: 0.02 },
  maxArea: { ...probability, describe: 'Largest share of the image', default: 1 / 3 },
  minAspect: {
    type: 'number',
    describe: 'Lowest height / width; the highest is 1 / minAspect',
    min: 1e-3,
    max: 1,
    default: 0.3,
  },
  count: { type: 'integer', describe: 'Boxes an image', min: 1, max: 100, default: 1 },
  minCount: {
    type: 'integer',
    describe:
      'Fewest boxes of an image, whose number is then drawn up to `count`; without it `count`',
    min: 1,
    max: 100,
  },
} as const satisfies OptionTable;

/** Options of `mixup`. */
export const mixupOptions = {
  mixup: {
    type: 'number',
    describe: 'α of the Beta distribution of mixup; 0: no mixup',
    min: 0,
    max: 100,
    default: 0.8,
  },
  cutmix: {
    type: 'number',
    describe: 'α of the Beta distribution of cutmix; 0: no cutmix',
    min: 0,
    max: 100,
    default: 1,
  },
  cutmixMinmax: {
    type: 'numbers',
    describe:
      '[smallest, largest] side of the box as a share of the image, in place of the α of cutmix',
    length: 2,
    min: 0,
    max: 1,
    parse: ascending,
  },
  prob: { ...probability, describe: 'How likely a batch, pair or element is mixed', default: 1 },
  switchProb: {
    ...probability,
    describe: 'How likely cutmix is taken where both are on',
    default: 0.5,
  },
  mode: {
    type: 'string',
    describe: 'How many images share one draw: the whole batch, a pair, or one',
    choices: ['batch', 'pair', 'elem'],
    default: 'batch',
  },
  correctLam: {
    type: 'boolean',
    describe: 'λ of cutmix is the area that really stays, where the box is clipped at the edge',
    default: true,
  },
  offEpoch: {
    type: 'integer',
    describe: 'First epoch without mixing, from 0; 0: never off',
    min: 0,
    default: 0,
  },
} as const satisfies OptionTable;
