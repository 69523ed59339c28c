// Pictures that a command writes: in the format that the name of the file says.

import path from 'node:path';
import { InputError, expected } from '../core/errors.ts';
import { svgToPng } from '../figures/svgToPng.ts';

type Encoder = (svg: string, scale: number) => Promise<Uint8Array | string>;

const formats: Readonly<Record<string, Encoder>> = {
  '.png': (svg, scale) => svgToPng(svg, { scale }),
  '.svg': (svg) => Promise.resolve(svg),
};

/** Throws unless the ending of the name is that of a format that pictures are written in. @throws InputError listing them */
export function assertPictureName(file: string, flag: string): void {
  if (endingOf(file) in formats) return;
  const endings = Object.keys(formats).join(', ');
  throw new InputError(expected(`a name that ends in one of ${endings}`, flag, file));
}

/**
 * A figure in the format that the name of its file says.
 *
 * @param scale  pixels of the picture per pixel of the SVG; default 1
 * @throws InputError for another format
 */
export async function encodePicture(
  svg: string,
  { file, scale = 1 }: { file: string; scale?: number },
): Promise<Uint8Array | string> {
  assertPictureName(file, 'the picture');
  return formats[endingOf(file)]!(svg, scale);
}

function endingOf(file: string): string {
  return path.extname(file).toLowerCase();
}
