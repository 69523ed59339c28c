// The paper of a photograph, without its shading: what is left is ink and noise.

import { boxBlur, planeLike, quantile, type Plane } from './plane.ts';

/**
 * The difference of each pixel from the paper around it, and the noise of the paper.
 *
 * @property residual  level − paper, negative where ink is darker
 * @property noise     the standard deviation of the paper's residual, at least 0.5 levels
 */
export interface FlatPaper {
  residual: Plane;
  noise: number;
}

/**
 * Subtracts the illumination of the paper.
 *
 * First a surface of second degree in x and y is fitted to all pixels; pixels far from it count little (Cauchy weights), so ink does
 * not pull it. Then what is left of the illumination, a shadow for example, is the mean of the paper's pixels around each pixel.
 */
export function flattenPaper(plane: Plane): FlatPaper {
  let residual = subtractSurface(plane);
  const radius = Math.max(2, Math.round(Math.max(plane.width, plane.height) / 10));
  for (let round = 0; round < 2; round += 1) {
    const limit = 3 * spreadOf(residual);
    const { values } = residual;
    const isPaper = planeLike(residual, (i) => (Math.abs(values[i]!) <= limit ? 1 : 0));
    const sum = blurTwice(
      planeLike(residual, (i) => values[i]! * isPaper.values[i]!),
      radius,
    );
    const weight = blurTwice(isPaper, radius).values;
    residual = planeLike(residual, (i) =>
      weight[i]! < 0.02 ? values[i]! : values[i]! - sum.values[i]! / weight[i]!,
    );
  }
  return { residual, noise: spreadOf(residual) };
}

function blurTwice(plane: Plane, radius: number): Plane {
  return boxBlur(boxBlur(plane, radius), radius);
}

// The standard deviation of most pixels: 1.4826 · the median of |value|, at least half a level.
function spreadOf({ values }: Plane): number {
  return Math.max(
    0.5,
    1.4826 *
      quantile(
        values.map((value) => Math.abs(value)),
        0.5,
      ),
  );
}

const terms = 6;

function subtractSurface(plane: Plane): Plane {
  const { width, height, values } = plane;
  const basis = (i: number): number[] => {
    const x = (2 * (i % width)) / width - 1;
    const y = (2 * Math.floor(i / width)) / height - 1;
    return [1, x, y, x * x, x * y, y * y];
  };
  // A few thousand pixels decide the surface as well as all of them.
  const step = Math.max(1, Math.round(Math.sqrt(values.length / 4000)));
  const picked: { level: number; at: number[] }[] = [];
  for (let y = step >> 1; y < height; y += step) {
    for (let x = step >> 1; x < width; x += step) {
      picked.push({ level: values[y * width + x]!, at: basis(y * width + x) });
    }
  }
  const start = quantile(values, 0.5);
  let surface = [start, 0, 0, 0, 0, 0];
  for (let round = 0; round < 12; round += 1) {
    const errors = picked.map(({ level, at }) => level - dot(surface, at));
    const scale = Math.max(1, 1.4826 * quantile(Float32Array.from(errors, Math.abs), 0.5));
    const weights = errors.map((error) => 1 / (1 + (error / scale) ** 2) ** 2);
    surface = weightedFit(picked, weights) ?? surface;
  }
  return planeLike(plane, (i) => values[i]! - dot(surface, basis(i)));
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, k) => sum + value * b[k]!, 0);
}

// Weighted least squares by its normal equations; undefined where they have no single solution.
function weightedFit(
  picked: readonly { level: number; at: number[] }[],
  weights: readonly number[],
): number[] | undefined {
  const rows = Array.from({ length: terms }, () => new Float64Array(terms + 1));
  picked.forEach(({ level, at }, n) => {
    const weight = weights[n]!;
    for (let i = 0; i < terms; i += 1) {
      const factor = weight * at[i]!;
      for (let j = 0; j < terms; j += 1) rows[i]![j]! += factor * at[j]!;
      rows[i]![terms]! += factor * level;
    }
  });
  for (let k = 0; k < terms; k += 1) {
    const pivot = rows
      .slice(k)
      .reduce((best, row) => (Math.abs(row[k]!) > Math.abs(best[k]!) ? row : best));
    const at = rows.indexOf(pivot);
    [rows[k], rows[at]] = [rows[at]!, rows[k]!];
    if (Math.abs(rows[k]![k]!) < 1e-9) return undefined;
    for (const row of rows) {
      if (row === rows[k]) continue;
      const factor = row[k]! / rows[k]![k]!;
      for (let j = k; j <= terms; j += 1) row[j]! -= factor * rows[k]![j]!;
    }
  }
  return rows.map((row, k) => row[terms]! / row[k]!);
}
