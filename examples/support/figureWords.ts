// The command line of a script that draws a figure: its own words win over the defaults.

import path from 'node:path';

/**
 * The words of this process with `defaults` for the flags that it does not give, and the figure in FOLDER, the first word, or in imgs/.
 *
 * @param file      the name of the figure
 * @param defaults  values of flags: `{ image: 'data/digit.png' }`
 */
export function figureWords(file: string, defaults: Readonly<Record<string, string>> = {}) {
  const words = process.argv.slice(2);
  const [first = ''] = words;
  const isFolder = first !== '' && !first.startsWith('-');
  const flags = isFolder ? words.slice(1) : words;
  const output = path.join(isFolder ? first : 'imgs', file);
  const missing = Object.entries({ ...defaults, output }).filter(
    ([name]) => !flags.some((word) => word.startsWith(`--${name}`)),
  );
  return [...missing.flatMap(([name, value]) => [`--${name}`, value]), ...flags];
}
