// Zip archives in memory: the table of entries, checked as a whole, and the bytes of an entry on demand. Stored entries are views.

import { CheckpointError, UnsupportedError, show } from '../../core/errors.ts';
import { decodeUtf8 } from '../../core/utf8.ts';
import { crc32 } from '../../core/crc32.ts';
import { inflate } from './inflate.ts';

// A deflated entry may become so many times as long. Weights shrink by less than a half; runs of zeros by a thousand.
const maxRatio = 100;
const maxEntries = 100_000;
const maxNameLength = 4096;

interface Entry {
  name: string;
  method: number;
  crc: number;
  packed: number;
  size: number;
  local: number;
  // Where its bytes begin, once its local header was read.
  start: number;
}

/** The first bytes of a zip archive: the header of its first entry. */
export function isZip(bytes: Uint8Array): boolean {
  return bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4;
}

/**
 * A zip archive, its table of entries read and checked.
 *
 * Refused, before anything is inflated: a table that does not end where its end record begins, an entry twice, entries that overlap or
 * reach into the table, a local header that contradicts the table, encryption, a compression other than deflate, an entry that would
 * become over 100 times as long, over 100,000 entries. Zip64 is read. Reading an entry checks its length and its checksum.
 *
 * Source: PKWARE, APPNOTE.TXT 6.3.10.
 *
 * @example
 * const archive = new ZipArchive(bytes, 'model.pth');
 * const pickle = await archive.read('archive/data.pkl');
 */
export class ZipArchive {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly file: string;
  private readonly entries = new Map<string, Entry>();

  /** @throws CheckpointError, UnsupportedError naming the file and the entry */
  constructor(bytes: Uint8Array, file: string) {
    this.bytes = bytes;
    this.file = file;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const table = this.findTable();
    this.readTable(table);
    this.checkPlaces(table.start);
  }

  /** The names of its entries, in the order of the table. */
  names(): string[] {
    return [...this.entries.keys()];
  }

  has(name: string): boolean {
    return this.entries.has(name);
  }

  /** The length of an entry that is read. @throws CheckpointError if there is none of this name */
  sizeOf(name: string): number {
    return this.entry(name).size;
  }

  /**
   * The bytes of an entry: a view of the archive where it is stored, else inflated.
   *
   * @param maxBytes  a longer entry is refused before it is inflated
   * @throws CheckpointError if there is none of this name, or it is damaged
   */
  async read(name: string, { maxBytes = Infinity } = {}): Promise<Uint8Array> {
    const { method, crc, packed, size, start } = this.entry(name);
    if (size > maxBytes) throw this.broken(`at most ${maxBytes} bytes in ${show(name)}`, size);
    const stored = this.bytes.subarray(start, start + packed);
    const content = method === 0 ? stored : await inflate(stored, size);
    if (content?.length !== size) throw this.broken(`${size} bytes in ${show(name)}`, 'others');
    // PyTorch can be told to leave checksums out, and then writes 0.
    if (crc !== 0 && crc32(content) !== crc) {
      throw this.broken(`the checksum of ${show(name)}`, 'another: the file is damaged');
    }
    return content;
  }

  private entry(name: string): Entry {
    const entry = this.entries.get(name);
    if (entry === undefined) throw this.broken(`an entry ${show(name)}`, 'none');
    return entry;
  }

  private broken(what: string, received: string | number): CheckpointError {
    return new CheckpointError(
      `Expected ${what} in the zip archive ${show(this.file)}, received ${received}.`,
    );
  }

  // The end record stands last: its comment reaches to the end of the file.
  private findTable(): { start: number; end: number; count: number } {
    const { view, bytes } = this;
    const last = bytes.length - 22;
    for (let at = last; at >= Math.max(0, last - 0xffff); at -= 1) {
      if (view.getUint32(at, true) !== 0x06054b50) continue;
      if (at + 22 + view.getUint16(at + 20, true) !== bytes.length) continue;
      const [disk, tableDisk] = [view.getUint16(at + 4, true), view.getUint16(at + 6, true)];
      let [here, count] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
      let [size, start] = [view.getUint32(at + 12, true), view.getUint32(at + 16, true)];
      let end = at;
      const isLong = at >= 20 && view.getUint32(at - 20, true) === 0x07064b50;
      if (isLong) {
        end = this.long(at - 12);
        if (end + 56 > at - 20 || view.getUint32(end, true) !== 0x06064b50) break;
        [here, count] = [this.long(end + 24), this.long(end + 32)];
        [size, start] = [this.long(end + 40), this.long(end + 48)];
      } else if (disk !== 0 || tableDisk !== 0) {
        throw this.broken('one part', 'several');
      }
      if (here !== count || start + size !== end) {
        throw this.broken('a table of entries up to its end record', 'another place');
      }
      if (count > maxEntries) throw this.broken(`at most ${maxEntries} entries`, count);
      return { start, end, count };
    }
    throw this.broken('a table of entries at its end', 'none: it is cut short');
  }

