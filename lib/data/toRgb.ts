// Grey images as images of three channels, for models that take colours.

import type { RgbImage } from '../core/image.ts';

/** The image with three channels: a grey one has its level in each. */
export function toRgb(image: RgbImage): RgbImage {
  if (image.channels === 3) return image;
  const { data } = image;
  const out = new Uint8Array(3 * data.length);
  for (let i = 0; i < data.length; i += 1) out.fill(data[i]!, 3 * i, 3 * i + 3);
  return { ...image, channels: 3, data: out };
}
