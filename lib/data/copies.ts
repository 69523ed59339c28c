// Copies among the images of a data set, by numbers that follow from their content.

import type { Dataset } from './dataset.ts';

/**
 * Images whose content another image before them has.
 *
 * @property count    how many there are
 * @property example  the first of them, and the image that it is a copy of
 * @property conflict the first of them whose original is of another class
 */
export interface Copies {
  count: number;
  example: readonly [copy: number, original: number] | undefined;
  conflict: readonly [copy: number, original: number] | undefined;
}

/** Finds the copies of a data set. @param keys  [n], equal for equal content */
export function findCopies(dataset: Pick<Dataset, 'label'>, keys: Float64Array): Copies {
  const first = new Map<number, number>();
  const copies: Copies = { count: 0, example: undefined, conflict: undefined };
  keys.forEach((key, i) => {
    const original = first.get(key);
    if (original === undefined) {
      first.set(key, i);
      return;
    }
    copies.count += 1;
    copies.example ??= [i, original];
    if (dataset.label(i) !== dataset.label(original)) copies.conflict ??= [i, original];
  });
  return copies;
}

/** Sentences about the copies of a data set; none where there are none. */
export function copyNotes(dataset: Pick<Dataset, 'label' | 'file'>, keys: Float64Array): string[] {
  const { count, example, conflict } = findCopies(dataset, keys);
  if (example === undefined) return [];
  const name = (index: number) => dataset.file?.(index) ?? `image ${index}`;
  const [copy, original] = example;
  const which = `${count} image${count === 1 ? ' is a copy of another' : 's are copies of others'}`;
  const notes = [
    `${which}: ${name(copy)} and ${name(original)}. Copies are kept on one side of the split.`,
  ];
  if (conflict !== undefined) {
    notes.push(
      `The same image lies in two classes: ${name(conflict[0])} and ${name(conflict[1])}. Remove one of them.`,
    );
  }
  return notes;
}
