// Whole runs with each number of workers, a run that is stopped and gone on with, and folders of many files.

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeImage } from '../lib/core/image.ts';
import { Rng } from '../lib/core/rng.ts';
import { encodePng } from '../lib/io/encodePng.ts';
import { listImages } from '../lib/io/imageListing.ts';
import { vit } from './support/cli.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'loading-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function put(name: string, content: Uint8Array | string): void {
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  writeFileSync(path.join(root, name), content);
}

test('0, 1, 2 and 5 workers, and a run stopped in an epoch and gone on with, end with the same bytes', async () => {
  const rng = new Rng(3);
  for (let i = 0; i < 48; i += 1) {
    const side = 12 + rng.integer(40);
    const data = Uint8Array.from({ length: side * side * 3 }, () => rng.integer(256));
    put(`photos/${'abc'[i % 3]}/${i}.png`, encodePng(makeImage(side, side, 3, data)));
  }
  put('photos/b/damaged.png', 'no image');
  const model = { imageSize: 8, patchSize: 4, embedDim: 12, depth: 1, numHeads: 2 };
  const augment = { aa: 'rand-m9-mstd0.5-inc1', reprob: 0.25, mixup: 0.8, augRepeats: 3 };
  const data = { dataset: 'folder', folder: path.join(root, 'photos'), augment };
  const experiment = { name: 'photos', model, data, epochs: 2, batchSize: 8, learningRate: 1e-3 };
  put('config.json', JSON.stringify(experiment));
  const run = (name: string) => path.join(root, name);
  const train = async (name: string, ...flags: string[]) => {
    const words = ['--backend', 'cpu', '--output-dir', run(name), ...flags];
    const { code, error } = await vit('train', ...words);
    expect([code, error]).toEqual([0, expect.not.stringContaining('main thread')]);
  };
  const config = ['--config', path.join(root, 'config.json')];
  for (const workers of ['0', '1', '2', '5']) await train(workers, ...config, '--workers', workers);
  await train('stopped', ...config, '--workers', '2', '--max-steps', '3');
  await train('stopped', '--resume', run('stopped'), '--workers', '5');
  for (const file of [
    'checkpoint.safetensors',
    'best_checkpoint.safetensors',
    'bad_images.jsonl',
  ]) {
    const [first, ...others] = ['0', '1', '2', '5', 'stopped'].map((name) =>
      readFileSync(path.join(run(name), file)),
    );
    for (const other of others) expect(other.equals(first!)).toBe(true);
  }
}, 600_000);

test('1.28 million files are listed in less than 20 s and 500 MB, by a twentieth of them', async () => {
  const [classes, each, share] = [50, 1280, 20];
  for (let k = 0; k < classes; k += 1) {
    for (let i = 0; i < each; i += 1)
      put(`many/n${10_000_000 + k}/n${10_000_000 + k}_${i}.JPEG`, '');
  }
  const before = { cpu: process.cpuUsage(), heap: process.memoryUsage().heapUsed };
  const { files } = await listImages(path.join(root, 'many'));
  const { user, system } = process.cpuUsage(before.cpu);
  expect(files).toHaveLength(classes * each);
  // CPU time, because a busy machine is no failure.
  expect((share * (user + system)) / 1e6).toBeLessThan(20);
  expect(share * (process.memoryUsage().heapUsed - before.heap)).toBeLessThan(500e6);
});
