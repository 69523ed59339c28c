// The kinds of images that a model can be asked about, as plain bytes.

import type * as tf from '@tensorflow/tfjs';
import { InputError, expected } from '../core/errors.ts';
import { assertBytes, assertImage, makeImage, type RgbImage } from '../core/image.ts';
import { flattenAlpha } from '../data/flattenAlpha.ts';
import { greyOf, rgbOfGrey } from '../data/pixels/luma.ts';

/** Pixels as a canvas gives them: RGBA, 0 … 255. */
export type PixelData = Pick<ImageData, 'width' | 'height' | 'data'>;

/**
 * An image for `predict`.
 *
 * - a tensor [H, W], [H, W, C] or [1, H, W, C], C = 1 or 3, not normalised; as `tf.browser.toPixels` has it: int32 from 0 to 255, or
 *   float32 from 0 to 1
 * - an `RgbImage`
 * - in a browser `ImageData`, an image, canvas or video element, or an `ImageBitmap`
 */
export type ImageInput = tf.Tensor | RgbImage | PixelData | PixelSource;

/** An element of a page that shows pixels, or a bitmap. */
export type PixelSource =
  HTMLImageElement | HTMLCanvasElement | HTMLVideoElement | OffscreenCanvas | ImageBitmap;

const maxPixels = 50_000_000;

/**
 * An image of any kind as plain bytes of so many channels. Transparency is laid on white, as in `decodeImage`.
 *
 * @throws InputError naming what is wrong: another kind, a level out of range with its index, more than 50 million pixels
 */
export async function imageOf(image: unknown, channels: 1 | 3): Promise<RgbImage> {
  const found = await plainImage(image);
  return channels === 1 ? greyOf(found) : rgbOfGrey(found);
}

async function plainImage(image: unknown): Promise<RgbImage> {
  if (typeof image !== 'object' || image === null) throw unknownKind(image);
  if ('shape' in image && 'dtype' in image) return ofTensor(image as tf.Tensor);
  if ('channels' in image) {
    assertImage('image', image);
    return image;
  }
  if ('data' in image && 'width' in image) return ofPixelData(image as PixelData);
  if ('width' in image && 'height' in image) return ofPixelData(drawn(image as PixelSource));
  throw unknownKind(image);
}

function unknownKind(image: unknown): InputError {
  const what = 'a tensor, an RgbImage, ImageData or an element with pixels';
  const remedy = "A file is read by predict of 'tfjs-vit/node'.";
  return new InputError(expected(what, 'image', image, remedy));
}

async function ofTensor(tensor: tf.Tensor): Promise<RgbImage> {
  if (tensor.isDisposed) throw new InputError(expected('a tensor', 'image', 'a disposed one'));
  const { shape, dtype } = tensor;
  const [height = 0, width = 0, channels = 1] =
    shape.length === 4 && shape[0] === 1 ? shape.slice(1) : shape;
  const fits =
    (shape.length === 2 || shape.length === 3 || (shape.length === 4 && shape[0] === 1)) &&
    height > 0 &&
    width > 0 &&
    (channels === 1 || channels === 3);
  if (!fits) {
    const remedy = 'Give one image; in front of the model alone may be a batch of 1.';
    throw new InputError(
      expected('[H, W], [H, W, 1] or [H, W, 3]', 'the shape of image', shape, remedy),
    );
  }
  assertPixels(width, height);
  if (dtype !== 'int32' && dtype !== 'float32') {
    throw new InputError(expected('int32 or float32', 'the dtype of image', dtype));
  }
  const most = dtype === 'int32' ? 255 : 1;
  const values = await tensor.data();
  const bytes = new Uint8Array(values.length);
  values.forEach((value, i) => {
    if (!(value >= 0 && value <= most)) {
      const remedy = 'Give levels as tf.browser.toPixels takes them, and not normalised.';
      const what = `a level from 0 to ${most} (${dtype})`;
      throw new InputError(expected(what, `element ${i} of image`, value, remedy));
    }
    bytes[i] = Math.round((value * 255) / most);
  });
  return makeImage(width, height, channels as 1 | 3, bytes);
}

function ofPixelData({ width, height, data: given }: PixelData): RgbImage {
  assertPixels(width, height);
  const data: unknown = given;
  assertBytes('image data', data);
  if (data.length !== 4 * width * height) {
    throw new InputError(expected(`${4 * width * height} bytes, RGBA`, 'image data', data.length));
  }
  return flattenAlpha(data, { width, height, channels: 4 });
}

// The pixels that an element shows, at its own size and not that of the page.
function drawn(element: PixelSource): PixelData {
  const { naturalWidth, naturalHeight, videoWidth, videoHeight } = element as Partial<
    HTMLImageElement & HTMLVideoElement
  >;
  const width = naturalWidth ?? videoWidth ?? element.width;
  const height = naturalHeight ?? videoHeight ?? element.height;
  if (width === 0 || height === 0) {
    const remedy = 'Wait until it is loaded: await image.decode().';
    throw new InputError(expected('an element with pixels', 'image', 'an empty one', remedy));
  }
  assertPixels(width, height);
  const context = canvasContext(width, height);
  try {
    context.drawImage(element, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  } catch (cause) {
    const remedy = 'Its page must allow others to read it (CORS); set crossOrigin.';
    const message = expected('readable pixels', 'image', 'an element of another origin', remedy);
    throw new InputError(message, { cause });
  }
}

function canvasContext(
  width: number,
  height: number,
): CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D {
  if (typeof OffscreenCanvas !== 'undefined') {
    return new OffscreenCanvas(width, height).getContext('2d')!;
  }
  if (typeof document === 'undefined') throw unknownKind({ width, height });
  const canvas = document.createElement('canvas');
  [canvas.width, canvas.height] = [width, height];
  return canvas.getContext('2d')!;
}

function assertPixels(width: unknown, height: unknown): void {
  const sound = [width, height].every(
    (length) => Number.isSafeInteger(length) && Number(length) > 0,
  );
  if (sound && Number(width) * Number(height) <= maxPixels) return;
  const what = `sides from 1, and at most ${maxPixels} pixels`;
  throw new InputError(expected(what, 'image', `${String(width)} × ${String(height)}`));
}
