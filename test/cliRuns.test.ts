import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  encodePng,
  loadMnist,
  loadModel,
  MNIST_NORMALIZATION,
  mnistDataset,
  trainInFolder,
} from '../lib/node.ts';
import { tiny, vit, writeExperiment } from './support/cli.ts';

jest.setTimeout(60_000);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'cli-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const inFolder = (name: string) => path.join(folder, name);
const experiment = (change: object = {}) => writeExperiment(inFolder('experiment.json'), change);

describe('from training to a picture', () => {
  let logged: jest.SpyInstance;
  beforeEach(() => {
    logged = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
  });
  afterEach(() => logged.mockRestore());

  test('train, stop, resume, evaluate, predict, draw, summarise', async () => {
    const run = inFolder('run');
    const flags = ['--limit', '32', '--limit-val', '16', '--output_dir', run];
    const first = await vit('train', '--config', experiment(), ...flags, '--max-steps', '2');
    expect([first.code, first.out]).toEqual([
      0,
      expect.stringMatching(/^Go on with it: .*train --resume/),
    ]);
    expect((await vit('train', '--resume', run)).code).toBe(0);
    const log = readFileSync(path.join(run, 'log.jsonl'), 'utf8').trim().split('\n');
    expect(log.length).toBe(1);
    const whole = inFolder('whole');
    await vit('train', '--config', experiment(), ...flags.slice(0, -1), whole);
    for (const name of ['checkpoint.safetensors', 'checkpoint.state.safetensors', 'config.json']) {
      const [resumed, straight] = [run, whole].map((place) => readFileSync(path.join(place, name)));
      if (name !== 'checkpoint.state.safetensors') {
        expect([name, withoutSteps(resumed!).equals(withoutSteps(straight!))]).toEqual([
          name,
          true,
        ]);
      }
    }
    const changed = await vit('train', '--resume', run, '--lr', '0.5');
    expect([changed.code, changed.error]).toEqual([2, expect.stringContaining('learningRate')]);

    const result = await vit('eval', '--checkpoint', run, '--limit-val', '16', '--json');
    expect(JSON.parse(result.out)).toMatchObject({ images: 16 });
    const inBf16 = await vit(
      'eval',
      '--checkpoint',
      run,
      '--limit-val',
      '16',
      '--json',
      '--precision',
      'bf16',
    );
    expect(JSON.parse(inBf16.out)).toMatchObject({ images: 16, precision: 'bf16' });
    const isFast = inBf16.error.includes('BF16') || inBf16.error.includes('AMX');
    expect(inBf16.error).toContain('Precision bf16');
    expect(inBf16.error.includes('no faster than float32')).toBe(!isFast);
    const losses = [result, inBf16].map(({ out }) => (JSON.parse(out) as { loss: number }).loss);
    expect(losses[1]).not.toBe(losses[0]);
    expect(losses[1]! / losses[0]!).toBeCloseTo(1, 2);
    const predicted = await vit('predict', '--checkpoint', run, '--image', '3', '--json');
    const { predictions, label } = JSON.parse(predicted.out) as {
      predictions: { probability: number }[];
      label: number;
    };
    expect([predictions.length, label]).toEqual([5, 0]);
    expect(predictions[0]!.probability).toBeGreaterThanOrEqual(predictions[4]!.probability);
    expect((await vit('summary', run)).out).toContain('total');

    const sure = (ran: { out: string }) => /with (.*) %/.exec(ran.out)![1];
    const picture = inFolder('pictures/a.png');
    const drawn = await vit(
      'vis',
      '--model-path',
      run,
      '--image-path',
      '7',
      '--output-path',
      picture,
    );
    expect(drawn.code).toBe(0);
    expect(drawn.out).toContain(`Wrote ${picture}`);
    expect([...readFileSync(picture).subarray(1, 4)]).toEqual([0x50, 0x4e, 0x47]);
    expect(readdirSync(path.dirname(picture))).toEqual(['a.png']);
    const rounded = await vit(
      'vis',
      '--checkpoint',
      run,
      '--image',
      '7',
      '--output',
      picture,
      '--precision=bf16',
    );
    expect([rounded.code, sure(rounded)]).toEqual([0, expect.stringMatching(/^\d/)]);
    const far = await vit('vis', '--checkpoint', run, '--image', '10000');
    expect([far.code, far.error]).toEqual([2, expect.stringContaining('0 to 9999')]);
  }, 60_000);

  test('chooses on held-out images and ends with the test; an older run goes on as it began', async () => {
    const run = inFolder('run');
    const small = ['--limit', '32', '--limit-val', '16'];
    const words = ['train', '--config', experiment(), ...small, '--val-split', '100'];
    expect((await vit(...words, '--output-dir', run)).code).toBe(0);
    const said = logged.mock.calls.join('');
    expect(said).toContain('Held out for validation: 100 of 60000 training images');
    expect(said.trimEnd().split('\n').at(-1)).toMatch(/^test top-1 .*16 images.*evaluated once/);
    const report = JSON.parse(readFileSync(path.join(run, 'test.json'), 'utf8')) as object;
    expect(report).toMatchObject({ epochs: 1, epoch: 1, images: 16 });
    const again = await vit('train', '--resume', run);
    expect(again.code).toBe(0);
    expect(again.out).toMatch(
      /best epoch +1\nvalidation top-1 .*\ntest top-1 .*\nSaved in .*vis --checkpoint/,
    );
    expect(logged.mock.calls.join('')).toMatch(/The run in .* is finished: epoch 1 is done/);
    const other = await vit('train', '--resume', run, '--val-split', '0.5');
    expect([other.code, other.error]).toEqual([2, expect.stringContaining('valSplit: 100 → 0.5')]);

    const old = inFolder('old');
    await vit('train', '--config', experiment(), ...small, '--output-dir', old, '--max-steps', '2');
    const model = await loadModel(old);
    const [train, validation] = await Promise.all(
      (['train', 'test'] as const).map(async (split) => mnistDataset(await loadMnist({ split }))),
    );
    const { name, data, ...config } = tiny;
    const place = { outputDir: old, overwrite: true, progress: false };
    const env = { ...place, model, train: train!, validation };
    await trainInFolder(
      { ...config, data: { name, ...data }, limit: 32, limitVal: 16, maxSteps: 2 },
      { ...env, normalize: MNIST_NORMALIZATION },
    );
    model.dispose();
    const going = await vit('train', '--resume', old);
    expect([going.code, going.error]).toEqual([
      0,
      expect.stringContaining('older than --val-split'),
    ]);
    expect(existsSync(path.join(old, 'test.json'))).toBe(false);
    const log = readFileSync(path.join(old, 'log.jsonl'), 'utf8');
    expect(JSON.parse(log)).toMatchObject({ epoch: 1, valTop1: expect.any(Number) as number });
  });

  test('a run is replaced only when asked for, and goes on only with its own config', async () => {
    const run = inFolder('run');
    const small = ['--limit', '8', '--limit-val', '8', '--output-dir', run];
    const words = ['train', '--config', experiment(), ...small];
    expect((await vit(...words, '--max-steps', '1')).code).toBe(0);
    const files = () =>
      readdirSync(run).map((name) => readFileSync(path.join(run, name), 'latin1'));
    rmSync(path.join(run, 'tensorboard'), { recursive: true });
    const before = files();
    const twice = await vit(...words);
    expect(twice.code).toBe(2);
    expect(twice.error).toMatch(
      /holds a run \(1 epoch done\).*--resume .*--overwrite.*--output-dir/,
    );
    const other = await vit('train', '--config', experiment(), '--resume', run);
    expect([other.code, other.error]).toEqual([
      2,
      expect.stringMatching(/no --config for --resume/),
    ]);
    const both = await vit('train', '--resume', run, '--overwrite');
    expect([both.code, both.error]).toEqual([2, expect.stringMatching(/no --overwrite/)]);
    const changes = await vit(...words, '--overwrite', '--allow-changes');
    expect([changes.code, changes.error]).toEqual([
      2,
      expect.stringMatching(/--resume.*--allow-changes/),
    ]);
    expect(files()).toEqual(before);
    expect((await vit(...words, '--overwrite')).code).toBe(0);
    expect(logged.mock.calls.join('')).toContain('Replacing the run in');
  });

  test('a config with valSplit null holds nothing out, also when the run goes on', async () => {
    const run = inFolder('run');
    const small = ['--limit', '32', '--limit-val', '16', '--output-dir', run, '--max-steps', '2'];
    await vit('train', '--config', experiment({ valSplit: null }), ...small);
    const going = await vit('train', '--resume', run);
    expect([going.code, going.error]).toEqual([0, expect.not.stringContaining('older')]);
    expect(existsSync(path.join(run, 'test.json'))).toBe(true);
  });

  test('a run in bf16 says so, keeps it, and goes on in no other precision', async () => {
    const run = inFolder('run');
    const flags = ['--limit', '32', '--limit-val', '16', '--output_dir', run];
    const words = ['train', '--config', experiment(), ...flags, '--precision', 'bf16'];
    const first = await vit(...words, '--max-steps', '2');
    expect([first.code, first.error]).toEqual([0, expect.stringContaining('Precision bf16')]);
    expect(logged.mock.calls.join('')).toContain(`Training into ${run}, bf16`);
    const stored = JSON.parse(readFileSync(path.join(run, 'config.json'), 'utf8')) as object;
    expect(stored).toMatchObject({ precision: 'bf16' });
    expect(stored).not.toHaveProperty('model.precision');
    const other = await vit('train', '--resume', run, '--precision', 'fp32');
    expect([other.code, other.error]).toEqual([2, expect.stringContaining('"bf16" → "fp32"')]);
    const same = await vit('train', '--resume', run);
    expect([same.code, same.error]).toEqual([0, expect.stringContaining('Precision bf16')]);
  });

  test('a file of dark ink on paper is inverted, scaled and classified like the light one', async () => {
    const run = inFolder('run');
    await vit(
      'train',
      '--config',
      experiment(),
      '--limit',
      '8',
      '--limit-val',
      '8',
      '--output-dir',
      run,
    );
    const digit = new Uint8Array(56 * 56).map((_, i) => (Math.abs((i % 56) - 28) < 5 ? 250 : 5));
    const draw = (name: string, data: Uint8Array) =>
      writeFileSync(inFolder(name), encodePng({ width: 56, height: 56, channels: 1, data }));
    draw('light.png', digit);
    draw(
      'dark.png',
      digit.map((value) => 255 - value),
    );
    const [light, dark] = [
      await vit('predict', '--checkpoint', run, '--image', inFolder('light.png')),
      await vit('predict', '--checkpoint', run, '--image', inFolder('dark.png')),
    ];
    expect(light.code).toBe(0);
    const rows = ({ out }: typeof light) =>
      [...out.matchAll(/^(\d) +([\d.]+) %$/gm)].map(([, name, share]) => [name, Number(share)]);
    expect(rows(light)).toHaveLength(5);
    rows(light).forEach(([name, share], i) => {
      expect(rows(dark)[i]![0]).toBe(name);
      // The paper that is subtracted has other levels.
      expect(Math.abs(Number(rows(dark)[i]![1]) - Number(share))).toBeLessThan(0.5);
    });
    expect(dark.error).toContain('inverted');
  });

  test('a recipe wins over the config of its file, and flags win over the recipe', async () => {
    const file = inFolder('experiments.mjs');
    const recipe = { ...tiny, name: 'slow', epochs: 2, learningRate: 0.25, smoothing: 0.5 };
    writeFileSync(
      file,
      `export const config = ${JSON.stringify(tiny)};\n` +
        `export const recipes = { slow: ${JSON.stringify(recipe)} };\n`,
    );
    const small = ['--limit', '8', '--limit-val', '8', '--config', file];
    const stored = async (name: string, ...words: string[]) => {
      const run = inFolder(name);
      expect((await vit('train', ...small, ...words, '--output-dir', run)).code).toBe(0);
      return JSON.parse(readFileSync(path.join(run, 'config.json'), 'utf8')) as object;
    };
    expect(await stored('plain')).toMatchObject({ epochs: 1, learningRate: 0.001, smoothing: 0 });
    expect(await stored('slow', '--recipe', 'slow', '--lr', '0.5')).toMatchObject({
      data: { name: 'slow' },
      epochs: 2,
      learningRate: 0.5,
      smoothing: 0.5,
    });
  });

  // --max-steps of the first part is the one thing that config.json may keep.
  function withoutSteps(bytes: Buffer): Buffer {
    return Buffer.from(bytes.toString('latin1').replace(/"maxSteps": \w+/, ''), 'latin1');
  }
});
