// The digit on a sheet of paper: the marks that belong together, darker or lighter than the paper.

import { componentsAbove, joined, type Box, type Component } from './components.ts';
import { boxBlur, planeLike, quantile, type Plane } from './plane.ts';
import type { FlatPaper } from './flattenPaper.ts';

/**
 * A digit on paper.
 *
 * @property ink     how much of each pixel is ink, 0 … 1; 0 outside of the digit
 * @property box     of the digit
 * @property isDark  the ink is darker than the paper
 * @property others  how many other marks there are that could be digits
 */
export interface FoundDigit {
  ink: Plane;
  box: Box;
  isDark: boolean;
  others: number;
}

// Ink stands out from the noise of the paper by this many standard deviations, and by as many levels.
const [leastSignal, leastLevels] = [6, 10];

/** The digit of a flat sheet; undefined where nothing stands out from the paper. */
export function findDigit({ residual, noise }: FlatPaper): FoundDigit | undefined {
  const smooth = boxBlur(residual, 1);
  const candidates = [-1, 1].flatMap((sign) => {
    const signal = planeLike(smooth, (i) => Math.max(0, sign * smooth.values[i]!));
    const found = marksOf(signal, noise);
    return found === undefined ? [] : [{ ...found, sign }];
  });
  const best = candidates.reduce<(typeof candidates)[number] | undefined>(
    (a, b) => (a === undefined || b.digit.mass > a.digit.mass ? b : a),
    undefined,
  );
  if (best === undefined) return undefined;
  const { digit, sign, level, others } = best;
  const ink = planeLike(residual, () => 0);
  const sharp = digit.pixels.map((at) => Math.max(0, sign * residual.values[at]!));
  // The level of whole ink, and the edge halfway to the paper.
  const full = Math.max(level, quantile(Float32Array.from(sharp), 0.6));
  digit.pixels.forEach((at) => {
    const share = (sign * (residual.values[at]! + smooth.values[at]!)) / 2 / full;
    ink.values[at] = Math.max(0, Math.min(1, (share - 0.25) / 0.5));
  });
  return { ink, box: digit.box, isDark: sign < 0, others };
}

interface Marks {
  digit: Component;
  level: number;
  others: number;
}

// The marks of one polarity that make up the digit.
function marksOf(signal: Plane, noise: number): Marks | undefined {
  // The noise of a mean of nine pixels; neighbours of a compressed photograph are not independent, hence half and not a third.
  const least = Math.max(leastSignal * 0.5 * noise, leastLevels);
  const strong = signal.values.filter((value) => value > least);
  if (strong.length < 4) return undefined;
  const level = quantile(strong, 0.75);
  const all = componentsAbove(
    signal,
    Math.max(least / 2, 0.3 * level),
    Math.max(least, 0.5 * level),
  );
  const inside = all.filter((mark) => !isEdge(mark, signal));
  const main = inside[0];
  if (main === undefined) return undefined;
  const marks = inside.filter(({ mass }) => mass >= 0.02 * main.mass);
  let digit = main;
  let rest = marks.slice(1);
  for (let more = true; more;) {
    const part = rest.find((mark) => belongs(mark, digit));
    more = part !== undefined;
    if (part === undefined) break;
    digit = joined([digit, part], signal);
    rest = rest.filter((mark) => mark !== part);
  }
  const others = rest.filter(({ mass }) => mass >= 0.2 * digit.mass).length;
  return { digit, level, others };
}

// A mark that runs along or across the picture: the edge of the paper, a ruled line, a shadow.
function isEdge({ box, pixels }: Component, { width, height }: Plane): boolean {
  const sides = [box.left === 0, box.top === 0, box.right === width, box.bottom === height];
  const touched = sides.filter(Boolean).length;
  const isLong = box.right - box.left > 0.9 * width || box.bottom - box.top > 0.9 * height;
  if (touched >= 3 || (touched >= 1 && isLong)) return true;
  return touched >= 2 && pixels.length > 0.02 * width * height;
}

// Whether a mark is a stroke of the same digit: near it, and not a second digit beside it.
function belongs(mark: Component, digit: Component): boolean {
  const [a, b] = [mark.box, digit.box];
  const size = Math.max(b.right - b.left, b.bottom - b.top);
  const gapX = Math.max(0, a.left - b.right, b.left - a.right);
  const gapY = Math.max(0, a.top - b.bottom, b.top - a.bottom);
  if (Math.hypot(gapX, gapY) > 0.2 * size) return false;
  const isTall = a.bottom - a.top > 0.6 * (b.bottom - b.top);
  return !(gapX > 0 && isTall);
}
