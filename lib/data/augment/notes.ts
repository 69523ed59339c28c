// Sentences about options of augmentation that have no effect beside the others.

import { idleOptions, type IdleOption } from '../../core/option.ts';
import {
  isErasing,
  isJittering,
  isMixing,
  isSmall,
  parseAugmentOptions,
} from './createTransform.ts';
import { augmentOptions } from './options.ts';
import type { AugmentOptions } from './optionTypes.ts';

/** The place that options of augmentation have in a training. */
export interface AugmentPlace {
  /** [H, W] of the model's input. */
  readonly size: readonly [number, number];
  /** Epochs of the run. */
  readonly epochs: number;
  /** true: `trainTransforms` of the config stand in place of the steps of images. */
  readonly isListed: boolean;
}

/** Options about whole batches; the others are about single images. */
const batchOptions: ReadonlySet<string> = new Set([
  ...[
    'reprob',
    'remode',
    'recount',
    'mixup',
    'cutmix',
    'cutmixMinmax',
    'mixupProb',
    'mixupSwitchProb',
  ],
  ...['mixupMode', 'mixupOffEpoch', 'augRepeats', 'evalCropRatio'],
]);

/**
 * The given options that change nothing, with the reason, by their path in `data.augment`.
 *
 * @example idleAugmentOptions({aa: 'rand-m9', colorJitter: 0.3}, place); // [{path: 'colorJitter', reason: 'a policy (aa) takes its place'}]
 */
export function idleAugmentOptions(options: AugmentOptions, place: AugmentPlace): IdleOption[] {
  const full = parseAugmentOptions(options);
  const by = idleOptions(augmentOptions, options);
  const known = new Set(by.map(({ path }) => path));
  const more = Object.keys(options)
    .filter((path) => !known.has(path) && (options as Record<string, unknown>)[path] !== undefined)
    .flatMap((path) => {
      const reason = reasonOf(path, full, place);
      return reason === undefined ? [] : [{ path, reason }];
    });
  return [...by, ...more];
}

function reasonOf(
  path: string,
  full: ReturnType<typeof parseAugmentOptions>,
  { size, epochs, isListed }: AugmentPlace,
): string | undefined {
  if (isListed && !batchOptions.has(path)) return 'data.trainTransforms lists the steps';
  const small = isSmall(size) && !full.src && !full.threeAugment;
  switch (path) {
    case 'colorJitter':
      return full.colorJitter > 0 && !isJittering(full)
        ? 'a policy (aa) takes its place'
        : undefined;
    case 'scale':
    case 'ratio':
      return small ? 'an input of at most 32 pixels has a random crop after a margin' : undefined;
    case 'evalCropRatio':
      return isSmall(size) ? 'an input of at most 32 pixels is not cropped' : undefined;
    case 'remode':
    case 'recount':
      return isErasing(full) ? undefined : 'nothing is erased';
    case 'mixupProb':
    case 'mixupMode':
    case 'mixupOffEpoch':
      if (!isMixing(full)) return 'neither mixup nor cutmix is on';
      return path === 'mixupOffEpoch' && full.mixupOffEpoch >= epochs
        ? `the run has ${epochs} epochs`
        : undefined;
    case 'mixupSwitchProb':
      return full.mixup > 0 && (full.cutmix > 0 || full.cutmixMinmax !== null)
        ? undefined
        : 'not both of mixup and cutmix are on';
    case 'cutmix':
      return full.cutmix > 0 && full.cutmixMinmax !== null
        ? 'cutmixMinmax says the sides of the box'
        : undefined;
    default:
      return undefined;
  }
}
