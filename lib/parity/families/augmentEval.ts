// The deterministic preprocessing of family augment: evaluation transforms and Hugging Face's processors.

import path from 'node:path';
import { sizeOf } from '../../core/check.ts';
import { InputError, expected } from '../../core/errors.ts';
import { centerCropImage, resizeLonger, resizeShorter } from '../../data/evalTransforms.ts';
import { processBatch, sizeWithAspectRatio } from '../../data/imageProcessor.ts';
import { IMAGENET_NORMALIZATION, normalizeInto, type Normalization } from '../../data/normalize.ts';
import { resizeFilters, resizeImage, type ResizeFilter } from '../../data/resizeImage.ts';
import { parseImageProcessor } from '../../encoders/processors.ts';
import { Produced } from '../family.ts';
import { readJson, type GoldenCase } from '../goldenCase.ts';
import { toChannelsFirst } from '../goldenTensors.ts';
import { addLevels, pictureOf, recordOf, stepsOf } from './augmentCase.ts';
import type { RgbImage } from '../../core/image.ts';
import type { PlainTensor } from '../compareTensors.ts';

const file = 'outputs.safetensors';
const half: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

/** Every evaluation transform of a case: its levels, and the normalised tensor. */
export async function evalOutputs(golden: GoldenCase): Promise<Produced> {
  const image = await pictureOf(golden);
  const produced = new Produced();
  for (const [i, step] of stepsOf(golden).entries()) {
    const { name, what = '' } = recordOf(step, `step ${i} of ${golden.name}`);
    const picture = evalImage(image, String(name), golden);
    const normalize = String(what).includes('mean=std=0.5') ? half : IMAGENET_NORMALIZATION;
    addLevels(produced, file, `${String(name)}/uint8`, picture);
    const values = normalized([picture], normalize);
    produced.add(file, `${String(name)}/normalized`, withoutBatch(values));
    produced.add(file, `${String(name)}/normalized_rows_0_4`, rows(withoutBatch(values), 0, 4));
  }
  return produced;
}

// The transform that a name stands for: `tv-imagenet-bicubic-256-224`, `timm-squash-1.0-96`.
function evalImage(image: RgbImage, name: string, golden: GoldenCase): RgbImage {
  if (name === 'crop-larger-than-image') return centerCropImage(image, { height: 300, width: 300 });
  const [, library, mode, first, last] =
    /^(tv|timm)-(?:imagenet-)?([a-z]+)-([\d.]+)-(\d+)$/.exec(name) ?? [];
  if (library === undefined) {
    throw new InputError(expected('a known transform', `steps.json of ${golden.name}`, name));
  }
  const size = Number(last);
  const square = { height: size, width: size };
  if (mode === 'squash') {
    const side = Math.floor(size / Number(first));
    return centerCropImage(resizeImage(image, { height: side, width: side }, 'bilinear'), square);
  }
  if (mode === 'border') {
    const side = Math.floor(size / Number(first));
    const fill = IMAGENET_NORMALIZATION.mean.map((mean) => Math.round(255 * mean));
    return centerCropImage(resizeLonger(image, side, 'bicubic'), square, fill);
  }
  if (!(resizeFilters as readonly string[]).includes(mode!)) {
    throw new InputError(expected('a known filter', `steps.json of ${golden.name}`, name));
  }
  const shorter = library === 'tv' ? Number(first) : Math.floor(size / Number(first));
  return centerCropImage(resizeShorter(image, shorter, mode as ResizeFilter), square);
}

/** The results of each image processor whose name ends in `-pil`, and the table of DETR's sizes. */
export async function processorOutputs(golden: GoldenCase): Promise<Produced> {
  const images = [await pictureOf(golden), await pictureOf(golden, 'second.png')];
  const produced = new Produced();
  const processors = readJson(path.join(golden.folder, 'processors.json'));
  const where = `processors.json of ${golden.name}`;
  for (const [name, value] of Object.entries(recordOf(processors, where))) {
    const processor = parseImageProcessor(recordOf(value, `${name} in ${where}`));
    // DETR takes the batch, in which the smaller image is padded.
    const batch = processBatch(processor.pad === true ? images : images.slice(0, 1), processor);
    const values = toChannelsFirst({ shape: batch.shape, data: batch.pixels });
    if (processor.pad === true) {
      produced.add(file, `${name}/pixel_values`, values);
      const mask = { shape: batch.shape.slice(0, 3), data: BigInt64Array.from(batch.mask, BigInt) };
      produced.add(file, `${name}/pixel_mask`, mask);
    } else {
      produced.add(file, `${name}/pixel_values`, withoutBatch(values));
      produced.add(file, `${name}/pixel_values_rows_100_104`, rows(withoutBatch(values), 100, 104));
    }
  }
  const sizes = recordOf(readJson(path.join(golden.folder, 'detr-sizes.json')), 'detr-sizes.json');
  const table = Object.keys(sizes).map((key) => {
    const [height, width] = key.split('x').map(Number) as [number, number];
    return [key, sizeWithAspectRatio([height, width], 800, 1333)];
  });
  produced.json.set('detr-sizes.json', Object.fromEntries(table));
  return produced;
}

function normalized(images: RgbImage[], normalize: Normalization): PlainTensor {
  const { height, width, channels } = images[0]!;
  const pixels = new Float32Array(sizeOf([images.length, height, width, channels]));
  images.forEach((image, b) =>
    normalizeInto(image, normalize, pixels, b * height * width * channels),
  );
  return toChannelsFirst({ shape: [images.length, height, width, channels], data: pixels });
}

function withoutBatch({ shape, data }: PlainTensor): PlainTensor {
  return { shape: shape.slice(1), data };
}

// Rows from … to of a tensor [C, H, W].
function rows({ shape, data }: PlainTensor, from: number, to: number): PlainTensor {
  const [C, H, W] = shape as [number, number, number];
  const last = Math.min(to, H);
  const count = Math.max(0, last - from);
  const out = new Float32Array(C * count * W);
  for (let c = 0; c < C; c += 1) {
    const plane = (data as Float32Array).subarray((c * H + from) * W, (c * H + from + count) * W);
    out.set(plane, c * count * W);
  }
  return { shape: [C, count, W], data: out };
}
