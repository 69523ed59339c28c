// An image as plain bytes, outside any backend.

import { InputError, expected } from './errors.ts';

/**
 * An image as plain bytes: `data[(y·width + x)·channels + c]`, 0 … 255, rows from the top.
 *
 * @property channels  1 (grey) or 3 (RGB)
 */
export interface RgbImage {
  width: number;
  height: number;
  channels: 1 | 3;
  data: Uint8Array;
}

/** An image over the given bytes. @throws InputError as `assertImage` */
export function makeImage(
  width: number,
  height: number,
  channels: 1 | 3,
  data: Uint8Array,
): RgbImage {
  const image = { width, height, channels, data };
  assertImage('image', image, { minSide: 0 });
  return image;
}

/**
 * Throws unless a value is an image: whole sides from 1, 1 or 3 channels, and as many bytes. Floats from 0 to 1 are refused.
 *
 * @param options.anyChannels  true: other numbers of channels pass, as images of measurements may have them
 * @param options.minSide      the least width and height; 0 for an image that may be empty
 */
export function assertImage(
  name: string,
  image: unknown,
  { anyChannels = false, minSide = 1 } = {},
): asserts image is RgbImage {
  const { width, height, channels, data } = (image as Partial<RgbImage> | null | undefined) ?? {};
  for (const [side, length] of [
    ['width', width],
    ['height', height],
  ] as const) {
    if (Number.isSafeInteger(length) && Number(length) >= minSide) continue;
    throw new InputError(expected(`an integer ≥ ${minSide}`, `the ${side} of ${name}`, length));
  }
  const isKnown = channels === 1 || channels === 3;
  if (!isKnown && !(anyChannels && Number.isSafeInteger(channels) && Number(channels) >= 1)) {
    throw new InputError(expected('1 or 3', `the channels of ${name}`, channels));
  }
  assertBytes(`${name} data`, data);
  const size = width! * height! * channels!;
  if (data.length === size) return;
  const what = `${size} bytes (${width}×${height}×${channels})`;
  throw new InputError(expected(what, `${name} data`, data.length));
}

/** Throws unless a value is bytes, from 0 to 255: levels of another type would be taken for such. */
export function assertBytes(name: string, data: unknown): asserts data is Uint8Array {
  // By its tag, as a class differs between realms (workers, test runners).
  const kind = Object.prototype.toString.call(data).slice(8, -1);
  if (kind === 'Uint8Array' || kind === 'Uint8ClampedArray') return;
  const isFloat = kind.startsWith('Float');
  const remedy = isFloat
    ? 'Levels are 0 to 255: Uint8Array.from(levels, (level) => Math.round(255 * level)).'
    : '';
  const received = ArrayBuffer.isView(data) ? kind : data;
  throw new InputError(expected('a Uint8Array of levels from 0 to 255', name, received, remedy));
}
