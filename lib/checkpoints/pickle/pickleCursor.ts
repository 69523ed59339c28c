// Reads the arguments of opcodes from the bytes of a pickle; every length is checked before it is used.

import { CheckpointError, show } from '../../core/errors.ts';

// The longest integer, in bytes and in digits: turning digits into a number takes time that grows with their square.
const maxIntegerBytes = 256;
const maxDigits = 400;

// The longest text, and the longest line with anything else, such as the name of a class.
const maxTextBytes = 2 ** 24;
const maxLineBytes = 2 ** 16;

const utf8 = new TextDecoder('utf-8');
const latin1 = new TextDecoder('latin1');

/** A place in the bytes of a pickle. */
export class PickleCursor {
  at: number;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly name: string;

  constructor(bytes: Uint8Array, name: string, start = 0) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.name = name;
    this.at = start;
  }

  /** Throws a CheckpointError that names the file and the position. */
  fail(what: string, received: string): never {
    throw new CheckpointError(
      `Expected ${what} at byte ${this.at} of the pickle in ${show(this.name)}, received ${received}.`,
    );
  }

  uint8(): number {
    return this.bytes[this.skip(1)]!;
  }

  uint16(): number {
    return this.view.getUint16(this.skip(2), true);
  }

  int32(): number {
    return this.view.getInt32(this.skip(4), true);
  }

  uint32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  uint64(): number {
    const value = this.view.getBigUint64(this.skip(8), true);
    if (value > BigInt(this.bytes.length)) this.fail('a length within the file', `${value}`);
    return Number(value);
  }

  /** A double, big endian. */
  float64(): number {
    return this.view.getFloat64(this.skip(8), false);
  }

  /** So many bytes, as a view. */
  take(length: number): Uint8Array {
    const start = this.skip(length);
    return this.bytes.subarray(start, start + length);
  }

  /** So many bytes as UTF-8; a lone surrogate, which Python may write, becomes U+FFFD. */
  text(length: number): string {
    return utf8.decode(this.take(this.textLength(length)));
  }

  /** So many bytes, a character each, as Python 2 wrote its strings. */
  latin1(length: number): string {
    return latin1.decode(this.take(this.textLength(length)));
  }

  /** The text up to the end of the line, which is passed over. @param most  bytes of a longer one are not looked at */
  line(most = maxLineBytes): string {
    const length = this.bytes.subarray(this.at, this.at + most + 1).indexOf(0x0a);
    if (length < 0 && this.bytes.length - this.at > most) {
      this.fail(`a line of at most ${most} bytes`, 'a longer one');
    }
    if (length < 0) this.fail('the end of a line', 'the end of the file');
    const end = this.at + length;
    const text = utf8.decode(this.take(end - this.at));
    this.at += 1;
    return text.endsWith('\r') ? text.slice(0, -1) : text;
  }

  /** An integer of so many bytes in two's complement. */
  integer(length: number): number | bigint {
    if (length > maxIntegerBytes) this.fail('an integer of at most 256 bytes', `${length} bytes`);
    let value = 0n;
    const digits = this.take(length);
    for (let i = length - 1; i >= 0; i -= 1) value = (value << 8n) | BigInt(digits[i]!);
    return small(length === 0 ? value : BigInt.asIntN(8 * length, value));
  }

  /** A line with an integer in digits, with or without an L at its end. */
  decimal(): number | bigint {
    const text = this.line().trim().replace(/L$/, '');
    if (text.length > maxDigits || !/^[+-]?\d+$/.test(text)) this.fail('an integer', show(text));
    return small(BigInt(text));
  }

  /** A line with a text in Python's escapes of raw Unicode. */
  rawUnicode(): string {
    return rawUnicode(this.line(maxTextBytes));
  }

  /** A line with a string in quotes, as Python 2 writes it. */
  quoted(): string {
    const text = this.line(maxTextBytes).trim();
    const quote = text[0];
    if (text.length < 2 || (quote !== "'" && quote !== '"') || !text.endsWith(quote)) {
      this.fail('a string in quotes', show(text));
    }
    return unescape(text.slice(1, -1));
  }

  private textLength(length: number): number {
    if (length <= maxTextBytes) return length;
    // A text past the end is refused as such.
    this.skip(length);
    return this.fail(`a text of at most ${maxTextBytes} bytes`, `${length} bytes`);
  }

  // The place before a number of bytes, which are passed over.
  private skip(length: number): number {
    const start = this.at;
    if (length > this.bytes.length - start) this.fail(`${length} bytes`, 'the end of the file');
    this.at = start + length;
    return start;
  }
}

function small(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

const escapes: Readonly<Record<string, string>> = { n: '\n', r: '\r', t: '\t', '0': '\0' };

function unescape(text: string): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))/g, (_, x, u, other) => {
    const code = (x ?? u) as string | undefined;
    if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
    return escapes[other as string] ?? (other as string);
  });
}

function rawUnicode(text: string): string {
  return text.replace(/\\u([0-9a-fA-F]{4})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 16)),
  );
}