  private readTable({ start, end, count }: { start: number; end: number; count: number }): void {
    const { view } = this;
    let at = start;
    for (let i = 0; i < count; i += 1) {
      if (at + 46 > end || view.getUint32(at, true) !== 0x02014b50) {
        throw this.broken(`${count} entries in its table`, i);
      }
      const flags = view.getUint16(at + 8, true);
      const [nameLength, extra] = [view.getUint16(at + 28, true), view.getUint16(at + 30, true)];
      const next = at + 46 + nameLength + extra + view.getUint16(at + 32, true);
      if (next > end) throw this.broken('a whole table of entries', 'a cut one');
      if (nameLength === 0 || nameLength > maxNameLength) {
        throw this.broken(`names of 1 to ${maxNameLength} bytes`, nameLength);
      }
      const entry: Entry = {
        name: decodeUtf8(this.bytes.subarray(at + 46, at + 46 + nameLength), this.file),
        method: view.getUint16(at + 10, true),
        crc: view.getUint32(at + 16, true),
        packed: view.getUint32(at + 20, true),
        size: view.getUint32(at + 24, true),
        local: view.getUint32(at + 42, true),
        start: 0,
      };
      this.readLongFields(entry, at + 46 + nameLength, extra);
      this.check(entry, flags);
      this.entries.set(entry.name, entry);
      at = next;
    }
    if (at !== end) throw this.broken(`${count} entries in its table`, 'more bytes');
  }

  // Zip64: the fields that do not fit into 32 bits, in this order.
  private readLongFields(entry: Entry, start: number, length: number): void {
    for (let at = start; at + 4 <= start + length; ) {
      const [tag, size] = [this.view.getUint16(at, true), this.view.getUint16(at + 2, true)];
      if (tag === 1) {
        let field = at + 4;
        for (const name of ['size', 'packed', 'local'] as const) {
          if (entry[name] !== 0xffffffff) continue;
          if (field + 8 > at + 4 + size || field + 8 > start + length) {
            throw this.broken(`the size of ${show(entry.name)}`, 'none');
          }
          entry[name] = this.long(field);
          field += 8;
        }
      }
      at += 4 + size;
    }
  }

  private check({ name, method, packed, size }: Entry, flags: number): void {
    const unsupported = (what: string): UnsupportedError =>
      new UnsupportedError(
        `Expected stored or deflated entries in the zip archive ${show(this.file)}, received ${what} as ${show(name)}.`,
      );
    if (this.entries.has(name)) throw this.broken('each name once', `${show(name)} twice`);
    if ((flags & 1) !== 0) throw unsupported('an encrypted one');
    if (method !== 0 && method !== 8) throw unsupported(`one of method ${method}`);
    if (method === 0 && packed !== size) throw this.broken(`one size of ${show(name)}`, 'two');
    if (size > maxRatio * packed + 1024) {
      const ratio = `${size} bytes in ${packed}`;
      throw this.broken(`at most ${maxRatio} bytes for each of ${show(name)}`, ratio);
    }
  }

  // The local headers agree with the table, and the entries lie one behind the other before it.
  private checkPlaces(tableStart: number): void {
    const { view } = this;
    let free = 0;
    for (const entry of [...this.entries.values()].sort((a, b) => a.local - b.local)) {
      const { name, local } = entry;
      if (local < free) throw this.broken('entries that do not overlap', show(name));
      if (local + 30 > tableStart || view.getUint32(local, true) !== 0x04034b50) {
        throw this.broken(`a header of ${show(name)}`, 'none');
      }
      const nameLength = view.getUint16(local + 26, true);
      entry.start = local + 30 + nameLength + view.getUint16(local + 28, true);
      free = entry.start + entry.packed;
      if (free > tableStart) throw this.broken(`${show(name)} before the table`, 'a longer one');
      const own = this.bytes.subarray(local + 30, local + 30 + nameLength);
      if (new TextDecoder().decode(own) !== name || view.getUint16(local + 8, true) !== entry.method) {
        throw this.broken(`the header of ${show(name)}`, 'that of another entry');
      }
    }
  }

  private long(at: number): number {
    if (at + 8 > this.bytes.length) throw this.broken('a number of 64 bits', 'the end');
    const value = this.view.getBigUint64(at, true);
    if (value > BigInt(this.bytes.length) * 1024n) throw this.broken('a place in it', `${value}`);
    return Number(value);
  }
}
