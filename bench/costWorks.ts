// The works of `npm run bench:cost`: a small model that grows along one axis at a time.

import { gigaMacs, parseModelConfig } from '../lib/node.ts';
import type { Precision } from '../lib/node.ts';
import type { Work } from './works.ts';

/** The axes: images in a batch, tokens of an image, width C, blocks L. */
export const costAxes = ['batch', 'tokens', 'width', 'depth'] as const;
export type CostAxis = (typeof costAxes)[number];

/** Training or inference of a model at one point of an axis; `value` is its position. */
export interface CostPoint {
  axis: CostAxis;
  value: number;
  batch: number;
  tokens: number;
  width: number;
  depth: number;
  work: Work;
}

const patch = 4;
const headDim = 32;

// The number of tokens is given by rows of patches: 8 × 8 … 64 × 64, and the class token.
interface Size {
  batch: number;
  rows: number;
  width: number;
  depth: number;
}

/**
 * The model that grows. Inference has more images than training, so that its memory stands out from the libraries'; along the
 * axis of tokens there are fewer, as cost grows with their square, and along that of the batch `inferBatches` times as many.
 */
export const costBase = {
  batch: { train: 8, infer: 64 },
  batchOfTokens: { train: 2, infer: 8 },
  inferBatches: 4,
  rows: 8,
  width: 128,
  depth: 4,
} as const;

const grids: Readonly<Record<CostAxis, { full: readonly number[]; quick: readonly number[] }>> = {
  batch: { full: [1, 4, 16, 32, 64, 128, 256], quick: [16, 64, 256] },
  tokens: { full: [8, 12, 16, 24, 32, 48, 64], quick: [16, 32, 48] },
  width: { full: [32, 64, 128, 256, 512], quick: [64, 128, 256] },
  depth: { full: [1, 2, 4, 8, 16], quick: [2, 4, 8] },
};

/** The points of an axis, training then inference, small to large. */
export function costPoints(
  axis: CostAxis,
  { precision, quick }: { precision: Precision; quick: boolean },
): CostPoint[] {
  const { batch, batchOfTokens, rows, width, depth } = costBase;
  const batches = axis === 'tokens' ? batchOfTokens : batch;
  const key = axis === 'tokens' ? 'rows' : axis;
  return (['train', 'infer'] as const).flatMap((kind) =>
    grids[axis][quick ? 'quick' : 'full'].map((value) => {
      const base: Size = { batch: batches[kind], rows, width, depth };
      const times = axis === 'batch' && kind === 'infer' ? costBase.inferBatches : 1;
      return pointOf(axis, kind, { ...base, [key]: times * value }, precision);
    }),
  );
}

function pointOf(
  axis: CostAxis,
  kind: 'train' | 'infer',
  { batch, rows, width, depth }: Size,
  precision: Precision,
): CostPoint {
  const model = {
    imageSize: [patch * rows, patch * rows],
    patchSize: [patch, patch],
    inChannels: 1,
    numClasses: 10,
    embedDim: width,
    depth,
    numHeads: width / headDim,
  };
  const [side] = model.imageSize as [number, number];
  const config = parseModelConfig({ ...model, imageSize: side, patchSize: patch });
  const at = { batch, tokens: rows * rows + 1, width, depth };
  const work: Work = {
    name: `${kind} ${axis} ${at[axis]}`,
    kind,
    precision,
    batch,
    shape: [batch, side, side, 1],
    flops: 2e9 * gigaMacs(config) * batch * (kind === 'train' ? 3 : 1),
    model,
  };
  return { axis, value: at[axis], ...at, work };
}
