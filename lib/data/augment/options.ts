// The options of augmentation in the words of timm and DeiT, each said once.

import type { OptionTable } from '../../core/option.ts';
import { resizeFilters } from '../resizeImage.ts';
import {
  mixupOptions,
  randomErasingOptions,
  randomResizedCropOptions,
} from '../transformOptions.ts';
import { parsePolicy } from './policy.ts';

const { scale, ratio } = randomResizedCropOptions;
const { mixup, cutmix, cutmixMinmax, prob, switchProb, mode, offEpoch } = mixupOptions;
const { mode: remode, count } = randomErasingOptions;
const augmenting = { noAug: [false] } as const;
const cropping = { ...augmenting, src: [false] } as const;
const erasing = { ...augmenting, threeAugment: [false], reprob: { above: 0 } } as const;

/** Options of a config's `data.augment`: the train, eval and batch transforms that timm's `create_transform` and `Mixup` make of them. */
export const augmentOptions = {
  noAug: {
    type: 'boolean',
    describe: 'true: training images are only resized and cropped in the middle, and not erased',
    default: false,
    flag: { name: 'no-aug' },
  },
  aa: {
    type: 'string',
    describe:
      'Policy of AutoAugment or RandAugment: original, originalr, v0, v0r, 3a or rand-m#-n#-mstd#-inc#-p#; none',
    nullable: true,
    default: null,
    parse: (value: unknown, name: string) => {
      if (/^none$/i.test(value as string)) return null;
      parsePolicy(value as string, name);
      return value;
    },
    appliesTo: { ...augmenting, threeAugment: [false] },
    flag: { name: 'aa', value: 'POLICY' },
  },
  threeAugment: {
    type: 'boolean',
    describe:
      "DeiT III's 3-Augment: grey, solarized or blurred, then colour jitter; no policy, no erasing",
    default: false,
    appliesTo: augmenting,
    flag: { name: 'ThreeAugment', aliases: ['three-augment', 'threeaugment'] },
  },
  src: {
    type: 'boolean',
    describe:
      "DeiT III's simple random crop in place of the random resized crop: the shorter side resized, then a crop with a mirrored margin of 4",
    default: false,
    appliesTo: augmenting,
    flag: { name: 'src' },
  },
  scale: { ...scale, appliesTo: cropping, flag: { name: 'scale', value: 'X X' } },
  ratio: { ...ratio, appliesTo: cropping, flag: { name: 'ratio', value: 'X X' } },
  trainInterpolation: {
    type: 'string',
    describe:
      'Filter of training images, also of the maps of a policy; random: bilinear or bicubic, drawn for each image',
    choices: ['random', ...resizeFilters],
    default: 'random',
    flag: { name: 'train-interpolation', value: 'NAME' },
  },
  hflip: {
    type: 'number',
    describe: 'How likely an image is mirrored',
    min: 0,
    max: 1,
    default: 0.5,
    appliesTo: augmenting,
    flag: { name: 'hflip', value: 'X' },
  },
  vflip: {
    type: 'number',
    describe: 'How likely an image is turned upside down',
    min: 0,
    max: 1,
    default: 0,
    appliesTo: augmenting,
    flag: { name: 'vflip', value: 'X' },
  },
  colorJitter: {
    type: 'number',
    describe:
      'Brightness, contrast and saturation change by factors in 1 ± this; only without a policy, or with 3a or 3-Augment',
    min: 0,
    max: 10,
    default: 0.4,
    appliesTo: augmenting,
    flag: { name: 'color-jitter', value: 'X' },
  },
  reprob: {
    type: 'number',
    describe: 'Random erasing: how likely a box of an image is erased, after normalisation',
    min: 0,
    max: 1,
    default: 0,
    appliesTo: { ...augmenting, threeAugment: [false] },
    flag: { name: 'reprob', value: 'X' },
  },
  remode: {
    ...remode,
    default: 'const',
    appliesTo: erasing,
    flag: { name: 'remode', value: 'MODE' },
  },
  recount: {
    ...count,
    describe: 'Boxes an erased image has at most; their number is drawn',
    appliesTo: erasing,
    flag: { name: 'recount', value: 'N' },
  },
  mixup: { ...mixup, default: 0, flag: { name: 'mixup', value: 'X' } },
  cutmix: { ...cutmix, default: 0, flag: { name: 'cutmix', value: 'X' } },
  cutmixMinmax: {
    ...cutmixMinmax,
    nullable: true,
    default: null,
    flag: { name: 'cutmix-minmax', value: 'X X' },
  },
  mixupProb: { ...prob, flag: { name: 'mixup-prob', value: 'X' } },
  mixupSwitchProb: { ...switchProb, flag: { name: 'mixup-switch-prob', value: 'X' } },
  mixupMode: { ...mode, flag: { name: 'mixup-mode', value: 'MODE' } },
  mixupOffEpoch: { ...offEpoch, flag: { name: 'mixup-off-epoch', value: 'N' } },
  augRepeats: {
    type: 'integer',
    describe:
      "Copies of an image in a row, each augmented anew: DeiT's repeated augmentation has 3; an epoch then sees as many samples, of a share 1 / copies of the images",
    min: 1,
    max: 1024,
    default: 1,
    flag: { name: 'aug-repeats', value: 'N' },
  },
  evalCropRatio: {
    type: 'number',
    describe:
      'Validation and test: side of the crop in the middle over the shorter side of the resized image; inputs of at most 32 pixels are not cropped',
    min: 0.01,
    max: 1,
    default: 0.875,
    flag: { name: 'eval-crop-ratio', value: 'X' },
  },
} as const satisfies OptionTable;
