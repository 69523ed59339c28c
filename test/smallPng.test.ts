// Small PNG files: the short way of decoding beside the long one.

import { readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import { makeImage } from '../lib/core/image.ts';
import { Rng } from '../lib/core/rng.ts';
import { decodePil } from '../lib/io/decodePil.ts';
import { encodePng } from '../lib/io/encodePng.ts';
import { openImageFile } from '../lib/io/imageFile.ts';
import { smallPng } from '../lib/io/smallPng.ts';
import { encodeIndexedPng } from '../lib/fractaldb/indexedPng.ts';
import type { RgbImage } from '../lib/core/image.ts';

const matrix = path.join(__dirname, 'goldens/images/matrix/files.safetensors');
const limits = { name: 'x', maxPixels: 1e6, allowTruncated: false, ignoreIcc: true };
const long = async (bytes: Uint8Array): Promise<RgbImage> =>
  decodePil(await openImageFile(bytes, limits));
const rng = new Rng(3);
const noise = (width: number, height: number, channels: 1 | 3): RgbImage =>
  makeImage(width, height, channels, Uint8Array.from({ length: width * height * channels }, () => rng.integer(256))); // prettier-ignore

async function assertSame(bytes: Uint8Array): Promise<void> {
  const [short, other] = [smallPng(bytes)!, await long(bytes)];
  expect([short.width, short.height, short.channels]).toEqual([other.width, other.height, 3]);
  expect(Buffer.compare(short.data, other.data)).toBe(0);
}

test('grey, RGB and palettes of any filter give the same pixels', async () => {
  for (const channels of [1, 3] as const) {
    for (const [width, height] of [[28, 28], [1, 1], [7, 19], [128, 128]] as const) {
      await assertSame(encodePng(noise(width, height, channels)));
    }
  }
  const { width, height, channels, data } = noise(30, 20, 3);
  const raw = { raw: { width, height, channels } };
  for (const options of [{}, { palette: true }, { palette: true, colours: 4 }, { adaptiveFiltering: true }]) {
    await assertSame(await sharp(data, raw).png(options).toBuffer());
  }
  const palette = Uint8Array.of(0, 0, 0, 90, 200, 30);
  const indices = Uint8Array.from({ length: 1024 }, () => rng.integer(2));
  await assertSame(encodeIndexedPng({ size: 32, indices, palette }));
}); // prettier-ignore

test('every PNG file of the matrix that takes the short way has the pixels of the long one', async () => {
  const { tensors } = parseSafetensors(new Uint8Array(readFileSync(matrix)));
  let short = 0;
  for (const [name, { data }] of tensors) {
    const bytes = Uint8Array.from(data as Uint8Array);
    if (smallPng(bytes) === undefined) continue;
    expect(name).toMatch(/\.png$/);
    short += 1;
    await assertSame(bytes);
  }
  expect(short).toBeGreaterThan(3);
});

test('another format, a large image, transparency, deep samples and interlacing take the long way', async () => {
  const { data } = noise(16, 16, 3);
  const image = () => sharp(data, { raw: { width: 16, height: 16, channels: 3 } });
  const others = [
    image().jpeg(),
    image().ensureAlpha(0.5).png(),
    image().png({ progressive: true }),
    image().toColourspace('rgb16').png(),
    image().resize(200, 200).png(),
  ];
  for (const other of others) expect(smallPng(await other.toBuffer())).toBeUndefined();
  expect(smallPng(new Uint8Array(0))).toBeUndefined();
});

test('a damaged file is never taken for another picture', async () => {
  const good = encodePng(noise(12, 9, 3));
  let taken = 0;
  for (let round = 0; round < 400; round += 1) {
    const bytes = Uint8Array.from(good);
    for (let k = 0; k <= rng.integer(3); k += 1) bytes[8 + rng.integer(good.length - 8)] = rng.integer(256);
    const cut = rng.bernoulli(0.2) ? bytes.subarray(0, rng.integer(good.length)) : bytes;
    if (smallPng(cut) === undefined) continue;
    taken += 1;
    await assertSame(cut);
  }
  expect(taken).toBeLessThan(40);
}); // prettier-ignore
