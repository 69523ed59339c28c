// CLIP's tokenizer: texts as numbers of byte-pair tokens, by OpenAI's rules or Hugging Face's.

import { assertInteger, assertOneOf, isRecord } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { assertFields, assertKind, assertListOf } from '../core/kinds.ts';
import {
  BytePairs,
  endOfWord,
  learnMerges,
  parseMerges,
  symbolsInOrder,
  textOfSymbols,
} from './bytePairs.ts';
import { cleanAsHuggingFace, cleanAsOpenAi } from './cleanText.ts';

/** The rules of cleaning: those of OpenAI's and OpenCLIP's tokenizer, or those of Hugging Face's. They differ in unusual texts alone. */
export type TokenizerRules = (typeof tokenizerRules)[number];

/** The names of the rules. */
export const tokenizerRules = ['openai', 'hf'] as const;

/**
 * The options of `encodeAll`.
 *
 * @property length  of every text, start and end among them; longer ones are cut, and their last token is the end. Default 77
 * @property rules   default 'openai'
 * @property pad     'zero', as OpenAI and OpenCLIP pad, or 'end', as Hugging Face; default by the rules
 * @property onNote  told, in a sentence, which texts were cut; default: nobody
 */
export interface EncodeTextOptions {
  length?: number;
  rules?: TokenizerRules;
  pad?: 'zero' | 'end';
  onNote?: (text: string) => void;
}

const start = '<|startoftext|>';
const end = '<|endoftext|>';

const words = /'s|'t|'re|'ve|'m|'ll|'d|\p{L}+|\p{N}|[^\p{White_Space}\p{L}\p{N}]+/gu;
const special = /(<\|startoftext\|>|<\|endoftext\|>)/;

// Far more than any prompt; longer texts are a mistake.
const longestText = 1_000_000;

/**
 * Texts as tokens, as CLIP was trained with them.
 *
 * @example
 * const tokenizer = await clipTokenizer();                        // of tfjs-vit/node: OpenAI's vocabulary, which is shipped
 * tokenizer.encode('a photo of a cat');                           // [320, 1125, 539, 320, 2368]
 * tokenizer.encodeAll(['a photo of a cat', 'a photo of a dog']);  // two rows of 77
 */
export class ClipTokenizer {
  /** The tokens in the order of their numbers; start and end are the last two. */
  readonly tokens: readonly string[];
  readonly startId: number;
  readonly endId: number;
  /** The merges, the first first. */
  readonly merges: readonly string[];
  private readonly pairs: BytePairs;
  private readonly ids: ReadonlyMap<string, number>;

  /**
   * @param tokens  with those of start and end among them
   * @param merges  pairs of pieces, `a b`, the first merged first
   * @throws InputError if a token is missing or comes twice
   */
  constructor(tokens: readonly string[], merges: readonly string[]) {
    assertListOf('tokens', tokens, 'text');
    assertListOf('merges', merges, 'text');
    this.tokens = tokens;
    this.merges = merges;
    this.ids = new Map(tokens.map((token, id) => [token, id]));
    if (this.ids.size !== tokens.length) {
      const twice = tokens.find((token, id) => this.ids.get(token) !== id);
      throw new InputError(expected('every token once', 'the vocabulary', twice));
    }
    this.startId = this.idOf(start);
    this.endId = this.idOf(end);
    const symbols = symbolsInOrder();
    [...symbols, ...symbols.map((symbol) => symbol + endOfWord)].forEach((one) => this.idOf(one));
    this.pairs = new BytePairs(merges);
  }

  /**
   * The tokenizer of a file of merges in OpenAI's form: the vocabulary follows from the merges.
   *
   * @param count  at most so many merges are taken; default those of OpenAI's vocabulary, 48,894
   */
  static fromMerges(text: string, { count = 49_152 - 256 - 2 } = {}): ClipTokenizer {
    assertKind('the merges', text, 'text');
    const merges = parseMerges(text).slice(0, count);
    return new ClipTokenizer(vocabularyOf(merges), merges);
  }

