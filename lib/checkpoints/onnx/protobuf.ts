// The wire format of protocol buffers, for writing: fields in the order they are added, nested messages, large blobs by reference.

/** Bytes that are made when they are written, so that a message of gigabytes is held in memory once. */
export interface Blob {
  readonly length: number;
  bytes(): Uint8Array;
}

// The wire types of fields.
const varint = 0;
const delimited = 2;
const fixed32 = 5;

/**
 * A message: its fields, with their length.
 *
 * Integers up to 2⁵³ − 1 take seven bits a byte, the lowest first; a text, a blob and a nested message come after their length; a float32
 * takes four bytes.
 *
 * Source: protobuf.dev, "Encoding".
 *
 * @example new Message().text(1, 'batch').integer(2, 3).length;   // 9
 */
export class Message {
  private readonly parts: (Uint8Array | Blob | Message)[] = [];
  private size = 0;

  /** The bytes that it takes. */
  get length(): number {
    return this.size;
  }

  /** An integer ≥ 0; negative ones are 64 bits of two's complement. */
  integer(field: number, value: number): this {
    return this.add(tag(field, varint)).add(varintBytes(value));
  }

  /** A float32. */
  float(field: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    return this.add(tag(field, fixed32)).add(bytes);
  }

  /** A text as UTF-8. */
  text(field: number, value: string): this {
    return this.blob(field, new TextEncoder().encode(value));
  }

  /** Integers in one field, each a varint. */
  packed(field: number, values: readonly number[]): this {
    return this.blob(field, Uint8Array.from(values.flatMap((value) => [...varintBytes(value)])));
  }

  /** Bytes, now or when they are written. */
  blob(field: number, content: Uint8Array | Blob): this {
    return this.add(tag(field, delimited)).add(varintBytes(content.length)).add(content);
  }

  /** A message as a field; it takes no more fields after this. */
  message(field: number, content: Message): this {
    return this.add(tag(field, delimited)).add(varintBytes(content.length)).add(content);
  }

  /** The whole message. */
  bytes(): Uint8Array {
    const target = new Uint8Array(this.size);
    this.writeInto(target, 0);
    return target;
  }

  private add(part: Uint8Array | Blob | Message): this {
    this.parts.push(part);
    this.size += part.length;
    return this;
  }

  private writeInto(target: Uint8Array, start: number): void {
    let at = start;
    for (const part of this.parts) {
      if (part instanceof Message) part.writeInto(target, at);
      else target.set(ArrayBuffer.isView(part) ? part : part.bytes(), at);
      at += part.length;
    }
  }
}

function tag(field: number, wireType: number): Uint8Array {
  return varintBytes(field * 8 + wireType);
}

function varintBytes(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value < 0 ? BigInt.asUintN(64, BigInt(value)) : BigInt(value);
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}
