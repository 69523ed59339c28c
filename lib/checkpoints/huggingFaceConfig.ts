// The folders of Hugging Face: how preprocessor_config.json prepares images, and the names of the classes in config.json.

import { isRecord } from '../core/check.ts';
import { CheckpointError, expected } from '../core/errors.ts';

type Fields = Readonly<Record<string, unknown>>;

/** The file beside config.json that says how images are prepared. */
export const preprocessorName = 'preprocessor_config.json';

/** The key of a record under which the content of that file is kept. */
export const preprocessorKey = 'preprocessor_config';

/**
 * The preparation of images by an image processor of Hugging Face.
 *
 * @property mean, std      of each channel; 0 and 1 where it does not normalise
 * @property interpolation  `bilinear`, `bicubic`, …
 * @property cropMode       `squash`: both sides to their size; `center`: the shorter side, then a crop
 * @property cropPct        share of the resized image's shorter side that the crop is
 */
export interface HuggingFacePreparation {
  mean: unknown;
  std: unknown;
  interpolation: string;
  cropMode: 'center' | 'squash';
  cropPct: number | undefined;
}

// PIL's numbers of its filters.
const filters: Readonly<Record<number, string>> = {
  0: 'nearest',
  1: 'lanczos',
  2: 'bilinear',
  3: 'bicubic',
  4: 'box',
  5: 'hamming',
};

/**
 * How a folder of Hugging Face prepares images: its preprocessor_config.json, in the record of the model; undefined without one.
 *
 * @throws CheckpointError naming a field that cannot be used
 */
export function huggingFacePreparation(record: Fields): HuggingFacePreparation | undefined {
  const given = record[preprocessorKey];
  if (given === undefined) return undefined;
  if (!isRecord(given)) throw wrong('an object', preprocessorName, given);
  const { do_normalize: normalizes = true, resample = 2, do_center_crop: crops = false } = given;
  const { image_mean: mean, image_std: std } = given;
  const interpolation = filters[resample as number];
  if (interpolation === undefined) throw wrong('a filter of PIL, 0 to 5,', 'resample', resample);
  const plain = normalizes === false;
  return {
    mean: plain ? [0] : mean,
    std: plain ? [1] : std,
    interpolation,
    ...(crops === true ? cropOf(given) : { cropMode: 'squash', cropPct: undefined }),
  };
}

function cropOf({ size, crop_size: crop = size }: Fields): {
  cropMode: 'center' | 'squash';
  cropPct: number | undefined;
} {
  const shortest = isRecord(size) ? size['shortest_edge'] : size;
  const side = isRecord(crop) ? crop['height'] : crop;
  const count = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;
  if (!count(side)) throw wrong('a side in pixels', 'crop_size', crop);
  if (shortest === undefined) return { cropMode: 'squash', cropPct: undefined };
  if (!count(shortest)) throw wrong('a side in pixels', 'size', size);
  const share = Math.min(1, (side as number) / (shortest as number));
  return { cropMode: 'center', cropPct: share };
}

/** The names of the classes in a config.json of Hugging Face, in their order; undefined where it has none or only LABEL_0, LABEL_1, … */
export function huggingFaceClassNames({ id2label }: Fields): string[] | undefined {
  if (!isRecord(id2label)) return undefined;
  const names = Object.entries(id2label)
    .sort(([a], [b]) => Number(a) - Number(b))
    .map(([, name]) => String(name));
  return names.every((name, i) => name === `LABEL_${i}`) ? undefined : names;
}

function wrong(what: string, field: string, value: unknown): CheckpointError {
  return new CheckpointError(expected(what, `${field} of ${preprocessorName}`, value));
}
