// Compares a picture with a stored one.

import { compareTensors, differs } from './compareTensors.ts';
import type { Difference } from './compareTensors.ts';
import type { RgbImage } from '../core/image.ts';

/** Compares a picture with a stored one, decoded to RGB: same size, and every byte within `atol` levels. */
export async function compareImages(
  ours: RgbImage,
  file: string,
  atol: number,
): Promise<Difference> {
  const { decodeImage } = await import('../io/decodeImage.ts');
  const reference = await decodeImage(file, { mode: 'pil' });
  if (ours.width !== reference.width || ours.height !== reference.height) {
    return differs(`${ours.width}×${ours.height}, not ${reference.width}×${reference.height}`);
  }
  return compareTensors(asRgb(ours), asRgb(reference), { atol, rtol: 0 });
}

function asRgb({ width, height, channels, data }: RgbImage) {
  const shape = [height, width, 3];
  if (channels === 3) return { shape, data };
  const rgb = new Uint8Array(width * height * 3);
  for (let i = 0; i < rgb.length; i += 1) rgb[i] = data[Math.floor(i / 3)]!;
  return { shape, data: rgb };
}
