// Compares a tensor with its reference, element by element.

import { InputError, expected } from '../core/errors.ts';
import type { Exclusion } from './goldenCase.ts';

/**
 * A tensor in plain memory, row-major.
 *
 * @property dtype  when given, it must equal the other side's; absent for results, which are float32
 */
export interface PlainTensor {
  shape: readonly number[];
  data: ArrayLike<number> | BigInt64Array | BigUint64Array;
  dtype?: string;
}

/**
 * The result of a comparison.
 *
 * @property maxAbs  the largest |ours − ref|; Infinity where one side is not finite and the other is something else
 * @property maxRel  the largest |ours − ref| / |ref| over elements with ref ≠ 0
 * @property relativeL2, limit  in bf16: ‖ours − ref‖ / ‖ref‖, and its limit
 * @property detail  the first element out of tolerance, or what differs in kind; absent when ok
 */
export interface Difference {
  ok: boolean;
  maxAbs: number;
  maxRel: number;
  relativeL2?: number;
  limit?: number;
  detail?: string;
}

/**
 * Compares a result with its reference: same shape, and |ours − ref| ≤ atol + rtol · |ref| for every element.
 *
 * NaN and ±inf must be where the reference has the same. 64-bit integers are compared as integers.
 *
 * @param exclude  elements to leave out, by axis and range
 * @throws InputError if an exclusion does not fit the reference's shape
 */
export function compareTensors(
  ours: PlainTensor,
  reference: PlainTensor,
  { atol, rtol, exclude = [] }: { atol: number; rtol: number; exclude?: readonly Exclusion[] },
): Difference {
  const skipped = skippedElements(reference.shape, exclude);
  if (ours.shape.join() !== reference.shape.join()) {
    return differs(`shape [${ours.shape.join(', ')}], not [${reference.shape.join(', ')}]`);
  }
  if (ours.dtype !== undefined && reference.dtype !== undefined && ours.dtype !== reference.dtype) {
    return differs(`type ${ours.dtype}, not ${reference.dtype}`);
  }
  if (ours.data.length !== reference.data.length) {
    return differs(`${ours.data.length} elements, not ${reference.data.length}`);
  }
  const result: Difference = { ok: true, maxAbs: 0, maxRel: 0 };
  for (let i = 0; i < reference.data.length; i += 1) {
    if (skipped?.[i] === 1) continue;
    const one = compareNumbers(ours.data[i]!, reference.data[i]!, { atol, rtol });
    result.maxAbs = Math.max(result.maxAbs, one.maxAbs);
    result.maxRel = Math.max(result.maxRel, one.maxRel);
    if (!one.ok && result.ok) {
      result.ok = false;
      result.detail = `[${position(i, reference.shape).join(', ')}] is ${ours.data[i]}, not ${reference.data[i]}`;
    }
  }
  return result;
}

/** Compares two numbers by the same rule. */
export function compareNumbers(
  ours: number | bigint,
  reference: number | bigint,
  { atol, rtol }: { atol: number; rtol: number },
): Difference {
  const [a, b] = [Number(ours), Number(reference)];
  if (!Number.isFinite(a) || !Number.isFinite(b)) {
    return Object.is(a, b) ? { ok: true, maxAbs: 0, maxRel: 0 } : differs(`${a}, not ${b}`);
  }
  if (typeof ours === 'bigint' && typeof reference === 'bigint' && ours !== reference && a === b) {
    return {
      ok: atol >= 1,
      maxAbs: 1,
      maxRel: 1 / Math.abs(b),
      detail: `${ours}, not ${reference}`,
    };
  }
  const maxAbs = Math.abs(a - b);
  const ok = maxAbs <= atol + rtol * Math.abs(b);
  const maxRel = b === 0 ? 0 : maxAbs / Math.abs(b);
  return ok ? { ok, maxAbs, maxRel } : { ok, maxAbs, maxRel, detail: `${a}, not ${b}` };
}

/** A difference in kind, without figures. */
export function differs(detail: string): Difference {
  return { ok: false, maxAbs: Infinity, maxRel: Infinity, detail };
}

function assertExclusions(exclude: readonly Exclusion[], shape: readonly number[]): void {
  for (const range of exclude) {
    const size = shape[range.axis];
    if (size === undefined || range.to > size) {
      throw new InputError(
        expected(`a range inside shape [${shape.join(', ')}]`, 'exclude', range),
      );
    }
  }
}

/** A 1 for each element that is left out; undefined if none is. @throws InputError if a range does not fit the shape */
export function skippedElements(
  shape: readonly number[],
  exclude: readonly Exclusion[],
): Uint8Array | undefined {
  assertExclusions(exclude, shape);
  if (exclude.length === 0) return undefined;
  const skipped = new Uint8Array(shape.reduce((a, b) => a * b, 1));
  for (const { axis, from, to } of exclude) {
    const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    for (let i = 0; i < skipped.length; i += 1) {
      const along = Math.floor(i / inner) % shape[axis]!;
      if (along >= from && along < to) skipped[i] = 1;
    }
  }
  return skipped;
}

function position(flat: number, shape: readonly number[]): number[] {
  const out: number[] = [];
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    out.unshift(flat % shape[axis]!);
    flat = Math.floor(flat / shape[axis]!);
  }
  return out;
}
