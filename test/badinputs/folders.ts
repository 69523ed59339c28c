// B60–B64, B68, B70–B73: folders of images, lists of images and CIFAR's files.

import * as fs from 'node:fs';
import { join } from 'node:path';
import { makeImage } from '../../lib/core/image.ts';
import { encodePng } from '../../lib/io/encodePng.ts';
import { vit } from '../suites/command.ts';
import { assertOutput, refuses, succeeds } from '../suites/expect.ts';
import { experiment } from '../suites/fixtures.ts';
import { applied, cases, must } from '../suites/row.ts';
import type { Place } from '../suites/place.ts';
import type { Row } from '../suites/row.ts';

const model = {
  imageSize: 8,
  patchSize: 4,
  inChannels: 3,
  embedDim: 12,
  depth: 1,
  numHeads: 2,
};

/** A picture of 8 × 8 pixels of one colour. */
function picture(level: number): Uint8Array {
  return encodePng(makeImage(8, 8, 3, new Uint8Array(192).fill(level)));
}

/** Writes class folders with pictures. @returns the folder */
function classes(place: Place, names: readonly string[], { count = 6, below = 'data' } = {}) {
  names.forEach((name, k) => {
    for (let i = 0; i < count; i += 1)
      place.put(join(below, name, `${i}.png`), picture(40 * k + i));
  });
  return place.path(below);
}

/** The words that train on a folder of images. */
function trainOn(
  place: Place,
  { dataset = 'folder', K = 2, folder = place.path('data'), epochs = 1 } = {},
  ...more: string[]
): string[] {
  const change = {
    model: { ...model, numClasses: K },
    data: { dataset, evalTransforms: [], trainTransforms: [] },
    epochs,
    batchSize: 4,
  };
  const words = ['train', '--backend', 'cpu', '--config', experiment(place, change)];
  return [...words, '--data-path', folder, '--output-dir', place.path('run'), ...more];
}

const notes =
  /images of \d+ classes|Class names are numbers|Held out|No validation|^Training|best epoch/;
const refusesFolder = (what: string, message: RegExp, words: (place: Place) => string[]) =>
  refuses(what, message, words, { notes });
const trains = (what: string, output: RegExp, words: (place: Place) => string[]) =>
  succeeds(what, output, words, { seconds: 15 });

/** The classes that a finished run has stored. */
function storedClasses(place: Place): string[] {
  const record = JSON.parse(fs.readFileSync(place.path('run', 'config.json'), 'utf8')) as {
    classNames: string[];
  };
  return record.classNames;
}

/** A row that trains on a folder and looks at the stored classes. */
const stores = (what: string, wanted: readonly string[], prepare: (place: Place) => void) => {
  return (id: string) =>
    applied(id, what, `trains on the classes ${wanted.join(', ')}`, async (place) => {
      prepare(place);
      const ran = await vit(trainOn(place, { K: wanted.length }), { cwd: place.folder });
      assertOutput(ran, /./, { seconds: 15 });
      const found = storedClasses(place);
      must(JSON.stringify(found) === JSON.stringify(wanted), found.join(', '));
      return found.join(', ');
    });
};

