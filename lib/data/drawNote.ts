// The notes that transforms take of what they drew.

/** A drawn value: a number, a choice, or whether something happened. */
export type DrawnValue = number | string | boolean;

/**
 * Is told the name of a transform and the values that it drew, in the order of application.
 *
 * A transform calls it only where it is given one, `note?.(…)`, so that training does no work for it.
 */
export type DrawNote = (name: string, values: Readonly<Record<string, DrawnValue>>) => void;

/** One note: a transform that was applied, and what it drew. */
export interface Drawn {
  readonly name: string;
  readonly values: Readonly<Record<string, DrawnValue>>;
}

/** A note in a line: `Rotate -12.3`, `randomResizedCrop top 3, left 10, height 40, width 52`. */
export function drawnText({ name, values }: Drawn): string {
  const entries = Object.entries(values);
  const [only] = entries;
  if (entries.length === 1 && only?.[0] === 'value') return `${name} ${short(only[1])}`;
  if (entries.length === 0) return name;
  return `${name} ${entries.map(([key, value]) => `${key} ${short(value)}`).join(', ')}`;
}

function short(value: DrawnValue): string {
  if (typeof value !== 'number' || Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(3)));
}
