// How images are prepared for an encoder: by what is stored with its weights, else as the published weights of its family expect.

import { preprocessorKey, preprocessorName } from '../checkpoints/huggingFaceConfig.ts';
import { isRecord } from '../core/check.ts';
import { CheckpointError, InputError, expected } from '../core/errors.ts';
import { assertKind } from '../core/kinds.ts';
import { recordOfModel } from '../core/modelRecord.ts';
import { assertModule } from '../core/module.ts';
import { IMAGENET_NORMALIZATION, type Normalization } from '../data/normalize.ts';
import { parseNormalization, type Preprocessing } from '../data/preprocessing.ts';
import type { ImageProcessor } from '../data/imageProcessor.ts';
import type { ResizeFilter } from '../data/resizeImage.ts';
import type { Model } from '../models/model.ts';
import { preparationOf } from '../predict/preparation.ts';

/** The preparation of images: in the words of Hugging Face's image processors, or as a checkpoint of ours or of timm stores it. */
export type ImagePreparation = ImageProcessor | Preprocessing;

/** Mean and deviation of the images that CLIP was trained on. */
export const CLIP_NORMALIZATION: Normalization = {
  mean: [0.48145466, 0.4578275, 0.40821073],
  std: [0.26862954, 0.26130258, 0.27577711],
};

const half: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

type Published = (size: readonly [number, number]) => ImageProcessor;

// The shorter side to size / share, then the middle: torchvision's and timm's evaluation.
const cropped =
  (share: number, filter: ResizeFilter, normalize: Normalization): Published =>
  ([height, width]) => ({
    resize: { shortest: Math.floor(Math.min(height, width) / share) },
    filter,
    crop: [height, width],
    normalize,
  });

// The processors of the families' published weights, for images of the model's size.
const published: Readonly<Record<string, Published>> = {
  vit: (size) => ({ resize: { both: size }, filter: 'bilinear', normalize: half }),
  clip: cropped(1, 'bicubic', CLIP_NORMALIZATION),
  resnet: cropped(0.875, 'bilinear', IMAGENET_NORMALIZATION),
  detr: () => ({
    resize: { shortest: 800, longest: 1333 },
    filter: 'bilinear',
    normalize: IMAGENET_NORMALIZATION,
    pad: true,
  }),
};

/**
 * The preparation of a model's images: its preprocessor_config.json, what a checkpoint of ours or of timm stores, or else the processor of
 * the published weights of its family. A model of one channel has no published processor.
 *
 * @param note  told what had to be assumed
 * @throws CheckpointError, InputError naming a field that cannot be used
 */
export function imagePreparationOf(
  model: Model,
  note: (text: string) => void = () => undefined,
): ImagePreparation {
  assertModule(model, ['forward']);
  assertKind('note', note, 'function');
  const record = recordOfModel(model);
  const [height, width, channels] = model.inputShape;
  if (record[preprocessorKey] !== undefined) {
    return parseImageProcessor(record[preprocessorKey], channels);
  }
  const stores = ['preprocessing', 'normalize', 'architecture', 'data'];
  if (stores.some((key) => record[key] != null)) {
    return preparationOf(record, model, { note }).preprocessing;
  }
  const processor = published[model.family];
  if (processor === undefined || channels !== 3) {
    const remedy = 'Give {preparation: {filter: …, normalize: {mean, std}}}.';
    throw new InputError(expected('a stored preprocessing', 'the model', undefined, remedy));
  }
  note(`The model brings no preprocessing: that of the published weights of ${model.family} is used.`); // prettier-ignore
  return processor([height, width]);
}

// PIL's numbers of its filters.
const filters: readonly ResizeFilter[] = ['nearest', 'lanczos', 'bilinear', 'bicubic', 'box', 'hamming']; // prettier-ignore

/**
 * The image processor that a preprocessor_config.json of Hugging Face describes.
 *
 * @throws CheckpointError naming a field that cannot be used
 */
export function parseImageProcessor(value: unknown, channels = 3): ImageProcessor {
  if (!isRecord(value)) throw wrong('an object', preprocessorName, value);
  const { do_resize: resizes = true, do_center_crop: crops = false, resample = 2 } = value;
  const { do_normalize: normalizes = true, do_pad: pads = false, size, crop_size: crop } = value;
  const filter = filters[resample as number];
  if (filter === undefined) throw wrong('a filter of PIL, 0 to 5,', 'resample', resample);
  return {
    ...(resizes === true && size != null && { resize: resizeOf(size) }),
    filter,
    ...(crops === true && { crop: bothSides(crop ?? size, 'crop_size') }),
    normalize:
      normalizes === false
        ? { mean: Array<number>(channels).fill(0), std: Array<number>(channels).fill(1) }
        : parseNormalization({ mean: value['image_mean'], std: value['image_std'] }, channels),
    pad: pads === true,
  };
}

function resizeOf(size: unknown): NonNullable<ImageProcessor['resize']> {
  if (isRecord(size) && size['shortest_edge'] !== undefined) {
    const { shortest_edge: shortest, longest_edge: longest } = size;
    assertSide('size', shortest);
    if (longest == null) return { shortest };
    assertSide('size', longest);
    return { shortest, longest };
  }
  return { both: bothSides(size, 'size') };
}

function bothSides(value: unknown, field: string): [number, number] {
  const [height, width] = isRecord(value) ? [value['height'], value['width']] : [value, value];
  assertSide(field, height);
  assertSide(field, width);
  return [height, width];
}

function assertSide(field: string, value: unknown): asserts value is number {
  if (Number.isSafeInteger(value) && (value as number) >= 1 && (value as number) <= 16384) return;
  throw wrong('a side in pixels, 1 to 16384,', field, value);
}

function wrong(what: string, field: string, value: unknown): CheckpointError {
  return new CheckpointError(expected(what, `${field} of ${preprocessorName}`, value));
}
