// Results that are not finite: no command passes them on as numbers.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MNIST_NORMALIZATION } from '../lib/data/normalize.ts';
import { makePreprocessing } from '../lib/data/preprocessing.ts';
import { saveModel } from '../lib/node.ts';
import { vit } from './support/cli.ts';
import { build } from './support/tinyModel.ts';
import { openFolder } from '../lib/io/folder.ts';

const digits = { imageSize: 28, patchSize: 14, inChannels: 1, numClasses: 10 };
let folder: string;
beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'nonfinite-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const commands: readonly [string, ...string[]][] = [
  ['predict', '--image', '3'],
  ['predict', '--image', '3', '--json'],
  ['vis', '--image', '3'],
];

test.each(commands)('weights of 1e30: %s %s %s %s', async (name, ...words) => {
  const model = build(digits);
  // Only behind the last block: the attention stays finite.
  for (const [key, weight] of model.namedParameters()) {
    if (/^(head|norm)\.weight/.test(key)) weight.assign(tf.mul(weight, 1e30));
  }
  const preprocessing = makePreprocessing({ size: [28, 28], normalize: MNIST_NORMALIZATION });
  await saveModel(model, folder, { preprocessing });
  const store = await openFolder(folder);
  const record = JSON.parse(new TextDecoder().decode(await store.read('config.json'))) as object;
  await store.write('config.json', JSON.stringify({ ...record, data: { dataset: 'mnist' } }));
  model.dispose();
  const output = path.join(folder, 'picture.png');
  const where = name === 'vis' ? ['--output', output] : [];
  const ran = await vit(name, ...words, '--checkpoint', folder, '--backend', 'cpu', ...where);
  expect(ran).toMatchObject({ code: 1, out: '' });
  expect(ran.error).toMatch(/Expected finite probabilities for the image, received (NaN|-?Inf)/);
});

test('a mean that overflows float32 is refused', async () => {
  const model = build(digits);
  const preprocessing = makePreprocessing({ size: [28, 28], normalize: MNIST_NORMALIZATION });
  await saveModel(model, folder, { preprocessing });
  model.dispose();
  const store = await openFolder(folder);
  const text = new TextDecoder().decode(await store.read('config.json'));
  await store.write('config.json', text.replace('0.1307', '1e308'));
  const ran = await vit('predict', '--checkpoint', folder, '--image', '3', '--backend', 'cpu');
  expect([ran.code, ran.error]).toEqual([2, expect.stringMatching(/mean\[0\], received 1e\+308/)]);
});
