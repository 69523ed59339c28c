// The fields of a TIFF file's first page that decide how its samples are read.

/**
 * The samples of the first page of a TIFF file.
 *
 * @property bits          of each sample
 * @property sampleFormat  1 unsigned, 2 signed, 3 float, 4 not said, 5 and 6 complex
 * @property photometric   the meaning of the samples: 0 white is zero, 1 black is zero, 2 RGB, 5 CMYK, 6 YCbCr, 8 to 10 CIELab
 * @property compression   1 none, 7 JPEG
 * @property subsampling   of Cb and Cr, horizontal and vertical
 */
export interface TiffHeader {
  bits: number;
  sampleFormat: number;
  photometric: number;
  compression: number;
  subsampling: readonly [number, number];
}

const sampleKinds: Readonly<Record<number, string>> = {
  ...{ 1: 'uint', 2: 'int', 3: 'float' },
  ...{ 4: 'uint', 5: 'complex int', 6: 'complex float' },
};

const tags = { bits: 258, compression: 259, photometric: 262, format: 339, subsampling: 530 };

/**
 * Reads the first directory of a TIFF or BigTIFF file.
 *
 * @returns undefined if it lies outside of the file, which the decoder then refuses by itself
 *
 * Source: TIFF 6.0, sections 2 and 21; its defaults where a field is missing.
 */
export function tiffHeader(bytes: Uint8Array): TiffHeader | undefined {
  try {
    const fields = firstDirectory(bytes);
    const [horizontal = 2, vertical = 2] = fields.get(tags.subsampling) ?? [];
    return {
      bits: Math.max(...(fields.get(tags.bits) ?? [1])),
      sampleFormat: fields.get(tags.format)?.[0] ?? 1,
      photometric: fields.get(tags.photometric)?.[0] ?? 1,
      compression: fields.get(tags.compression)?.[0] ?? 1,
      subsampling: [horizontal, vertical],
    };
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** The kind of TIFF file that is not read, in words; undefined where the file is of none. */
export function unreadTiff(header: TiffHeader): string | undefined {
  const { bits, sampleFormat, photometric, compression, subsampling } = header;
  const isPlain = compression === 1 && bits === 8 && subsampling.every((step) => step === 1);
  const kind = sampleKinds[sampleFormat] ?? 'unknown';
  if (kind !== 'uint' || bits > 16) return `TIFF of ${kind}${bits}`;
  if (photometric === 5 && bits > 8) return 'TIFF of uint16 in CMYK';
  if (photometric >= 8 && photometric <= 10) return 'TIFF in CIELab';
  if (photometric !== 6 || compression === 7 || isPlain) return undefined;
  return 'TIFF in YCbCr that is compressed without JPEG or subsampled';
}

// The short fields of the first directory, by tag. Reading outside of the file throws a RangeError.
function firstDirectory(bytes: Uint8Array): Map<number, number[]> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = bytes[0] === 0x49;
  const isBig = view.getUint16(2, little) === 43;
  const long = (at: number): number =>
    isBig ? Number(view.getBigUint64(at, little)) : view.getUint32(at, little);
  const start = long(isBig ? 8 : 4);
  const count = isBig ? long(start) : view.getUint16(start, little);
  const [first, step, inline] = isBig ? [start + 8, 20, 12] : [start + 2, 12, 8];
  const fields = new Map<number, number[]>();
  for (let i = 0; i < Math.min(count, 4096); i += 1) {
    const at = first + i * step;
    const tag = view.getUint16(at, little);
    if (!Object.values(tags).includes(tag)) continue;
    const size = view.getUint16(at + 2, little) === 4 ? 4 : 2;
    const values = Math.min(long(at + 4), 8);
    const from = values * size <= step - inline ? at + inline : long(at + inline);
    const read = (k: number): number =>
      size === 4 ? view.getUint32(from + 4 * k, little) : view.getUint16(from + 2 * k, little);
    fields.set(
      tag,
      Array.from({ length: values }, (_, k) => read(k)),
    );
  }
  return fields;
}
