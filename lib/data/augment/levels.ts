// How the magnitude of an augmentation becomes the argument of its operation.

import type { OpName } from './ops.ts';

/**
 * The largest shifts, on which arguments depend beside the magnitude.
 *
 * @property translateConst  largest shift of `TranslateX` and `TranslateY` in pixels at magnitude 10
 * @property translatePct    largest shift of `TranslateXRel` and `TranslateYRel` as a share of the side
 */
export interface LevelContext {
  translateConst: number;
  translatePct: number;
}

type Level = (share: number, context: LevelContext) => number[];

const either = (value: number): number[] => (value === 0 ? [0] : [value, -value]);
const bits = (share: number) => Math.trunc(share * 4);
const threshold = (share: number) => Math.min(256, Math.trunc(share * 256));
const between = (low: number, high: number, share: number) =>
  Math.max(low, Math.min(high, low + (high - low) * share));

// Factors 0.1 … 1.9, the same image at magnitude 5.
const enhance: Level = (share) => [share * 1.8 + 0.1];

// Factors that move away from 1 to either side.
const enhanceIncreasing: Level = (share) =>
  either(share * 0.9).map((change) => Math.max(0.1, 1 + change));

const shear: Level = (share) => either(share * 0.3);
const shift: Level = (share, { translateConst }) => either(share * translateConst);
const shiftShare: Level = (share, { translatePct }) => either(share * translatePct);

// `share` is magnitude / 10. Operations that are not here take no argument.
const levels: Partial<Record<OpName, Level>> = {
  Rotate: (share) => either(share * 30),
  Posterize: (share) => [bits(share)],
  PosterizeIncreasing: (share) => [4 - bits(share)],
  PosterizeOriginal: (share) => [bits(share) + 4],
  Solarize: (share) => [threshold(share)],
  SolarizeIncreasing: (share) => [256 - threshold(share)],
  SolarizeAdd: (share) => [Math.min(128, Math.trunc(share * 110))],
  Color: enhance,
  ColorIncreasing: enhanceIncreasing,
  Contrast: enhance,
  ContrastIncreasing: enhanceIncreasing,
  Brightness: enhance,
  BrightnessIncreasing: enhanceIncreasing,
  Sharpness: enhance,
  SharpnessIncreasing: enhanceIncreasing,
  ShearX: shear,
  ShearY: shear,
  TranslateX: shift,
  TranslateY: shift,
  TranslateXRel: shiftShare,
  TranslateYRel: shiftShare,
  Desaturate: (share) => [between(0.5, 1, share)],
  GaussianBlur: (share) => [between(0.1, 2, share)],
  GaussianBlurRand: (share) => [between(0, 1, share)],
};

/**
 * The arguments of an operation at a magnitude, each as likely as the others: one, or two where the sign is random.
 *
 * @param magnitude  0 … 10, more where a policy allows it
 * @returns an empty list for an operation without argument
 * Source: timm/data/auto_augment.py, LEVEL_TO_ARG.
 */
export function levelArguments(op: OpName, magnitude: number, context: LevelContext): number[] {
  return levels[op]?.(magnitude / 10, context) ?? [];
}
