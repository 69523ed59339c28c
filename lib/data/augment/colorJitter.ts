// Random changes of brightness, contrast, saturation and hue.

import { parseOptions } from '../../core/option.ts';
import type { RgbImage } from '../../core/image.ts';
import { adjustBrightness, adjustContrast, adjustSaturation } from '../pixels/enhance.ts';
import { adjustHue } from '../pixels/hue.ts';
import { colorJitterOptions } from '../transformOptions.ts';
import type { ColorJitterOptions } from '../transformOptionTypes.ts';
import { withOrigin, type Transform } from '../transform.ts';

/**
 * The colour changes by name, each with its factor as torchvision defines it on a PIL image, to the bit.
 *
 * @example jitters.contrast(image, 0.7)
 */
export const jitters = {
  brightness: adjustBrightness,
  contrast: adjustContrast,
  saturation: adjustSaturation,
  hue: adjustHue,
} as const satisfies Record<string, (image: RgbImage, factor: number) => RgbImage>;

/**
 * Brightness, contrast, saturation and hue changed by random factors, in a random order.
 *
 * The first three factors are uniform in [max(0, 1 − v), 1 + v], the hue's in [−v, v] of the colour circle. Source: torchvision's
 * ColorJitter.
 *
 * @example colorJitter({brightness: 0.3, contrast: 0.3, saturation: 0.3})
 */
export function colorJitter(options: ColorJitterOptions): Transform {
  const strengths = parseOptions<Required<ColorJitterOptions>>(colorJitterOptions, options, {
    what: 'an option of colorJitter',
  });
  const names = Object.keys(jitters) as (keyof typeof jitters)[];
  return withOrigin('colorJitter', options, (image, rng, note) => {
    let current = image;
    for (const k of rng.permutation(names.length)) {
      const name = names[k]!;
      const strength = strengths[name];
      const centre = name === 'hue' ? 0 : 1;
      const lowest = name === 'hue' ? -strength : Math.max(0, 1 - strength);
      const factor = rng.uniform(lowest, centre + strength);
      if (strength === 0) continue;
      note?.(name, { value: factor });
      current = jitters[name](current, factor);
    }
    return current;
  });
}
