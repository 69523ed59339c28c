// npm run bench:losses: the losses of a training, step by step, beside timm's on identical batches.
//   npm run bench:losses -- [--steps 200] [--batch-size 64] [--folder DIR]

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  InputError,
  Loader,
  MNIST_NORMALIZATION,
  formatSafetensors,
  hostTensor,
  loadMnist,
  makeTransforms,
  mixup,
  mnistDataset,
  selectBackend,
  type HostTensor,
} from '../lib/node.ts';
import { runCase } from '../lib/parity/run.ts';
import { readFlags, wholeOf } from './flags.ts';
import { neededPython } from './peers/folder.ts';
import { inScratchFolder } from './scratchFolder.ts';

const help = `npm run bench:losses -- [options]
  --steps N       updates; default 200
  --batch-size N  default 64
  --folder DIR    where the case is kept; default: it is not
  Needs the peer of npm run setup:peers -- pytorch. Ends with exit code 1 where a loss differs by more than 0.001.`;

const flags = readFlags('bench:losses', process.argv.slice(2), {
  steps: { type: 'string', default: '200' },
  'batch-size': { type: 'string', default: '64' },
  folder: { type: 'string' },
  help: { type: 'boolean', default: false },
});

if (flags.help) console.log(help);
else if (flags.folder !== undefined) await compare(flags.folder);
else await inScratchFolder('bench-losses-', compare);

async function compare(folder: string): Promise<void> {
  const python = neededPython();
  mkdirSync(folder, { recursive: true });
  const steps = wholeOf('steps', flags.steps, 10_000);
  await writeBatches(folder, steps, wholeOf('batch-size', flags['batch-size'], 1024));
  const task = {
    model: { img_size: 28, patch_size: 7, in_chans: 1, num_classes: 10, embed_dim: 64, depth: 3, num_heads: 4 }, // prettier-ignore
    opt: { lr: 1e-3, weight_decay: 0.05 },
    sched: {
      t_initial: steps,
      lr_min: 1e-5,
      warmup_t: Math.ceil(steps / 10),
      warmup_lr_init: 1e-6,
    },
    clip: [1, 'norm'],
  };
  writeFileSync(join(folder, 'task.json'), JSON.stringify(task));
  const script = join(import.meta.dirname, 'peers', 'train_case.py');
  const { status } = spawnSync(python, [script, folder], { stdio: 'inherit' });
  if (status !== 0) throw new InputError(`${script} ended with exit code ${status}.`);
  console.log((await selectBackend()).reason);
  const { verdict, entries, detail } = await runCase(folder);
  const { steps: theirs } = JSON.parse(readFileSync(join(folder, 'log.json'), 'utf8')) as {
    steps: { loss: number }[];
  };
  const of = (n: number) => theirs[n]!.loss.toFixed(4);
  console.log(`timm's losses: ${of(0)} at step 1, ${of(steps - 1)} at step ${steps}`);
  console.log(
    `largest difference of ${steps} losses: ${entries[0]?.difference?.maxAbs ?? detail} (${verdict})`,
  );
  process.exitCode = verdict === 'ok' ? 0 : 1;
}

// Digits that are mapped, mixed, and normalised as for training.
async function writeBatches(folder: string, steps: number, batchSize: number): Promise<void> {
  const loader = new Loader({
    dataset: mnistDataset(await loadMnist({ limit: 20_000 })),
    batchSize,
    training: true,
    dropLast: true,
    seed: 0,
    normalize: MNIST_NORMALIZATION,
    trainTransforms: makeTransforms([{ name: 'randomAffine', degrees: 8, translate: 0.06 }]),
    batchTransforms: [mixup({ mixup: 0.8, cutmix: 1, prob: 0.5 })],
  });
  const tensors = new Map<string, HostTensor>();
  for (let n = 0; n < steps; n += 1) {
    const { images, targets, size, imageShape } = await loader.batch(
      Math.floor(n / loader.steps),
      n % loader.steps,
    );
    const [height, width] = imageShape;
    // One channel: rows of pixels are the same in either order of axes.
    tensors.set(`x${n}`, hostTensor([size, 1, height, width], Float32Array.from(images)));
    tensors.set(`target${n}`, hostTensor([size, 10], Float32Array.from(targets)));
  }
  writeFileSync(join(folder, 'inputs.safetensors'), formatSafetensors(tensors));
}
