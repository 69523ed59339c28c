// B10–B20: what the pixels of odd image formats have to be, and which formats are refused. The images come from sharp or are made by
// hand, so that what is right is known.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { decodeImage } from '../../lib/io/decodeImage.ts';
import { pngChunk, pngFile, pngRows } from '../support/pngFile.ts';
import { tiffFile } from '../support/tiffFile.ts';
import { goldenImages } from '../suites/fixtures.ts';
import { gives, refusalOf, throws } from '../suites/inProcess.ts';
import { applied, cases, must } from '../suites/row.ts';
import type { DecodeOptions } from '../../lib/io/decodeImage.ts';
import type { Row } from '../suites/row.ts';

const golden = (name: string): Uint8Array => readFileSync(join(goldenImages, name));

/** Bytes whose first pixels are known, to within `tolerance`. */
const decodes = (
  what: string,
  make: () => Promise<Uint8Array> | Uint8Array,
  pixels: readonly number[],
  { tolerance = 0, ...options }: DecodeOptions & { tolerance?: number } = {},
) =>
  gives(what, `pixels ${pixels.join(' ')}`, async () => {
    const { data } = await decodeImage(await make(), options);
    const seen = [...data.subarray(0, pixels.length)];
    const near = seen.every((value, i) => Math.abs(value - pixels[i]!) <= tolerance);
    must(near && seen.length === pixels.length, `pixels ${seen.join(' ')}`);
    return `pixels ${seen.join(' ')}`;
  });

const raw = (pixels: readonly number[], width: number, channels: 1 | 2 | 3 | 4) =>
  sharp(Uint8Array.from(pixels), {
    raw: { width, height: pixels.length / width / channels, channels },
  });

const palette = pngChunk('PLTE', Uint8Array.of(10, 20, 30, 200, 100, 50));
const gray = (depth: number, rows: number[][], width: number): Uint8Array =>
  pngFile(width, rows.length, [pngChunk('IDAT', pngRows(rows))], { depth, color: 0 });
const sixteen = (color: 0 | 4, values: readonly number[], width: number): Uint8Array =>
  pngFile(width, 1, [pngChunk('IDAT', pngRows([values.flatMap((v) => [v >> 8, v & 255])]))], {
    depth: 16,
    color,
  });

