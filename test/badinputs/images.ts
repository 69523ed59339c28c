// B01–B09, B21–B26: files given as an image that are none, broken, huge, oddly sized, oddly named or of a wrong kind.

import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { deflateSync } from 'node:zlib';
import { makeImage } from '../../lib/core/image.ts';
import { decodeImage } from '../../lib/io/decodeImage.ts';
import { encodePng } from '../../lib/io/encodePng.ts';
import { pngChunk, pngFile, pngRows } from '../support/pngFile.ts';
import { refuses, succeeds } from '../suites/expect.ts';
import { digit, digitPng, goldenImages, shipped } from '../suites/fixtures.ts';
import { gives, refusalOf, throws } from '../suites/inProcess.ts';
import { cases, must } from '../suites/row.ts';
import type { Place } from '../suites/place.ts';
import type { AppliedRow, Row } from '../suites/row.ts';

const jpeg = fs.readFileSync(join(goldenImages, 'q75-420.jpg'));
const predict = (image: string, ...more: string[]): string[] => {
  return ['predict', '--backend', 'cpu', '--checkpoint', shipped, '--image', image, ...more];
};

/** A file of these bytes that `predict` has to refuse. */
const refusesFile = (
  what: string,
  message: RegExp,
  bytes: Uint8Array | string,
  name = 'image.png',
): ((id: string) => AppliedRow) =>
  refuses(what, message, (place) => predict(place.put(name, bytes)));

/** Bytes that `decodeImage` has to refuse. */
const refusesBytes = (what: string, bytes: Uint8Array, message = /Cannot decode/) =>
  throws(what, message, () => decodeImage(bytes), { seconds: 2 });

const small = encodePng(
  makeImage(
    20,
    20,
    3,
    new Uint8Array(1200).map((_, i) => i % 251),
  ),
);
const idat = pngChunk('IDAT', pngRows(Array.from({ length: 4 }, () => [1, 2, 3, 4])));
const end = pngChunk('IEND', new Uint8Array(0));
const gray = { color: 0 };

const flipped = (bytes: Uint8Array, at: number): Uint8Array => {
  const copy = bytes.slice();
  copy[at] = copy[at]! ^ 0xff;
  return copy;
};

const decodesAs = (what: string, bytes: Uint8Array, size: readonly [number, number]) =>
  gives(what, `an image of ${size.join(' × ')}`, async () => {
    const { width, height } = await decodeImage(bytes);
    must(width === size[0] && height === size[1], `${width} × ${height}`);
    return `${width} × ${height}`;
  });

const solid = (width: number, height: number): Uint8Array =>
  encodePng(makeImage(width, height, 3, new Uint8Array(width * height * 3).fill(90)));

const special = (what: string, message: RegExp, make: (path: string, place: Place) => void) =>
  refuses(
    what,
    message,
    (place) => {
      make(place.path('given.png'), place);
      return predict(place.path('given.png'));
    },
    { run: { deadline: 30 } },
  );

const names = [
  'with space "quotes" \'.png',
  'line\nbreak.png',
  '絵文字😀.png',
  '数字がき.png',
  '数字がき.png',
  '%s%n.png',
  `${'n'.repeat(251)}.png`,
];

