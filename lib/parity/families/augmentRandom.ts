// The random augmentation of family augment: mixes with their draws given, tables of policies, and statistics of many draws.

import path from 'node:path';
import { sizeOf } from '../../core/check.ts';
import { Rng } from '../../core/rng.ts';
import { levelArguments, type LevelContext } from '../../data/augment/levels.ts';
import { mixBatch, type Mix } from '../../data/augment/mixup.ts';
import { opNames } from '../../data/augment/ops.ts';
import { parsePolicy, type PolicyOp } from '../../data/augment/policy.ts';
import { drawCropBox } from '../../data/augment/randomCrops.ts';
import { eraseBox, randomErasing } from '../../data/augment/randomErasing.ts';
import { labelSmoothing, type BatchTransform } from '../../data/batchTransform.ts';
import { Produced } from '../family.ts';
import { GoldenFile, plainTensor, toChannelsFirst, toChannelsLast } from '../goldenTensors.ts';
import { readJson, type GoldenCase } from '../goldenCase.ts';
import { recordOf, stepsOf } from './augmentCase.ts';
import type { Batch } from '../../data/batch.ts';

interface MixLog {
  lam: number | number[];
  use_cutmix: boolean | boolean[];
  cutmix: { box_yl_yh_xl_xh: [number, number, number, number]; lam: number }[];
}

/** Every step's batch, smoothed and mixed by the draws that were recorded. */
export function mixupOutputs(golden: GoldenCase): Produced {
  const inputs = new GoldenFile(golden, 'inputs.safetensors');
  const logs = readJson(path.join(golden.folder, 'log.json')) as MixLog[];
  const produced = new Produced();
  stepsOf(golden).forEach((step, i) => {
    const { kwargs } = recordOf(step, `step ${i} of ${golden.name}`);
    const { num_classes: K, label_smoothing: smoothing = 0.1 } = kwargs as Record<string, number>;
    const batch = batchOf(inputs, K!);
    const smooth = labelSmoothing(smoothing)(batch, new Rng(0), { epoch: 0, step: 0 });
    const mixed = mixBatch(smooth, mixesOf(logs[i]!, batch.size));
    const name = String(i).padStart(2, '0');
    const file = 'outputs.safetensors';
    const shape = [batch.size, ...batch.imageShape];
    produced.add(file, `${name}/images`, toChannelsFirst({ shape, data: mixed.images }));
    produced.add(file, `${name}/targets`, { shape: [batch.size, K!], data: mixed.targets });
  });
  return produced;
}

function batchOf(inputs: GoldenFile, K: number): Batch {
  const { shape, data } = toChannelsLast(plainTensor(inputs.get('images')));
  const labels = Int32Array.from(inputs.get('labels').data as BigInt64Array, Number);
  const [size, ...imageShape] = shape;
  const targets = new Float32Array(size * K);
  labels.forEach((label, i) => (targets[i * K + label] = 1));
  const indices = Uint32Array.from(labels.keys());
  return { size, images: data, imageShape, targets, labels, indices };
}

function mixesOf({ lam, use_cutmix: useCutmix, cutmix }: MixLog, size: number): Mix[] {
  const boxes = cutmix[Symbol.iterator]();
  const mixOf = (drawn: number, cut: boolean): Mix => {
    if (drawn === 1 || !cut) return { lam: drawn };
    const { box_yl_yh_xl_xh: sides, lam: used } = boxes.next().value!;
    const [top, bottom, left, right] = sides;
    return { lam: used, box: { top, bottom, left, right } };
  };
  if (typeof lam === 'number') {
    const mix = mixOf(lam, useCutmix as boolean);
    return Array.from({ length: size }, () => mix);
  }
  const mixes = lam.map((drawn, i) => mixOf(drawn, (useCutmix as boolean[])[i]!));
  // Pairs have one draw for their two samples.
  return Array.from({ length: size }, (_, i) => mixes[i] ?? mixes[size - 1 - i] ?? { lam: 1 });
}

// A name of a table and what stands there.
type Row = [name: string, value: unknown];

/** timm's tables: policies, sets of RandAugment, and the arguments of each magnitude. */
export function policyTables(golden: GoldenCase): Produced {
  const stored = recordOf(readJson(path.join(golden.folder, 'policies.json')), golden.name);
  const hparams = (stored['hparams'] ?? {}) as Record<string, number>;
  const context: LevelContext = {
    translateConst: hparams['translate_const'] ?? 250,
    translatePct: hparams['translate_pct'] ?? 0.45,
  };
  const rowOf = ({ op, prob, magnitude, magnitudeStd }: PolicyOp) => ({
    op,
    prob,
    magnitude,
    args: levelArguments(op, magnitude, context).map((value) => [value]),
    magnitude_std: magnitudeStd,
  });
  const policies = Object.keys(recordOf(stored['policies'], 'policies')).map((name): Row => {
    const policy = parsePolicy(name);
    return [name, policy.kind === 'lists' ? policy.lists.map((list) => list.map(rowOf)) : []];
  });
  const random = Object.keys(recordOf(stored['randaugment'], 'randaugment')).map((name): Row => {
    const policy = parsePolicy(name);
    if (policy.kind !== 'random') return [name, {}];
    const { count, weights = null, ops } = policy;
    const row = { num_layers: count, replace: weights === null, choice_weights: weights };
    return [name, { ...row, ops: ops.map(rowOf) }];
  });
  const levels = opNames.map((op): Row => {
    const magnitudes = Array.from({ length: 21 }, (_, i) => i / 2);
    const outcomes = magnitudes.map((magnitude) => [
      magnitude.toFixed(1),
      levelArguments(op, magnitude, context).map((value) => [value]),
    ]);
    const plain = levelArguments(op, 5, context).length === 0;
    return [op, plain ? null : Object.fromEntries(outcomes)];
  });
  const produced = new Produced();
  produced.json.set('policies.json', {
    policies: Object.fromEntries(policies),
    randaugment: Object.fromEntries(random),
    levels: Object.fromEntries(levels),
  });
  return produced;
}

