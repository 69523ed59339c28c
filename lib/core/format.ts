// Text for people: fractions and class names, written the same in messages, tables and figures.

// Control characters, separators of lines, and the marks that turn the direction of what follows them.
// eslint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Text without control characters: escape codes in the name of a file or class must not reach a terminal. */
export function printable(text: string): string {
  return text.replace(unprintable, '?');
}

/** `printable` for text of several lines and columns: line breaks and tabs stay. */
export function printableLines(text: string): string {
  return text.replace(unprintable, (found) => (found === '\n' || found === '\t' ? found : '?'));
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

// ImageNet's longest name has 121 characters.
const maxLabelLength = 200;

/** The name of a class as a person reads it, printable and at most 200 characters; `class 7` where it has none. */
export function classLabel(index: number, classNames?: readonly string[]): string {
  return printable(shorten(classNames?.[index] ?? `class ${index}`, maxLabelLength));
}