const oriented = async (orientation: number): Promise<Uint8Array> =>
  new Uint8Array(
    await raw([255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 3, 3)
      .withMetadata({ orientation })
      .png()
      .toBuffer(),
  );
// Where the white corner of a 3 × 2 image lies after each orientation of EXIF: [width, x, y].
const corners = [
  [3, 0, 0],
  [3, 2, 0],
  [3, 2, 1],
  [3, 0, 1],
  [2, 0, 0],
  [2, 1, 0],
  [2, 1, 2],
  [2, 0, 2],
] as const;

const readable = /JPEG.*PNG.*WebP|jpeg.*png.*webp/i;
const refusesFormat = (what: string, start: Uint8Array | string) =>
  throws(`${what}, refused with the list of what is read`, readable, () =>
    decodeImage(typeof start === 'string' ? Buffer.from(start) : start),
  );

const bmp = (): Uint8Array => {
  const file = Buffer.alloc(54 + 4);
  file.write('BM');
  file.writeUInt32LE(58, 2);
  file.writeUInt32LE(54, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(1, 18);
  file.writeInt32LE(1, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(24, 28);
  file.set([30, 20, 10], 54);
  return file;
};

/** What is right for a format that may be read or refused: these pixels, or an error that lists what is read. */
const readOrListed = (what: string, bytes: () => Uint8Array, pixels: readonly number[]) =>
  gives(what, `pixels ${pixels.join(' ')}, or the list of what is read`, async () => {
    const message = await refusalOf(() => decodeImage(bytes()));
    if (message !== undefined) {
      must(readable.test(message), message);
      return message;
    }
    const { data } = await decodeImage(bytes());
    must(
      pixels.every((value, i) => Math.abs(data[i]! - value) <= 2),
      `pixels ${[...data].join(' ')}`,
    );
    return 'these pixels';
  });

const bomb = deflateSync(Buffer.alloc(200_000_000));

/** The rows on the pixels of odd formats. */
export const pixelRows: readonly Row[] = [
  ...cases('B10', [
    decodes(
      'grey of 8 bits',
      () => gray(8, [[0, 77, 255]], 3),
      [0, 0, 0, 77, 77, 77, 255, 255, 255],
    ),
    decodes('grey of 1 bit', () => gray(1, [[0b01000000]], 2), [0, 0, 0, 255, 255, 255]),
    decodes(
      'grey of 2 bits',
      () => gray(2, [[0b00011011]], 4),
      [0, 0, 0, 85, 85, 85, 170, 170, 170, 255, 255, 255],
    ),
    decodes('grey of 4 bits', () => gray(4, [[0x0f]], 2), [0, 0, 0, 255, 255, 255]),
    decodes(
      'a palette',
      () => pngFile(2, 1, [palette, pngChunk('IDAT', pngRows([[0, 1]]))], { color: 3 }),
      [10, 20, 30, 200, 100, 50],
    ),
    decodes(
      "a palette with transparency in mode pil, as Pillow's convert('RGB')",
      () =>
        pngFile(
          2,
          1,
          [palette, pngChunk('tRNS', Uint8Array.of(0)), pngChunk('IDAT', pngRows([[0, 1]]))],
          { color: 3 },
        ),
      [10, 20, 30, 200, 100, 50],
      { mode: 'pil' },
    ),
  ]),
  ...cases('B11', [
    decodes(
      'transparent dark ink, on white',
      async () => raw([9, 9, 9, 0, 0, 0, 0, 255], 2, 4).png().toBuffer(),
      [255, 255, 255, 0, 0, 0],
    ),
    gives(
      'light ink on a transparent ground',
      'a ground that gives contrast, or said',
      async () => {
        const pixels = Array.from({ length: 784 }, (_, i) => [
          255,
          255,
          255,
          i % 28 > 11 && i % 28 < 16 ? 255 : 0,
        ]).flat();
        const { data } = await decodeImage(await raw(pixels, 28, 4).png().toBuffer());
        must(
          data.some((value) => value < 128),
          'an image all white',
        );
        return 'a dark ground';
      },
    ),
    decodes(
      'transparency in mode pil is dropped, as Pillow does',
      async () => raw([10, 20, 30, 0, 1, 2, 3, 255], 2, 4).png().toBuffer(),
      [10, 20, 30, 1, 2, 3],
      { mode: 'pil' },
    ),
  ]),
  ...cases('B12', [
    decodes(
      '16 bits are scaled to 8',
      () => sixteen(0, [0, 0x8080, 0xffff], 3),
      [0, 0, 0, 128, 128, 128, 255, 255, 255],
    ),
    gives('16-bit grey with alpha in mode pil', 'what display gives, not white', async () => {
      const { data } = await decodeImage(sixteen(4, [0x4040, 0xffff, 0x8080, 0xffff], 2), {
        mode: 'pil',
      });
      must(
        Math.abs(data[0]! - 64) <= 1 && Math.abs(data[3]! - 128) <= 1,
        `pixels ${[...data].join(' ')}`,
      );
      return `pixels ${[...data].join(' ')}`;
    }),
  ]),
  ...cases('B13', [
    gives('CMYK of a JPEG', "Pillow's pixels", async () => {
      const { data } = await decodeImage(golden('cmyk.jpg'), { mode: 'pil' });
      must(data.some((value) => value > 40) && data.some((value) => value < 200), 'one colour');
      return 'colours; test/ioImages holds them to Pillow';
    }),
  ]),
  ...cases('B14', [
    gives(
      'a Display-P3 profile: mode pil ignores it, display converts',
      'other pixels than the stored',
      async () => {
        const file = await raw([200, 60, 60], 1, 3).withIccProfile('p3').png().toBuffer();
        const [pil, display] = await Promise.all([
          decodeImage(file, { mode: 'pil' }),
          decodeImage(file),
        ]);
        must(Math.abs(display.data[0]! - 200) <= 2, `display ${[...display.data].join(' ')}`);
        return `stored ${[...pil.data].join(' ')}, shown ${[...display.data].join(' ')}`;
      },
    ),
  ]),
  ...cases(
    'B15',
    corners.map(([width, x, y], i) =>
      gives(`EXIF orientation ${i + 1} in mode display`, `the corner at ${x}, ${y}`, async () => {
        const image = await decodeImage(await oriented(i + 1));
        must(image.width === width, `width ${image.width}`);
        const white = [...image.data].findIndex((value) => value > 128) / 3;
        must(
          white === y * width + x,
          `the corner at ${white % width}, ${Math.floor(white / width)}`,
        );
      }),
    ),
  ),
  ...cases('B16', [
    gives('broken EXIF and XMP in a JPEG', 'ignored', async () => {
      const jpeg = golden('q75-420.jpg');
      const part = (text: string): Buffer =>
        Buffer.concat([Buffer.from([0xff, 0xe1, 0, 2 + text.length]), Buffer.from(text, 'latin1')]);
      const file = Buffer.concat([
        jpeg.subarray(0, 2),
        part('Exif\0\0MM!!garbage!!'),
        part('http://ns.adobe.com/xap/1.0/\0<x:'),
        jpeg.subarray(2),
      ]);
      const { data } = await decodeImage(file);
      must(Buffer.compare(data, (await decodeImage(jpeg)).data) === 0, 'other pixels');
    }),
  ]),
  ...cases(
    'B17',
    (['gif', 'webp'] as const).map((format) =>
      gives(`an animated ${format}`, 'its first frame', async () => {
        const frames = new Uint8Array(24).fill(255, 0, 12);
        const image = sharp(frames, {
          raw: { width: 2, height: 4, channels: 3, pageHeight: 2 },
        } as never);
        const { width, height, data } = await decodeImage(await image[format]().toBuffer());
        must(width === 2 && height === 2 && data[0]! > 250, `${width} × ${height}, ${data[0]}`);
      }),
    ),
  ),
  ...cases('B17.pil', [
    gives(
      'a transparent GIF in a Buffer of Node, mode pil',
      'the bytes stay as they were',
      async () => {
        const file = await raw([255, 0, 0, 255, 0, 0, 255, 0], 2, 4).gif().toBuffer();
        const before = Uint8Array.from(file);
        await decodeImage(file, { mode: 'pil' });
        must(Buffer.compare(before, file) === 0, 'the bytes were written to');
        return 'unchanged';
      },
    ),
    decodes(
      'a transparent GIF in mode pil, as Pillow',
      async () => raw([255, 0, 0, 255, 0, 0, 255, 0], 2, 4).gif().toBuffer(),
      [255, 0, 0],
      { mode: 'pil' },
    ),
  ]),
  ...cases('B18', [
    decodes(
      'a progressive JPEG',
      async () =>
        raw(
          Array.from({ length: 192 }, () => 90),
          8,
          3,
        )
          .jpeg({ progressive: true })
          .toBuffer(),
      [90, 90, 90],
      { tolerance: 2 },
    ),
    gives('JPEG headers of 12 bits, lossless and arithmetic', 'work, or our error', async () => {
      const seen: string[] = [];
      for (const marker of [0xc1, 0xc3, 0xc9]) {
        const bytes = golden('q75-420.jpg').slice();
        bytes[bytes.indexOf(0xc0)] = marker;
        seen.push((await refusalOf(() => decodeImage(bytes))) === undefined ? 'works' : 'refused');
      }
      return seen.join(', ');
    }),
  ]),
  ...cases('B19', [
    decodes(
      'WebP',
      async () => raw([9, 8, 7], 1, 3).webp({ lossless: true }).toBuffer(),
      [9, 8, 7],
    ),
    decodes(
      'AVIF',
      async () =>
        raw(
          Array.from({ length: 192 }, () => 90),
          8,
          3,
        )
          .avif({ lossless: true })
          .toBuffer(),
      [90, 90, 90],
      { tolerance: 2 },
    ),
    decodes(
      'TIFF',
      async () => raw([9, 8, 7], 1, 3).tiff({ compression: 'lzw' }).toBuffer(),
      [9, 8, 7],
    ),
    readOrListed(
      'uncompressed YCbCr TIFF',
      () => tiffFile({ photometric: 6, samples: [76, 85, 255] }),
      [254, 0, 0],
    ),
    readOrListed(
      'float TIFF of 0 … 1',
      () => tiffFile({ photometric: 2, floats: [1, 0.5, 0] }),
      [255, 128, 0],
    ),
    refusesFormat(
      'SVG with a file:// reference',
      '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>',
    ),
    refusesFormat(
      'SVG of a billion laughs',
      '<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><text>&b;</text></svg>',
    ),
    readOrListed('BMP', bmp, [10, 20, 30]),
    readOrListed('PPM', () => Buffer.from('P6\n1 1\n255\n\x0a\x14\x1e', 'latin1'), [10, 20, 30]),
    readOrListed('PGM', () => Buffer.from('P5\n1 1\n255\n\x50', 'latin1'), [80, 80, 80]),
    refusesFormat(
      'ICO',
      Uint8Array.of(0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 0, 24, 0, 40, 0, 0, 0, 22, 0, 0, 0),
    ),
    refusesFormat('PDF', '%PDF-1.7\n%âãÏÓ\n'),
    refusesFormat('a video', Buffer.from('\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41', 'latin1')),
  ]),
  ...cases('B20', [
    decodes(
      'an interlaced PNG',
      async () => raw([9, 8, 7, 6, 5, 4], 2, 3).png({ progressive: true }).toBuffer(),
      [9, 8, 7, 6, 5, 4],
    ),
    ...(['iCCP', 'zTXt'] as const).map(
      (type) => (id: string) =>
        applied(id, `a PNG with a ${type} bomb of 200 MB`, 'no such memory', async () => {
          const before = process.memoryUsage().rss;
          const chunk = pngChunk(type, Buffer.concat([Buffer.from('x\0\0', 'latin1'), bomb]));
          const file = pngFile(1, 1, [chunk, pngChunk('IDAT', pngRows([[1, 2, 3]]))]);
          const message = await refusalOf(() => decodeImage(file));
          const grown = (process.memoryUsage().rss - before) / 2 ** 20;
          must(grown < 150, `${grown.toFixed(0)} MB more`);
          return message ?? 'an image';
        }),
    ),
  ]),
];
