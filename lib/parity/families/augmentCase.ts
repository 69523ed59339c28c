// Reading and adding that the kinds of family augment share.

import path from 'node:path';
import { isRecord } from '../../core/check.ts';
import { InputError, expected } from '../../core/errors.ts';
import { decodeImage } from '../../io/decodeImage.ts';
import { readJson, type GoldenCase } from '../goldenCase.ts';
import type { RgbImage } from '../../core/image.ts';
import type { Produced } from '../family.ts';

/** The picture of a case. */
export async function pictureOf(golden: GoldenCase, name = 'input.png'): Promise<RgbImage> {
  return decodeImage(path.join(golden.folder, name), { mode: 'pil' });
}

/** The list steps.json of a case. */
export function stepsOf(golden: GoldenCase): unknown[] {
  const steps = readJson(path.join(golden.folder, 'steps.json'));
  if (!Array.isArray(steps)) {
    throw new InputError(expected('a list', `steps.json of ${golden.name}`, steps));
  }
  return steps;
}

/** Adds an image as a tensor of bytes, [h, w, 3]. */
export function addLevels(
  produced: Produced,
  file: string,
  name: string,
  { width, height, channels, data }: RgbImage,
): void {
  produced.add(file, name, { shape: [height, width, channels], data, dtype: 'U8' });
}

/** A record, or an error that says where it should be. */
export function recordOf(value: unknown, where: string): Record<string, unknown> {
  if (!isRecord(value)) throw new InputError(expected('an object', where, value));
  return value;
}
