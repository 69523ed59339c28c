// npm run bench:loader: images a second and core that are decoded and augmented, beside timm on Pillow and torchvision.
//   npm run bench:loader -- [--data DIR] [--images 200] [--only plain,augmented] [--peer]

import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import {
  IMAGENET_NORMALIZATION,
  InputError,
  Loader,
  Rng,
  datasetDescriptor,
  makeTransforms,
  randomErasing,
  SampleWorkers,
} from '../lib/node.ts';
import { listOf, readFlags } from './flags.ts';
import { neededPython } from './peers/folder.ts';
import { inScratchFolder } from './scratchFolder.ts';

const chains = {
  // Resize 256, the middle 224.
  plain: {
    steps: [
      { name: 'resize', size: 256, interpolation: 'bicubic' },
      { name: 'centerCrop', height: 224, width: 224 },
    ],
    batch: [],
  },
  // Random resized crop, mirroring, RandAugment, erasing.
  augmented: {
    steps: [
      { name: 'randomResizedCrop', height: 224, width: 224, interpolation: 'bicubic' },
      { name: 'randomHorizontalFlip' },
      {
        name: 'autoAugment',
        policy: 'rand-m9-mstd0.5-inc1',
        fill: [124, 116, 104],
        interpolation: 'bicubic',
      },
    ],
    batch: [randomErasing({ p: 0.25, mode: 'pixel' })],
  },
} as const;
type ChainName = keyof typeof chains;

const help = `npm run bench:loader -- [options]
  --data DIR     a folder of class folders of JPEG files; default: pictures of 500 x 375 and of 1600 x 1200 that are made for it
  --images N     how many are prepared; default 200
  --only NAMES   chains among ${Object.keys(chains).join(', ')}; default all
  --peer         timm on Pillow and torchvision too, in one thread, from the venv of npm run setup:peers`;

const flags = readFlags('bench:loader', process.argv.slice(2), {
  data: { type: 'string' },
  images: { type: 'string', default: '200' },
  only: { type: 'string', default: Object.keys(chains).join(',') },
  peer: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
});

if (flags.help) console.log(help);
else await inScratchFolder('bench-loader-', run);

async function run(scratch: string): Promise<void> {
  const images = Number(flags.images);
  if (!Number.isInteger(images) || images < 1) {
    throw new InputError(`Expected an integer from 1 for --images, received ${flags.images}.`);
  }
  const names = listOf('only', flags.only, Object.keys(chains) as ChainName[]);
  const folders =
    flags.data === undefined
      ? [await pictures(scratch, 500, 375), await pictures(scratch, 1600, 1200)]
      : [flags.data];
  // Puts the addon's pixel loops to use in this thread, as training does.
  new SampleWorkers({ workers: 0 });
  sharp.concurrency(1);
  console.log('files\tchain\tloader\timages/s of CPU time');
  for (const folder of folders) {
    for (const name of names) {
      for (const decode of ['pil', 'fast'] as const) {
        const rate = await ours(folder, name, { decode, images });
        console.log([folder, name, `tfjs-vit, ${decode}`, rate.toFixed(0)].join('\t'));
      }
      if (flags.peer) console.log([folder, name, 'timm', peer(folder, name, images)].join('\t'));
    }
  }
}

// CPU time counts the threads of the decoder too, so that the figure is that of one core however many there are.
async function ours(
  folder: string,
  name: ChainName,
  { decode, images }: { decode: 'pil' | 'fast'; images: number },
): Promise<number> {
  const { steps, batch } = chains[name];
  const inputSize = () => [224, 224] as const;
  const dataset = await datasetDescriptor('folder').open({
    part: 'train',
    folder,
    decode,
    inputSize,
  });
  const batchSize = Math.min(20, dataset.length);
  const loader = new Loader({
    dataset,
    batchSize,
    training: true,
    normalize: IMAGENET_NORMALIZATION,
    outputShape: [224, 224, 3],
    trainTransforms: makeTransforms(steps),
    batchTransforms: [...batch],
  });
  await loader.batch(0, 0);
  let begin = process.cpuUsage();
  let done = 0;
  for (let step = 0; done < images; step += 1) {
    done += (await loader.batch(Math.floor(step / loader.steps), step % loader.steps)).size;
  }
  begin = process.cpuUsage(begin);
  return done / ((begin.user + begin.system) / 1e6);
}

function peer(folder: string, name: ChainName, images: number): string {
  const python = neededPython();
  const script = join(import.meta.dirname, 'peers', 'timm_loader.py');
  const { stdout, stderr, status } = spawnSync(python, [script, folder, name, String(images)], {
    encoding: 'utf8',
    env: { ...process.env, OMP_NUM_THREADS: '1' },
  });
  if (status !== 0) throw new InputError(`timm_loader.py ended with ${status}: ${stderr.trim()}`);
  return stdout.trim();
}

// Twenty pictures of soft colours with a little noise, of a size a byte as photographs have it.
async function pictures(scratch: string, width: number, height: number): Promise<string> {
  const folder = join(scratch, `${width}x${height}`);
  const rng = new Rng(7);
  for (let i = 0; i < 20; i += 1) {
    const below = join(folder, i % 2 === 0 ? 'even' : 'odd');
    mkdirSync(below, { recursive: true });
    const [w, h] = [Math.ceil(width / 8), Math.ceil(height / 8)];
    const levels = Uint8Array.from({ length: w * h * 3 }, (_, k) => {
      const [x, y, c] = [Math.floor(k / 3) % w, Math.floor(k / 3 / w), k % 3];
      return 128 + 60 * Math.sin((x * (i + 3)) / 90 + c) + 50 * Math.cos((y * (i + 5)) / 70) + rng.normal(0, 6); // prettier-ignore
    });
    const jpeg = await sharp(levels, { raw: { width: w, height: h, channels: 3 } })
      .resize(width, height, { kernel: 'cubic', fit: 'fill' })
      .jpeg({ quality: 92 })
      .toBuffer();
    writeFileSync(join(below, `${i}.jpg`), jpeg);
  }
  return folder;
}
