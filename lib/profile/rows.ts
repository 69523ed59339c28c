// The rows of a profile: spans summed by kernel and by phase, and all work.

import { enclosing, type Span } from './recorder.ts';
import { workOf, type Work } from './work.ts';

/**
 * All calls of one kernel.
 *
 * @property selfMs   time in the kernel itself; a kernel that it called has its own row
 * @property totalMs  with the kernels that it called; a call within a call of the same kernel counts once
 * @property share    of `selfMs` in the whole, 0 … 1
 * @property flops    floating-point operations of these calls, by formula; undefined for a kernel without one
 * @property bytes    of their inputs and outputs
 * @property gflops   10⁹ operations a second of `totalMs`; undefined where `flops` is, or is 0
 * @property gbps     10⁹ bytes a second of `totalMs`; undefined where there are none
 */
export interface KernelRow {
  kernel: string;
  calls: number;
  selfMs: number;
  totalMs: number;
  share: number;
  flops: number | undefined;
  bytes: number;
  gflops: number | undefined;
  gbps: number | undefined;
}

/**
 * A phase; `kernelMs` is the part of its time in which a kernel ran.
 */
export interface PhaseRow {
  phase: string;
  ms: number;
  share: number;
  kernelMs: number;
}

/** A row for each kernel, the longest first. @param ms  the whole that shares are of */
export function kernelRows(spans: readonly Span[], ms: number): KernelRow[] {
  const rows = new Map<string, KernelRow>();
  const rowOf = (kernel: string): KernelRow => {
    const fresh = { kernel, calls: 0, selfMs: 0, totalMs: 0, share: 0, flops: 0, bytes: 0 };
    const row = rows.get(kernel) ?? { ...fresh, gflops: undefined, gbps: undefined };
    rows.set(kernel, row);
    return row;
  };
  for (const span of kernelSpans(spans)) {
    const row = rowOf(span.name);
    row.calls += 1;
    row.selfMs += timeOf(span);
    const around = enclosing(span.parent, 'kernel');
    if (around !== undefined) rowOf(around.name).selfMs -= timeOf(span);
    if (isInsideItself(span)) continue;
    row.totalMs += timeOf(span);
    if (span.call === undefined) continue;
    const work = workOf(span.name, span.call);
    row.flops = sumOf(row.flops, work.flops);
    row.bytes += work.bytes;
  }
  for (const row of rows.values()) {
    row.share = row.selfMs / ms;
    row.gflops = speed(row.flops ?? 0, row.totalMs);
    row.gbps = speed(row.bytes, row.totalMs);
  }
  return [...rows.values()].sort((a, b) => b.selfMs - a.selfMs);
}

/** A row for each phase in the order of their beginnings, and `other`. @param ms  the whole that shares are of */
export function phaseRows(spans: readonly Span[], ms: number): PhaseRow[] {
  const rows = new Map<string, PhaseRow>();
  const other: PhaseRow = { phase: 'other', ms, share: 0, kernelMs: 0 };
  for (const span of spans) {
    if (span.kind === 'phase') {
      const row = rows.get(span.name) ?? { phase: span.name, ms: 0, share: 0, kernelMs: 0 };
      rows.set(span.name, row);
      row.ms += timeOf(span);
      other.ms -= timeOf(span);
    } else if (span.kind === 'kernel' && enclosing(span.parent, 'kernel') === undefined) {
      const phase = enclosing(span, 'phase');
      const row = phase === undefined ? other : rows.get(phase.name)!;
      row.kernelMs += timeOf(span);
    }
  }
  const all = [...rows.values(), other];
  for (const row of all) row.share = row.ms / ms;
  return all;
}

/** The work of all kernels. Within a kernel that has a formula nothing is counted again. */
export function totalWork(spans: readonly Span[]): Work {
  const total = { macs: 0, flops: 0, bytes: 0 };
  const counted = new Set<Span>();
  for (const span of kernelSpans(spans)) {
    const around = enclosing(span.parent, 'kernel');
    const work = span.call && workOf(span.name, span.call);
    if (around !== undefined && counted.has(around)) counted.add(span);
    else if (work?.flops !== undefined) {
      counted.add(span);
      total.macs += work.macs;
      total.flops += work.flops;
      total.bytes += work.bytes;
    }
  }
  return total;
}

/** How long a span lasted, in ms. */
export function timeOf({ start, end }: Span): number {
  return end - start;
}

function kernelSpans(spans: readonly Span[]): Span[] {
  return spans.filter(({ kind }) => kind === 'kernel');
}

function isInsideItself({ name, parent }: Span): boolean {
  for (let at = enclosing(parent, 'kernel'); at; at = enclosing(at.parent, 'kernel')) {
    if (at.name === name) return true;
  }
  return false;
}

function sumOf(a: number | undefined, b: number | undefined): number | undefined {
  return a === undefined || b === undefined ? undefined : a + b;
}

function speed(amount: number, ms: number): number | undefined {
  return amount > 0 && ms > 0 ? amount / ms / 1e6 : undefined;
}
