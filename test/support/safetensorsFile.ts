/** A safetensors file with the given header text, and zeros as data; `length` is the header length that it states. */
export function safetensorsFile(
  header: string | Uint8Array,
  dataBytes = 0,
  length?: bigint,
): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header;
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

/** The description of a tensor in the header of a safetensors file. */
export function safetensorsEntry(dtype: string, shape: unknown, offsets: unknown): string {
  return JSON.stringify({ dtype, shape, data_offsets: offsets });
}