/** The rows on folders of images. */
export const folderRows: readonly Row[] = [
  ...cases('B60', [
    stores('.DS_Store, Thumbs.db, .ipynb_checkpoints and __MACOSX', ['a', 'b'], (place) => {
      const folder = classes(place, ['a', 'b']);
      place.put('data/.DS_Store', 'x');
      place.put('data/a/Thumbs.db', 'x');
      place.put('data/.ipynb_checkpoints/0.png', picture(0));
      place.put('data/b/.ipynb_checkpoints/0.png', picture(0));
      place.put('data/__MACOSX/a/0.png', picture(0));
      must(fs.existsSync(folder), folder);
    }),
    trains('… are counted', /entries left out: 1 that begin with a dot/, (place) => {
      classes(place, ['a', 'b']);
      place.put('data/.DS_Store', 'x');
      return trainOn(place);
    }),
    refusesFolder('hidden folders alone', /a folder for each class/, (place) => {
      classes(place, ['.a', '.b']);
      return trainOn(place);
    }),
  ]),
  ...cases('B61', [
    stores('class folders 1, 2, 10', ['1', '10', '2'], (place) =>
      classes(place, ['1', '2', '10'], { count: 8 }),
    ),
    trains('… are told', /in the order of text.*1 is "10"/, (place) => {
      classes(place, ['1', '2', '10']);
      return trainOn(place, { K: 3 });
    }),
  ]),
  ...cases('B62', [
    refusesFolder('a class that only val has', /the classes of the training part/, (place) => {
      classes(place, ['a', 'b'], { below: 'data/train' });
      classes(place, ['a', 'b', 'c'], { below: 'data/val' });
      return trainOn(place, { dataset: 'ImageNet' });
    }),
    refusesFolder('a class that only train has', /the classes of the training part/, (place) => {
      classes(place, ['a', 'b', 'c'], { below: 'data/train' });
      classes(place, ['a', 'b'], { below: 'data/val' });
      return trainOn(place, { dataset: 'ImageNet', K: 3 });
    }),
    refusesFolder('a flat val', /a folder for each class/, (place) => {
      classes(place, ['a', 'b'], { below: 'data/train' });
      for (let i = 0; i < 4; i += 1) place.put(`data/val/${i}.png`, picture(i));
      return trainOn(place, { dataset: 'ImageNet' });
    }),
    refusesFolder('no val', /val/, (place) => {
      classes(place, ['a', 'b'], { below: 'data/train' });
      return trainOn(place, { dataset: 'ImageNet' });
    }),
    refusesFolder('one class', /class/, (place) => {
      classes(place, ['a']);
      return trainOn(place, { K: 1 });
    }),
    refusesFolder('an empty class', /--allow-empty-classes/, (place) => {
      classes(place, ['a', 'b']);
      fs.mkdirSync(place.path('data', 'c'));
      return trainOn(place, { K: 3 });
    }),
    refusesFolder('images without classes', /folder of its own/, (place) => {
      for (let i = 0; i < 4; i += 1) place.put(`data/${i}.png`, picture(i));
      return trainOn(place);
    }),
    refusesFolder('a missing folder', /data/, (place) => trainOn(place)),
    refusesFolder('a file for a folder', /data/, (place) => {
      place.put('data', 'x');
      return trainOn(place);
    }),
  ]),
  ...cases('B63', [
    stores('a folder inside a class', ['a', 'b'], (place) => {
      classes(place, ['a', 'b']);
      place.put('data/a/more/9.png', picture(9));
    }),
    stores('a class that is a link', ['a', 'b', 'c'], (place) => {
      classes(place, ['a', 'b']);
      classes(place, ['c'], { below: 'elsewhere' });
      fs.symlinkSync(place.path('elsewhere', 'c'), place.path('data', 'c'));
    }),
    stores('links in a circle', ['a', 'b'], (place) => {
      classes(place, ['a', 'b']);
      fs.symlinkSync(place.path('data', 'a'), place.path('data', 'a', 'self'));
      fs.symlinkSync(place.path('data', 'nothing'), place.path('data', 'b', 'dangling'));
    }),
  ]),
  ...cases('B68', [
    ...(['CIFAR10', 'CIFAR100'] as const).map((dataset) =>
      refusesFolder(
        `${dataset}: a length that is no whole number of records`,
        /records/,
        (place) => {
          for (let i = 1; i <= 5; i += 1)
            place.put(`data/data_batch_${i}.bin`, new Uint8Array(3072));
          for (const name of ['test_batch', 'train', 'test']) {
            place.put(`data/${name}.bin`, new Uint8Array(3072));
          }
          return trainOn(place, { dataset, K: dataset === 'CIFAR10' ? 10 : 100 });
        },
      ),
    ),
    refusesFolder('CIFAR10: the Python version', /data_batch_1\.bin/, (place) => {
      for (let i = 1; i <= 5; i += 1) place.put(`data/data_batch_${i}`, Buffer.from([0x80, 2]));
      return trainOn(place, { dataset: 'CIFAR10', K: 10 });
    }),
    refusesFolder('CIFAR10: a label of 200', /label/, (place) => {
      for (let i = 1; i <= 5; i += 1) {
        place.put(`data/data_batch_${i}.bin`, new Uint8Array(3073).fill(200, 0, 1));
      }
      place.put('data/test_batch.bin', new Uint8Array(3073));
      place.put('data/batches.meta.txt', '0\n1\n2\n3\n4\n5\n6\n7\n8\n9\n');
      return trainOn(place, { dataset: 'CIFAR10', K: 10 });
    }),
  ]),
];
