// Normalisation: bytes to floats by the mean and deviation of each channel.

import { assertNumber, isRecord } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { assertBytes, makeImage, type RgbImage } from '../core/image.ts';

/** Mean and standard deviation of each channel, in units of 0 … 1: value = (byte / 255 − mean) / std. */
export interface Normalization {
  mean: readonly number[];
  std: readonly number[];
}

/** ImageNet's channel statistics, which DeiT and most checkpoints of timm expect. */
export const IMAGENET_NORMALIZATION: Normalization = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

/** The mean and standard deviation of MNIST's 60,000 training images. */
export const MNIST_NORMALIZATION: Normalization = { mean: [0.1307], std: [0.3081] };

/**
 * Writes the normalised pixels of an image, [H, W, C], to `out` from `offset` on.
 *
 * @throws InputError if the channels differ from the normalisation's
 */
export function normalizeInto(
  image: RgbImage,
  normalize: Normalization,
  out: Float32Array,
  offset: number,
): void {
  const { channels, data } = (image as RgbImage | null | undefined) ?? ({} as RgbImage);
  assertBytes('image data', data);
  assertNormalization(normalize, channels);
  const values = valuesOf(normalize);
  if (channels === 3) {
    for (let i = 0, at = offset; i < data.length; i += 3, at += 3) {
      out[at] = values[data[i]!]!;
      out[at + 1] = values[levels + data[i + 1]!]!;
      out[at + 2] = values[2 * levels + data[i + 2]!]!;
    }
    return;
  }
  for (let i = 0, k = 0; i < data.length; i += 1) {
    out[offset + i] = values[k * levels + data[i]!]!;
    k = k + 1 === channels ? 0 : k + 1;
  }
}

const levels = 256;

// The value of each level, [C, 256]: a look-up takes less than half the time of computing it.
function valuesOf({ mean, std }: Normalization): Float32Array {
  const values = new Float32Array(levels * mean.length);
  mean.forEach((shift, k) => {
    const scale = 1 / (255 * std[k]!);
    for (let v = 0; v < levels; v += 1) values[k * levels + v] = v * scale - shift / std[k]!;
  });
  return values;
}

/**
 * The image that normalised pixels stand for, [H, W, C]: the inverse of `normalizeInto`, rounded and clipped to levels.
 *
 * @throws InputError if there are other than 1 or 3 channels
 */
export function denormalize(
  pixels: Float32Array,
  [height, width, channels]: readonly [number, number, number],
  { mean, std }: Normalization,
): RgbImage {
  const levels = Uint8Array.from(pixels, (value, i) => {
    const k = i % channels;
    return Math.max(0, Math.min(255, Math.round(255 * (value * std[k]! + mean[k]!))));
  });
  return makeImage(width, height, channels as 1 | 3, levels);
}

// Beyond it, and below the least deviation, pixels would overflow float32.
const greatest = 1e6;

/** Throws unless there is one mean and one positive deviation for each channel, of sizes that images can have. */
export function assertNormalization(normalize: Normalization, channels: number): void {
  const { mean, std } = isRecord(normalize) ? normalize : ({} as Partial<Normalization>);
  if (!Array.isArray(mean) || !Array.isArray(std)) {
    throw new InputError(expected('lists mean and std', 'normalize', normalize));
  }
  if (mean.length !== channels || std.length !== channels) {
    throw new InputError(
      expected(`${channels} values (one a channel)`, 'mean and std', [mean.length, std.length]),
    );
  }
  mean.forEach((value, k) => assertNumber(`mean[${k}]`, value, { min: -greatest, max: greatest }));
  std.forEach((value, k) => assertNumber(`std[${k}]`, value, { min: 1e-12, max: greatest }));
}
