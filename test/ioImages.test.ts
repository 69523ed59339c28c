import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { crc32, deflateSync } from 'node:zlib';
import sharp from 'sharp';
import { parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import { makeImage } from '../lib/core/image.ts';
import { Rng } from '../lib/core/rng.ts';
import { decodeImage } from '../lib/io/decodeImage.ts';
import { encodePng } from '../lib/io/encodePng.ts';
import { refusalOf, temporaryFolder } from './support/failingDisk.ts';

const goldens = join(__dirname, 'goldens/images');
const place = temporaryFolder();
const read = (name: string): Uint8Array => new Uint8Array(fs.readFileSync(join(goldens, name)));

/** A chunk of a PNG file. */
function chunk(type: string, data: Uint8Array): Uint8Array {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const bytes = Buffer.alloc(12 + data.length);
  bytes.writeUInt32BE(data.length, 0);
  body.copy(bytes, 4);
  bytes.writeUInt32BE(crc32(body), 8 + data.length);
  return bytes;
}

/** A PNG file: header, the given chunks, end. Colour type 2 is RGB, 0 grey. */
function png(
  width: number,
  height: number,
  chunks: Uint8Array[],
  { depth = 8, color = 2 } = {},
): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, color, 0, 0, 0], 8);
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return new Uint8Array(
    Buffer.concat([signature, chunk('IHDR', header), ...chunks, chunk('IEND', new Uint8Array(0))]),
  );
}

describe('encodePng', () => {
  test.each([1, 3] as const)(
    '%d channels through a file and back are the same',
    async (channels) => {
      const rng = new Rng(1);
      for (const [width, height] of [
        [1, 1],
        [7, 3],
        [1, 50],
        [28, 28],
      ] as const) {
        const data = Uint8Array.from({ length: width * height * channels }, () => rng.integer(256));
        const image = makeImage(width, height, channels, data);
        const file = encodePng(image);
        expect(await decodeImage(file, { channels })).toEqual(image);
        expect(encodePng(image)).toEqual(file);
      }
    },
  );

  test('refuses bytes that do not fit', () => {
    expect(() => encodePng({ width: 2, height: 2, channels: 3, data: new Uint8Array(4) })).toThrow(
      /12 bytes/,
    );
  });
});

describe("mode 'pil' gives Pillow's pixels", () => {
  const { tensors } = parseSafetensors(read('decoded.safetensors'));
  test.each([...tensors.keys()])('%s', async (name) => {
    const { shape, data } = tensors.get(name)!;
    const image = await decodeImage(join(goldens, name), { mode: 'pil' });
    expect([image.height, image.width, image.channels]).toEqual(shape);
    let worst = 0;
    image.data.forEach((value, i) => (worst = Math.max(worst, Math.abs(value - Number(data[i])))));
    expect(worst).toBeLessThanOrEqual(name.endsWith('.jpg') ? 2 : 0);
  });
});

describe("mode 'display' shows what a viewer shows", () => {
  test('EXIF orientation 6 is turned', async () => {
    const bytes = read('exif-orientation-6.jpg');
    const flat = await decodeImage(bytes, { mode: 'pil' });
    const turned = await decodeImage(bytes);
    expect([turned.width, turned.height]).toEqual([flat.height, flat.width]);
    // Rotated by 90° clockwise: the first pixel of a row comes from the bottom of a column.
    expect([...turned.data.subarray(0, 3)]).toEqual([
      ...flat.data.subarray(
        3 * flat.width * (flat.height - 1),
        3 * flat.width * (flat.height - 1) + 3,
      ),
    ]);
  });

  test('transparency is laid on white', async () => {
    const rgba = Uint8Array.of(10, 20, 30, 0, 10, 20, 30, 255, 0, 0, 0, 128);
    const file = await sharp(rgba, { raw: { width: 3, height: 1, channels: 4 } })
      .png()
      .toBuffer();
    const { data } = await decodeImage(new Uint8Array(file));
    expect([...data.subarray(0, 6)]).toEqual([255, 255, 255, 10, 20, 30]);
    expect(Math.abs(data[6]! - 127)).toBeLessThanOrEqual(1);
  });

  test('16 bits are scaled to 8', async () => {
    const values = Buffer.alloc(1 + 2 * 3);
    [0, 0x8080, 0xffff].forEach((value, i) => values.writeUInt16BE(value, 1 + 2 * i));
    const file = png(3, 1, [chunk('IDAT', deflateSync(values))], { depth: 16, color: 0 });
    const { data } = await decodeImage(file, { channels: 1 });
    expect([...data]).toEqual([0, 128, 255]);
  });

  test('grey is the luma of Pillow', async () => {
    const file = encodePng(makeImage(3, 1, 3, Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255)));
    expect([...(await decodeImage(file, { channels: 1 })).data]).toEqual([76, 150, 29]);
  });

  test('an animation gives its first frame', async () => {
    const frames = new Uint8Array(2 * 2 * 4 * 3).fill(255, 0, 12).fill(0, 12);
    const file = await sharp(frames, {
      raw: { width: 2, height: 4, channels: 3, pageHeight: 2 },
    } as never)
      .gif()
      .toBuffer();
    const { width, height, data } = await decodeImage(new Uint8Array(file));
    expect([width, height, data[0]]).toEqual([2, 2, 255]);
  });
});

