// The checkpoint that commands take where none is given, how outputs name it, and the formats of pictures.

import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { checkpointTitle } from '../lib/cli/checkpointTitle.ts';
import { chooseCheckpoint } from '../lib/cli/defaultCheckpoint.ts';
import { encodePng, makeImage, saveModel, VisionTransformer } from '../lib/node.ts';
import { tiny, vit, writeExperiment } from './support/cli.ts';

jest.setTimeout(120_000);

const home = process.cwd();
let folder: string;
beforeEach(() => {
  folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'default-')));
  process.chdir(folder);
});
afterEach(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
});

/** A folder with the look of a run that was last saved at `seconds`. */
function put(
  name: string,
  seconds: number,
  { dataset = 'mnist', config = '', file = 'best_checkpoint.safetensors' } = {},
) {
  const run = path.join('runs', name);
  mkdirSync(run, { recursive: true });
  writeFileSync(path.join(run, 'config.json'), config || JSON.stringify({ data: { dataset } }));
  writeFileSync(path.join(run, file), '');
  utimesSync(path.join(run, file), seconds, seconds);
}

async function chosen(choice: Parameters<typeof chooseCheckpoint>[1] = {}, given?: string) {
  const notes: string[] = [];
  const checkpoint = await chooseCheckpoint(given, choice, (text) => notes.push(text));
  return [checkpoint, notes.join()];
}

describe('the name of a checkpoint', () => {
  test('best_checkpoint.pth, as PyTorch’s programs write it, finds the file of ours beside it', async () => {
    put('a', 1000);
    const own = path.join('runs', 'a', 'best_checkpoint.safetensors');
    const asked = own.replace('.safetensors', '.pth');
    expect(await chosen({}, asked)).toEqual([
      own,
      `There is no ${asked}: best_checkpoint.safetensors beside it is taken.`,
    ]);
    expect(await chosen({}, asked.replace('.pth', '.pth.tar'))).toEqual([own, expect.any(String)]);
    // One that is there, one of another name and a folder stay as they are.
    for (const given of [own, path.join('runs', 'a', 'other.pth'), path.join('runs', 'a')]) {
      expect(await chosen({}, given)).toEqual([given, '']);
    }
    writeFileSync(asked, 'torch');
    expect(await chosen({}, asked)).toEqual([asked, '']);
  });
});

describe('the default checkpoint', () => {
  test('is that of the run that was saved last, and a line says so', async () => {
    put('old', 1000);
    put('new', 3000, { file: 'checkpoint.safetensors' });
    put('group/inner', 2000);
    expect(await chosen()).toEqual([
      path.join('runs', 'new'),
      expect.stringMatching(/runs.new, the newest run in runs\/.*--checkpoint/),
    ]);
    put('group/inner', 4000);
    expect((await chosen())[0]).toBe(path.join('runs', 'group', 'inner'));
    expect(await chosen({}, 'mine')).toEqual(['mine', '']);
  });

  test('is the shipped model where there is no run', async () => {
    mkdirSync('runs/empty', { recursive: true });
    mkdirSync('runs/unsaved', { recursive: true });
    writeFileSync('runs/unsaved/config.json', '{}');
    const [checkpoint, note] = await chosen();
    expect(checkpoint).toContain('mnist-vit');
    expect(note).toMatch(/shipped model of MNIST, as there is no run in runs/);
  });

  test('is one of the data set that the command needs, and a damaged one is not passed over', async () => {
    put('bars', 9000, { config: '{"model": {}}' });
    put('digits', 1000);
    expect((await chosen())[0]).toBe(path.join('runs', 'bars'));
    expect((await chosen({ needsData: true }))[0]).toBe(path.join('runs', 'digits'));
    expect((await chosen({ dataset: 'mnist' }))[0]).toBe(path.join('runs', 'digits'));
    expect((await chosen({ dataset: 'cifar10' }))[0]).toContain('mnist-vit');
    put('broken', 9999, { config: '{' });
    expect((await chosen({ dataset: 'mnist' }))[0]).toBe(path.join('runs', 'broken'));
  });
});

test('after a training, vis, predict and eval take its run and name it', async () => {
  const logged = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  const before = await vit('vis', '--output', 'a.png');
  expect(before.out).toContain('Model: ');
  const words = ['train', '--config', writeExperiment('experiment.json'), '--limit', '32'];
  const trained = await vit(...words, '--limit-val', '16', '--output-dir', 'runs/mine');
  logged.mockRestore();
  expect(trained.code).toBe(0);
  const named = `${path.join('runs', 'mine', 'best_checkpoint.safetensors')} (best, epoch 1 of 1)`;
  for (const command of [
    ['vis', '--output', 'b.png'],
    ['predict', '--image', '0'],
    ['eval', '--limit', '16'],
  ]) {
    const { code, out, error } = await vit(...command);
    expect([code, error]).toEqual([0, expect.stringContaining('the newest run in runs/')]);
    expect(out).toContain(named);
  }
  expect(readFileSync('b.png').equals(readFileSync('a.png'))).toBe(false);
  const { out } = await vit('eval', '--limit', '16');
  expect(out).toMatch(/16 of the test part of MNIST/);
  expect(out).toContain('Rows are the true classes, columns the predicted ones');
  const last = await checkpointTitle('runs/mine/checkpoint.safetensors');
  expect(last).toMatch(/checkpoint\.safetensors \(last, after 1 epoch\)$/);
});

describe('a picture', () => {
  test.each([
    ['a.png', 'png'],
    ['a.svg', 'svg'],
    ['A.PNG', 'png'],
  ])('%s is of the format that its name says', async (name, format) => {
    expect((await vit('demo', '--output', name)).code).toBe(0);
    expect((await sharp(name).metadata()).format).toBe(format);
  });

  test.each(['a.jpg', 'a.gif', 'a', 'a.png.txt', '.png'])(
    '%s is refused with the list',
    async (name) => {
      const { code, error } = await vit('demo', '--output', name);
      expect(code).toBe(2);
      expect(error).toContain('one of .png, .svg for --output');
    },
  );
});

test('a model without classes is drawn, and refused by name where a prediction is needed', async () => {
  const model = new VisionTransformer({ ...tiny.model, numClasses: 0 });
  await saveModel(model, 'features');
  model.dispose();
  const given = ['--checkpoint', 'features', '--image', path.join(home, 'docs/images/bench.png')];
  const drawn = await vit('vis', ...given, '--output', 'a.png');
  expect([drawn.code, drawn.out]).toEqual([0, expect.stringContaining('no prediction')]);
  const predicted = await vit('predict', ...given);
  expect([predicted.code, predicted.error]).toEqual([
    2,
    expect.stringContaining('a model with classes for predict, received "numClasses 0"'),
  ]);
});

test('what is used of an image of other proportions is said, and stands in the picture', async () => {
  writeFileSync('tall.png', encodePng(makeImage(30, 50, 1, new Uint8Array(1500).fill(9))));
  const { out, error } = await vit('demo', '--image', 'tall.png', '--output', 'a.svg');
  expect(error).toContain('tall.png has 30 × 50 pixels: cropped to its middle 30 × 30.');
  expect(out).toContain('tall.png, cropped to its middle 30 × 30: ');
  expect(readFileSync('a.svg', 'utf8')).toContain('cropped to its middle 30 × 30');
});
