import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fitImage } from '../lib/cli/fitImage.ts';
import { encodePng } from '../lib/io/encodePng.ts';
import { vit, writeExperiment } from './support/cli.ts';

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
    expect(first.code).toBe(0);
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
    const predicted = await vit('predict', '--checkpoint', run, '--image', '3', '--json');
    const { predictions, label } = JSON.parse(predicted.out) as {
      predictions: { probability: number }[];
      label: number;
    };
    expect([predictions.length, label]).toEqual([5, 0]);
    expect(predictions[0]!.probability).toBeGreaterThanOrEqual(predictions[4]!.probability);
    expect((await vit('summary', run)).out).toContain('total');

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
    const far = await vit('vis', '--checkpoint', run, '--image', '10000');
    expect([far.code, far.error]).toEqual([2, expect.stringContaining('0 to 9999')]);
  }, 60_000);

  test('a file of dark ink on paper is inverted, scaled and classified as its light twin', async () => {
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
    expect(dark.out).toBe(light.out);
    expect(dark.error).toContain('inverted');
  });

  // --max-steps of the first part is the one thing that config.json may keep.
  function withoutSteps(bytes: Buffer): Buffer {
    return Buffer.from(bytes.toString('latin1').replace(/"maxSteps": \w+/, ''), 'latin1');
  }
});

describe('fitImage', () => {
  const image = (width: number, height: number, value: (x: number, y: number) => number) => ({
    width,
    height,
    channels: 1 as const,
    data: Uint8Array.from({ length: width * height }, (_, i) =>
      value(i % width, Math.floor(i / width)),
    ),
  });

  test('keeps an image of the size, and a flat one flat at any size', () => {
    const same = image(5, 3, (x, y) => x * y);
    expect(fitImage(same, { height: 3, width: 5 })).toBe(same);
    for (const size of [
      { height: 7, width: 7 },
      { height: 2, width: 3 },
      { height: 1, width: 1 },
    ]) {
      const out = fitImage(
        image(31, 17, () => 77),
        size,
      );
      expect([out.height, out.width, ...new Set(out.data)]).toEqual([size.height, size.width, 77]);
    }
  });

  test('averages what it shrinks: a checkerboard becomes grey', () => {
    const out = fitImage(
      image(64, 64, (x, y) => ((x + y) % 2) * 255),
      { height: 8, width: 8 },
    );
    for (const value of out.data) expect(Math.abs(value - 127.5)).toBeLessThan(6);
  });

  test('takes the centre, and mirrors with its input', () => {
    const wide = image(60, 20, (x) => (x < 20 || x >= 40 ? 255 : 10));
    const centre = fitImage(wide, { height: 10, width: 10 });
    expect(Math.max(...[...centre.data].filter((_, i) => i % 10 > 0 && i % 10 < 9))).toBe(10);
    const [a, b] = [
      image(33, 20, (x, y) => (x * 7 + y * 3) % 256),
      image(33, 20, (x, y) => ((32 - x) * 7 + y * 3) % 256),
    ];
    const [left, right] = [a, b].map((one) => fitImage(one, { height: 9, width: 13 }));
    for (let y = 0; y < 9; y += 1)
      for (let x = 0; x < 13; x += 1)
        expect(left!.data[y * 13 + x]).toBe(right!.data[y * 13 + 12 - x]);
  });
});