describe('odd images work', () => {
  test.each([
    [1, 1],
    [1, 5000],
    [5000, 1],
  ])('%d × %d', async (width, height) => {
    const image = makeImage(width, height, 3, new Uint8Array(width * height * 3).fill(9));
    expect(await decodeImage(encodePng(image))).toEqual(image);
  });

  test('the content decides, not the name', async () => {
    fs.copyFileSync(join(goldens, 'palette.png'), join(place(), 'x.JPEG'));
    fs.copyFileSync(join(goldens, 'q75-420.jpg'), join(place(), 'no extension 日本'));
    expect((await decodeImage(join(place(), 'x.JPEG'))).width).toBe(97);
    expect((await decodeImage(join(place(), 'no extension 日本'))).width).toBe(97);
  });

  test('bytes after the end of a JPEG and broken EXIF are ignored', async () => {
    const jpeg = read('q75-420.jpg');
    const good = await decodeImage(jpeg);
    expect(await decodeImage(Buffer.concat([jpeg, Buffer.from('and more')]))).toEqual(good);
    const exif = Buffer.concat([
      Buffer.from([0xff, 0xe1, 0, 20]),
      Buffer.from('Exif\0\0MM!!garbage!!'),
    ]);
    const file = Buffer.concat([jpeg.subarray(0, 2), exif.subarray(0, 22), jpeg.subarray(2)]);
    expect(await decodeImage(file)).toEqual(good);
  });
});

describe('bad images are refused in one sentence', () => {
  const cases: [string, Uint8Array, RegExp][] = [
    ['nothing', new Uint8Array(0), /it is empty/],
    ['one byte', Uint8Array.of(0xff), /Cannot decode/],
    [
      'the signature alone',
      Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
      /Cannot decode/,
    ],
    ['text', Buffer.from('hello'.repeat(50)), /Cannot decode/],
    ['a web page', Buffer.from('<!DOCTYPE html><html><body>404</body></html>'), /Cannot decode/],
    [
      'an SVG that reads a file',
      Buffer.from(
        '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><image href="file:///etc/passwd"/></svg>',
      ),
      /"svg" is not read/,
    ],
    [
      'a size of 19,000²',
      png(19_000, 19_000, [chunk('IDAT', deflateSync(Buffer.alloc(1000)))]),
      /19000 x 19000 is more than 50000000 pixels/,
    ],
    ['a size of 65,535²', png(65_535, 65_535, []), /Cannot decode/],
    ['a size past 2³²', png(2 ** 31 - 1, 2 ** 31 - 1, []), /Cannot decode/],
    ['a width of 0', png(0, 5, []), /Cannot decode/],
    ['no pixels', png(5, 5, []), /Cannot decode/],
    ['bad pixels', png(5, 5, [chunk('IDAT', Buffer.from('not zlib'))]), /Cannot decode/],
  ];
  test.each(cases)('%s', async (_, bytes, message) => {
    const start = performance.now();
    expect(await refusalOf(decodeImage(bytes))).toMatch(message);
    expect(performance.now() - start).toBeLessThan(2000);
  });

  test.each([0.1, 0.5, 0.9])('a JPEG cut at %d of its length, unless allowed', async (share) => {
    const jpeg = read('q75-420.jpg');
    const cut = jpeg.subarray(0, Math.floor(jpeg.length * share));
    expect(await refusalOf(decodeImage(cut))).toMatch(/Cannot decode "image"/);
    if (share >= 0.5) expect((await decodeImage(cut, { allowTruncated: true })).width).toBe(97);
  });

  test('a folder, a pipe, a device, nothing', async () => {
    execFileSync('mkfifo', [join(place(), 'pipe')]);
    expect(await refusalOf(decodeImage(place()))).toMatch(/it is a folder/);
    expect(await refusalOf(decodeImage(join(place(), 'pipe')))).toMatch(/pipe/);
    expect(await refusalOf(decodeImage('/dev/zero'))).toMatch(/device/);
    expect(await refusalOf(decodeImage(join(place(), 'none.png')))).toMatch(/no such file/);
  });

  test('a limit of ours', async () => {
    const image = makeImage(10, 10, 3, new Uint8Array(300));
    expect(await refusalOf(decodeImage(encodePng(image), { maxPixels: 99 }))).toMatch(/99 pixels/);
  });

  test('random bytes behind good beginnings never give another error', async () => {
    const rng = new Rng(7);
    for (const name of ['q75-420.jpg', 'palette.png', 'webp-lossless.webp']) {
      const good = read(name);
      for (let round = 0; round < 40; round += 1) {
        const bytes = good.slice();
        for (let i = 0; i < 4; i += 1) bytes[rng.integer(bytes.length)] = rng.integer(256);
        await refusalOf(decodeImage(bytes, { mode: rng.bernoulli(0.5) ? 'pil' : 'display' }));
      }
    }
  });
});
