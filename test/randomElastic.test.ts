import { InputError } from '../lib/core/errors.ts';
import { Rng } from '../lib/core/rng.ts';
import { warpElastic, randomElastic } from '../lib/data/randomElastic.ts';
import { warpAffine } from '../lib/data/randomAffine.ts';
import { transformsOf } from '../lib/cli/augmentation.ts';
import { parseDataConfig } from '../lib/cli/dataset.ts';
import type { RgbImage } from '../lib/core/image.ts';

const [width, height, cells] = [14, 10, 3];
const side = cells + 3;

function picture(channels: 1 | 3): RgbImage {
  const rng = new Rng(7);
  const data = Uint8Array.from({ length: width * height * channels }, () => rng.integer(256));
  return { width, height, channels, data };
}

const points = (value: (i: number) => number) =>
  Float64Array.from({ length: side ** 2 }, (_, i) => value(i));

// The definition: the uniform cubic B-spline by Cox and de Boor's recursion, its support 0 … 4.
function spline(t: number, degree = 3): number {
  if (degree === 0) return t >= 0 && t < 1 ? 1 : 0;
  return (t * spline(t, degree - 1) + (degree + 1 - t) * spline(t - 1, degree - 1)) / degree;
}

test('the distorted image follows the splines over all control points, sampled bilinearly', () => {
  const rng = new Rng(3);
  const grid = { x: points(() => rng.uniform(-2, 2)), y: points(() => rng.uniform(-2, 2)) };
  const image = picture(3);
  const bent = warpElastic(image, grid, 40);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [u, v] = [((x + 0.5) * cells) / width, ((y + 0.5) * cells) / height];
      const at: [number, number] = [x, y];
      for (let i = 0; i < side ** 2; i += 1) {
        const weight = spline(u + 3 - (i % side)) * spline(v + 3 - Math.floor(i / side));
        at[0] += weight * grid.x[i]!;
        at[1] += weight * grid.y[i]!;
      }
      // The reference of the sampling is warpAffine by a shift that shows this place at (x, y).
      const shown = warpAffine(image, [1, 0, at[0] - x, 0, 1, at[1] - y], 40);
      for (let k = 0; k < 3; k += 1) {
        const i = (y * width + x) * 3 + k;
        // Sums in another order may round to the neighbouring level.
        expect(Math.abs(bent.data[i]! - shown.data[i]!)).toBeLessThanOrEqual(1);
      }
    }
  }
});

test('equal displacements are a shift', () => {
  const image = picture(1);
  const bent = warpElastic(image, { x: points(() => 2), y: points(() => -1) }, 9);
  // The weights sum to 1 up to rounding, which sampling turns into less than a level.
  const shifted = warpAffine(image, [1, 0, 2, 0, 1, -1], 9);
  expect(bent.data).toEqual(shifted.data);
});

test('no strength leaves the image as it is, and some depends on the stream alone', () => {
  const image = picture(1);
  expect(randomElastic({ strength: 0 })(image, new Rng(1)).data).toEqual(image.data);
  const bend = randomElastic({ strength: 0.4 });
  const first = bend(image, new Rng(1)).data;
  expect(first).not.toEqual(image.data);
  expect(bend(image, new Rng(1)).data).toEqual(first);
  expect(bend(image, new Rng(2)).data).not.toEqual(first);
});

test('the strongest distortion is one-to-one, a stronger one would not be', () => {
  const [size, cells] = [35, 4];
  const image = (value: (x: number) => number): RgbImage => ({
    width: size,
    height: size,
    channels: 1,
    data: Uint8Array.from({ length: size ** 2 }, (_, i) => value(i % size)),
  });
  // Left half to the right, right half to the left, as far as the draws may go.
  const reversals = (strength: number) => {
    const move = (strength * size) / cells;
    const x = Float64Array.from({ length: (cells + 3) ** 2 }, (_, i) =>
      i % (cells + 3) < (cells + 3) / 2 ? move : -move,
    );
    const bend = (one: RgbImage) => warpElastic(one, { x, y: new Float64Array(x.length) }).data;
    const inside = bend(image(() => 200));
    const places = bend(image((column) => 7 * column));
    // Only where nothing of the outside is mixed in.
    const whole = [...inside.keys()].filter((i) => (i + 1) % size > 0);
    return whole.filter(
      (i) => inside[i] === 200 && inside[i + 1] === 200 && places[i + 1]! < places[i]!,
    ).length;
  };
  expect(reversals(0.48)).toBe(0);
  expect(reversals(0.8)).toBeGreaterThan(0);
});

test.each([
  { strength: -0.1 },
  { strength: 0.5 },
  { strength: 0.1, cells: 0 },
  { strength: 0.1, fill: 256 },
])('refuses %p', (options) => {
  expect(() => randomElastic(options)).toThrow(InputError);
});

test('an experiment applies the elastic distortion before the affine map, and names an unknown key', () => {
  const data = { dataset: 'mnist', elastic: { strength: 0.2 }, affine: { degrees: 5 } };
  const parsed = parseDataConfig(data);
  // The keys of older configs become a list of steps.
  const trainTransforms = [
    { name: 'randomElastic', strength: 0.2 },
    { name: 'randomAffine', degrees: 5 },
  ];
  expect(parsed).toEqual({ dataset: 'mnist', trainTransforms });
  expect(parseDataConfig({ dataset: 'mnist', trainTransforms })).toEqual(parsed);
  const [bend, map] = transformsOf(parsed, { size: [28, 28], mean: [0] }).trainTransforms;
  const image = picture(1);
  expect(bend!(image, new Rng(1)).data).toEqual(
    randomElastic({ strength: 0.2 })(image, new Rng(1)).data,
  );
  expect(map!(image, new Rng(1)).data).not.toEqual(bend!(image, new Rng(1)).data);
  for (const elastic of [{ strenght: 0.2 }, { strength: 2 }, 3]) {
    expect(() => parseDataConfig({ dataset: 'mnist', elastic })).toThrow(InputError);
  }
});
