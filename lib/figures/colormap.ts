// Colour maps: the colour of a value between 0 and 1.

import { assertOneOf } from '../core/check.ts';
import { colormapTables } from './colormapTables.ts';

/**
 * The colour maps by name. `blueRed` is for values around a middle, the others for values from small to large. Of these all but `jet` are
 * perceptually uniform.
 */
export type Colormap = 'viridis' | 'inferno' | 'magma' | 'cividis' | 'blues' | 'blueRed' | 'jet';

/** Red, green, blue, 0 … 255. */
export type Rgb = readonly [number, number, number];

const hexadecimal: Readonly<Record<Colormap, string>> = colormapTables;
const tables = new Map<Colormap, Uint8Array>();

/**
 * The 256 colours of a map, 3 bytes each.
 *
 * @throws InputError if there is no map of the name
 */
export function colormapBytes(name: Colormap): Uint8Array {
  assertOneOf('colormap', name, Object.keys(hexadecimal) as Colormap[]);
  let bytes = tables.get(name);
  if (bytes === undefined) {
    const pairs = hexadecimal[name].match(/../g)!;
    bytes = Uint8Array.from(pairs, (pair) => Number.parseInt(pair, 16));
    tables.set(name, bytes);
  }
  return bytes;
}

/** The colour of a fraction, clamped to 0 … 1. */
export function colorAt(name: Colormap, fraction: number): Rgb {
  const bytes = colormapBytes(name);
  const i = 3 * Math.round(255 * Math.min(1, Math.max(0, fraction)));
  return [bytes[i]!, bytes[i + 1]!, bytes[i + 2]!];
}

/** Black or white, whichever has a contrast of more than 4.5 to the colour (WCAG 2); white where both have. */
export function textColorOn(color: Rgb): string {
  const [red, green, blue] = color.map((byte) => {
    const c = byte / 255;
    return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.183 ? '#000000' : '#ffffff';
}
