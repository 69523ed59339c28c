// Inflates deflated bytes up to a length that is known, and no further.

/**
 * The inflated bytes; undefined if they are damaged, or not exactly `size` long. No more than `size` bytes and one piece are held.
 *
 * It uses `DecompressionStream`, which browsers and Node have.
 */
export async function inflate(bytes: Uint8Array, size: number): Promise<Uint8Array | undefined> {
  const stream = new DecompressionStream('deflate-raw');
  const writer = stream.writable.getWriter();
  // Errors arrive at the reader too.
  const written = writer
    .write(bytes as Uint8Array<ArrayBuffer>)
    .then(() => writer.close())
    .catch(() => undefined);
  const reader = stream.readable.getReader();
  const out = new Uint8Array(size);
  let at = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      if (at + value.length > size) {
        await reader.cancel();
        return undefined;
      }
      out.set(value, at);
      at += value.length;
    }
  } catch {
    return undefined;
  }
  await written;
  return at === size ? out : undefined;
}
