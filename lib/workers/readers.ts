// The readers of images that a worker thread knows, by the names that data sets give.

import { InputError, expected } from '../core/errors.ts';
import { makeImage, type RgbImage } from '../core/image.ts';
import type { DecodeOptions } from '../io/decodeImage.ts';
import type { FractalTasks, TaskTypes } from '../fractaldb/tasks.ts';
import type { ImageSource } from '../data/dataset.ts';

type Reader = (source: never) => Promise<RgbImage> | RgbImage;

// The parts that a reader needs are loaded with its first image.
let fractals: FractalTasks | undefined;

const readers: Readonly<Record<string, Reader>> = {
  file: async ({ file, ...options }: { file: string } & DecodeOptions) => {
    const { decodeImage } = await import('../io/decodeImage.ts');
    return decodeImage(file, options);
  },
  pixels: ({ width, height, channels, data }: RgbImage) => makeImage(width, height, channels, data),
  fractal: async ({ channels, ...task }: TaskTypes['picture']['task'] & { channels: 1 | 3 }) => {
    const { pictureImage } = await import('../fractal/renderer.ts');
    fractals ??= new (await import('../fractaldb/tasks.ts')).FractalTasks();
    return pictureImage(await fractals.run('picture', task), channels);
  },
};

/** Reads an image. @throws IoError for a file that cannot be read; InputError for a reader that is not known */
export async function readSource({ reader, ...details }: ImageSource): Promise<RgbImage> {
  const read = readers[reader];
  if (read === undefined) {
    throw new InputError(expected(Object.keys(readers).join(', '), 'the reader', reader));
  }
  return read(details as never);
}
