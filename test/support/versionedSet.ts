/** Four files of different sizes that all say the same version. */
export function setOfVersion(version: number): Map<string, Uint8Array> {
  const sizes = {
    'checkpoint.safetensors': 40_000,
    'state.safetensors': 90_000,
    'log.jsonl': 1,
    'config.json': 0,
  };
  return new Map(
    Object.entries(sizes).map(([name, size]) => {
      const bytes = new Uint8Array(4 + size + (version % 7)).fill(version % 256);
      new DataView(bytes.buffer).setUint32(0, version);
      return [name, bytes];
    }),
  );
}

/** The version a file says. */
export function versionOf(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
}
