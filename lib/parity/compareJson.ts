// Compares a JSON value with its reference.

import { isRecord } from '../core/check.ts';
import { InputError } from '../core/errors.ts';
import { compareNumbers, differs } from './compareTensors.ts';
import { stepInto } from './jsonPath.ts';
import type { Difference } from './compareTensors.ts';
import type { PathStep } from './jsonPath.ts';

interface Tolerances {
  atol: number;
  rtol: number;
}

/**
 * Compares every value that the path reaches in the reference with the one at the same place in ours.
 *
 * Numbers by |ours − ref| ≤ atol + rtol · |ref|; strings, booleans and null equal; arrays of the same length and objects with
 * the same keys, member by member. The strings "inf", "-inf" and "nan" stand for those numbers.
 *
 * @throws InputError if the path reaches nothing in the reference, which makes the case invalid
 */
export function compareJson(
  ours: unknown,
  reference: unknown,
  steps: readonly PathStep[],
  tolerances: Tolerances,
): Difference {
  return walk(ours, reference, steps, '', tolerances);
}

function walk(
  ours: unknown,
  reference: unknown,
  steps: readonly PathStep[],
  at: string,
  tolerances: Tolerances,
): Difference {
  const [step, ...rest] = steps;
  if (step === undefined) return compareValues(ours, reference, at, tolerances);
  if (step === 'each') {
    return members(ours, reference, at, (a, b, where) => walk(a, b, rest, where, tolerances));
  }
  const wanted = stepInto(reference, step);
  const where = 'index' in step ? `${at}[${step.index}]` : `${at}.${step.member}`;
  if (wanted === undefined) {
    throw new InputError(`Expected a value at ${where} of the reference, received none.`);
  }
  return walk(stepInto(ours, step), wanted, rest, where, tolerances);
}

function compareValues(
  ours: unknown,
  reference: unknown,
  at: string,
  tolerances: Tolerances,
): Difference {
  if (ours === undefined) return differs(`${at} was not produced`);
  if (typeof reference === 'object' && reference !== null) {
    return members(ours, reference, at, (a, b, where) => compareValues(a, b, where, tolerances));
  }
  const [a, b] = [asNumber(ours), asNumber(reference)];
  if (a !== undefined && b !== undefined) return located(compareNumbers(a, b, tolerances), at);
  if (ours === reference) return { ok: true, maxAbs: 0, maxRel: 0 };
  return differs(`${at} is ${JSON.stringify(ours)}, not ${JSON.stringify(reference)}`);
}

function members(
  ours: unknown,
  reference: unknown,
  at: string,
  compare: (ours: unknown, reference: unknown, where: string) => Difference,
): Difference {
  if (Array.isArray(reference)) {
    if (!Array.isArray(ours)) return differs(`${at} is no list`);
    if (ours.length !== reference.length) {
      return differs(`${at} has ${ours.length} elements, not ${reference.length}`);
    }
    return worst(reference.map((item, i) => compare(ours[i], item, `${at}[${i}]`)));
  }
  if (typeof reference !== 'object' || reference === null) {
    throw new InputError(`Expected a list or an object at ${at || 'the top'} of the reference.`);
  }
  if (!isRecord(ours)) {
    return differs(`${at} is no object`);
  }
  const keys = Object.keys(reference);
  const missing = keys.find((key) => !Object.hasOwn(ours, key));
  if (missing !== undefined) return differs(`${at}.${missing} was not produced`);
  const extra = Object.keys(ours).find((key) => !Object.hasOwn(reference, key));
  if (extra !== undefined) return differs(`${at}.${extra} is not in the reference`);
  return worst(
    keys.map((key) =>
      compare(
        stepInto(ours, { member: key }),
        stepInto(reference, { member: key }),
        `${at}.${key}`,
      ),
    ),
  );
}

function worst(parts: readonly Difference[]): Difference {
  const result: Difference = { ok: true, maxAbs: 0, maxRel: 0 };
  for (const part of parts) {
    result.maxAbs = Math.max(result.maxAbs, part.maxAbs);
    result.maxRel = Math.max(result.maxRel, part.maxRel);
    if (!part.ok && result.ok) {
      result.ok = false;
      if (part.detail !== undefined) result.detail = part.detail;
    }
  }
  return result;
}

function located(difference: Difference, at: string): Difference {
  return difference.detail === undefined
    ? difference
    : { ...difference, detail: `${at || 'value'} is ${difference.detail}` };
}

const nonFinite = new Map<unknown, number>([
  ['inf', Infinity],
  ['-inf', -Infinity],
  ['nan', NaN],
]);

function asNumber(value: unknown): number | undefined {
  return typeof value === 'number' ? value : nonFinite.get(value);
}
