// ViT, CLIP, DETR and ResNet side by side: node --import tsx examples/compareEncoders.ts [FILE…]
//   [--image FILE] [--output outputs/] [--repeats 10] [--warm-up 2] [--vit FOLDER] [--clip FOLDER] [--detr FOLDER] [--resnet FOLDER]
//
// Each encoder is the shipped model of scenes, or the checkpoint of its flag. Written: {image}_{encoder}_features.png, 64 channels of its last layer;
// compare_runtime.png, the median time of an image; compare_cka.png, how alike the encoders see 32 scenes; compare_encoders.md, a report with all.

import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import {
  InputError,
  barChart,
  disposeEncoding,
  featureSheet,
  heatMap,
  linearCka,
  scene,
  selectBackend,
  type Encoder,
  type RgbImage,
} from 'tfjs-vit/node';
import { encoderNames, openEncoder, openImage } from './support/encoders.ts';
import { channelGrids } from './support/featureMaps.ts';
import { runScript } from './support/script.ts';

const flags = {
  image: 'data/digit.png',
  output: 'outputs',
  repeats: 10,
  'warm-up': 2,
  ...{ vit: null, clip: null, detr: null, resnet: null },
} as const;

/** Scenes that the encoders are compared on. */
const sceneCount = 32;

interface Measured {
  encoder: Encoder;
  /** Median milliseconds of an image, preparation included. */
  median: number;
  fastest: number;
  /** Bytes of the process after its runs, above those before its first. */
  memory: number;
}

await runScript(flags, async (values, words) => {
  const { output, repeats, 'warm-up': warmUp } = values;
  for (const [name, count] of Object.entries({ repeats, 'warm-up': warmUp })) {
    const least = name === 'repeats' ? 1 : 0;
    if (Number.isInteger(count) && count >= least && count <= 1000) continue;
    throw new InputError(
      `Expected an integer from ${least} to 1000 for --${name}, received ${count}.`,
    );
  }
  const files = words.length > 0 ? words : [values.image];
  const images: { image: RgbImage; stem: string }[] = [];
  for (const file of files) images.push(await openImage(file));
  const backend = (await selectBackend()).reason;
  console.log(backend);
  const notes: string[] = [];
  const say = (text: string) => {
    notes.push(text);
    console.log(text);
  };
  const encoders: Encoder[] = [];
  for (const name of encoderNames) {
    const encoder = await openEncoder(name, values[name], say);
    if (encoder !== undefined) encoders.push(encoder);
  }
  await mkdir(output, { recursive: true });
  const written: string[] = [];
  const write = async (name: string, bytes: Uint8Array | string) => {
    await writeFile(path.join(output, name), bytes);
    written.push(name);
    console.log(`Wrote ${path.join(output, name)}`);
  };
  const measured: Measured[] = [];
  const pictures: string[] = [];
  for (const encoder of encoders) {
    const { layers } = encoder.describe();
    const last = layers.at(-1)!;
    for (const { image, stem } of images) {
      const encoding = encoder.encode([await encoder.preprocess(image)], { layers: [last] });
      const maps = await channelGrids(encoding.features[last]!);
      disposeEncoding(encoding);
      const file = `${stem}_${encoder.name}_features.png`;
      const title = `${encoder.name}: ${maps.length} channels of ${last}`;
      await write(file, await featureSheet({ groups: [{ maps }], title, scale: 2 }));
      pictures.push(`### ${stem}, ${encoder.name}\n\n![${title}](${encodeURI(file)})`);
    }
    measured.push(await measure(encoder, images[0]!.image, { repeats, warmUp }));
  }
  const bars = measured.map(({ encoder, median }) => ({
    label: `${encoder.name} (ms)`,
    value: median,
  }));
  const times = `median of ${repeats}, after ${warmUp} to warm up; one image, preparation included`;
  await write(
    'compare_runtime.png',
    await barChart({
      bars,
      format: 'number',
      title: 'Time of an image',
      subtitle: times,
      width: 420,
      scale: 2,
    }),
  );
  const cka = await alike(encoders);
  const names = encoders.map(({ name }) => name);
  const grid = {
    width: names.length,
    height: names.length,
    data: Float32Array.from(cka.flat()),
  };
  const order = `rows and columns: ${names.join(', ')}`;
  await write(
    'compare_cka.png',
    await heatMap({ grid, title: 'CKA', subtitle: order, range: [0, 1], scale: 2 }),
  );
  const report = reportOf({ backend, notes, files, measured, times, names, cka, pictures });
  await write('compare_encoders.md', report);
  encoders.forEach((encoder) => encoder.dispose());
});

