// The transforms that the options of augmentation stand for, as timm's create_transform and DeiT's build_transform chain them.

import { assertFields } from '../../core/kinds.ts';
import { parseOptions } from '../../core/option.ts';
import type { BatchTransform } from '../batchTransform.ts';
import type { ResizeFilter } from '../resizeImage.ts';
import type { TransformStep } from '../transformRegistry.ts';
import { mixup } from './mixup.ts';
import { augmentOptions } from './options.ts';
import type { AugmentOptions } from './optionTypes.ts';
import { randomErasing } from './randomErasing.ts';

/** Options of augmentation with their defaults filled in. */
export type FullAugmentOptions = Required<AugmentOptions>;

/**
 * The input that images are made for.
 *
 * @property size        [H, W] of the model's input
 * @property mean        of each channel, 0 … 1: the colour outside of images that a policy moves
 * @property imageShape  [H, W, C] of the images, if they all have the same
 */
export interface AugmentInput {
  readonly size: readonly [number, number];
  readonly mean: readonly number[];
  readonly imageShape?: readonly [number, number, number] | undefined;
}

/** The options with their defaults. @throws InputError naming the option that cannot be used */
export function parseAugmentOptions(options: unknown, name = 'data.augment'): FullAugmentOptions {
  return parseOptions<FullAugmentOptions>(augmentOptions, options, { name });
}

/**
 * The steps of a training image, in their order; every image ends at the size of the input.
 *
 * crop → mirroring → policy → colour jitter. The crop is a random resized crop; for an input of at most 32 pixels it is a random crop
 * after a margin of 4, as DeiT has it for CIFAR. A policy turns the colour jitter off, unless it is of 3-Augment's kind.
 *
 * Source: timm/data/transforms_factory.py (transforms_imagenet_train, transforms_noaug_train); DeiT's datasets.py and augment.py.
 * @example trainSteps({aa: 'rand-m9-mstd0.5-inc1', trainInterpolation: 'bicubic'}, {size: [224, 224], mean: [0.485, 0.456, 0.406]});
 */
export function trainSteps(options: AugmentOptions, input: AugmentInput): TransformStep[] {
  const full = parseAugmentOptions(options);
  assertFields('the input', input, { size: 'list', mean: 'list' });
  if (full.noAug) return middle(full, input);
  const { hflip, vflip } = full;
  return [
    ...cropSteps(full, input),
    ...(hflip > 0 ? [{ name: 'randomHorizontalFlip', p: hflip }] : []),
    ...(vflip > 0 ? [{ name: 'randomVerticalFlip', p: vflip }] : []),
    ...policySteps(full, input),
    ...jitterSteps(full),
  ];
}

/** The transforms of the batches of training, in their order: random erasing, then mixup and cutmix. */
export function augmentBatches(options: AugmentOptions): BatchTransform[] {
  const full = parseAugmentOptions(options);
  const { remode, recount, mixupProb, mixupSwitchProb, mixupMode, mixupOffEpoch } = full;
  const transforms: BatchTransform[] = [];
  if (isErasing(full)) {
    transforms.push(randomErasing({ p: full.reprob, mode: remode, count: recount, minCount: 1 }));
  }
  if (isMixing(full)) {
    transforms.push(
      mixup({
        mixup: full.mixup,
        cutmix: full.cutmix,
        ...(full.cutmixMinmax !== null && { cutmixMinmax: full.cutmixMinmax }),
        prob: mixupProb,
        switchProb: mixupSwitchProb,
        mode: mixupMode,
        offEpoch: mixupOffEpoch,
      }),
    );
  }
  return transforms;
}

/** Whether boxes of images are erased: timm erases none without augmentation, DeiT none with 3-Augment. */
export function isErasing({ reprob, noAug, threeAugment }: FullAugmentOptions): boolean {
  return reprob > 0 && !noAug && !threeAugment;
}

/** Whether samples are mixed: mixup or cutmix is above 0. */
export function isMixing({ mixup, cutmix, cutmixMinmax }: FullAugmentOptions): boolean {
  return mixup > 0 || cutmix > 0 || cutmixMinmax !== null;
}

/** Whether the colour jitter is applied: not beside a policy, which timm puts in its place, unless it is of 3-Augment's kind. */
export function isJittering({ colorJitter, aa, threeAugment }: FullAugmentOptions): boolean {
  return colorJitter > 0 && (threeAugment || aa === null || aa.includes('3a'));
}

/** The filter of resizing where none is drawn for each image. */
export function fixedFilter({ trainInterpolation }: FullAugmentOptions, drawn: ResizeFilter) {
  return trainInterpolation === 'random' ? drawn : trainInterpolation;
}

/** Whether an input is as small as CIFAR's, where DeiT neither resizes nor crops for evaluation. */
export function isSmall([height, width]: readonly [number, number]): boolean {
  return Math.max(height, width) <= 32;
}

// The shorter side resized, and the middle; an input that is not square has its proportions cut out first.
function middle(full: FullAugmentOptions, { size, imageShape }: AugmentInput): TransformStep[] {
  const [height, width] = size;
  if (imageShape?.[0] === height && imageShape[1] === width) return [];
  const interpolation = fixedFilter(full, 'bilinear');
  if (height !== width) return [{ name: 'fit', height, width, interpolation }];
  return [
    { name: 'resize', size: height, interpolation },
    { name: 'centerCrop', height, width },
  ];
}

function cropSteps(full: FullAugmentOptions, input: AugmentInput): TransformStep[] {
  const [height, width] = input.size;
  const { src, threeAugment, scale, ratio, trainInterpolation: interpolation } = full;
  if (src) {
    const filter = fixedFilter(full, 'bicubic');
    const resized: TransformStep =
      height === width
        ? { name: 'resize', size: height, interpolation: filter }
        : { name: 'fit', height, width, interpolation: filter };
    return [resized, { name: 'randomCrop', height, width, padding: 4, paddingMode: 'reflect' }];
  }
  if (isSmall(input.size) && !threeAugment) {
    return [...middle(full, input), { name: 'randomCrop', height, width, padding: 4 }];
  }
  return [{ name: 'randomResizedCrop', height, width, scale, ratio, interpolation }];
}

function policySteps(
  { aa, threeAugment, trainInterpolation }: FullAugmentOptions,
  { size, mean }: AugmentInput,
): TransformStep[] {
  const policy = threeAugment ? '3a' : aa;
  if (policy === null) return [];
  const usable = ['random', 'nearest', 'bilinear'] as const;
  const interpolation = usable.find((filter) => filter === trainInterpolation) ?? 'bicubic';
  const fill = mean.map((value) => Math.min(255, Math.round(255 * value)));
  const translateConst = Math.trunc(0.45 * Math.min(...size));
  return [{ name: 'autoAugment', policy, interpolation, fill, translateConst }];
}

function jitterSteps(full: FullAugmentOptions): TransformStep[] {
  if (!isJittering(full)) return [];
  const { colorJitter: strength } = full;
  return [{ name: 'colorJitter', brightness: strength, contrast: strength, saturation: strength }];
}
