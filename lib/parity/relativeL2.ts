// The relative L2 norm of the difference between a result and its reference.

import { compareNumbers, differs, skippedElements } from './compareTensors.ts';
import type { Difference, PlainTensor } from './compareTensors.ts';
import type { Exclusion } from './goldenCase.ts';

/**
 * The norms by which a result is compared with its reference as a whole.
 *
 * @property difference  ‖ours − ref‖, over the elements that are not left out
 * @property reference   ‖ref‖ over the same
 * @property maxAbs      the largest |ours − ref|
 */
export interface Norms {
  difference: number;
  reference: number;
  maxAbs: number;
}

/**
 * The norms of a result against its reference, in float64.
 *
 * @returns the norms, or a difference in kind: another shape, another number of elements, or not finite where the reference is
 */
export function normsOf(
  ours: PlainTensor,
  reference: PlainTensor,
  exclude: readonly Exclusion[],
): Norms | Difference {
  if (ours.shape.join() !== reference.shape.join()) {
    return differs(`shape [${ours.shape.join(', ')}], not [${reference.shape.join(', ')}]`);
  }
  const skipped = skippedElements(reference.shape, exclude);
  let [difference, norm, maxAbs] = [0, 0, 0];
  for (let i = 0; i < reference.data.length; i += 1) {
    if (skipped?.[i] === 1) continue;
    const [a, b] = [Number(ours.data[i]), Number(reference.data[i])];
    if (!Number.isFinite(a) || !Number.isFinite(b)) {
      const one = compareNumbers(a, b, { atol: 0, rtol: 0 });
      if (!one.ok) return one;
      continue;
    }
    difference += (a - b) ** 2;
    norm += b ** 2;
    maxAbs = Math.max(maxAbs, Math.abs(a - b));
  }
  return { difference: Math.sqrt(difference), reference: Math.sqrt(norm), maxAbs };
}

/** The norms of several tensors taken as one. */
export function combineNorms(parts: readonly Norms[]): Norms {
  return {
    difference: Math.hypot(...parts.map((part) => part.difference)),
    reference: Math.hypot(...parts.map((part) => part.reference)),
    maxAbs: Math.max(0, ...parts.map((part) => part.maxAbs)),
  };
}

/** Compares ‖ours − ref‖ / ‖ref‖ with a limit; where the reference is zero, the result must be zero. */
export function compareRelativeL2(
  { difference, reference, maxAbs }: Norms,
  limit: number,
): Difference {
  const relativeL2 = difference === 0 ? 0 : difference / reference;
  const measured = { maxAbs, maxRel: relativeL2, relativeL2, limit };
  if (relativeL2 <= limit) return { ok: true, ...measured };
  return { ok: false, ...measured, detail: `off by ${relativeL2} of its norm, not ≤ ${limit}` };
}
