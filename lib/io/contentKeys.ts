// A number for each file that follows from its content alone.

import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { basename } from 'node:path';

// Photographs differ in their first and last bytes, and a large file need not be read.
const partBytes = 2 ** 15;
const atOnce = 16;

/**
 * Numbers of files, [n], from 0 to 2⁴⁸ − 1: of SHA-256 over the size, the first 32 KB and the last 32 KB of each.
 *
 * @param count   how many files there are
 * @param fileOf  the path of a file by its index; one that cannot be read has a number that follows from its name
 */
export async function contentKeysOf(
  count: number,
  fileOf: (index: number) => string,
): Promise<Float64Array> {
  const keys = new Float64Array(count);
  let next = 0;
  const work = async (): Promise<void> => {
    const buffer = Buffer.allocUnsafe(2 * partBytes);
    while (next < count) {
      const index = next;
      next += 1;
      keys[index] = await keyOf(fileOf(index), buffer);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, work));
  return keys;
}

async function keyOf(file: string, buffer: Buffer): Promise<number> {
  try {
    const handle = await open(file);
    try {
      const { size } = await handle.stat();
      const { bytesRead: head } = await handle.read(buffer, 0, partBytes, 0);
      const rest = Math.min(partBytes, Math.max(0, size - head));
      const { bytesRead: tail } =
        rest === 0 ? { bytesRead: 0 } : await handle.read(buffer, head, rest, size - rest);
      const hash = createHash('sha256').update(`${size} `);
      return hash
        .update(buffer.subarray(0, head + tail))
        .digest()
        .readUIntBE(0, 6);
    } finally {
      await handle.close();
    }
  } catch {
    // Whether it may be damaged is decided when its image is asked for.
    return createHash('sha256').update(basename(file)).digest().readUIntBE(0, 6);
  }
}
