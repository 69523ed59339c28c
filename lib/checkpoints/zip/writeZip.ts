// Writes zip archives of stored entries, each aligned so that its bytes can be mapped.

import { InputError, expected } from '../../core/errors.ts';
import { crc32 } from '../../core/crc32.ts';

// An extra field with PyTorch's tag fills the space before an entry.
const padding = 0x4246;

/**
 * A zip archive of stored entries.
 *
 * @param alignment  the place of every entry's first byte is a multiple of it; default 64, as PyTorch has it
 * @throws InputError if it would have 4 GiB or more, or over 65,534 entries
 */
export function writeZip(
  entries: ReadonlyMap<string, Uint8Array>,
  { alignment = 64 } = {},
): Uint8Array {
  const plan: { name: Uint8Array; content: Uint8Array; local: number; start: number }[] = [];
  let at = 0;
  let table = 0;
  for (const [text, content] of entries) {
    const name = new TextEncoder().encode(text);
    // The padding field has four bytes of its own.
    const start = Math.ceil((at + 30 + name.length + 4) / alignment) * alignment;
    plan.push({ name, content, local: at, start });
    at = start + content.length;
    table += 46 + name.length;
  }
  const total = at + table + 22;
  if (total >= 2 ** 32 || entries.size >= 0xffff) {
    const remedy = 'Write a safetensors file instead.';
    throw new InputError(expected('less than 4 GiB', 'a zip archive', total, remedy));
  }
  const file = new Uint8Array(total);
  const view = new DataView(file.buffer);
  let entry = at;
  for (const { name, content, local, start } of plan) {
    const crc = crc32(content);
    // Version 2.0, no flags, stored, the earliest date.
    const shared = (to: number) => {
      view.setUint16(to, 20, true);
      view.setUint16(to + 8, 0x21, true);
      view.setUint32(to + 10, crc, true);
      view.setUint32(to + 14, content.length, true);
      view.setUint32(to + 18, content.length, true);
      view.setUint16(to + 22, name.length, true);
    };
    view.setUint32(local, 0x04034b50, true);
    shared(local + 4);
    const extra = start - (local + 30 + name.length);
    view.setUint16(local + 28, extra, true);
    file.set(name, local + 30);
    view.setUint16(local + 30 + name.length, padding, true);
    view.setUint16(local + 32 + name.length, extra - 4, true);
    file.set(content, start);

    view.setUint32(entry, 0x02014b50, true);
    view.setUint16(entry + 4, 20, true);
    shared(entry + 6);
    view.setUint32(entry + 42, local, true);
    file.set(name, entry + 46);
    entry += 46 + name.length;
  }
  view.setUint32(entry, 0x06054b50, true);
  view.setUint16(entry + 8, entries.size, true);
  view.setUint16(entry + 10, entries.size, true);
  view.setUint32(entry + 12, table, true);
  view.setUint32(entry + 16, at, true);
  return file;
}
