// The damaged images of a data set: counted, listed, and an error when there are too many.

import { byCodePoint } from '../core/codePoints.ts';
import { InputError, expected } from '../core/errors.ts';

/** An image file that could not be used, and why. */
export interface BadImage {
  file: string;
  reason: string;
}

/**
 * The damaged images of a data set, counted once each.
 *
 * @property max  how many may be met before the run ends
 */
export class BadImages {
  readonly max: number;
  private readonly onFound: ((bad: BadImage) => void) | undefined;
  private readonly reasons = new Map<string, string>();

  /** @param onFound  told of each when it is met first */
  constructor(max: number, onFound?: (bad: BadImage) => void) {
    this.max = max;
    this.onFound = onFound;
  }

  /** Notes one. @throws InputError if there are more than `max`, naming the first and this one */
  add(file: string, reason: string): void {
    if (this.reasons.has(file)) return;
    this.reasons.set(file, reason);
    if (this.reasons.size <= this.max) {
      this.onFound?.({ file, reason });
      return;
    }
    const [first] = this.reasons.values();
    const found =
      this.reasons.size === 1
        ? `one: ${first}`
        : `${this.reasons.size}, the first: ${first} The last: ${reason}`;
    const remedy = 'Mend or remove the files, or raise --max-bad.';
    throw new InputError(
      expected(`at most ${this.max} damaged images`, 'the data set', found, remedy),
    );
  }

  /** Takes over those that an earlier part of the run met. */
  restore(known: readonly BadImage[]): void {
    for (const { file, reason } of known) this.reasons.set(file, reason);
  }

  /** How many there are. */
  get count(): number {
    return this.reasons.size;
  }

  /** All of them, in the order of their names, which does not depend on the number of workers. */
  list(): BadImage[] {
    const found = [...this.reasons].map(([file, reason]) => ({ file, reason }));
    return found.sort((a, b) => byCodePoint(a.file, b.file));
  }
}
