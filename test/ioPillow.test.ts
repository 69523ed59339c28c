// Image files of every kind are read as Pillow reads them, or refused with the list of what is read.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import { decodeImage } from '../lib/io/decodeImage.ts';
import { refusalOf } from './support/failingDisk.ts';

const matrix = join(__dirname, 'goldens/images/matrix');
const open = (name: string) => parseSafetensors(new Uint8Array(readFileSync(join(matrix, name))));
const files = open('files.safetensors').tensors;
const decoded = open('decoded.safetensors').tensors;
const fileOf = (name: string): Uint8Array => Uint8Array.from(files.get(name)!.data as Uint8Array);

/** Files of formats and samples that are not read, and how a refusal calls each. */
const unread: Readonly<Record<string, string>> = {
  'other.bmp': '"bmp"',
  'other-palette.bmp': '"bmp"',
  'other-1.bmp': '"bmp"',
  'other.ppm': '"ppm"',
  'other-ascii.ppm': '"ppm"',
  'other.pgm': '"pgm"',
  'other-16.pgm': '"pgm"',
  'other.pbm': '"pbm"',
  'other.ico': '"ico"',
  'other.jp2': '"jp2"',
  'other.pcx': '"pcx"',
  'other.qoi': '"qoi"',
  'other.tga': 'its format',
  'heic.heic': '"heic"',
  'tiff-float16.tif': 'TIFF of float16',
  'tiff-float32.tif': 'TIFF of float32',
  'tiff-float32-255.tif': 'TIFF of float32',
  'tiff-float32-rgb.tif': 'TIFF of float32',
  'tiff-float64.tif': 'TIFF of float64',
  'tiff-int8.tif': 'TIFF of int8',
  'tiff-int16.tif': 'TIFF of int16',
  'tiff-int32.tif': 'TIFF of int32',
  'tiff-uint32.tif': 'TIFF of uint32',
  'tiff-rgb32.tif': 'TIFF of uint32',
  'tiff-cmyk16.tif': 'TIFF of uint16 in CMYK',
  'tiff-lab8.tif': 'TIFF in CIELab',
  'tiff-lab16.tif': 'TIFF in CIELab',
  'tiff-icclab8.tif': 'TIFF in CIELab',
  'tiff-ycbcr-lzw.tif': 'TIFF in YCbCr',
};

/** The largest difference of a level from Pillow, for decoders that are not the same as Pillow's. */
function toleranceOf(name: string): number {
  if (/\.jpg$|jpeg/.test(name)) return 2;
  // Measured: 76 on noise, where libavif and libheif interpolate chroma differently, 1 otherwise.
  if (name === 'avif-420.avif') return 80;
  return name.endsWith('.avif') ? 1 : 0;
}

const names = [...files.keys()];

test.each(names.filter((name) => !(name in unread)))("'pil' is Pillow: %s", async (name) => {
  const { shape, data } = decoded.get(name)!;
  const image = await decodeImage(fileOf(name), { mode: 'pil' });
  expect([image.height, image.width, image.channels]).toEqual(shape);
  const differences = image.data.map((level, i) => Math.abs(level - Number(data[i])));
  expect(differences.reduce((a, b) => Math.max(a, b), 0)).toBeLessThanOrEqual(toleranceOf(name));
});

test.each(Object.entries(unread))('%s is refused with the list', async (name, called) => {
  for (const mode of ['pil', 'display'] as const) {
    const message = await refusalOf(decodeImage(fileOf(name), { mode }));
    expect(message).toContain(`Cannot decode "image": ${called}`);
    expect(message).toMatch(/is not read; JPEG, PNG, WebP, GIF, AVIF and TIFF.* are\.$/);
  }
});

describe('display', () => {
  const levelsOf = async (name: string): Promise<number[]> => [
    ...(await decodeImage(fileOf(name))).data,
  ];

  // RGB to YCbCr and back in 8 bits is up to 3 levels off.
  test.each([
    ['tiff-ycbcr.tif', 3],
    ['tiff-ycbcr-be.tif', 3],
    ['tiff-tiff_lzw.tif', 0],
    ['png-rgb8-interlaced.png', 0],
    ['png-rgb16.png', 0],
  ])('of %s is the picture', async (name, tolerance) => {
    const [picture, levels] = [await levelsOf('png-rgb8.png'), await levelsOf(name)];
    const worst = levels.reduce((max, level, i) => Math.max(max, Math.abs(level - picture[i]!)), 0);
    expect(worst).toBeLessThanOrEqual(tolerance);
  });

  test('scales 16 bits and inverts where white is zero', async () => {
    const grey = await levelsOf('tiff-grey16.tif');
    expect(grey).toEqual(await levelsOf('png-grey16.png'));
    const inverted = await levelsOf('tiff-grey16-white0.tif');
    inverted.forEach((level, i) => expect(level).toBe(255 - grey[i]!));
  });

  test('lays transparency on white, or on black where white would hide all that is drawn', async () => {
    const file = async (ink: number, drawn: number): Promise<Uint8Array> => {
      const pixels = new Uint8Array(64 * 4);
      for (let i = 0; i < drawn; i += 1) pixels.set([ink, ink, ink, 255], 4 * i);
      const raw = { width: 8, height: 8, channels: 4 } as const;
      return new Uint8Array(await sharp(pixels, { raw }).png().toBuffer());
    };
    const groundOf = async (ink: number, drawn: number): Promise<number> =>
      (await decodeImage(await file(ink, drawn), { channels: 1 })).data[63]!;
    expect([await groundOf(0, 9), await groundOf(120, 9)]).toEqual([255, 255]);
    expect([await groundOf(255, 9), await groundOf(230, 9)]).toEqual([0, 0]);
    expect(await groundOf(255, 0)).toBe(255);
  });
});

