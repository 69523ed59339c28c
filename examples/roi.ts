// Features of boxes of an image, and how alike they are: node --import tsx examples/roi.ts
//   [--image FILE] [--output outputs/] [--boxes "10,10,40,40;50,20,90,60"] [--encoder resnet|vit|detr|clip] [--checkpoint FOLDER]
//
// A box is left, top, right and bottom in pixels; without --boxes the picture is cut into its four quarters. Each box is cropped, encoded, and
// compared with the others by the cosine of their vectors. Written: {image}_roi_boxes.png and {image}_roi_features.json.

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  InputError,
  disposeEncoding,
  objectBoxes,
  selectBackend,
  type RgbImage,
} from 'tfjs-vit/node';
import { encoderNames, openEncoder, openImage, type EncoderName } from './support/encoders.ts';
import { runScript } from './support/script.ts';

type Box = readonly [left: number, top: number, right: number, bottom: number];

const flags = {
  image: 'data/digit.png',
  output: 'outputs',
  boxes: null,
  encoder: 'resnet',
  checkpoint: null,
} as const;

await runScript(
  flags,
  async ({ image: file, output, boxes, encoder: name, checkpoint }, [word]) => {
    const known = encoderNames.find((one) => one === name);
    if (known === undefined) {
      throw new InputError(
        `Expected one of ${encoderNames.join(', ')} for --encoder, received "${name}".`,
      );
    }
    const { image, stem } = await openImage(word ?? file);
    const regions = boxes === undefined ? quarters(image) : parseBoxes(boxes, image);
    console.log((await selectBackend()).reason);
    const encoder = await openEncoder(known satisfies EncoderName, checkpoint, console.log);
    if (encoder === undefined)
      throw new InputError(`Give --checkpoint: there is no ${name} to use.`);
    const vectors: number[][] = [];
    for (const box of regions) {
      const encoding = encoder.encode([await encoder.preprocess(crop(image, box))]);
      vectors.push(Array.from(await encoding.pooled.data()));
      disposeEncoding(encoding);
    }
    encoder.dispose();
    const cosines = vectors.map((a) => vectors.map((b) => cosine(a, b)));
    cosines.forEach((row, i) =>
      console.log(`box ${i}: ${row.map((value) => value.toFixed(3)).join('  ')}`),
    );
    await mkdir(output, { recursive: true });
    const objects = regions.map((box, i) => ({ box, label: `box ${i}` }));
    const place = path.join(output, `${stem}_roi_`);
    const title = 'Regions';
    await writeFile(`${place}boxes.png`, await objectBoxes({ image, objects, title, scale: 2 }));
    const record = { encoder: name, boxes: regions, vectors, cosines };
    await writeFile(`${place}features.json`, `${JSON.stringify(record)}\n`);
    console.log(`Wrote ${place}boxes.png and ${place}features.json`);
  },
);

function quarters({ width, height }: RgbImage): Box[] {
  const [x, y] = [Math.max(1, Math.floor(width / 2)), Math.max(1, Math.floor(height / 2))];
  const all: Box[] = [
    [0, 0, x, y],
    [x, 0, width, y],
    [0, y, x, height],
    [x, y, width, height],
  ];
  return all.filter(([left, top, right, bottom]) => left < right && top < bottom);
}

function parseBoxes(text: string, { width, height }: RgbImage): Box[] {
  return text.split(';').map((part) => {
    const sides = part.split(',').map((side) => (side.trim() === '' ? NaN : Number(side)));
    const [left = NaN, top = NaN, right = NaN, bottom = NaN] = sides;
    const sound = sides.length === 4 && sides.every(Number.isInteger);
    if (
      sound &&
      left >= 0 &&
      top >= 0 &&
      left < right &&
      top < bottom &&
      right <= width &&
      bottom <= height
    ) {
      return [left, top, right, bottom];
    }
    throw new InputError(
      `Expected left,top,right,bottom inside ${width} × ${height} pixels for --boxes, received "${part}".`,
    );
  });
}

function crop({ width, channels, data }: RgbImage, [left, top, right, bottom]: Box): RgbImage {
  const rows = Array.from({ length: bottom - top }, (_, y) =>
    data.subarray(((top + y) * width + left) * channels, ((top + y) * width + right) * channels),
  );
  const pixels = new Uint8Array(rows.length * (right - left) * channels);
  rows.forEach((row, y) => pixels.set(row, y * (right - left) * channels));
  return { width: right - left, height: bottom - top, channels, data: pixels };
}

// 0 where a vector has no direction.
function cosine(a: readonly number[], b: readonly number[]): number {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  const length = Math.sqrt(dot(a, a) * dot(b, b));
  return length > 0 ? dot(a, b) / length : 0;
}
