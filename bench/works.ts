// The works: the same for every contender, as plain data that is sent to its process as JSON.

import { gigaMacs, InputError, modelConfig, parseModelConfig } from '../lib/node.ts';
import type { VisionTransformerConfig } from '../lib/node.ts';
import type { Precision } from '../lib/node.ts';

/** The names of `--work`. `ops` is the op table, `tfjs-ops` that of TensorFlow.js's own ops. */
export const workNames = [
  'train-small', 'train-tiny', 'train-base', 'infer-small', 'infer-tiny', 'infer-base', 'gemm', 'ops', 'tfjs-ops',
] as const; // prettier-ignore
export type WorkName = (typeof workNames)[number];

/** The model fields from which a contender builds its own model; all others have timm's defaults. */
export interface ModelShape {
  imageSize: readonly number[];
  patchSize: readonly number[];
  inChannels: number;
  numClasses: number;
  embedDim: number;
  depth: number;
  numHeads: number;
}

/**
 * One piece of work.
 *
 * @property kind       train: forward, soft-target cross entropy, backward, AdamW; infer: logits; gemm: a · b; op: a row of the table
 * @property shape      of the images [B, H, W, channels], of a gemm [m, k, n], of an op its first input
 * @property flops      of one repetition, multiplications and additions counted apart; a training step counts as three forward passes
 * @property gradients  op: also the backward pass
 * @property without    contenders that have no kernel for an op
 */
export interface Work {
  name: string;
  kind: 'train' | 'infer' | 'gemm' | 'op';
  precision: Precision;
  batch: number | null;
  shape: readonly number[];
  flops: number;
  model?: ModelShape;
  gradients?: boolean;
  without?: readonly string[];
}

const smallModel = {
  imageSize: 28,
  patchSize: 4,
  inChannels: 1,
  numClasses: 10,
  embedDim: 128,
  depth: 6,
  numHeads: 8,
};
const sizes: Readonly<Record<string, { batch: number; config: () => VisionTransformerConfig }>> = {
  small: { batch: 256, config: () => parseModelConfig(smallModel) },
  tiny: { batch: 32, config: () => modelConfig('vit_tiny_patch16_224') },
  base: { batch: 8, config: () => modelConfig('vit_base_patch16_224') },
};

// The two products of tiny's and small's MLP, and the squares around the usual 1024.
const gemmShapes: readonly (readonly [number, number, number])[] = [
  [1024, 1024, 1024],
  [6304, 192, 768],
  [12800, 128, 512],
  ...[64, 128, 256, 512, 2048, 4096].map((n) => [n, n, n] as const),
];

/**
 * The works of one name. A name with a model gives one for each batch size; `gemm` one for each shape.
 *
 * @param batches  empty: the size's own (small 256, tiny 32, base 8)
 */
export function worksOf(
  name: Exclude<WorkName, 'ops' | 'tfjs-ops'>,
  { precision, batches }: { precision: Precision; batches: readonly number[] },
): Work[] {
  if (name === 'gemm') {
    return gemmShapes.map(([m, k, n]) => ({
      name,
      kind: 'gemm',
      precision,
      batch: null,
      shape: [m, k, n],
      flops: 2 * m * k * n,
    }));
  }
  const [kind, size] = name.split('-') as ['train' | 'infer', string];
  const known = sizes[size];
  if (known === undefined) throw new InputError(`Expected a work for --work, received ${name}.`);
  const config = known.config();
  const { imageSize, patchSize, inChannels, numClasses, embedDim, depth, numHeads } = config;
  const model = { imageSize, patchSize, inChannels, numClasses, embedDim, depth, numHeads };
  const once = 2e9 * gigaMacs(config) * (kind === 'train' ? 3 : 1);
  return (batches.length > 0 ? batches : [known.batch]).map((batch) => ({
    name,
    kind,
    precision,
    batch,
    shape: [batch, ...imageSize, inChannels],
    flops: once * batch,
    model,
  }));
}