describe('a file that is cut off is refused', () => {
  const whole = [
    'png-rgb8.png',
    'png-palette4.png',
    'png-grey16-interlaced.png',
    'jpeg-420.jpg',
    'jpeg-progressive.jpg',
    'gif-plain.gif',
    'gif-animated.gif',
    'webp-lossless.webp',
    'webp-lossy.webp',
    'webp-animated.webp',
    'tiff-rgb8.tif',
    'tiff-tiff_lzw.tif',
    'tiff-jpeg.tif',
    'avif.avif',
  ];
  test.each(whole)('%s', async (name) => {
    const bytes = fileOf(name);
    const lengths = [0.1, 0.5, 0.9, 0.95, 0.99].map((share) => Math.floor(share * bytes.length));
    for (const length of [...lengths, bytes.length - 2, bytes.length - 1]) {
      for (const mode of ['pil', 'display'] as const) {
        const cut = bytes.subarray(0, length);
        expect(await refusalOf(decodeImage(cut, { mode }))).toMatch(/Cannot decode "image"/);
      }
    }
    // Pillow ignores what follows the end of a file.
    const longer = Buffer.concat([bytes, Buffer.from('and more garbage')]);
    expect(await decodeImage(longer)).toEqual(await decodeImage(bytes));
  });

  test('unless it is allowed', async () => {
    const cut = fileOf('png-palette4.png').slice(0, -2);
    expect(await refusalOf(decodeImage(cut))).toMatch(/it is cut off/);
    expect((await decodeImage(cut, { allowTruncated: true })).width).toBe(23);
  });
});

describe('a file that claims more than it may is refused before it is decoded', () => {
  const claims: Readonly<Record<string, (view: DataView) => void>> = {
    'png-rgb8.png': (view) => [16, 20].forEach((at) => view.setUint32(at, 60_000)),
    'gif-plain.gif': (view) => {
      const bytes = new Uint8Array(view.buffer);
      const frame = bytes.findIndex((byte, i) => byte === 0x2c && bytes[i + 5] === 23);
      [6, 8, frame + 5, frame + 7].forEach((at) => view.setUint16(at, 60_000, true));
    },
    'tiff-rgb8.tif': (view) => {
      // The values of the first two fields: width and height.
      const directory = view.getUint32(4, true) + 2;
      [8, 20].forEach((at) => view.setUint32(directory + at, 60_000, true));
    },
    'jpeg-420.jpg': (view) => {
      const at = new Uint8Array(view.buffer).findIndex(
        (byte, i, all) => byte === 0xff && all[i + 1] === 0xc0,
      );
      [5, 7].forEach((k) => view.setUint16(at + k, 60_000));
    },
  };
  test.each(Object.entries(claims))('%s of 60000 × 60000', async (name, claim) => {
    const bytes = fileOf(name);
    claim(new DataView(bytes.buffer));
    for (const mode of ['pil', 'display'] as const) {
      const before = process.memoryUsage().rss;
      expect(await refusalOf(decodeImage(bytes, { mode }))).toMatch(/Cannot decode "image"/);
      expect(process.memoryUsage().rss - before).toBeLessThan(200e6);
    }
  });

  test.each(['iCCP', 'zTXt', 'IDAT'])('a %s chunk that inflates to 200 MB', async (type) => {
    const zeros = deflateSync(Buffer.alloc(200e6));
    const content = type === 'IDAT' ? zeros : Buffer.concat([Buffer.from('a\0\0'), zeros]);
    const body = Buffer.concat([Buffer.from(type), content]);
    const chunk = Buffer.alloc(12 + content.length);
    chunk.writeUInt32BE(content.length, 0);
    body.copy(chunk, 4);
    chunk.writeUInt32BE(crc32(body), 8 + content.length);
    const good = fileOf('png-rgb8.png');
    const bytes = Buffer.concat([good.subarray(0, 33), chunk, good.subarray(33)]);
    const before = process.memoryUsage().rss;
    await refusalOf(decodeImage(bytes));
    expect(process.memoryUsage().rss - before).toBeLessThan(150e6);
  });
});

describe('from plain JavaScript', () => {
  const decode = decodeImage as (source: unknown, options?: unknown) => Promise<unknown>;

  test.each([
    null,
    undefined,
    5,
    '',
    'a\0b',
    {},
    [1, 2],
    new Float32Array(4),
    new DataView(new ArrayBuffer(4)),
    () => 1,
    Promise.resolve(),
  ])('the source %p is refused', async (source) => {
    const message = await refusalOf(() => decode(source));
    expect(message).toMatch(/^Expected a path or the bytes of an image file for decodeImage/);
  });

  test.each([
    [null, /an object for the options/],
    ['pil', /an object for the options/],
    [{ mode: 'PIL' }, /mode/],
    [{ mode: null }, /mode/],
    [{ channels: 2 }, /1 or 3 for channels/],
    [{ maxPixels: 0 }, /maxPixels/],
    [{ maxPixels: '9' }, /maxPixels/],
    [{ allowTruncated: 'no' }, /allowTruncated/],
    [{ channel: 1 }, /"channel"/],
  ])('the options %j are refused', async (options, message) => {
    expect(await refusalOf(() => decode(fileOf('png-rgb8.png'), options))).toMatch(message);
  });

  test('an ArrayBuffer, a part of one and a Buffer are bytes', async () => {
    const bytes = fileOf('png-rgb8.png');
    const image = await decode(bytes);
    expect(await decode(bytes.buffer)).toEqual(image);
    expect(await decode(Buffer.from(bytes))).toEqual(image);
    const part = Buffer.concat([Buffer.from('xyz'), bytes]).subarray(3);
    expect(await decode(part)).toEqual(image);
  });
});