/** The given box erased, and statistics of images erased at random. */
export function erasingOutputs(golden: GoldenCase): Produced {
  const produced = new Produced();
  const input = plainTensor(new GoldenFile(golden, 'const.safetensors').get('input'));
  const [C, H, W] = input.shape as [number, number, number];
  const image = toChannelsLast({ shape: [1, C, H, W], data: input.data }).data;
  const { box_top_left_height_width: box } = recordOf(
    readJson(path.join(golden.folder, 'case.json')),
    golden.name,
  );
  const [top, left, height, width] = box as [number, number, number, number];
  eraseBox(image, [H, W, C], { top, left, height, width }, () => 0);
  const erased = toChannelsFirst({ shape: [1, H, W, C], data: image });
  produced.add('const.safetensors', 'output', { shape: [C, H, W], data: erased.data });
  const stored = recordOf(readJson(path.join(golden.folder, 'statistics.json')), golden.name);
  const rows = Object.entries(stored).map(([mode, row]) => {
    const { n } = recordOf(row, mode) as { n: number };
    return [mode, erasingStatistics(mode as 'const' | 'rand' | 'pixel', n)];
  });
  produced.json.set('statistics.json', Object.fromEntries(rows));
  return produced;
}

// Images of 48 × 64 × 3 in which 9 marks what was not erased.
function erasingStatistics(mode: 'const' | 'rand' | 'pixel', n: number): object {
  const imageShape = [48, 64, 3] as const;
  const erase: BatchTransform = randomErasing({ p: 0.25, mode });
  const untouched = 9;
  const areas: number[] = [];
  const values: number[] = [];
  let largestStd = 0;
  for (let i = 0; i < n; i += 1) {
    const images = new Float32Array(sizeOf(imageShape)).fill(untouched);
    const none = new Float32Array(0);
    const [labels, indices] = [new Int32Array(1), Uint32Array.of(i)];
    const batch = { size: 1, images, imageShape, targets: none, labels, indices };
    erase(batch, new Rng(0), { epoch: 0, step: 0 });
    const found: number[][] = [[], [], []];
    for (let k = 0; k < images.length; k += 1) {
      if (images[k] !== untouched) found[k % 3]!.push(images[k]!);
    }
    if (found[0]!.length === 0) continue;
    areas.push(found[0]!.length / (48 * 64));
    for (const channel of found) {
      for (const value of channel) values.push(value);
      largestStd = Math.max(largestStd, deviation(channel));
    }
  }
  return {
    n,
    erased_fraction: areas.length / n,
    area_mean: mean(areas),
    area_min: Math.min(...areas),
    area_max: Math.max(...areas),
    area_quantiles_10_50_90: [0.1, 0.5, 0.9].map((q) => quantile(areas, q)),
    value_mean: mean(values),
    value_std: deviation(values),
    max_std_inside_a_box_per_channel: largestStd,
  };
}

/** Statistics of boxes on an image of 256 × 192, the same distribution under both names. */
export function cropStatistics(golden: GoldenCase): Produced {
  const stored = recordOf(readJson(path.join(golden.folder, 'statistics.json')), golden.name);
  const rows = Object.entries(stored).map(([name, row]) => {
    const { n } = recordOf(row, name) as { n: number };
    const boxes = Array.from({ length: n }, (_, i) =>
      drawCropBox(
        { width: 256, height: 192 },
        { scale: [0.08, 1], ratio: [3 / 4, 4 / 3] },
        new Rng(0).split(name, i),
      ),
    );
    const areas = boxes.map(({ height, width }) => (height * width) / (256 * 192));
    const aspects = boxes.map(({ height, width }) => width / height);
    const shares = [0.05, 0.25, 0.5, 0.75, 0.95];
    return [
      name,
      {
        n,
        area_quantiles_5_25_50_75_95: shares.map((q) => quantile(areas, q)),
        aspect_w_over_h_quantiles_5_25_50_75_95: shares.map((q) => quantile(aspects, q)),
        top_mean: mean(boxes.map(({ top }) => top)),
        left_mean: mean(boxes.map(({ left }) => left)),
      },
    ];
  });
  const produced = new Produced();
  produced.json.set('statistics.json', Object.fromEntries(rows));
  return produced;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function deviation(values: readonly number[]): number {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
}

// Linear between the two nearest, as numpy's default.
function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  const at = share * (sorted.length - 1);
  const low = sorted[Math.floor(at)]!;
  return low + (sorted[Math.ceil(at)]! - low) * (at - Math.floor(at));
}
