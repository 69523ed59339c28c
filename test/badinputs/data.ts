// B59, B65–B67, B69, B74: data sets with files, sizes or labels that are wrong; folders of images have a file of their own.

import * as fs from 'node:fs';
import { gzipSync } from 'node:zlib';
import { MemoryDataset, Loader } from '../../lib/index.ts';
import { readIdx } from '../../lib/io/idx.ts';
import { mnistFolder } from '../../lib/io/mnist.ts';
import { folderRows } from './folders.ts';
import { refuses } from '../suites/expect.ts';
import { experiment, training } from '../suites/fixtures.ts';
import { gives, throws } from '../suites/inProcess.ts';
import { answered, cases, must } from '../suites/row.ts';
import type { Place } from '../suites/place.ts';
import type { Row } from '../suites/row.ts';

const names = [
  'train-images-idx3-ubyte',
  'train-labels-idx1-ubyte',
  't10k-images-idx3-ubyte',
  't10k-labels-idx1-ubyte',
] as const;
type Name = (typeof names)[number];

/** An IDX file of bytes: magic number, sizes, values. */
function idx(sizes: readonly number[], values: Uint8Array, magic = 0x0800 + sizes.length): Buffer {
  const header = Buffer.alloc(4 + 4 * sizes.length);
  header.writeUInt32BE(magic, 0);
  sizes.forEach((size, i) => header.writeUInt32BE(size, 4 + 4 * i));
  return Buffer.concat([header, values]);
}

const labels = (count: number): Uint8Array => Uint8Array.from({ length: count }, (_, i) => i % 10);
const files = (count: number): Record<Name, Uint8Array> => ({
  'train-images-idx3-ubyte': idx([count, 28, 28], new Uint8Array(784 * count)),
  'train-labels-idx1-ubyte': idx([count], labels(count)),
  't10k-images-idx3-ubyte': idx([count, 28, 28], new Uint8Array(784 * count)),
  't10k-labels-idx1-ubyte': idx([count], labels(count)),
});

/** MNIST's four files in a folder, some of them others; null: absent. */
const refusesData = (
  what: string,
  message: RegExp,
  changes: Partial<Record<Name, Uint8Array | null>>,
  count = 40,
) =>
  refuses(what, message, (place) => [...trainOn(place, changes, count)], { notes: /^The image/ });

function trainOn(
  place: Place,
  changes: Partial<Record<Name, Uint8Array | null>>,
  count: number,
): string[] {
  for (const [name, content] of Object.entries({ ...files(count), ...changes })) {
    if (content !== null) place.put(`data/${name}`, content);
  }
  return [
    'train',
    '--backend',
    'cpu',
    '--config',
    experiment(place),
    '--data-path',
    place.path('data'),
    '--output-dir',
    place.path('run'),
  ];
}

const image = (size: number): Uint8Array => new Uint8Array(size);
const dataset = (change: object) => () =>
  new MemoryDataset({
    images: image(8),
    labels: [0, 1],
    imageShape: [2, 2, 1],
    classNames: ['a', 'b'],
    ...change,
  } as never);

/** The rows on data sets. */
export const dataRows: readonly Row[] = [
  ...cases('B59', [
    refuses('an empty folder', /train-images-idx3-ubyte/, (place) => {
      fs.mkdirSync(place.path('data'));
      return [...training(place), '--data-path', place.path('data')];
    }),
    refusesData('files without images', /image|at least|count|0/, files(0) as never, 0),
    throws('a data set without classes', /classNames|class/, dataset({ classNames: [] })),
    gives('a loader over a data set without images', 'our error', () => {
      try {
        new Loader({
          dataset: dataset({ images: image(0), labels: [] })(),
          batchSize: 1,
          normalize: { mean: [0], std: [1] },
        });
      } catch (error) {
        return (error as Error).message;
      }
      return 'made; its first batch is none';
    }),
  ]),
  ...folderRows,
  ...['B65', 'B66'].map((id) =>
    answered(
      id,
      { B65: 'archives that leave the folder', B66: 'zip bombs' }[id]!,
      'no archive is unpacked: data sets are folders, and gzip files of MNIST are unpacked up to 268 MB each',
    ),
  ),
  ...cases('B67', [
    refusesData('a gzip file that is cut off', /a whole gzip file.*Download it again/, {
      'train-images-idx3-ubyte': gzipSync(files(40)['train-images-idx3-ubyte']).subarray(0, -9),
    }),
    refusesData('a wrong magic number', /magic number/, {
      'train-labels-idx1-ubyte': idx([40], labels(40), 0x0d01),
    }),
    refusesData('fewer bytes than images', /bytes/, {
      'train-images-idx3-ubyte': idx([40, 28, 28], new Uint8Array(784 * 39)),
    }),
    refusesData('2³² − 1 images', /bytes/, {
      'train-images-idx3-ubyte': idx([2 ** 32 - 1, 28, 28], new Uint8Array(784)),
    }),
    refusesData('a label of 255', /at most 9/, {
      'train-labels-idx1-ubyte': idx([40], labels(40).fill(255, 7, 8)),
    }),
    refusesData('more labels than images', /40|41/, {
      'train-labels-idx1-ubyte': idx([41], labels(41)),
    }),
    refusesData('images of 27 × 28', /28, 28/, {
      'train-images-idx3-ubyte': idx([40, 27, 28], new Uint8Array(756 * 40)),
    }),
    refusesData('a file of 0 bytes', /bytes/, { 'train-images-idx3-ubyte': new Uint8Array(0) }),
    refusesData('no labels', /train-labels-idx1-ubyte/, { 'train-labels-idx1-ubyte': null }),
    gives('the first 2,000 cuts and flips of a header, seed 16', 'our error or the same', () => {
      const good = idx([3, 2, 2], new Uint8Array(12));
      let refused = 0;
      for (let i = 0; i < 2000; i += 1) {
        const bytes = good.slice(0, i % 5 === 0 ? i % good.length : good.length);
        const at = (i * 7919) % 16;
        if (at < bytes.length) bytes[at] = bytes[at]! ^ (1 << (i % 8));
        try {
          readIdx(bytes, 'x', { rank: 3, sizes: [2, 2] });
        } catch (error) {
          must((error as Error).name === 'InputError', String(error));
          refused += 1;
        }
      }
      return `${refused} of 2,000 refused`;
    }),
  ]),
  ...cases('B69', [
    ...([[-1], [2], [1.5], [NaN], ['1'], [null], [undefined], [2 ** 40]] as const).map(([label]) =>
      throws(`the label ${String(label)} of K = 2`, /label 1/, dataset({ labels: [0, label] })),
    ),
    throws(
      'labels in a Float32Array with 0.5',
      /label 1/,
      dataset({ labels: Float32Array.of(0, 0.5) }),
    ),
    throws('more labels than images', /images/, dataset({ labels: [0, 1, 1] })),
  ]),
  ...cases('B74', [
    gives("MNIST's own folder is where the package says", 'four files', () => {
      must(
        names.every((name) => fs.existsSync(`${mnistFolder()}/${name}`)),
        mnistFolder(),
      );
      return 'four files';
    }),
  ]),
];
