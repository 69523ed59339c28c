// The pixel loops of the addon beside those in TypeScript, byte for byte.

import { nativeBinding, nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { makeImage, type RgbImage } from '../lib/core/image.ts';
import { Rng } from '../lib/core/rng.ts';
import { affine, type AffineFilter } from '../lib/data/pixels/affine.ts';
import { usePixelKernels, type PixelKernels } from '../lib/data/pixels/pixelKernels.ts';
import { resizeFilters, resizeImage } from '../lib/data/resizeImage.ts';
import { nativePixels } from '../lib/workers/nativePixels.ts';

const reason =
  nativeUnavailableReason() ??
  (typeof nativeBinding().mapPixels === 'function' ? undefined : 'the addon was built before them');

if (reason !== undefined) test.skip(`pixel loops: ${reason}`, () => undefined);
else describe('pixel loops of the addon', nativeTests);

function nativeTests(): void {
  const kernels = nativePixels(nativeBinding());

  const rng = new Rng(5);
  const channelsOf = () => (rng.bernoulli(0.5) ? 3 : 1);
  const random = (width: number, height: number, channels: 1 | 3): RgbImage => {
    // Extreme levels beside each other, so that sums leave 0 … 255.
    const level = () => (rng.bernoulli(0.3) ? 255 * rng.integer(2) : rng.integer(256));
    return makeImage(width, height, channels, Uint8Array.from({ length: width * height * channels }, level)); // prettier-ignore
  };
  const both = (work: () => RgbImage): [RgbImage, RgbImage] => {
    const given = (use: PixelKernels | undefined) => {
      const before = usePixelKernels(use);
      try {
        return work();
      } finally {
        usePixelKernels(before);
      }
    };
    return [given(kernels), given(undefined)];
  };

  // Bytes are compared as buffers, because a matcher would look at each.
  const assertSame = (fast: RgbImage, slow: RgbImage) => {
    expect([fast.width, fast.height, fast.channels]).toEqual([
      slow.width,
      slow.height,
      slow.channels,
    ]);
    expect(Buffer.compare(fast.data, slow.data)).toBe(0);
  };

  test('windows that are wider than a block of rows may be give the same bytes', () => {
    for (const channels of [1, 3] as const) {
      const image = random(8000, 18, channels);
      const [fast, slow] = both(() => resizeImage(image, { width: 1, height: 18 }, 'lanczos'));
      assertSame(fast, slow);
    }
  });

  test.each(resizeFilters)('resizing with %s gives the same bytes', (filter) => {
    for (let round = 0; round < 40; round += 1) {
      const [w, h, width, height] = [1, 2, 3, 4].map(() => 1 + rng.integer(round < 20 ? 9 : 70));
      const image = random(w!, h!, channelsOf());
      const [fast, slow] = both(() =>
        resizeImage(image, { width: width!, height: height! }, filter),
      );
      assertSame(fast, slow);
    }
  });

  test('a wide image is resized in blocks of columns', () => {
    const image = random(700, 5, 3);
    const [fast, slow] = both(() => resizeImage(image, { width: 700, height: 3 }, 'bicubic'));
    assertSame(fast, slow);
  });

  test.each<AffineFilter>(['bilinear', 'bicubic'])(
    'affine maps with %s give the same bytes',
    (filter) => {
      for (let round = 0; round < 60; round += 1) {
        const image = random(1 + rng.integer(30), 1 + rng.integer(30), channelsOf());
        const [a, b, d, e] = [1, 0, 0, 1].map((v) => v + rng.normal(0, 0.4));
        const [c, f] = [rng.normal(0, 6), rng.normal(0, 6)];
        const matrix = [a!, b!, c, d!, e!, f] as const;
        const [fast, slow] = both(() => affine(image, matrix, { filter, fill: [1, 2, 3] }));
        assertSame(fast, slow);
      }
    },
  );
}
