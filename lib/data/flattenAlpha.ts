// Transparent images on an opaque ground.

import { makeImage, type RgbImage } from '../core/image.ts';

/**
 * Lays an image with alpha on white; on black where white would hide all that is drawn.
 *
 * @param data      [H, W, C], the last channel the alpha, not multiplied into the others
 * @param channels  2 (grey and alpha) or 4 (RGB and alpha)
 */
export function flattenAlpha(
  data: Uint8Array | Uint8ClampedArray,
  { width, height, channels }: { width: number; height: number; channels: number },
): RgbImage {
  const ground = isHiddenByWhite(data, channels) ? 0 : 255;
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i += 1) {
    const alpha = data[i * channels + channels - 1]!;
    for (let c = 0; c < 3; c += 1) {
      const level = data[i * channels + (channels < 4 ? 0 : c)]!;
      rgb[3 * i + c] = Math.round((level * alpha + ground * (255 - alpha)) / 255);
    }
  }
  return makeImage(width, height, 3, rgb);
}

// The least step of luma from white that is seen, and the share of the drawn pixels that has to be seen.
const [visibleStep, visibleShare] = [48, 0.02];

// Whether next to nothing of an image, each pixel weighted by its opacity, would stand out from white.
function isHiddenByWhite(data: Uint8Array | Uint8ClampedArray, channels: number): boolean {
  let [drawn, seen] = [0, 0];
  const [green, blue] = channels < 4 ? [0, 0] : [1, 2];
  for (let i = 0; i < data.length; i += channels) {
    const alpha = data[i + channels - 1]!;
    const luma = 0.299 * data[i]! + 0.587 * data[i + green]! + 0.114 * data[i + blue]!;
    drawn += alpha;
    if (255 - luma >= visibleStep) seen += alpha;
  }
  return drawn > 0 && seen < visibleShare * drawn;
}
