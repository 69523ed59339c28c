// The rows of the suites of attacks: each has an id, what is done, what is expected, and a function that does it.

import type { Place } from './place.ts';

/**
 * A row that is applied.
 *
 * @property id        of the list of attacks: `F07`, `B27.3` (the third case of B27), `I16-25`
 * @property expected  what is right, in words
 * @property run       does it; answers with what was seen. @throws Fault if that is not what is right, Skipped if it cannot be done here
 * @property inProcess true: it works in this process, whose backend and tensors are one, so that only one such row runs at a time
 */
export interface AppliedRow {
  id: string;
  what: string;
  expected: string;
  run: (place: Place) => Promise<string> | string;
  inProcess?: boolean;
}

/** A row that does not apply to what is built, with the reason. */
export interface AnsweredRow {
  id: string;
  what: string;
  answer: string;
}

/** A row of a suite. */
export type Row = AppliedRow | AnsweredRow;

/** Something other than the expected was seen. */
export class Fault extends Error {}

/** The row needs a right or a tool that this machine does not give. */
export class Skipped extends Error {}

/** A row that is done by a function. */
export function applied(
  id: string,
  what: string,
  expected: string,
  run: AppliedRow['run'],
): AppliedRow {
  return { id, what, expected, run };
}

/** A row that is answered in one line. */
export function answered(id: string, what: string, answer: string): AnsweredRow {
  return { id, what, answer };
}

/** Rows that are cases of one row of the list: `B27.1`, `B27.2` and so on. */
export function cases(id: string, rows: readonly ((id: string) => AppliedRow)[]): AppliedRow[] {
  return rows.map((row, i) => row(`${id}.${i + 1}`));
}

/** Throws a Fault unless the condition holds. */
export function must(condition: boolean, seen: string): asserts condition {
  if (!condition) throw new Fault(seen);
}

/** A text on one line, without control characters, of at most `most` characters. */
export function brief(text: string, most = 400): string {
  // eslint-disable-next-line no-control-regex
  const line = text.trim().replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}

/** Rows by letter and number, those of an issue last; the cases of a row stay in their order. */
export function inOrder(rows: readonly Row[]): Row[] {
  const place = (id: string): number => {
    const [, letter = '', number = ''] = /^([A-Z])(?:16-)?(\d+)/.exec(id) ?? [];
    return (letter === 'I' ? 1000 : 0) + Number(number);
  };
  return rows.toSorted((a, b) => place(a.id) - place(b.id));
}
