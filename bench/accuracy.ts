// npm run bench:accuracy: top-1 of trainings on folders of images, ours beside timm's, over several seeds.
//   npm run bench:accuracy -- [--seeds 3] [--images 10000] [--epochs 10]

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  InputError,
  encodePng,
  loadMnist,
  mnistDataset,
  sampleStatistics,
  type Dataset,
  type RgbImage,
} from '../lib/node.ts';
import { readFlags, wholeOf } from './flags.ts';
import { neededPython } from './peers/folder.ts';
import { inScratchFolder } from './scratchFolder.ts';

const help = `npm run bench:accuracy -- [options]
  --seeds N   trainings of each; default 3
  --images N  MNIST's first N training images, written as PNG files; default 10000. All 10,000 test images are the val part
  --epochs N  default 10
  Needs the peer of npm run setup:peers -- pytorch. Ends with exit code 1 where the means differ by more than 0.3 points.`;

const flags = readFlags('bench:accuracy', process.argv.slice(2), {
  seeds: { type: 'string', default: '3' },
  images: { type: 'string', default: '10000' },
  epochs: { type: 'string', default: '10' },
  help: { type: 'boolean', default: false },
});
const root = join(import.meta.dirname, '..');
// The options that both have under one name.
const shared = { smoothing: 0.1, scale: [0.7, 1], ratio: [0.9, 1.1], aa: 'rand-m5-mstd0.5-inc1', reprob: 0.1 }; // prettier-ignore

if (flags.help) console.log(help);
else await inScratchFolder('bench-accuracy-', compare);

async function compare(folder: string): Promise<void> {
  const seeds = wholeOf('seeds', flags.seeds, 100);
  const epochs = wholeOf('epochs', flags.epochs, 1000);
  const python = neededPython();
  const limit = wholeOf('images', flags.images, 60_000);
  const data = join(folder, 'data');
  writeImages(join(data, 'train'), mnistDataset(await loadMnist({ limit })));
  writeImages(join(data, 'val'), mnistDataset(await loadMnist({ split: 'test' })));
  const task = join(folder, 'task.json');
  writeFileSync(task, JSON.stringify(theirTask(data, epochs)));
  const config = join(folder, 'experiment.json');
  writeFileSync(config, JSON.stringify(ourExperiment(data, epochs)));
  const scores = { 'tfjs-vit': [] as number[], timm: [] as number[] };
  for (let seed = 0; seed < seeds; seed += 1) {
    const output = join(folder, `run-${seed}`);
    const words = ['--config', config, '--seed', String(seed), '--output-dir', output];
    run(process.execPath, ['--import', 'tsx', 'lib/cli/main.ts', 'train', ...words]);
    const log = readFileSync(join(output, 'log.jsonl'), 'utf8').trim().split('\n');
    scores['tfjs-vit'].push((JSON.parse(log.at(-1)!) as { valTop1: number }).valTop1);
    const script = join(import.meta.dirname, 'peers', 'train_folder.py');
    scores.timm.push(Number(run(python, [script, task, String(seed)])));
    for (const [name, own] of Object.entries(scores)) {
      console.log(`seed ${seed}\t${name}\t${(100 * own.at(-1)!).toFixed(2)} %`);
    }
  }
  const means = Object.entries(scores).map(([name, own]) => {
    const { mean, deviation } = sampleStatistics(own);
    console.log(`mean\t${name}\t${(100 * mean).toFixed(2)} ± ${(100 * deviation).toFixed(2)} %`);
    return mean;
  });
  const difference = 100 * Math.abs(means[0]! - means[1]!);
  console.log(`The means differ by ${difference.toFixed(2)} points.`);
  process.exitCode = difference <= 0.3 ? 0 : 1;
}

function writeImages(folder: string, dataset: Dataset): void {
  for (let k = 0; k < dataset.numClasses; k += 1) {
    mkdirSync(join(folder, String(k)), { recursive: true });
  }
  for (let i = 0; i < dataset.length; i += 1) {
    const file = join(folder, String(dataset.label(i)), `${i}.png`);
    writeFileSync(file, encodePng(dataset.image(i) as RgbImage));
  }
}

function run(program: string, words: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, words, { cwd: root, encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new InputError(`${program} ended with exit code ${status}: ${stderr.slice(-500)}`);
}

function theirTask(data: string, epochs: number): object {
  const { scale, ratio, aa, reprob, smoothing } = shared;
  return {
    data,
    epochs,
    smoothing,
    batch_size: 128,
    lr: 2e-3,
    min_lr: 1e-5,
    warmup_lr: 1e-6,
    warmup_epochs: 1,
    weight_decay: 0.05,
    crop_pct: 0.9,
    augment: { scale, ratio, auto_augment: aa, re_prob: reprob, re_mode: 'pixel' },
    model: { img_size: 28, patch_size: 7, num_classes: 10, embed_dim: 96, depth: 4, num_heads: 3 },
  };
}

function ourExperiment(folder: string, epochs: number): object {
  const { smoothing, ...augment } = shared;
  return {
    name: 'accuracy',
    model: { imageSize: 28, patchSize: 7, inChannels: 3, embedDim: 96, depth: 4, numHeads: 3 },
    data: {
      dataset: 'ImageNet',
      folder,
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
      augment: {
        ...augment,
        hflip: 0,
        remode: 'pixel',
        trainInterpolation: 'bicubic',
        evalCropRatio: 0.9,
      },
    },
    epochs,
    smoothing,
    batchSize: 128,
    dropLast: true,
    learningRate: 2e-3,
    optimizer: { opt: 'adamw', weightDecay: 0.05 },
    schedule: {
      sched: 'cosine',
      warmupEpochs: 1,
      warmupLr: 1e-6,
      minLr: 1e-5,
      stepOnEpochs: false,
    },
    clip: { mode: 'norm', value: 1 },
  };
}
