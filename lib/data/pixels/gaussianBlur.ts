// Gaussian blur as Pillow makes it: three box blurs of a fractional radius in each direction.

import type { RgbImage } from '../../core/image.ts';

const { fround } = Math;
const passes = 3;

/**
 * PIL's `ImageFilter.GaussianBlur(radius)`, to the bit.
 *
 * @param radius  standard deviation in pixels, from 0
 *
 * Source: Gwosdek et al. 2011, "Theoretical foundations of Gaussian convolution by extended box filtering".
 */
export function gaussianBlur(image: RgbImage, radius: number): RgbImage {
  const box = boxRadius(fround(radius));
  if (box === 0) return image;
  const { width, height, channels } = image;
  const data = image.data.slice();
  const line = new Uint8Array(Math.max(width, height));
  for (let y = 0; y < height; y += 1) {
    for (let c = 0; c < channels; c += 1) {
      blurLine(data, { from: y * width * channels + c, step: channels, length: width }, box, line);
    }
  }
  for (let i = 0; i < width * channels; i += 1) {
    blurLine(data, { from: i, step: width * channels, length: height }, box, line);
  }
  return { ...image, data };
}

// The radius of the box whose threefold blur has the deviation, in float32 as in PIL.
function boxRadius(radius: number): number {
  const variance = fround(fround(radius * radius) / passes);
  const length = fround(Math.sqrt(12 * variance + 1));
  const whole = Math.floor((length - 1) / 2);
  const top = fround(
    fround(2 * whole + 1) * fround(fround(whole * (whole + 1)) - fround(3 * variance)),
  );
  const bottom = fround(6 * fround(variance - (whole + 1) * (whole + 1)));
  return fround(whole + fround(top / bottom));
}

/** The pixels of one channel in a row or a column. */
interface Line {
  from: number;
  step: number;
  length: number;
}

// Blurs a line in place, three times. Beyond the ends the outermost pixel goes on.
function blurLine(
  data: Uint8Array,
  { from, step, length }: Line,
  radius: number,
  line: Uint8Array,
): void {
  const whole = Math.trunc(radius);
  // Weights of 24 fractional bits: `inner` of the pixels inside, `outer` of the two at the ends.
  const inner = Math.trunc(fround(2 ** 24 / fround(radius * 2 + 1)));
  const outer = Math.floor((2 ** 24 - (whole * 2 + 1) * inner) / 2);
  const last = length - 1;
  const at = (x: number) => line[x < 0 ? 0 : x > last ? last : x]!;
  for (let pass = 0; pass < passes; pass += 1) {
    for (let x = 0; x < length; x += 1) line[x] = data[from + x * step]!;
    let sum = 0;
    for (let x = -whole - 1; x < whole; x += 1) sum += at(x);
    for (let x = 0; x < length; x += 1) {
      sum += at(x + whole) - at(x - whole - 1);
      const bulk = sum * inner + (at(x - whole - 1) + at(x + whole + 1)) * outer;
      data[from + x * step] = (bulk + 2 ** 23) / 2 ** 24;
    }
  }
}
