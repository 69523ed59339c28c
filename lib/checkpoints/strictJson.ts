// A small JSON reader for files of unknown origin. JSON.parse keeps the last of two equal keys and lets `__proto__` become a
// property of an object; here keys live in Maps, a repeated key is an error, and nesting is limited.

import { CheckpointError, show } from '../core/errors.ts';

/** A parsed value, as JSON.parse gives it, but objects are Maps. */
export type StrictJson = string | number | boolean | null | StrictJson[] | Map<string, StrictJson>;

/**
 * The options of `parseStrictJson`.
 *
 * @property name          how errors call the text
 * @property maxDepth      the deepest nesting of arrays and objects; default 32
 * @property integersOnly  true: a number with a fraction or an exponent is an error (`1.0` too), and so is one past ±(2⁵³ − 1)
 */
export interface StrictJsonOptions {
  name: string;
  maxDepth?: number;
  integersOnly?: boolean;
}

/**
 * Parses a JSON text and refuses everything on which JSON readers disagree.
 *
 * The grammar is that of RFC 8259. Refused besides: a key used twice in one object, a lone surrogate in a string, a number that is not
 * finite, nesting deeper than `maxDepth`. Time is linear in the length of the text.
 *
 * @throws CheckpointError naming the text, the position and what was expected there
 *
 * @example
 * const header = parseStrictJson('{"w": [1, 2]}', {name: 'header'});   // Map {'w' => [1, 2]}
 */
export function parseStrictJson(text: string, options: StrictJsonOptions): StrictJson {
  const reader = new Reader(text, options);
  const value = reader.value(0);
  reader.end();
  return value;
}

const numberPattern = /-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?/y;
// A string without escapes, control characters, or a quote: the usual case, taken as it stands.
const plainString = /[^"\\\u0000-\u001f]*"/y; // eslint-disable-line no-control-regex
const loneSurrogate = /[\ud800-\udfff]/u;

class Reader {
  private readonly text: string;
  private readonly options: StrictJsonOptions;
  private readonly maxDepth: number;
  private at = 0;

  constructor(text: string, options: StrictJsonOptions) {
    this.text = text;
    this.options = options;
    this.maxDepth = options.maxDepth ?? 32;
  }

  value(depth: number): StrictJson {
    this.space();
    switch (this.text[this.at]) {
      case '{':
        return this.object(depth + 1);
      case '[':
        return this.array(depth + 1);
      case '"':
        return this.string();
      case 't':
        return this.word('true', true);
      case 'f':
        return this.word('false', false);
      case 'n':
        return this.word('null', null);
      default:
        return this.number();
    }
  }

  end(): void {
    this.space();
    if (this.at < this.text.length) this.fail('the end of the text');
  }

  private object(depth: number): Map<string, StrictJson> {
    this.enter(depth);
    const members = new Map<string, StrictJson>();
    if (this.closes('}')) return members;
    do {
      this.space();
      if (this.text[this.at] !== '"') this.fail('a key in quotes');
      const keyAt = this.at;
      const key = this.string();
      if (members.has(key)) {
        this.at = keyAt;
        this.fail('a key that was not used before');
      }
      this.space();
      if (this.text[this.at] !== ':') this.fail('":"');
      this.at += 1;
      members.set(key, this.value(depth));
    } while (this.goesOn('}'));
    return members;
  }

  private array(depth: number): StrictJson[] {
    this.enter(depth);
    const items: StrictJson[] = [];
    if (this.closes(']')) return items;
    do items.push(this.value(depth));
    while (this.goesOn(']'));
    return items;
  }

  private enter(depth: number): void {
    if (depth > this.maxDepth) this.fail(`at most ${this.maxDepth} levels of nesting`);
    this.at += 1;
  }

  private closes(bracket: string): boolean {
    this.space();
    if (this.text[this.at] !== bracket) return false;
    this.at += 1;
    return true;
  }

  private goesOn(bracket: string): boolean {
    this.space();
    const found = this.text[this.at];
    if (found !== ',' && found !== bracket) this.fail(`"," or "${bracket}"`);
    this.at += 1;
    return found === ',';
  }

  private string(): string {
    const start = this.at;
    plainString.lastIndex = start + 1;
    if (plainString.test(this.text)) {
      this.at = plainString.lastIndex;
      const plain = this.text.slice(start + 1, this.at - 1);
      if (loneSurrogate.test(plain)) this.fail('well-formed Unicode');
      return plain;
    }
    const end = this.closingQuote(start + 1);
    this.at = end;
    return this.unescape(start, end);
  }

  private unescape(start: number, end: number): string {
    let value: unknown;
    try {
      value = JSON.parse(this.text.slice(start, end));
    } catch {
      this.at = start;
      this.fail('a JSON string');
    }
    if (typeof value !== 'string' || loneSurrogate.test(value)) {
      this.at = start;
      this.fail('a string of well-formed Unicode');
    }
    return value;
  }

  // One past the quote that ends the string; a loop, because a regular expression over megabytes of escapes can overflow.
  private closingQuote(from: number): number {
    for (let i = from; i < this.text.length; i += 1) {
      const code = this.text.charCodeAt(i);
      if (code === 0x22) return i + 1;
      if (code === 0x5c) i += 1;
      else if (code < 0x20) break;
    }
    return this.fail('a closed string');
  }

  private number(): number {
    numberPattern.lastIndex = this.at;
    const match = numberPattern.exec(this.text);
    if (match === null) return this.fail('a JSON value');
    const value = Number(match[0]);
    if (this.options.integersOnly === true) {
      const whole = match[1] === undefined && match[2] === undefined;
      if (!whole || !Number.isSafeInteger(value)) this.fail('an integer within ±(2^53 - 1)');
    }
    if (!Number.isFinite(value)) this.fail('a finite number');
    this.at = numberPattern.lastIndex;
    return value;
  }

  private word<T>(text: string, value: T): T {
    if (!this.text.startsWith(text, this.at)) this.fail('a JSON value');
    this.at += text.length;
    return value;
  }

  private space(): void {
    for (;;) {
      const code = this.text.charCodeAt(this.at);
      if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) return;
      this.at += 1;
    }
  }

  private fail(what: string): never {
    const found =
      this.at < this.text.length
        ? show(this.text.slice(this.at, this.at + 20))
        : 'the end';
    throw new CheckpointError(
      `Expected ${what} at character ${this.at} of ${this.options.name}, received ${found}.`,
    );
  }
}
