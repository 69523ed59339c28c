// Mixup and cutmix: the samples of a batch mixed with those at its other end.

import { drawBeta } from '../../core/beta.ts';
import { InputError, expected } from '../../core/errors.ts';
import { parseOptions } from '../../core/option.ts';
import type { Rng } from '../../core/rng.ts';
import type { Batch } from '../batch.ts';
import type { DrawNote } from '../drawNote.ts';
import type { BatchTransform } from '../batchTransform.ts';
import { mixupOptions } from '../transformOptions.ts';
import type { MixupOptions } from '../transformOptionTypes.ts';

/**
 * How a sample is mixed with its partner.
 *
 * @property lam  share of the sample in the target, and without a box in the pixels too; 1: it stays
 * @property box  rows top … bottom and columns left … right, ends excluded, that come from the partner
 */
export interface Mix {
  lam: number;
  box?: { top: number; bottom: number; left: number; right: number };
}

type FullMixupOptions = Required<Omit<MixupOptions, 'cutmixMinmax'>> &
  Pick<MixupOptions, 'cutmixMinmax'>;

/**
 * Mixup, cutmix, or one of the two by chance, with timm's options.
 *
 * Sample i of B is mixed with sample B − 1 − i: x = λ · x_i + (1 − λ) · x_j, or a box of x_j pasted into x_i; targets are mixed with
 * the same λ, for cutmix the area that stays. λ is of Beta(α, α). A sample in the middle of an odd batch stays. Targets are smoothed
 * by `labelSmoothing` before or after, which is the same.
 *
 * Source: Zhang et al. 2018 (mixup), Yun et al. 2019 (CutMix), timm/data/mixup.py.
 * @throws InputError if neither is on
 * @example new Loader({…, batchTransforms: [labelSmoothing(0.1), mixup({mixup: 0.8, cutmix: 1})]});
 */
export function mixup(options: MixupOptions = {}): BatchTransform {
  const parsed = parseOptions<FullMixupOptions>(mixupOptions, options, {
    what: 'an option of mixup',
  });
  if (parsed.mixup === 0 && parsed.cutmix === 0 && parsed.cutmixMinmax === undefined) {
    throw new InputError(expected('mixup or cutmix above 0', 'the options of mixup', options));
  }
  return (batch, rng, at) => {
    if (parsed.offEpoch > 0 && at.epoch >= parsed.offEpoch) return batch;
    const mixes = drawMixes(batch, parsed, rng);
    if (at.noteOf !== undefined) noteMixes(batch, mixes, at.noteOf);
    return mixBatch(batch, mixes);
  };
}

// Tells of each sample how it is mixed, and with the image of which index.
function noteMixes(
  { size, indices }: Batch,
  mixes: readonly Mix[],
  noteOf: (place: number) => DrawNote,
): void {
  mixes.forEach(({ lam, box }, i) => {
    const partner = size - 1 - i;
    if (lam === 1 || partner === i) return;
    const values = { lam, with: indices[partner]! };
    if (box === undefined) {
      noteOf(i)('mixup', values);
      return;
    }
    const { top, bottom, left, right } = box;
    const place = { x: left, y: top, width: right - left, height: bottom - top };
    noteOf(i)('cutmix', { ...values, ...place });
  });
}

/** Mixes the samples of a batch in place. @param mixes  one for each sample */
export function mixBatch(batch: Batch, mixes: readonly Mix[]): Batch {
  const { size, images, targets, imageShape } = batch;
  const [pixels, K] = [images.length / size, targets.length / size];
  for (let i = 0; i < size / 2; i += 1) {
    const j = size - 1 - i;
    if (i === j) continue;
    const [xi, xj] = [i, j].map((k) => images.subarray(k * pixels, (k + 1) * pixels));
    const [ti, tj] = [i, j].map((k) => targets.subarray(k * K, (k + 1) * K));
    const before = { x: xi!.slice(), t: ti!.slice() };
    mixInto(xi!, xj!, mixes[i]!, imageShape);
    blendInto(ti!, tj!, mixes[i]!.lam);
    mixInto(xj!, before.x, mixes[j]!, imageShape);
    blendInto(tj!, before.t, mixes[j]!.lam);
  }
  return batch;
}

function mixInto(
  x: Float32Array,
  other: Float32Array,
  { lam, box }: Mix,
  [, width, channels]: readonly [number, number, number],
): void {
  if (box === undefined) {
    blendInto(x, other, lam);
    return;
  }
  for (let y = box.top; y < box.bottom; y += 1) {
    const from = (y * width + box.left) * channels;
    x.set(other.subarray(from, from + (box.right - box.left) * channels), from);
  }
}

function blendInto(x: Float32Array, other: Float32Array, lam: number): void {
  if (lam === 1) return;
  for (let i = 0; i < x.length; i += 1) x[i] = x[i]! * lam + other[i]! * (1 - lam);
}

/** The mixes of a batch's samples, drawn by its options. */
export function drawMixes(
  { size, imageShape }: Pick<Batch, 'size' | 'imageShape'>,
  options: FullMixupOptions,
  rng: Rng,
): Mix[] {
  const draw = (key: number) => drawMix(imageShape, options, rng.split(key));
  if (options.mode === 'batch') {
    const mix = draw(0);
    return Array.from({ length: size }, () => mix);
  }
  // Both of a pair have the mix of the first one.
  const firstOf = (i: number) => (options.mode === 'pair' ? Math.min(i, size - 1 - i) : i);
  return Array.from({ length: size }, (_, i) => draw(firstOf(i)));
}

function drawMix(
  imageShape: readonly [number, number, number],
  { mixup: alpha, cutmix, cutmixMinmax, prob, switchProb, correctLam }: FullMixupOptions,
  rng: Rng,
): Mix {
  if (!rng.bernoulli(prob)) return { lam: 1 };
  // With sides of the box given, α of cutmix is 1, as in timm.
  const cutAlpha = cutmixMinmax === undefined ? cutmix : 1;
  const both = alpha > 0 && cutAlpha > 0;
  const cut = both ? rng.bernoulli(switchProb) : cutAlpha > 0;
  const lam = cut ? drawBeta(rng, cutAlpha, cutAlpha) : drawBeta(rng, alpha, alpha);
  if (!cut || lam === 1) return { lam };
  const [height, width] = imageShape;
  const [top, bottom] = drawSide(height, lam, cutmixMinmax, rng);
  const [left, right] = drawSide(width, lam, cutmixMinmax, rng);
  const area = ((bottom - top) * (right - left)) / (height * width);
  const box = { top, bottom, left, right };
  return { lam: correctLam || cutmixMinmax !== undefined ? 1 - area : lam, box };
}

// One dimension of a box: its first pixel, and the one after its last.
function drawSide(
  length: number,
  lam: number,
  minmax: readonly [number, number] | undefined,
  rng: Rng,
): [number, number] {
  if (minmax !== undefined) {
    const [least, most] = minmax.map((share) => Math.trunc(length * share)) as [number, number];
    const side = least + rng.integer(Math.max(1, most - least));
    const start = rng.integer(Math.max(1, length - side));
    return [start, Math.min(length, start + side)];
  }
  const side = Math.trunc(length * Math.sqrt(1 - lam));
  const centre = rng.integer(length);
  const start = Math.max(0, centre - Math.floor(side / 2));
  return [start, Math.min(length, centre + Math.floor((side + 1) / 2))];
}
