// The steps of a progressive resolution, as a config has them.

import { assertInteger, isRecord } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';

/**
 * A step of a progressive resolution.
 *
 * @property epoch      epochs that are done when it begins; 0: from the start
 * @property imageSize  [height, width] of the training images in pixels, or the side of square ones
 */
export interface ResolutionStep {
  readonly epoch: number;
  readonly imageSize: number | readonly [number, number];
}

/**
 * Reads the steps of a progressive resolution from a list, or from a text: `0:16,5:28` is 16 pixels from the start and 28 after 5
 * epochs.
 *
 * @param name  how errors call the option
 * @throws InputError if there is none, a size or an epoch cannot be used, or an epoch does not come after the one before
 */
export function parseProgressive(value: unknown, name: string): readonly ResolutionStep[] {
  const what = 'steps {epoch, imageSize}, or a text such as 0:16,5:28';
  const steps: unknown = typeof value === 'string' ? value.split(',').map(stepOfText) : value;
  if (!Array.isArray(steps) || steps.length === 0 || !steps.every(isRecord)) {
    throw new InputError(expected(what, name, value));
  }
  let next = 0;
  return steps.map((step, i) => {
    const { epoch, imageSize } = step;
    const place = `${name}[${i}]`;
    assertInteger(`${place}.epoch`, epoch, { min: next, max: 2 ** 31 });
    next = epoch + 1;
    const sides: unknown[] = Array.isArray(imageSize) ? imageSize : [imageSize, imageSize];
    const [height, width] = sides;
    assertInteger(`${place}.imageSize`, height, { min: 1, max: 16_384 });
    assertInteger(`${place}.imageSize`, width, { min: 1, max: 16_384 });
    return { epoch, imageSize: [height, width] as const };
  });
}

// `5:28`, or `5:24x28` for height and width.
function stepOfText(text: string): unknown {
  const found = /^\s*(\d+):(\d+)(?:x(\d+))?\s*$/.exec(text);
  if (found === null) return undefined;
  const [, epoch, height, width = height] = found;
  return { epoch: Number(epoch), imageSize: [Number(height), Number(width)] };
}
