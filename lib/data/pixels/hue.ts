// Turning the hue of an image, through PIL's HSV of 8 bits a channel.

import type { RgbImage } from '../../core/image.ts';

const { fround, round, trunc } = Math;

/**
 * The image with its hue moved round the colour circle. torchvision's `adjust_hue` on a PIL image.
 *
 * @param factor  −0.5 … 0.5 of the circle; a grey image stays as it is
 */
export function adjustHue(image: RgbImage, factor: number): RgbImage {
  if (image.channels === 1) return image;
  const shift = trunc(factor * 255) & 255;
  const { data } = image;
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i += 3) {
    const [r, g, b] = [data[i]!, data[i + 1]!, data[i + 2]!];
    const max = Math.max(r, g, b);
    const min = Math.min(r, g, b);
    if (max === min) {
      out[i] = out[i + 1] = out[i + 2] = max;
      continue;
    }
    const range = max - min;
    const hue = (hueOf(r, g, b, max, range) + shift) & 255;
    const saturation = trunc(fround(range / max) * 255);
    writeRgb(out, i, hue, saturation, max);
  }
  return { ...image, data: out };
}

// Each intermediate value is a float32, as in PIL.
function hueOf(r: number, g: number, b: number, max: number, range: number): number {
  const rc = fround((max - r) / range);
  const gc = fround((max - g) / range);
  const bc = fround((max - b) / range);
  const sector =
    r === max ? fround(bc - gc) : g === max ? fround(2 + rc - bc) : fround(4 + gc - rc);
  const turn = fround((sector / 6 + 1) % 1);
  return Math.min(255, trunc(turn * 255));
}

function writeRgb(out: Uint8Array, at: number, hue: number, saturation: number, v: number): void {
  if (saturation === 0) {
    out[at] = out[at + 1] = out[at + 2] = v;
    return;
  }
  const sector = Math.floor((hue * 6) / 255);
  const f = fround((hue * 6) / 255 - sector);
  const s = fround(saturation / 255);
  const p = round(v * (1 - s));
  const q = round(v * (1 - fround(s * f)));
  const t = round(v * (1 - s * (1 - f)));
  const [r, g, b] = colours[sector % 6]!.map((which) => [v, p, q, t][which]!);
  out[at] = r!;
  out[at + 1] = g!;
  out[at + 2] = b!;
}

// Red, green and blue of the six sectors of the circle, as indices of [v, p, q, t].
const colours = [
  [0, 3, 1],
  [2, 0, 1],
  [1, 0, 3],
  [1, 2, 0],
  [3, 1, 0],
  [0, 1, 2],
] as const;
