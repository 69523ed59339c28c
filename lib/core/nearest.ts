// The word that was probably meant by a misspelt one.

import { closest, distance } from 'fastest-levenshtein';

/** The nearest of the words, if it is near enough to be what was meant. */
export function nearest(word: string, words: readonly string[]): string | undefined {
  if (words.length === 0) return undefined;
  const begun = word.length >= 3 ? words.find((one) => one.startsWith(word)) : undefined;
  const best = closest(word, words);
  return distance(word, best) <= Math.max(2, Math.ceil(word.length / 3)) ? best : begun;
}

/** `Did you mean <the nearest>?`, or `otherwise` if none of the words is near. */
export function didYouMean(word: string, words: readonly string[], otherwise = ''): string {
  const near = nearest(word, words);
  return near === undefined ? otherwise : `Did you mean ${near}?`;
}
