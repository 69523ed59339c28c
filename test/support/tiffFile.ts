/** An uncompressed TIFF of one pixel with three samples: bytes, or floats of 32 bits. Photometric 2 is RGB, 6 YCbCr. */
export function tiffFile({
  photometric,
  samples = [],
  floats,
}: {
  photometric: number;
  samples?: readonly number[];
  floats?: readonly number[];
}): Uint8Array {
  const data =
    floats === undefined ? Buffer.from(samples) : Buffer.from(Float32Array.from(floats).buffer);
  const bits = floats === undefined ? 8 : 32;
  const tags: [tag: number, type: 3 | 4, values: number[]][] = [
    [256, 3, [1]],
    [257, 3, [1]],
    [258, 3, [bits, bits, bits]],
    [259, 3, [1]],
    [262, 3, [photometric]],
    [273, 4, [8]],
    [277, 3, [3]],
    [278, 3, [1]],
    [279, 4, [data.length]],
    [284, 3, [1]],
    ...(photometric === 6 ? ([[530, 3, [1, 1]]] as [number, 3, number[]][]) : []),
    ...(floats === undefined ? [] : ([[339, 3, [3, 3, 3]]] as [number, 3, number[]][])),
  ];
  const directory = 8 + data.length + (data.length % 2);
  let extra = directory + 2 + 12 * tags.length + 4;
  const file = Buffer.alloc(extra + 64);
  file.write('II*\0', 'latin1');
  file.writeUInt32LE(directory, 4);
  file.set(data, 8);
  file.writeUInt16LE(tags.length, directory);
  tags.forEach(([tag, type, values], i) => {
    const at = directory + 2 + 12 * i;
    file.writeUInt16LE(tag, at);
    file.writeUInt16LE(type, at + 2);
    file.writeUInt32LE(values.length, at + 4);
    const size = type === 3 ? 2 : 4;
    let place = at + 8;
    if (values.length * size > 4) {
      file.writeUInt32LE(extra, at + 8);
      place = extra;
      extra += values.length * size + (values.length % 2) * size;
    }
    values.forEach((value, j) => {
      if (type === 3) file.writeUInt16LE(value, place + 2 * j);
      else file.writeUInt32LE(value, place + 4 * j);
    });
  });
  return new Uint8Array(file.subarray(0, extra));
}
