// Family fractaldb: the points and pictures of given systems, the filling rates of candidates, and the weight tables.

import path from 'node:path';
import { isRecord } from '../../core/check.ts';
import { InputError, expected } from '../../core/errors.ts';
import { choicesOf, randomNumbers, withTops } from '../../fractal/choices.ts';
import { searchRules } from '../../fractal/candidates.ts';
import { filledPixels } from '../../fractal/fill.ts';
import { cumulated, ifsOf, weighted, type Ifs } from '../../fractal/ifs.ts';
import { typescriptKernels } from '../../fractal/kernels.ts';
import { makeLayout, pixelsOf } from '../../fractal/layout.ts';
import { Mt19937 } from '../../fractal/mt19937.ts';
import { drawings } from '../../fractal/options.ts';
import { flips } from '../../fractal/places.ts';
import { flipped, paint, pointMasks } from '../../fractal/paint.ts';
import { paletteOf } from '../../fractal/palette.ts';
import { choiceSeed, pictureImage } from '../../fractal/renderer.ts';
import { follow, makeTrajectory } from '../../fractal/trajectory.ts';
import { weightTable } from '../../fractal/weights.ts';
import { Produced, UnsupportedCase } from '../family.ts';
import { readJson } from '../goldenCase.ts';
import { GoldenFile } from '../goldenTensors.ts';
import type { Layout } from '../../fractal/layout.ts';
import type { CasePlan, Family } from '../family.ts';
import type { GoldenCase } from '../goldenCase.ts';

/** Renders given systems, measures candidates, and makes the weight tables; no backend takes part. */
export const fractaldb: Family = { name: 'fractaldb', plan };

function plan(golden: GoldenCase): CasePlan {
  const run = runOf(golden);
  return {
    unsupported: () => undefined,
    bf16Rule: () => ({ kind: 'stored' }),
    run: () => Promise.resolve(run()),
  };
}

// Each kind of case is known by its inputs.
function runOf(golden: GoldenCase): () => Produced {
  const compared = golden.compare.map(({ file }) => file);
  if (compared.includes('weights.json')) return () => weightTables(golden);
  if (compared.includes('candidates.safetensors')) return () => fillingRates(golden);
  if (golden.config['params_a_b_c_d_e_f_p'] === undefined) {
    throw new UnsupportedCase('this kind of fractaldb case is not known');
  }
  const instance = parseInstance(golden);
  return () => pictures(golden, instance);
}

function weightTables(golden: GoldenCase): Produced {
  const produced = new Produced();
  const file = 'weights.json';
  const stored = readJson(path.join(golden.folder, file));
  if (!isRecord(stored)) throw new InputError(expected('an object', file, stored));
  const tables = Object.keys(stored).map((width) => [width, { rows: weightTable(Number(width)) }]);
  produced.json.set(file, Object.fromEntries(tables));
  return produced;
}

function fillingRates(golden: GoldenCase): Produced {
  const produced = new Produced();
  const file = new GoldenFile(golden, 'candidates.safetensors');
  const settings = readJson(path.join(golden.folder, 'case.json')) as Record<string, unknown>;
  const threshold = Number(settings['threshold'] ?? searchRules.rate);
  const rates = [];
  for (let i = 0; file.tensors.has(`params${i}`); i += 1) {
    const ifs = systemOf(file, `params${i}`);
    const random = Float64Array.from(file.get(`rand${i}`).data as Float64Array);
    const trajectory = makeTrajectory(random.length);
    follow(ifs, choicesOf(withTops(random), ifs), trajectory);
    const pixels = filledPixels(trajectory, searchRules);
    const rate = pixels.length / searchRules.size ** 2;
    produced.add('candidates.safetensors', `pixels_yx${i}`, {
      shape: [pixels.length, 2],
      data: pixels.flat(),
    });
    rates.push({
      filling_rate: rate,
      accepted: rate >= threshold,
      maps: ifs.probabilities.length,
    });
  }
  produced.json.set('rates.json', rates);
  return produced;
}

