// Paths into a JSON value.

import { isRecord } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';

/** One step of a path: into a member, into an element, or into every one of either. */
export type PathStep = { member: string } | { index: number } | 'each';

/**
 * Parses a path into a JSON value: names joined by dots, `["any name"]`, `[n]`, `[*]`.
 *
 * @throws InputError naming the path and the place of the first character that fits no step
 *
 * @example
 * parsePath('steps[*].loss');   // [{member: 'steps'}, 'each', {member: 'loss'}]
 */
export function parsePath(text: string): PathStep[] {
  const steps: PathStep[] = [];
  const name = /[^.[\]"]+/y;
  const bracket = /\[(?:(\*)|(\d+)|("(?:[^"\\]|\\.)*"))\]/y;
  let at = 0;
  const fail = (): never => {
    throw new InputError(
      expected('names joined by dots, ["any name"], [n] or [*]', `character ${at} of a path`, text),
    );
  };
  while (at < text.length) {
    if (text[at] === '[') {
      bracket.lastIndex = at;
      const match = bracket.exec(text) ?? fail();
      const [whole, star, index, quoted] = match;
      if (star !== undefined) steps.push('each');
      else if (index !== undefined) steps.push({ index: Number(index) });
      else steps.push({ member: unquote(quoted ?? '') ?? fail() });
      at += whole.length;
      continue;
    }
    if (steps.length > 0) {
      if (text[at] !== '.') fail();
      at += 1;
    }
    name.lastIndex = at;
    const match = name.exec(text) ?? fail();
    steps.push({ member: match[0] });
    at += match[0].length;
  }
  if (steps.length === 0) fail();
  return steps;
}

function unquote(quoted: string): string | undefined {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    return undefined;
  }
}

/**
 * The value one step below; `undefined` when there is none.
 *
 * Only an object's own members count, so a member called `__proto__` or `constructor` reaches what the file says.
 */
export function stepInto(value: unknown, step: { member: string } | { index: number }): unknown {
  if ('index' in step) return Array.isArray(value) ? (value[step.index] as unknown) : undefined;
  if (!isRecord(value)) return undefined;
  return Object.hasOwn(value, step.member)
    ? (value as Record<string, unknown>)[step.member]
    : undefined;
}
