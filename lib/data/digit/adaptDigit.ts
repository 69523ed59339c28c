// A photograph or a drawing of a digit as an image of MNIST.

import type { RgbImage } from '../../core/image.ts';
import type { AdaptedImage } from '../registry.ts';
import { invert } from '../pixels/tables.ts';
import { resizeImage } from '../resizeImage.ts';
import { digitField } from './digitField.ts';
import { findDigit, type FoundDigit } from './findDigit.ts';
import { flattenPaper } from './flattenPaper.ts';
import { lumaPlane } from './plane.ts';

// The longer side on which a digit is looked for, in pixels.
const [smallest, largest] = [112, 256];

/**
 * Finds the digit of a photograph or a drawing, and gives it as MNIST's authors normalised theirs.
 *
 * @returns 28 × 28, light on dark; where nothing stands out from the paper, the image itself, inverted if its edge is light. `note`
 *   says which
 */
export function adaptDigit(image: RgbImage): AdaptedImage {
  const found = findDigit(flattenPaper(lumaPlane(atWorkingSize(image))));
  if (found === undefined) return notFound(image);
  return { image: digitField(found), note: noteOf(found) };
}

function notFound(image: RgbImage): AdaptedImage {
  const why = 'No digit was found in the image: nothing stands out from its ground.';
  if (edgeLevel(image) <= 127) return { image, note: `${why} It is used as it is.` };
  return { image: invert(image), note: `${why} It is inverted, since its edge is light.` };
}

// The mean level of the outermost pixels, which show the paper.
function edgeLevel({ width, height, channels, data }: RgbImage): number {
  let [sum, count] = [0, 0];
  for (let y = 0; y < height; y += 1) {
    const step = y === 0 || y === height - 1 ? 1 : Math.max(1, width - 1);
    for (let x = 0; x < width; x += step) {
      sum += data[(y * width + x) * channels]!;
      count += 1;
    }
  }
  return sum / count;
}

function atWorkingSize(image: RgbImage): RgbImage {
  const longer = Math.max(image.width, image.height);
  const wanted = Math.min(largest, Math.max(smallest, longer));
  if (wanted === longer) return image;
  const sizeOf = (length: number): number => Math.max(1, Math.round((length * wanted) / longer));
  return resizeImage(
    image,
    { width: sizeOf(image.width), height: sizeOf(image.height) },
    'bicubic',
  );
}

function noteOf({ isDark, others }: FoundDigit): string {
  const polarity = isDark ? 'inverted' : 'light on dark as it is';
  const note = `The digit was found, ${polarity}, freed from the shading of the paper, and centred as in MNIST.`;
  if (others === 0) return note;
  const marks = others === 1 ? 'Another mark is' : `${others} other marks are`;
  return `${note} ${marks} left out: this model reads one digit.`;
}