async function measure(
  encoder: Encoder,
  image: RgbImage,
  { repeats, warmUp }: { repeats: number; warmUp: number },
): Promise<Measured> {
  const before = process.memoryUsage().rss;
  const times: number[] = [];
  for (let run = -warmUp; run < repeats; run += 1) {
    const begin = performance.now();
    const encoding = encoder.encode([await encoder.preprocess(image)]);
    await encoding.pooled.data();
    disposeEncoding(encoding);
    if (run >= 0) times.push(performance.now() - begin);
  }
  times.sort((a, b) => a - b);
  const middle = times.length / 2;
  const median = (times[Math.floor(middle - 0.5)]! + times[Math.ceil(middle - 0.5)]!) / 2;
  const memory = Math.max(0, process.memoryUsage().rss - before);
  return { encoder, median, fastest: times[0]!, memory };
}

// CKA of each pair of encoders on scenes.
async function alike(encoders: readonly Encoder[]): Promise<number[][]> {
  const vectors: Float32Array[][] = [];
  for (const encoder of encoders) {
    const own: Float32Array[] = [];
    for (let index = 0; index < sceneCount; index += 1) {
      const { image } = scene(3_000_000_000 + index);
      const encoding = encoder.encode([await encoder.preprocess(image)]);
      own.push((await encoding.pooled.data()) as Float32Array);
      disposeEncoding(encoding);
    }
    vectors.push(own);
  }
  return vectors.map((x) => vectors.map((y) => linearCka(x, y)));
}

interface Report {
  backend: string;
  notes: readonly string[];
  files: readonly string[];
  measured: readonly Measured[];
  times: string;
  names: readonly string[];
  cka: readonly (readonly number[])[];
  pictures: readonly string[];
}

function reportOf(about: Report): string {
  const { backend, notes, files, measured, times, names, cka, pictures } = about;
  const rows = measured.map(({ encoder, median, fastest, memory }) => {
    const { approach, vectorSize, parameters, inputShape, preparation } = encoder.describe();
    return [
      encoder.name,
      approach,
      String(vectorSize),
      inputShape.join(' × '),
      preparationText(preparation),
      parameters.toLocaleString('en'),
      `${median.toFixed(1)} ms`,
      `${fastest.toFixed(1)} ms`,
      `${(memory / 2 ** 20).toFixed(1)} MB`,
    ];
  });
  const header = [
    ...['encoder', 'approach', 'vector size', 'input', 'preprocessing', 'parameters'],
    ...['median time', 'fastest', 'memory grown by'],
  ];
  const similar = cka.map((row, i) => [names[i]!, ...row.map((value) => value.toFixed(3))]);
  return [
    '# Image encoders side by side',
    `Images: ${files.map((file) => cell(file)).join(', ')}. ${backend}`,
    notes.map((note) => `- ${cell(note)}`).join('\n'),
    '## Facts and times',
    table(header, rows),
    `Times: ${times}. Memory: how far the process grew during these runs.`,
    '![Time of an image](compare_runtime.png)',
    '## How alike they see',
    `Linear CKA of the vectors of ${sceneCount} scenes: 1 where two encoders differ by a rotation and a factor only, 0 where they share nothing.`,
    table(['', ...names], similar),
    '![CKA](compare_cka.png)',
    '## Feature maps',
    ...pictures,
    '',
  ].join('\n\n');
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

// Names of files and notes are text, whatever stands in them.
function cell(text: string): string {
  return text.replace(/[\\|<>&`[\]*_]/g, (sign) => `&#${sign.charCodeAt(0)};`).replace(/\s+/g, ' ');
}

function preparationText(preparation: object): string {
  const about = preparation as Record<string, unknown>;
  const { cropMode, resize = 'as it is', interpolation, filter = interpolation } = about;
  const how = JSON.stringify(cropMode ?? resize).replaceAll('"', '');
  const { mean } = about['normalize'] as { mean: readonly number[] };
  return `${how}, ${String(filter)}, mean ${mean.map((x) => x.toFixed(2)).join(' ')}`;
}
