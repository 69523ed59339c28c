// `tfjs-vit train FOLDER`: a preset by the number of images, a run with its report, and folders that cannot be used.

import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { folderData, folderExperiment } from '../lib/cli/folderExperiment.ts';
import { fineTunePresets, presetFor, scratchPresets } from '../lib/cli/folderPresets.ts';
import { parseExperiment } from '../lib/cli/experiment.ts';
import { makeImage } from '../lib/core/image.ts';
import { encodePng } from '../lib/io/encodePng.ts';
import { tiny, vit, writeExperiment } from './support/cli.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'photos-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function put(name: string, content: Uint8Array | string = png(0)): void {
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  writeFileSync(path.join(root, name), content);
}

const png = (level: number) => encodePng(makeImage(5, 4, 3, new Uint8Array(60).fill(level)));

function photos(place = '写真'): string {
  for (let i = 0; i < 8; i += 1) {
    put(`${place}/猫/${i}.png`, png(i));
    put(`${place}/<dog> & co/${i}.png`, png(200 + i));
  }
  return path.join(root, place);
}

test('presets are in order, and each is a sound experiment', async () => {
  const data = await folderData(photos());
  for (const presets of [scratchPresets, fineTunePresets]) {
    const limits = presets.map(({ images }) => images);
    expect(limits).toEqual([...limits].sort((a, b) => a - b));
    expect(limits.at(-1)).toBe(Infinity);
    for (const { images, model = { imageSize: 32, patchSize: 8 }, augment } of presets) {
      expect(presetFor(presets, images).images).toBe(images);
      const experiment = await folderExperiment(data, {}, () => undefined);
      const changed = { ...experiment, model, data: { ...data, augment } };
      expect(() => parseExperiment(changed)).not.toThrow();
    }
  }
  expect(presetFor(scratchPresets, 1001).images).toBe(10_000);
});

test('what the command line says changes the rest of the preset with it', async () => {
  const said: string[] = [];
  const data = await folderData(photos());
  const of = (options: object) => folderExperiment(data, options, (text) => said.push(text));
  const usual = await of({});
  expect(usual).toMatchObject({ name: 'photos', batchSize: 2, valSplit: 0.2, earlyStop: 30 });
  expect(said).toEqual([
    expect.stringMatching(/^Cannot find the weights of timm\/vit_tiny_patch16_224/),
    'Starting from scratch: the hub cannot be reached, and no checkpoint was given (--finetune FILE).',
    'Preset for up to 1000 images (16 here, 2 classes): a ViT of 6 layers, 128 wide, for 64 × 64 pixels, 100 epochs, fewer after 30 without a better one. Flags change it.',
  ]);
  expect(await of({ epochs: 5 })).toMatchObject({ epochs: 5, schedule: { warmupEpochs: 0.5 } });
  expect(await of({ epochs: 5 })).not.toHaveProperty('earlyStop');
  expect(await of({ valSplit: 0 })).not.toHaveProperty('earlyStop');
  const tuned = await of({ finetune: 'model.safetensors' });
  expect(tuned).toMatchObject({ finetune: 'model.safetensors', model: {}, epochs: 30 });
  expect(said.at(-2)).toBe('Starting from model.safetensors (--finetune).');
});

test('a folder of train and val is used as it is', async () => {
  photos('set/train');
  photos('set/val');
  const data = await folderData(path.join(root, 'set'));
  expect(data.dataset).toBe('ImageNet');
  const experiment = await folderExperiment(data, {}, () => undefined);
  expect(experiment).toMatchObject({ name: 'set', earlyStop: 30 });
  expect(experiment).not.toHaveProperty('valSplit');
});

test('trains, reports, reports anew, and goes on', async () => {
  const folder = photos();
  const run = path.join(root, 'run');
  // The size of a test in place of the preset's.
  const config = writeExperiment(path.join(root, 'tiny.json'), {
    model: { ...tiny.model, imageSize: 8, patchSize: 4, inChannels: 3, numClasses: 2 },
    data: { dataset: 'mnist', augment: { evalCropRatio: 1, aa: null } },
    batchSize: 4,
  });
  const flags = ['--config', config, '--epochs', '2', '--max-steps', '3', '--workers', '0'];
  const begun = await vit('train', folder, ...flags, '--output-dir', run);
  expect(begun.code).toBe(0);
  expect(existsSync(path.join(run, 'report.html'))).toBe(false);
  expect((await vit('train', '--resume', run, '--workers', '0')).code).toBe(0);
  const page = () => readFileSync(path.join(run, 'report.html'), 'utf8');
  const first = page();
  expect(first).toContain('&lt;dog&gt; &amp; co');
  expect(first).toContain('猫/');
  expect(first).toContain('held-out images');
  // Each of the two images, with its rollout and its relevance.
  expect(first.match(/<img\s/g)!).toHaveLength(2 * 3);
  expect((await vit('report', run, '--workers', '0')).code).toBe(0);
  // The times of a run differ, its numbers do not.
  expect(page()).toBe(first);
  const manifest = JSON.parse(readFileSync(path.join(run, 'manifest.json'), 'utf8')) as {
    info: object;
  };
  expect(manifest.info).toMatchObject({ epoch: 2 });
  expect(readFileSync(path.join(run, 'config.json'), 'utf8')).toContain('"dataset": "folder"');
});

test.each([
  ['a missing folder', () => 'nowhere', /^Expected a folder for train, received ".*nowhere"/],
  ['a file', () => (put('a.png'), 'a.png'), /It is a file\. Give a folder/],
  ['an empty folder', () => (mkdirSync(path.join(root, 'e')), 'e'), /a folder for each class/],
  ['loose images', () => (put('l/1.png'), 'l'), /put those of each class into a folder of its own/],
  ['one class', () => (put('o/a/1.png'), 'o'), /at least two class folders/],
])('%s is refused in one line', async (_, make, message) => {
  const { code, error } = await vit('train', path.join(root, make()));
  expect(code).toBe(2);
  expect(error.trim().split('\n')).toHaveLength(1);
  expect(error).toMatch(message);
});

test.each([
  ['--resume', 'runs/a'],
  ['--data-path', 'photos'],
])('a folder beside %s is refused', async (flag, value) => {
  const { code, error } = await vit('train', photos(), flag, value);
  expect(code).toBe(2);
  expect(error).toMatch(new RegExp(`Expected no ${flag} for train`));
});

test('report refuses a folder without a run', async () => {
  const { code, error } = await vit('report', photos());
  expect([code, error.trim().split('\n').length]).toEqual([2, 1]);
});
