// Random erasing: boxes of noise in normalised images.

import { InputError, expected } from '../../core/errors.ts';
import { parseOptions } from '../../core/option.ts';
import { roundHalfToEven } from '../../core/round.ts';
import type { Rng } from '../../core/rng.ts';
import type { BatchTransform } from '../batchTransform.ts';
import { randomErasingOptions } from '../transformOptions.ts';
import type { RandomErasingOptions } from '../transformOptionTypes.ts';
import { boxValues } from './randomCrops.ts';
import type { DrawNote } from '../drawNote.ts';
import type { CropBox } from '../pixels/crop.ts';

/**
 * Erases boxes of random size and place in the images of a batch, after their normalisation, as timm and DeiT do.
 *
 * Area uniform in `minArea` … `maxArea` of the image over the number of boxes, height / width log-uniform in `minAspect` … 1 /
 * `minAspect`; each box has ten attempts to fit. What an image meets depends on (seed, epoch, step) and its index alone.
 *
 * Source: Zhong et al. 2017; timm/data/random_erasing.py.
 * @example new Loader({…, batchTransforms: [randomErasing({p: 0.25, mode: 'pixel'})]});
 */
export function randomErasing(options: RandomErasingOptions = {}): BatchTransform {
  const given = parseOptions<FullOptions>(randomErasingOptions, options, {
    what: 'an option of randomErasing',
  });
  const parsed = { ...given, minCount: Math.min(given.minCount ?? given.count, given.count) };
  if (parsed.minArea > parsed.maxArea) {
    const what = `a share up to maxArea, ${parsed.maxArea},`;
    throw new InputError(expected(what, 'minArea', parsed.minArea));
  }
  return (batch, rng, { noteOf }) => {
    const { images, imageShape, indices, size } = batch;
    const pixels = images.length / size;
    const seen = new Map<number, number>();
    for (let i = 0; i < size; i += 1) {
      const index = indices[i]!;
      // A repeated sample is erased anew each time.
      const copy = seen.get(index) ?? 0;
      seen.set(index, copy + 1);
      eraseIn(
        images.subarray(i * pixels, (i + 1) * pixels),
        imageShape,
        parsed,
        rng.split(index, copy),
        noteOf?.(i),
      );
    }
    return batch;
  };
}

type FullOptions = Required<Omit<RandomErasingOptions, 'minCount'>> &
  Pick<RandomErasingOptions, 'minCount'>;

/** Sets the pixels of a box, [H, W, C] in place; `value` is called for each element, row by row. */
export function eraseBox(
  image: Float32Array,
  [, width, channels]: readonly [number, number, number],
  { top, left, height: h, width: w }: CropBox,
  value: (channel: number) => number,
): void {
  for (let y = top; y < top + h; y += 1) {
    for (let x = left; x < left + w; x += 1) {
      for (let c = 0; c < channels; c += 1) image[(y * width + x) * channels + c] = value(c);
    }
  }
}

function eraseIn(
  image: Float32Array,
  shape: readonly [number, number, number],
  options: Required<RandomErasingOptions>,
  rng: Rng,
  note?: DrawNote,
): void {
  if (!rng.bernoulli(options.p)) return;
  const { minCount } = options;
  const count =
    minCount < options.count ? minCount + rng.integer(options.count - minCount + 1) : options.count;
  for (let k = 0; k < count; k += 1) {
    const box = drawErasedBox(shape, { ...options, count }, rng);
    if (box === undefined) continue;
    note?.('erased', boxValues(box));
    const colours = Array.from({ length: shape[2] }, () =>
      options.mode === 'rand' ? rng.normal() : 0,
    );
    eraseBox(image, shape, box, (c) => (options.mode === 'pixel' ? rng.normal() : colours[c]!));
  }
}

/** The box of one erasure, or none if ten draws did not fit. */
export function drawErasedBox(
  [height, width]: readonly [number, number, number],
  {
    minArea,
    maxArea,
    minAspect,
    count,
  }: Pick<Required<RandomErasingOptions>, 'minArea' | 'maxArea' | 'minAspect' | 'count'>,
  rng: Rng,
): CropBox | undefined {
  for (let attempt = 0; attempt < 10; attempt += 1) {
    const area = (rng.uniform(minArea, maxArea) * height * width) / count;
    const aspect = Math.exp(rng.uniform(Math.log(minAspect), -Math.log(minAspect)));
    const h = roundHalfToEven(Math.sqrt(area * aspect));
    const w = roundHalfToEven(Math.sqrt(area / aspect));
    if (h >= height || w >= width) continue;
    return {
      top: rng.integer(height - h + 1),
      left: rng.integer(width - w + 1),
      height: h,
      width: w,
    };
  }
  return undefined;
}
