// AutoAugment, RandAugment and 3-Augment as one transform.

import { parseOptions } from '../../core/option.ts';
import type { RgbImage } from '../../core/image.ts';
import type { Rng } from '../../core/rng.ts';
import { autoAugmentOptions } from '../transformOptions.ts';
import type { AutoAugmentOptions } from '../transformOptionTypes.ts';
import { withOrigin, type Transform } from '../transform.ts';
import type { DrawNote } from '../drawNote.ts';
import { levelsOf } from '../pixels/crop.ts';
import { levelArguments, type LevelContext } from './levels.ts';
import { applyOp, type OpContext } from './ops.ts';
import { parsePolicy, type AugmentPolicy, type PolicyOp } from './policy.ts';

/**
 * Augmentation by a policy that is drawn for each image: `--aa` of timm and DeiT.
 *
 * Each operation is applied with its probability, at a magnitude that is normal around the policy's and clipped, with either sign
 * where it has one. Pixels are Pillow's, to the bit.
 *
 * @throws InputError for a policy that cannot be read
 * Source: timm/data/auto_augment.py; Cubuk et al. 2019 (AutoAugment) and 2020 (RandAugment); Touvron et al. 2022 (3-Augment).
 * @example autoAugment({policy: 'rand-m9-mstd0.5-inc1', fill: [124, 116, 104], interpolation: 'bicubic'})
 */
export function autoAugment(options: AutoAugmentOptions): Transform {
  const parsed = parseOptions<Required<AutoAugmentOptions>>(autoAugmentOptions, options, {
    what: 'an option of autoAugment',
  });
  const { interpolation, fill, translatePct } = parsed;
  const policy = parsePolicy(parsed.policy, 'policy');
  const context: LevelContext = { translateConst: parsed.translateConst, translatePct };
  return withOrigin('autoAugment', options, (image, rng, note) => {
    const levels = levelsOf(image, fill);
    return drawOps(policy, rng.split('choice')).reduce((current, op, i) => {
      const draw = rng.split(i);
      const filter =
        interpolation === 'random' ? (draw.bernoulli(0.5) ? 'bilinear' : 'bicubic') : interpolation;
      return augment(current, op, { ...context, filter, fill: levels }, draw, note);
    }, image);
  });
}

// The operations that an image meets.
function drawOps(policy: AugmentPolicy, rng: Rng): readonly PolicyOp[] {
  if (policy.kind === 'lists') return policy.lists[rng.integer(policy.lists.length)]!;
  const { ops, count, weights } = policy;
  if (weights === undefined) {
    return Array.from({ length: count }, () => ops[rng.integer(ops.length)]!);
  }
  const left = weights.slice();
  return Array.from({ length: count }, () => {
    const total = left.reduce((sum, weight) => sum + weight, 0);
    let at = rng.uniform() * total;
    let chosen = left.findIndex((weight) => (at -= weight) < 0);
    // Rounding may leave nothing to the last one.
    if (chosen < 0) chosen = left.findLastIndex((weight) => weight > 0);
    left[chosen] = 0;
    return ops[chosen]!;
  });
}

function augment(
  image: RgbImage,
  { op, prob, magnitude, magnitudeStd, magnitudeMax }: PolicyOp,
  context: OpContext & LevelContext,
  rng: Rng,
  note: DrawNote | undefined,
): RgbImage {
  if (rng.uniform() >= prob) return image;
  const drawn =
    magnitudeStd === Infinity
      ? rng.uniform(0, magnitude)
      : magnitudeStd > 0
        ? rng.normal(magnitude, magnitudeStd)
        : magnitude;
  const level = Math.max(0, Math.min(drawn, magnitudeMax));
  const choices = levelArguments(op, level, context);
  const argument = choices.length === 0 ? 0 : choices[rng.integer(choices.length)]!;
  // 3-Augment draws the radius itself.
  const radius = () => rng.uniform(0.1, 2 * argument);
  const value = op === 'GaussianBlurRand' ? radius() : argument;
  note?.(op, choices.length === 0 ? {} : { value });
  return applyOp(op, image, value, context);
}
