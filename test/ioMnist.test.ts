import * as fs from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { Rng } from '../lib/core/rng.ts';
import { readIdx } from '../lib/io/idx.ts';
import { loadMnist, mnistFolder } from '../lib/io/mnist.ts';
import { refusalOf, temporaryFolder } from './support/failingDisk.ts';

const place = temporaryFolder();

describe('readIdx', () => {
  const idx = (magic: number, sizes: number[], data: number[]): Uint8Array => {
    const bytes = new Uint8Array(4 + 4 * sizes.length + data.length);
    const view = new DataView(bytes.buffer);
    [magic, ...sizes].forEach((value, i) => view.setUint32(4 * i, value));
    bytes.set(data, 4 + 4 * sizes.length);
    return bytes;
  };
  const refusal = (bytes: Uint8Array, options: Parameters<typeof readIdx>[2]): Promise<string> =>
    refusalOf(async () => Promise.resolve(readIdx(bytes, 'file', options)));

  test('gives sizes and values', () => {
    const file = idx(0x803, [2, 1, 3], [1, 2, 3, 4, 5, 255]);
    expect(readIdx(file, 'file', { rank: 3, sizes: [1, 3] })).toEqual({
      shape: [2, 1, 3],
      data: Uint8Array.of(1, 2, 3, 4, 5, 255),
    });
    expect(readIdx(idx(0x801, [0], []), 'file', { rank: 1 }).data).toHaveLength(0);
  });

  test.each<[string, Uint8Array, Parameters<typeof readIdx>[2], RegExp]>([
    ['nothing', new Uint8Array(0), { rank: 1 }, /at least 8 bytes for file, received 0/],
    ['half a header', idx(0x803, [1], []), { rank: 3 }, /at least 16 bytes/],
    ['another rank', idx(0x801, [1], [0]), { rank: 3 }, /at least|magic number/],
    ['another type', idx(0xd01, [1], [0]), { rank: 1 }, /magic number 2049.*received 3329/],
    ['a gzip file', Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0), { rank: 1 }, /gunzip/],
    ['a byte too few', idx(0x801, [3], [1, 2]), { rank: 1 }, /11 bytes.*received 10/],
    ['a byte too many', idx(0x801, [1], [1, 2]), { rank: 1 }, /9 bytes.*received 10/],
    ['2³² − 1 items', idx(0x801, [2 ** 32 - 1], [1]), { rank: 1 }, /4294967303 bytes/],
    ['a product past 2⁶⁴', idx(0x803, [2 ** 31, 2 ** 31, 2 ** 31], [1]), { rank: 3 }, /bytes/],
    [
      'another image size',
      idx(0x803, [1, 2, 2], [1, 2, 3, 4]),
      { rank: 3, sizes: [28, 28] },
      /\[n, 28, 28\]/,
    ],
    [
      'a label of 10',
      idx(0x801, [3], [1, 10, 2]),
      { rank: 1, maxValue: 9 },
      /at most 9 for item 1 of file, received 10/,
    ],
  ])('refuses %s', async (_, bytes, options, message) => {
    expect(await refusal(bytes, options)).toMatch(message);
  });

  test('random bytes are refused, whatever they say', async () => {
    const rng = new Rng(9);
    for (let round = 0; round < 2000; round += 1) {
      const bytes = Uint8Array.from({ length: rng.integer(40) }, () => rng.integer(4));
      if (bytes.length > 4 && rng.bernoulli(0.8)) bytes.set([0, 0, 8, 3]);
      await refusal(bytes, { rank: 3 });
    }
  });
});

describe('loadMnist', () => {
  test('reads the test set of the package', async () => {
    const { images, labels, count } = await loadMnist({ split: 'test' });
    expect(count).toBe(10_000);
    expect([...labels.subarray(0, 10)]).toEqual([7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    expect(images).toHaveLength(10_000 * 784);
    const counts = new Array<number>(10).fill(0);
    labels.forEach((label) => (counts[label]! += 1));
    expect(counts).toEqual([980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
  });

  test('takes the first images only', async () => {
    const { images, labels, count } = await loadMnist({ limit: 3 });
    expect([count, images.length, [...labels]]).toEqual([3, 3 * 784, [5, 0, 4]]);
    expect((await loadMnist({ split: 'test', limit: 1e6 })).count).toBe(10_000);
    expect(await refusalOf(loadMnist({ limit: 0 }))).toMatch(/limit/);
  });

  test.each([
    ['', '-idx', ''],
    ['', '.idx', ''],
    ['', '-idx', '.gz'],
    ['MNIST/raw', '-idx', '.gz'],
    ['raw', '.idx', ''],
  ])('finds files in %p, named by %p and %p', async (below, mark, suffix) => {
    const folder = join(place(), below);
    fs.mkdirSync(folder, { recursive: true });
    const put = (name: string, bytes: Uint8Array) =>
      fs.writeFileSync(join(folder, name), suffix === '' ? bytes : gzipSync(bytes));
    const labels = Uint8Array.of(0, 0, 8, 1, 0, 0, 0, 2, 7, 3);
    const images = new Uint8Array(16 + 2 * 784).fill(9);
    images.set([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28]);
    put(`train-images${mark}3-ubyte${suffix}`, images);
    put(`train-labels${mark}1-ubyte${suffix}`, labels);
    const loaded = await loadMnist({ folder: place() });
    expect([loaded.count, [...loaded.labels], loaded.images[5]]).toEqual([2, [7, 3], 9]);
  });

  test('names a file that is missing or does not belong', async () => {
    expect(await refusalOf(loadMnist({ folder: place() }))).toMatch(/train-images-idx3-ubyte/);
    const from = mnistFolder();
    fs.copyFileSync(join(from, 't10k-images-idx3-ubyte'), join(place(), 'train-images-idx3-ubyte'));
    fs.copyFileSync(
      join(from, 'train-labels-idx1-ubyte'),
      join(place(), 'train-labels-idx1-ubyte'),
    );
    expect(await refusalOf(loadMnist({ folder: place() }))).toMatch(
      /60000 images, one a label.*10000/,
    );
  });
});