  /**
   * The tokenizer of a folder of Hugging Face.
   *
   * @param vocabulary  the content of vocab.json: tokens with their numbers
   * @param merges      the content of merges.txt
   * @throws InputError if they do not belong together
   */
  static fromHuggingFace(vocabulary: unknown, merges: string): ClipTokenizer {
    if (!isRecord(vocabulary)) {
      throw new InputError(expected('an object', 'vocab.json', vocabulary));
    }
    assertKind('merges.txt', merges, 'text');
    const entries = Object.entries(vocabulary);
    const tokens = new Array<string>(entries.length);
    for (const [token, id] of entries) {
      assertInteger(`the number of ${token} in vocab.json`, id, { min: 0, max: tokens.length - 1 });
      tokens[id] = token;
    }
    const missing = Array.from(tokens).indexOf(undefined as unknown as string);
    if (missing >= 0) throw new InputError(expected('a token', `number ${missing} of vocab.json`, undefined)); // prettier-ignore
    return new ClipTokenizer(tokens, parseMerges(merges, 'merges.txt'));
  }

  /** A tokenizer whose merges are learned from texts, so that a small model needs few tokens. */
  static learn(texts: readonly string[], { merges = 1000 } = {}): ClipTokenizer {
    assertListOf('texts', texts, 'text');
    assertInteger('merges', merges, { min: 0, max: 100_000 });
    const counts = new Map<string, number>();
    for (const text of texts) {
      for (const word of cleanAsOpenAi(text).match(words) ?? []) {
        counts.set(word, (counts.get(word) ?? 0) + 1);
      }
    }
    const learned = learnMerges(counts, merges);
    return new ClipTokenizer(vocabularyOf(learned), learned);
  }

  /** The number of tokens. */
  get vocabSize(): number {
    return this.tokens.length;
  }

  /**
   * The tokens of a text, without start and end.
   *
   * By Hugging Face's rules `<|startoftext|>` and `<|endoftext|>` in a text are those tokens; by OpenAI's they are text.
   *
   * @throws InputError if it is no text, or has more than a million characters
   */
  encode(text: string, { rules = 'openai' }: { rules?: TokenizerRules } = {}): number[] {
    assertKind('a text', text, 'text');
    assertOneOf('rules', rules, tokenizerRules);
    if (text.length > longestText) {
      throw new InputError(expected(`at most ${longestText} characters`, 'a text', text.length));
    }
    if (rules === 'openai') return this.idsOfWords(cleanAsOpenAi(text));
    return text.split(special).flatMap((part) => {
      if (part === start) return [this.startId];
      return part === end ? [this.endId] : this.idsOfWords(cleanAsHuggingFace(part));
    });
  }

  /**
   * Texts as rows of one length, each with its start and end: the input of CLIP's text tower.
   *
   * @throws InputError as `encode`, and for no texts at all
   */
  encodeAll(texts: readonly string[], options: EncodeTextOptions = {}): number[][] {
    assertListOf('texts', texts, 'text');
    assertFields('options', options, { onNote: 'function?' });
    const { length = 77, rules = 'openai', onNote } = options;
    const { pad = rules === 'openai' ? 'zero' : 'end' } = options;
    assertInteger('length', length, { min: 2, max: 4096 });
    assertOneOf('pad', pad, ['zero', 'end']);
    if (texts.length === 0) throw new InputError(expected('at least one text', 'texts', []));
    const padding = pad === 'zero' ? 0 : this.endId;
    return texts.map((text, i) => {
      const ids = [this.startId, ...this.encode(text, { rules }), this.endId];
      if (ids.length <= length) {
        return [...ids, ...Array<number>(length - ids.length).fill(padding)];
      }
      onNote?.(
        `Text ${i + 1} of ${texts.length} has ${ids.length} tokens and is cut to ${length}.`,
      );
      return [...ids.slice(0, length - 1), this.endId];
    });
  }

  /** The text of tokens, a space behind each word. @throws InputError for a number that is no token */
  decode(ids: readonly number[]): string {
    assertKind('ids', ids, 'list');
    const pieces = ids.map((id) => {
      assertInteger('a token', id, { min: 0, max: this.tokens.length - 1 });
      return this.tokens[id]!;
    });
    return pieces.join('').split(endOfWord).map(textOfSymbols).join(' ');
  }

  private idsOfWords(text: string): number[] {
    return (text.match(words) ?? []).flatMap((word) => this.pairs.split(word).map((piece) => this.ids.get(piece) ?? this.endId)); // prettier-ignore
  }

  private idOf(token: string): number {
    const id = this.ids.get(token);
    if (id !== undefined) return id;
    throw new InputError(expected(`the token ${token}`, 'the vocabulary', undefined));
  }
}

// The bytes, the bytes at the end of a word, what the merges make, start and end.
function vocabularyOf(merges: readonly string[]): string[] {
  const symbols = symbolsInOrder();
  const made = merges.map((pair) => pair.replace(' ', ''));
  return [...symbols, ...symbols.map((symbol) => symbol + endOfWord), ...made, start, end];
}
