import { makeImage } from '../lib/core/image.ts';
import { fitImage } from '../lib/data/fitImage.ts';
import { resizeImage } from '../lib/data/resizeImage.ts';
import type { ResizeFilter } from '../lib/data/resizeImage.ts';

const source = makeImage(
  7,
  5,
  1,
  Uint8Array.from({ length: 35 }, (_, i) => i * i * 7 + i * 13),
);

// Made with Pillow 13: Image.frombytes('L', (7, 5), …).resize((width, height), filter).
const pillow: [ResizeFilter, number, number, number[]][] = [
  ['box', 3, 2, [82, 153, 164, 116, 152, 122]],
  ['bilinear', 3, 2, [93, 142, 163, 118, 173, 149]],
  ['hamming', 3, 2, [84, 132, 156, 114, 180, 145]],
  ['bicubic', 3, 2, [86, 145, 166, 121, 177, 148]],
  ['lanczos', 3, 2, [81, 150, 168, 123, 180, 148]],
  // prettier-ignore
  ['lanczos', 9, 8, [
    0, 8, 33, 54, 110, 138, 239, 201, 67, 89, 24, 39, 96, 75, 160, 224, 144, 45, 190, 80, 105, 166, 65, 196, 205, 105, 79,
    74, 156, 230, 192, 149, 211, 206, 189, 220, 0, 133, 241, 208, 229, 165, 193, 236, 217, 17, 64, 130, 199, 249, 110, 159,
    184, 77, 157, 119, 58, 112, 232, 148, 136, 124, 59, 244, 184, 43, 52, 213, 194, 129, 96, 92]],
  // prettier-ignore
  ['bicubic', 9, 8, [
    0, 6, 29, 56, 105, 145, 224, 198, 66, 82, 32, 49, 99, 79, 168, 208, 155, 58, 184, 80, 100, 163, 66, 199, 189, 114, 76,
    61, 151, 209, 196, 154, 204, 203, 195, 210, 0, 142, 218, 206, 221, 171, 194, 222, 210, 23, 67, 126, 189, 247, 114, 159,
    177, 78, 149, 117, 81, 109, 232, 148, 141, 128, 71, 239, 165, 62, 52, 216, 182, 132, 98, 86]],
];

describe('resizing', () => {
  test.each(pillow)('%s to %i × %i is what Pillow makes', (filter, width, height, wanted) => {
    expect([...resizeImage(source, { width, height }, filter).data]).toEqual(wanted);
  });

  // Pillow takes the columns first where the height loses more than twice as many pixels as the width. Rows first, the overshoot would
  // be clipped before the mean is taken, and the first level were 128.
  test('the pass that Pillow makes first is made first', () => {
    const image = makeImage(2, 2, 1, Uint8Array.of(0, 255, 255, 255));
    expect([...resizeImage(image, { width: 3, height: 1 }, 'bicubic').data]).toEqual([
      120, 192, 255,
    ]);
  });

  test('each channel is resized by itself', () => {
    const color = makeImage(
      7,
      5,
      3,
      Uint8Array.from({ length: 105 }, (_, i) => source.data[Math.floor(i / 3)]! >> (i % 3)),
    );
    const resized = resizeImage(color, { width: 4, height: 9 });
    for (const channel of [0, 1, 2]) {
      const alone = makeImage(
        7,
        5,
        1,
        source.data.map((value) => value >> channel),
      );
      const picked = resized.data.filter((_, i) => i % 3 === channel);
      expect(picked).toEqual(resizeImage(alone, { width: 4, height: 9 }).data);
    }
  });

  test('the same size is the same image', () => {
    expect(resizeImage(source, source)).toBe(source);
  });

  test('a plain image stays plain', () => {
    const plain = makeImage(11, 3, 1, new Uint8Array(33).fill(201));
    for (const filter of ['box', 'bilinear', 'hamming', 'bicubic', 'lanczos'] as const) {
      const { data } = resizeImage(plain, { width: 28, height: 28 }, filter);
      expect(new Set(data)).toEqual(new Set([201]));
    }
  });

  test.each([
    [{ width: 0, height: 4 }, 'bilinear', /width/],
    [{ width: 4, height: 1e9 }, 'bilinear', /height/],
    [{ width: 4, height: 4 }, 'cubic', /one of nearest, box/],
  ] as const)('refuses %o, %s', (size, filter, message) => {
    expect(() => resizeImage(source, size, filter as ResizeFilter)).toThrow(message);
  });
});

describe('fitImage', () => {
  const image = (width: number, height: number, value: (x: number, y: number) => number) => ({
    width,
    height,
    channels: 1 as const,
    data: Uint8Array.from({ length: width * height }, (_, i) =>
      value(i % width, Math.floor(i / width)),
    ),
  });

  test('keeps an image of the size, and a flat one flat at any size', () => {
    const same = image(5, 3, (x, y) => x * y);
    expect(fitImage(same, { height: 3, width: 5 })).toBe(same);
    for (const size of [
      { height: 7, width: 7 },
      { height: 2, width: 3 },
      { height: 1, width: 1 },
    ]) {
      const out = fitImage(
        image(31, 17, () => 77),
        size,
      );
      expect([out.height, out.width, ...new Set(out.data)]).toEqual([size.height, size.width, 77]);
    }
  });

  test('leaves a pixel of a thin line', () => {
    const line = image(1, 100, (_x, y) => (y === 49 || y === 50 ? 200 : 0));
    expect(new Set(fitImage(line, { height: 6, width: 6 }).data)).toEqual(new Set([200]));
    const row = image(101, 1, (x) => (x === 50 ? 9 : 0));
    expect(new Set(fitImage(row, { height: 2, width: 2 }).data)).toEqual(new Set([9]));
  });

  test('averages what it shrinks: a checkerboard becomes grey', () => {
    const out = fitImage(
      image(64, 64, (x, y) => ((x + y) % 2) * 255),
      { height: 8, width: 8 },
    );
    for (const value of out.data) expect(Math.abs(value - 127.5)).toBeLessThan(6);
  });

  test('takes the centre, and mirrors with its input', () => {
    const wide = image(60, 20, (x) => (x < 20 || x >= 40 ? 255 : 10));
    const centre = fitImage(wide, { height: 10, width: 10 });
    expect(Math.max(...[...centre.data].filter((_, i) => i % 10 > 0 && i % 10 < 9))).toBe(10);
    const [a, b] = [
      image(33, 20, (x, y) => (x * 7 + y * 3) % 256),
      image(33, 20, (x, y) => ((32 - x) * 7 + y * 3) % 256),
    ];
    const [left, right] = [a, b].map((one) => fitImage(one, { height: 9, width: 13 }));
    for (let y = 0; y < 9; y += 1)
      for (let x = 0; x < 13; x += 1)
        expect(left!.data[y * 13 + x]).toBe(right!.data[y * 13 + 12 - x]);
  });
});
