// The colours of the published renderer: one grey, or 128 hues.

/** Hues that colour pictures run through, point after point. */
export const hues = 128;

/** The grey of a point or patch, as all three channels. */
export const grey = 127;

/**
 * The colours of a picture's indices as bytes, three each: black, then the grey or the hues.
 *
 * The hue of point i is i mod 128, with saturation and intensity 0.75. The published code orders the channels blue, green, red and
 * saves them as red, green, blue; so do we.
 *
 * Source: FractalDB-Pretrained-ResNet-PyTorch, fractal_renderer/ifs_function.py, convert_color.
 */
export function paletteOf(color: boolean): Uint8Array {
  if (!color) return Uint8Array.of(0, 0, 0, grey, grey, grey);
  const palette = new Uint8Array(3 * (hues + 1));
  for (let hue = 0; hue < hues; hue += 1) palette.set(colorOf(hue), 3 * (hue + 1));
  return palette;
}

function colorOf(hue: number): number[] {
  const [saturation, intensity] = [0.75, 0.75];
  // In the order of the published code, so that every byte is the same.
  const angle = 2 * Math.PI * (hue / hues);
  const sextant = (3 / Math.PI) * angle;
  const h = Math.floor(sextant);
  const byte = (value: number): number => Math.trunc(value * 255);
  const I = byte(intensity);
  const P = byte(intensity * (1 - saturation));
  const Q = byte(intensity * (1 - saturation * (sextant - h)));
  const T = byte(intensity * (1 - saturation * (1 - sextant + h)));
  const orders = [
    [P, T, I],
    [P, I, Q],
    [T, I, P],
    [I, Q, P],
    [I, P, T],
    [Q, P, I],
  ];
  return orders[h]!;
}
