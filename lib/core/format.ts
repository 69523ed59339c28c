// Text for people: fractions and class names, written the same in messages, tables and figures.

/** Text without control characters: escape codes in the name of a file or class must not reach a terminal. */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex
  return text.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?');
}

/** Text of at most `most` characters; a longer one is cut, with `…` at its end. */
export function shorten(text: string, most: number): string {
  // Cut before it is taken apart, because a text of a file may be very long.
  const characters = [...text.slice(0, 2 * most + 2)];
  if (characters.length <= most) return text;
  return `${characters
    .slice(0, most - 1)
    .join('')
    .trimEnd()}…`;
}

/** A fraction as a percentage, with the decimals asked for: `percent(0.125)` is `12.5 %`. */
export function percent(fraction: number, decimals = 1): string {
  return `${(fraction * 100).toFixed(decimals)} %`;
}

/** The name of a class; `class 7` where it has none. */
export function classLabel(index: number, classNames?: readonly string[]): string {
  return classNames?.[index] ?? `class ${index}`;
}
