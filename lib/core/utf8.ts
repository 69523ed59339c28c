// Strict decoding of text files.

import { CheckpointError, show } from './errors.ts';

/**
 * The bytes of a file as text. They must be UTF-8; a byte order mark is left out.
 *
 * A lenient decoder would put U+FFFD in the place of a damaged byte, and the damage would go on as text.
 *
 * @param name  how errors call the file
 * @throws CheckpointError naming the file and the first byte that is not UTF-8
 */
export function decodeUtf8(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new CheckpointError(
      `Expected text in UTF-8 for ${show(name)}, received another byte at position ${badByte(bytes)}. Save it as UTF-8, or use another copy.`,
    );
  }
}

// The number of bytes before the first that cannot go on.
function badByte(bytes: Uint8Array): number {
  let [good, bad] = [0, bytes.length];
  while (good < bad) {
    const middle = Math.ceil((good + bad) / 2);
    if (isBeginning(bytes.subarray(0, middle))) good = middle;
    else bad = middle - 1;
  }
  return good;
}

// Whether the bytes can be the beginning of text: the last character may be cut.
function isBeginning(bytes: Uint8Array): boolean {
  try {
    new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true });
    return true;
  } catch {
    return false;
  }
}