function systemOf(file: GoldenFile, name: string): Ifs {
  const { shape, data } = file.get(name);
  const values = Array.from(data as Float64Array, Number);
  return ifsOf(Array.from({ length: shape[0]! }, (_, i) => values.slice(7 * i, 7 * i + 7)));
}

interface Instance {
  ifs: Ifs;
  points: number;
  size: number;
  pad: number;
  draw: (typeof drawings)[number];
}

function parseInstance({ config, name }: GoldenCase): Instance {
  const { params_a_b_c_d_e_f_p: rows, weights_a_to_f: weights, iteration, size, draw } = config;
  const pad = config['pad'] ?? searchRules.pad;
  const refuse = (what: string, key: string, value: unknown): never => {
    throw new InputError(expected(what, `config.${key} of ${name}`, value));
  };
  if (!Array.isArray(rows)) return refuse('a list', 'params_a_b_c_d_e_f_p', rows);
  const factors = weights ?? [1, 1, 1, 1, 1, 1];
  if (!Array.isArray(factors) || factors.length !== 6) {
    return refuse('6 numbers', 'weights_a_to_f', weights);
  }
  const whole = (value: unknown): value is number => Number.isSafeInteger(value);
  if (!whole(iteration) || iteration < 2) return refuse('an integer ≥ 2', 'iteration', iteration);
  if (!whole(size) || size < 8) return refuse('an integer ≥ 8', 'size', size);
  if (!whole(pad) || pad < 1 || 2 * pad >= size) return refuse('a smaller one', 'pad', pad);
  const drawing = drawings.find((one) => one === draw);
  if (drawing === undefined) return refuse(`one of ${drawings.join(', ')}`, 'draw', draw);
  const ifs = weighted(ifsOf(rows as number[][]), factors as number[]);
  return { ifs, points: iteration, size, pad, draw: drawing };
}

function pictures(golden: GoldenCase, { ifs, points, size, pad, draw }: Instance): Produced {
  const produced = new Produced();
  const file = new GoldenFile(golden, 'points.safetensors');
  const random = randomNumbers(new Mt19937(choiceSeed), points);
  const choices = choicesOf(random, ifs).subarray(0, points - 1);
  const trajectory = makeTrajectory(points);
  follow(ifs, choices, trajectory);
  const { count } = trajectory;
  const pixels = pixelsOf(trajectory, { size, pad });
  const tensors = {
    rand: random.numbers,
    probabilities: cumulated(ifs),
    xs: trajectory.xs.subarray(0, count),
    ys: trajectory.ys.subarray(0, count),
    pixel_x: pixels.x,
    pixel_y: pixels.y,
  };
  for (const [name, data] of Object.entries(tensors)) {
    produced.add('points.safetensors', name, { shape: [data.length], data });
  }
  const patch = draw.startsWith('patch');
  const color = draw.endsWith('color');
  const layout = makeLayout(size);
  typescriptKernels().layOut(ifs, choices, { size, pad }, patch, layout);
  const masks = new Uint16Array(layout.count + 1);
  if (patch) masks.set(masksOf(layout, file));
  else pointMasks(layout, masks);
  const painted = new Uint8Array(size * size);
  paint(layout, masks, color, painted);
  for (let flip = 0; flip < flips; flip += 1) {
    const picture = { size, indices: flipped(painted, size, flip), palette: paletteOf(color) };
    produced.images.set(`flip${flip}.png`, pictureImage(picture, 3));
  }
  return produced;
}

// The stored masks are those of all points; a layout takes those of the visible ones.
function masksOf({ visible, count }: Layout, file: GoldenFile): Uint16Array {
  const { data } = file.get('masks');
  return Uint16Array.from(visible.subarray(0, count), (point) => Number(data[point]));
}
