// A found digit in MNIST's field: 20 × 20 pixels at most, its centre of mass in the middle of 28 × 28.

import type { RgbImage } from '../../core/image.ts';
import { resizeImage } from '../resizeImage.ts';
import { distanceTo } from './distance.ts';
import { greyImage, planeLike, type Plane } from './plane.ts';
import type { FoundDigit } from './findDigit.ts';

const [field, box] = [28, 20];

// The width of strokes in the 20 × 20 box that MNIST's digits mostly have, by the estimate of `strokeWidth`.
const [thinnest, thickest] = [1.9, 4];

/**
 * The digit as MNIST's authors normalised theirs.
 *
 * The longer side of the digit becomes 20 pixels and the centre of mass comes to the middle of the field. Strokes of a width that
 * MNIST's pens do not have are made thicker or thinner first.
 *
 * Source: LeCun, Cortes, Burges, "The MNIST database of handwritten digits" (1998).
 */
export function digitField({ ink, box: found }: FoundDigit): RgbImage {
  const margin = Math.ceil(Math.max(found.right - found.left, found.bottom - found.top) / 6);
  const cut = crop(
    ink,
    found.left - margin,
    found.top - margin,
    found.right + margin,
    found.bottom + margin,
  );
  const drawn = withUsualStroke(cut);
  const { left, top, right, bottom } = extentOf(drawn);
  const scale = box / Math.max(right - left, bottom - top);
  const width = Math.max(1, Math.round((right - left) * scale));
  const height = Math.max(1, Math.round((bottom - top) * scale));
  const whole = greyImage(scaled(crop(drawn, left, top, right, bottom), 255));
  return centred(resizeImage(whole, { width, height }, 'bilinear'));
}

function scaled(plane: Plane, factor: number): Plane {
  return planeLike(plane, (i) => factor * plane.values[i]!);
}

function withUsualStroke(ink: Plane): Plane {
  const isInk = planeLike(ink, (i) => (ink.values[i]! >= 0.5 ? 1 : 0));
  const isPaper = planeLike(ink, (i) => 1 - isInk.values[i]!);
  const inside = distanceTo(isPaper);
  const { left, top, right, bottom } = extentOf(ink);
  const scale = box / Math.max(right - left, bottom - top);
  const width = strokeWidth(inside) * scale;
  if (width > 0 && width < thinnest) {
    const radius = (thinnest - width) / 2 / scale;
    const outside = distanceTo(isInk);
    return planeLike(ink, (i) =>
      Math.max(ink.values[i]!, clamp(radius + 0.5 - outside.values[i]!)),
    );
  }
  if (width > thickest) {
    const radius = (width - thickest) / 2 / scale;
    return planeLike(ink, (i) => Math.min(ink.values[i]!, clamp(inside.values[i]! - radius + 0.5)));
  }
  return ink;
}

// Four times the mean distance of ink from paper: over a straight stroke of width w that distance is w / 4.
function strokeWidth({ values }: Plane): number {
  let [sum, count] = [0, 0];
  for (const value of values) {
    if (value <= 0) continue;
    sum += value - 0.5;
    count += 1;
  }
  return count === 0 ? 0 : (4 * sum) / count + 0.5;
}

// The part of a plane in a rectangle, which may reach beyond it.
function crop(
  { width, height, values }: Plane,
  left: number,
  top: number,
  right: number,
  bottom: number,
): Plane {
  const size = { width: right - left, height: bottom - top };
  const out = new Float32Array(size.width * size.height);
  for (let y = 0; y < size.height; y += 1) {
    for (let x = 0; x < size.width; x += 1) {
      const [u, v] = [x + left, y + top];
      const isInside = u >= 0 && v >= 0 && u < width && v < height;
      if (isInside) out[y * size.width + x] = values[v * width + u]!;
    }
  }
  return { ...size, values: out };
}

function extentOf({ width, height, values }: Plane): {
  left: number;
  top: number;
  right: number;
  bottom: number;
} {
  let [left, top, right, bottom] = [width, height, 0, 0];
  values.forEach((value, i) => {
    if (value < 0.3) return;
    const [x, y] = [i % width, Math.floor(i / width)];
    [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
    [top, bottom] = [Math.min(top, y), Math.max(bottom, y + 1)];
  });
  return left < right
    ? { left, top, right, bottom }
    : { left: 0, top: 0, right: width, bottom: height };
}

function centred({ width, height, data }: RgbImage): RgbImage {
  let [mass, sumX, sumY] = [1e-9, 0, 0];
  data.forEach((level, i) => {
    mass += level;
    sumX += level * ((i % width) + 0.5);
    sumY += level * (Math.floor(i / width) + 0.5);
  });
  const place = (centre: number, length: number): number =>
    Math.max(0, Math.min(field - length, Math.round(field / 2 - centre)));
  const [left, top] = [place(sumX / mass, width), place(sumY / mass, height)];
  const most = data.reduce((a, b) => Math.max(a, b), 1);
  const out = new Uint8Array(field * field);
  data.forEach((level, i) => {
    out[(top + Math.floor(i / width)) * field + left + (i % width)] = Math.round(
      (level * 255) / most,
    );
  });
  return { width: field, height: field, channels: 1, data: out };
}

function clamp(value: number): number {
  return Math.max(0, Math.min(1, value));
}