/** The rows on image files and their names. */
export const imageRows: readonly Row[] = [
  ...cases('B01', [
    refusesFile('a file of 0 bytes', /it is empty/, ''),
    refusesFile('a file of 1 byte', /Cannot decode/, new Uint8Array(1)),
    refusesFile('the signature of PNG alone', /Cannot decode/, small.subarray(0, 8)),
    refusesFile('the signature of JPEG alone', /Cannot decode/, jpeg.subarray(0, 3), 'a.jpg'),
  ]),
  ...cases('B02', [
    refusesFile('text named .jpg', /Cannot decode/, 'hello '.repeat(50), 'a.jpg'),
    refusesFile('an HTML page named .png', /Cannot decode/, '<!DOCTYPE html><p>404</p>'),
    succeeds('a PNG named .jpg', /%/, (place) => predict(digit(place, 'digit.jpg'))),
  ]),
  ...cases('B03', [
    ...[0.1, 0.5, 0.9, 0.95, 0.99].map((share) =>
      refusesBytes(`a JPEG cut at ${share * 100} %`, jpeg.subarray(0, jpeg.length * share)),
    ),
    ...[0.1, 0.5, 0.9, 0.95, 0.99].map((share) =>
      refusesBytes(`a PNG cut at ${share * 100} %`, small.subarray(0, small.length * share)),
    ),
    decodesAs('the whole JPEG', jpeg, [97, 75]),
  ]),
  ...cases('B04', [
    refusesBytes('a PNG with a flipped bit in its pixels', flipped(small, small.length - 30)),
    refusesBytes('a PNG with a wrong CRC of IDAT', flipped(small, small.length - 13)),
    refusesBytes('a PNG without IEND', pngFile(4, 4, [idat], { ...gray, end: false })),
    refusesBytes(
      'a PNG with pixels that are no zlib',
      pngFile(4, 4, [pngChunk('IDAT', Buffer.from('x'))], gray),
    ),
    refusesBytes('a PNG without pixels', pngFile(4, 4, [], gray)),
    refusesBytes('a PNG whose IDAT is behind IEND', pngFile(4, 4, [end, idat], gray)),
  ]),
  ...cases('B05', [
    decodesAs(
      'garbage after the end of a JPEG',
      Buffer.concat([jpeg, Buffer.from('more')]),
      [97, 75],
    ),
    gives('garbage within a JPEG', 'an image or our error', async () => {
      const bytes = jpeg.slice();
      bytes.fill(0x5a, bytes.length - 40, bytes.length - 20);
      return (await refusalOf(() => decodeImage(bytes))) ?? 'an image';
    }),
  ]),
  ...cases('B06', [
    refusesBytes(
      'a PNG bomb of 19,000²',
      pngFile(19_000, 19_000, [pngChunk('IDAT', deflateSync(Buffer.alloc(4e7)))]),
      /19000 x 19000 is more than 50000000 pixels/,
    ),
    refuses(
      'the same by predict',
      /more than 50000000 pixels/,
      (place) =>
        predict(
          place.put(
            'a.png',
            pngFile(19_000, 19_000, [pngChunk('IDAT', deflateSync(Buffer.alloc(4e7)))]),
          ),
        ),
      { megabytes: 300 },
    ),
    refusesBytes('a header of 65,535²', pngFile(65_535, 65_535, [])),
    refusesBytes('a header past 2³² pixels', pngFile(2 ** 31 - 1, 2 ** 31 - 1, [])),
  ]),
  ...cases('B07', [
    refusesBytes('a width of 0', pngFile(0, 5, [idat])),
    refusesBytes('a height of 0', pngFile(5, 0, [idat])),
    refusesBytes('a width of 2³¹', pngFile(2 ** 31, 5, [idat])),
  ]),
  ...cases('B08', [
    decodesAs('1 × 1', solid(1, 1), [1, 1]),
    decodesAs('1 × 5000', solid(1, 5000), [1, 5000]),
    succeeds('5000 × 1 by predict', /%/, (place) => predict(place.put('a.png', solid(5000, 1)))),
  ]),
  ...cases('B09', [
    succeeds('225 × 223 by predict, resized', /%/, (place) =>
      predict(place.put('a.png', solid(225, 223))),
    ),
  ]),
  ...cases('B22', [
    special('a folder', /it is a folder/, (path) => fs.mkdirSync(path)),
    special('a pipe', /pipe/, (path) => execFileSync('mkfifo', [path])),
    refuses('/dev/zero', /device/, () => predict('/dev/zero')),
    special('a dangling link', /no such file/, (path) => fs.symlinkSync('nowhere', path)),
    special('a circle of links', /circle|loop/, (path) => fs.symlinkSync('given.png', path)),
    refuses('no file', /no such file/, () => predict('none.png')),
    refuses('a link of a web page', /no such file/, () => predict('https://example.org/a.png')),
  ]),
  ...cases('B23', [
    ...names.map((name) =>
      succeeds(`the name ${JSON.stringify(name).slice(0, 30)}`, /%/, (place) =>
        predict(digit(place, name)),
      ),
    ),
    succeeds('the name -1.png', /%/, (place) => {
      digit(place, '-1.png');
      return ['predict', '--backend', 'cpu', '--checkpoint', shipped, '--image=-1.png'];
    }),
    succeeds('a path with ..', /%/, (place) =>
      predict(join(place.folder, 'x/../', digit(place).slice(place.folder.length))),
    ),
  ]),
  ...cases('B24', [
    succeeds('no extension', /%/, (place) => predict(digit(place, 'digit'))),
    succeeds('.JPEG in capitals', /%/, (place) => predict(place.put('A.JPEG', jpeg))),
  ]),
  ...cases('B25', [
    ...(
      [
        ['black', 0],
        ['white', 255],
        ['grey', 127],
      ] as const
    ).map(([name, level]) =>
      succeeds(`an image all ${name}`, /%/, (place) =>
        predict(
          place.put('a.png', encodePng(makeImage(28, 28, 1, new Uint8Array(784).fill(level)))),
        ),
      ),
    ),
    succeeds(
      'a picture of a constant image',
      /\.png/,
      (place) => [
        'vis',
        '--backend',
        'cpu',
        '--checkpoint',
        shipped,
        '--output',
        place.path('out.png'),
        '--image',
        place.put('a.png', encodePng(makeImage(28, 28, 1, new Uint8Array(784)))),
      ],
      { seconds: 15 },
    ),
  ]),
  ...cases('B26', [
    succeeds('a colour photograph for a model of grey images', /%/, (place) =>
      predict(place.put('a.jpg', jpeg)),
    ),
    gives('digits are seen alike as grey and as RGB', 'the same probabilities', async () => {
      const one = await decodeImage(digitPng(), { channels: 1 });
      const rgb = await decodeImage(digitPng(), { channels: 3 });
      must(
        one.data.every((value, i) => rgb.data[3 * i] === value),
        'other pixels',
      );
      return 'the same pixels';
    }),
  ]),
];
