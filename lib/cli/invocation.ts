// How a person calls the program from where it was started, for the commands that messages suggest.

import { env } from 'node:process';

/**
 * A command line of the program as it can be typed here: through npm in a checkout, else through npx.
 *
 * @example commandLine('train', '--resume', 'runs/mnist')   // "npx tfjs-vit train --resume runs/mnist"
 */
export function commandLine(...words: readonly string[]): string {
  // npm sets these for the scripts that it runs.
  const inCheckout = env['npm_package_name'] === 'tfjs-vit' && env['npm_lifecycle_event'] !== 'npx';
  const program = inCheckout ? 'npm run --silent vit --' : 'npx tfjs-vit';
  return [program, ...words.map(quoted)].join(' ');
}

function quoted(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
