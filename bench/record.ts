// One result line of `npm run bench -- --json FILE`.

import type { Measured } from './measure.ts';
import type { Precision } from '../lib/node.ts';
import type { Work } from './works.ts';

/**
 * The measurement of one contender in one work.
 *
 * @property batch            null for op
 * @property shape            of the images [B, H, W, channels], of a gemm [m, k, n], of an op its first input
 * @property imagesPerSecond  null for op
 * @property gflops           10⁹ operations a second, multiplications and additions counted apart; a training step counts as three
 *                            forward passes, an op with gradients, or of TensorFlow.js's table, not at all (null)
 * @property peakRssBytes     peak memory of the process while it worked; gemm and op: over all of them so far
 * @property isa              the instruction set that native says it uses; for the others the processor's widest
 */
export interface BenchRecord {
  work: string;
  mode: 'train' | 'infer' | 'op';
  precision: Precision;
  batch: number | null;
  shape: readonly number[];
  threads: number;
  rounds: number;
  contender: string;
  medianMs: number;
  p25Ms: number;
  p75Ms: number;
  imagesPerSecond: number | null;
  gflops: number | null;
  peakRssBytes: number;
  processor: string;
  isa: string;
  versions: Record<string, string>;
}

/** The fields that all lines of a run share. */
export interface RunFacts {
  threads: number;
  rounds: number;
  processor: string;
  isa: string;
}

/** The line of a measurement. */
export function recordOf(work: Work, measured: Measured, facts: RunFacts): BenchRecord {
  const { median, p25, p75, contender, peakRssBytes, ready } = measured;
  const isOp = work.kind === 'gemm' || work.kind === 'op';
  return {
    work: work.gradients === true ? `${work.name} + gradients` : work.name,
    mode: isOp ? 'op' : (work.kind as 'train' | 'infer'),
    precision: work.precision,
    batch: work.batch,
    shape: work.shape,
    threads: facts.threads,
    rounds: facts.rounds,
    contender,
    medianMs: median,
    p25Ms: p25,
    p75Ms: p75,
    imagesPerSecond: work.batch === null ? null : (1000 * work.batch) / median,
    gflops: work.gradients === true || work.flops === 0 ? null : work.flops / median / 1e6,
    peakRssBytes,
    processor: facts.processor,
    isa: ready.isa ?? facts.isa,
    versions: ready.versions,
  };
}
