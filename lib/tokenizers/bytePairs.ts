// Byte-pair encoding over the bytes of words, as OpenAI's GPT-2 and CLIP do it.

import { InputError, expected } from '../core/errors.ts';

/** The mark at the last symbol of a word. */
export const endOfWord = '</w>';

/** A printable character for each of the 256 bytes: itself where it is one, else one from 256 on. */
export const byteSymbols: readonly string[] = symbolsOfBytes();

const bytesOfSymbols = new Map(byteSymbols.map((symbol, byte) => [symbol, byte]));

function symbolsOfBytes(): string[] {
  const isPrinted = (byte: number) =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(isPrinted(byte) ? byte : next++),
  );
}

/** The bytes in the order of CLIP's vocabulary: those that are printed first. */
export function symbolsInOrder(): string[] {
  const own = byteSymbols.filter((symbol, byte) => symbol.charCodeAt(0) === byte);
  const others = byteSymbols.filter((symbol, byte) => symbol.charCodeAt(0) !== byte);
  return [...own, ...others];
}

/** The symbols of the bytes of a word in UTF-8. A lone surrogate is the replacement character, as in any UTF-8. */
export function symbolsOf(word: string): string[] {
  return Array.from(new TextEncoder().encode(word), (byte) => byteSymbols[byte]!);
}

/** The text of symbols; bytes that are no UTF-8 become the replacement character. */
export function textOfSymbols(symbols: string): string {
  const bytes = Uint8Array.from(symbols, (symbol) => bytesOfSymbols.get(symbol) ?? 63);
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
}

// Words that were split once are remembered, up to this number.
const mostRemembered = 20_000;

/** Splits words into the pieces that merges make of their bytes. */
export class BytePairs {
  private readonly ranks: ReadonlyMap<string, number>;
  private readonly remembered = new Map<string, readonly string[]>();

  /** @param merges  pairs of pieces, the first merged first, each as `a b` */
  constructor(merges: readonly string[]) {
    this.ranks = new Map(merges.map((pair, rank) => [pair, rank]));
  }

  /** The pieces of a word; the last ends in `</w>`. */
  split(word: string): readonly string[] {
    const known = this.remembered.get(word);
    if (known !== undefined) return known;
    const pieces = this.merged(symbolsOf(word));
    if (this.remembered.size < mostRemembered) this.remembered.set(word, pieces);
    return pieces;
  }

  private merged(symbols: readonly string[]): string[] {
    if (symbols.length === 0) return [];
    let pieces = [...symbols.slice(0, -1), symbols.at(-1)! + endOfWord];
    while (pieces.length > 1) {
      let best = Infinity;
      for (let i = 1; i < pieces.length; i += 1) {
        const rank = this.ranks.get(`${pieces[i - 1]} ${pieces[i]}`);
        if (rank !== undefined && rank < best) best = rank;
      }
      if (best === Infinity) break;
      pieces = this.joined(pieces, best);
    }
    return pieces;
  }

  private joined(pieces: readonly string[], rank: number): string[] {
    const next: string[] = [];
    for (let i = 0; i < pieces.length; i += 1) {
      const [first, second] = [pieces[i]!, pieces[i + 1]];
      if (second !== undefined && this.ranks.get(`${first} ${second}`) === rank) {
        next.push(first + second);
        i += 1;
      } else next.push(first);
    }
    return next;
  }
}

/** The pairs of a file of merges, without its head line and empty lines. @throws InputError naming the line that is no pair */
export function parseMerges(text: string, source = 'the merges'): string[] {
  const [head = '', ...rest] = text.split(/\r?\n/);
  const lines = head.includes('version') || head.startsWith('"') ? rest : [head, ...rest];
  const pairs = lines.filter((line) => line !== '');
  pairs.forEach((pair, i) => {
    if (/^\S+ \S+$/.test(pair)) return;
    throw new InputError(expected('two pieces with a space between them', `line ${i + 2} of ${source}`, pair)); // prettier-ignore
  });
  return pairs;
}

/**
 * Merges that make words of texts whole, the most frequent pair first and of equal ones the first in the alphabet.
 *
 * @param words   with how often each occurs
 * @param count   at most so many merges; fewer where all words are whole
 *
 * Source: Sennrich et al. 2016, algorithm 1.
 */
export function learnMerges(words: ReadonlyMap<string, number>, count: number): string[] {
  let split = [...words].map(([word, times]) => {
    const symbols = symbolsOf(word);
    const pieces = [...symbols.slice(0, -1), `${symbols.at(-1) ?? ''}${endOfWord}`];
    return { pieces, times };
  });
  const merges: string[] = [];
  while (merges.length < count) {
    const pairs = new Map<string, number>();
    for (const { pieces, times } of split) {
      for (let i = 1; i < pieces.length; i += 1) {
        const pair = `${pieces[i - 1]} ${pieces[i]}`;
        pairs.set(pair, (pairs.get(pair) ?? 0) + times);
      }
    }
    const [best] = [...pairs].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
    if (best === undefined) break;
    merges.push(best[0]);
    const [first, second] = best[0].split(' ') as [string, string];
    split = split.map(({ pieces, times }) => ({ pieces: join(pieces, first, second), times }));
  }
  return merges;
}

function join(pieces: readonly string[], first: string, second: string): string[] {
  const next: string[] = [];
  for (let i = 0; i < pieces.length; i += 1) {
    const isPair = pieces[i] === first && pieces[i + 1] === second;
    next.push(isPair ? first + second : pieces[i]!);
    if (isPair) i += 1;
  }
  return next;
}
