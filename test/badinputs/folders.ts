// B60–B64, B68, B70–B73: folders of images, lists of images and CIFAR's files.

import * as fs from 'node:fs';
import { vit } from '../suites/command.ts';
import { assertOutput, refuses, succeeds } from '../suites/expect.ts';
import { classes, picture, trainOn } from '../suites/imageFolders.ts';
import { applied, cases, must } from '../suites/row.ts';
import type { Place } from '../suites/place.ts';
import type { Row } from '../suites/row.ts';

const notes =
  /images of \d+ classes|Class names are numbers|Held out|No validation|^Training|best epoch|stands in for it\.$|bad_images\.jsonl alone\.$/;
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
  ...cases('B64', [
    ...[
      '../out/0.png',
      'a/../../out/0.png',
      '/etc/hostname',
      'file:///etc/hostname',
      'https://example.org/0.png',
      '..\\out\\0.png',
      'C:\\out\\0.png',
    ].map((outside) =>
      refusesFolder(
        `a list with ${outside}`,
        /^Expected a path below the folder of the list for line 3 of .*train\.csv/,
        (place) => {
          classes(place, ['a', 'b']);
          place.put('out/0.png', picture(0));
          place.put('data/train.csv', `a/0.png,a\nb/0.png,b\n${outside},a\n`);
          return trainOn(place, { dataset: 'csv' });
        },
      ),
    ),
    trains('a list with paths below its folder', /epoch 1/, (place) => {
      classes(place, ['a', 'b']);
      const lines = [0, 1, 2, 3].flatMap((i) => [`a/${i}.png,a`, `b/../b/${i}.png,b`]);
      place.put('data/train.csv', lines.join('\n'));
      return trainOn(place, { dataset: 'csv' }, '--val-split', '0');
    }),
  ]),
  ...cases('B70', [
    trains('2 of 24 images are corrupt, with --max-bad 2', /2 image files are damaged/, (place) => {
      classes(place, ['a', 'b'], { count: 12 });
      place.put('data/a/3.png', picture(0).subarray(0, 40));
      place.put('data/b/5.png', 'no picture');
      return trainOn(place, {}, '--max-bad', '2', '--val-split', '0');
    }),
    (id) =>
      applied(id, '… are listed in the run folder', 'two lines', async (place) => {
        classes(place, ['a', 'b'], { count: 12 });
        place.put('data/a/3.png', picture(0).subarray(0, 40));
        place.put('data/b/5.png', '');
        const words = trainOn(place, {}, '--val-split', '0');
        assertOutput(await vit(words, { cwd: place.folder }), /./, { seconds: 15 });
        const list = fs.readFileSync(place.path('run', 'bad_images.jsonl'), 'utf8');
        const lines = list.trim().split('\n');
        must(lines.length === 2 && /a\/3\.png/.test(lines[0]!), list);
        return list;
      }),
    refusesFolder('one more than --max-bad', /at most 1 damaged images/, (place) => {
      classes(place, ['a', 'b'], { count: 12 });
      place.put('data/a/3.png', 'x');
      place.put('data/b/5.png', 'x');
      return trainOn(place, {}, '--max-bad', '1', '--val-split', '0');
    }),
  ]),
  ...cases('B71', [
    refusesFolder('all images are corrupt', /damaged images|image that can be read/, (place) => {
      classes(place, ['a', 'b'], { count: 12 });
      for (const name of ['a', 'b']) {
        for (let i = 0; i < 12; i += 1) place.put(`data/${name}/${i}.png`, 'x');
      }
      return trainOn(place);
    }),
    refusesFolder('all images of a class are corrupt', /image that can be read/, (place) => {
      classes(place, ['a', 'b']);
      for (let i = 0; i < 6; i += 1) place.put(`data/a/${i}.png`, 'x');
      return trainOn(place, {}, '--max-bad', '100');
    }),
  ]),
  ...cases('B72', [
    trains(
      'an image that is a folder, and a link to nothing',
      /1 image file is damaged/,
      (place) => {
        classes(place, ['a', 'b'], { count: 12 });
        fs.mkdirSync(place.path('data/a/x.png'));
        fs.symlinkSync(place.path('nothing'), place.path('data/b/y.png'));
        return trainOn(place, {}, '--val-split', '0');
      },
    ),
  ]),
  ...cases('B73', [
    trains(
      'val holds images of train',
      /4 of 4 validation images .* are training images too/,
      (place) => {
        classes(place, ['a', 'b'], { below: 'data/train' });
        classes(place, ['a', 'b'], { below: 'data/val', count: 2 });
        return trainOn(place, { dataset: 'ImageNet' });
      },
    ),
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
