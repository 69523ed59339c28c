import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { resizeImage } from '../lib/data/resizeImage.ts';
import { decodeImage } from '../lib/io/decodeImage.ts';
import { vit } from './support/cli.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'fast-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

// A smooth picture, whose small form does not depend on the filter.
async function picture(width: number, height: number, format: 'jpeg' | 'png', grey = false) {
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < width * height; i += 1) {
    const [x, y] = [(i % width) / width, Math.floor(i / width) / height];
    data.set([255 * x, 255 * y, 127 + 120 * Math.sin(6 * (x + y))], 3 * i);
  }
  const image = sharp(data, { raw: { width, height, channels: 3 } });
  return (grey ? image.toColourspace('b-w') : image).toFormat(format, { quality: 95 }).toBuffer();
}

test.each([
  [480, 360, false, 72, [96, 72]],
  [480, 360, true, 72, [96, 72]],
  [361, 481, false, 72, [73, 97]],
  [223, 2000, false, 50, [56, 500]],
])(
  'a JPEG of %p × %p, grey %p, for an input of %p gets %p',
  async (width, height, grey, side, wanted) => {
    const bytes = await picture(width, height, 'jpeg', grey);
    const image = await decodeImage(bytes, { mode: 'fast', atLeast: [side, side] });
    expect([image.width, image.height]).toEqual(wanted);
    const whole = await decodeImage(bytes, { mode: 'pil' });
    const small = resizeImage(whole, { width: image.width, height: image.height }, 'box');
    const errors = small.data.map((level, i) => Math.abs(level - image.data[i]!));
    expect(errors.reduce((sum, error) => sum + error, 0) / errors.length).toBeLessThan(3);
  },
);

test('what is not three times as large, and what is no JPEG, is decoded as Pillow does', async () => {
  const jpeg = await picture(167, 300, 'jpeg');
  const png = await picture(400, 400, 'png');
  for (const bytes of [jpeg, png]) {
    const fast = await decodeImage(bytes, { mode: 'fast', atLeast: [56, 56] });
    expect(fast).toEqual(await decodeImage(bytes, { mode: 'pil' }));
  }
});

test.each([
  [undefined, /\[H, W\] for atLeast of mode fast/],
  [[56], /\[H, W\] for atLeast/],
  [[0, 56], /atLeast/],
])('atLeast %p is refused', async (atLeast, message) => {
  const bytes = await picture(9, 9, 'jpeg');
  await expect(decodeImage(bytes, { mode: 'fast', atLeast: atLeast as never })).rejects.toThrow(
    message,
  );
});

test('the mode is stored with a run, and evaluation and prediction use it', async () => {
  for (const name of ['a', 'b']) {
    mkdirSync(path.join(root, 'photos', name), { recursive: true });
    for (let i = 0; i < 3; i += 1) {
      const file = path.join(root, 'photos', name, `${i}.jpg`);
      writeFileSync(file, await picture(40 + i, name === 'a' ? 60 : 50, 'jpeg'));
    }
  }
  const model = { imageSize: 8, patchSize: 4, embedDim: 12, depth: 1, numHeads: 2 };
  const data = { dataset: 'folder', folder: path.join(root, 'photos') };
  const experiment = { name: 'fast', model, data, epochs: 1, batchSize: 2, learningRate: 1e-3 };
  const config = path.join(root, 'config.json');
  writeFileSync(config, JSON.stringify({ ...experiment, valSplit: 0 }));
  const run = (name: string) => path.join(root, name);
  const train = (name: string, ...flags: string[]) =>
    vit('train', '--backend', 'cpu', '--config', config, '--output-dir', run(name), ...flags);
  expect((await train('one', '--decode', 'fast', '--workers', '1')).code).toBe(0);
  expect((await train('none', '--decode', 'fast', '--workers', '0')).code).toBe(0);
  expect((await train('pil', '--decode', 'pil', '--workers', '0')).code).toBe(0);
  const weights = (name: string) => readFileSync(path.join(run(name), 'checkpoint.safetensors'));
  expect(weights('one').equals(weights('none'))).toBe(true);
  expect(weights('one').equals(weights('pil'))).toBe(false);
  const stored = JSON.parse(readFileSync(path.join(run('one'), 'config.json'), 'utf8')) as {
    preprocessing: { decode: string };
  };
  expect(stored.preprocessing.decode).toBe('fast');
  const words = ['--backend', 'cpu', '--checkpoint', run('one')];
  expect((await vit('eval', '--workers', '0', ...words)).code).toBe(0);
  const image = path.join(root, 'photos/a/0.jpg');
  expect((await vit('predict', '--image', image, ...words)).code).toBe(0);
});
