import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { traceForward } from '../lib/explain/traceForward.ts';
import { tracePage } from '../lib/report/tracePage.ts';
import { partTexts } from '../lib/report/traceText.ts';
import { makeImage } from '../lib/core/image.ts';
import { lively, variants } from './support/livelyModel.ts';
import { images } from './support/tinyModel.ts';
import { vit } from './support/cli.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

test('a trace has every step once a pass, the numbers of one block, and leaves nothing', async () => {
  const model = lively();
  const x = images([1, 16, 16, 3]);
  const before = tf.memory().numTensors;
  const { tensors, block, layout } = await traceForward(model, x, { block: -1 });
  expect(tf.memory().numTensors).toBe(before);
  expect([block, layout.gridSize]).toEqual([1, [2, 2]]);
  const names = tensors.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  const of = (name: string) => tensors.find((tensor) => tensor.name === name)!;
  expect(of('blocks.1.attn_probs').shape).toEqual([2, 5, 5]);
  expect(of('blocks.0.attn_probs').data).toBeUndefined();
  const logits = tf.tidy(() => [...model.forward(x).dataSync()]);
  of('logits').data!.forEach((value, k) => expect(value).toBeCloseTo(logits[k]!, 5));
  const { low, high, mean, data } = of('blocks.1.attn_probs');
  expect([low, high]).toEqual([Math.min(...data!), Math.max(...data!)]);
  expect(mean).toBeCloseTo(0.2, 6);
  model.dispose();
});

test.each(Object.entries(variants))('a page of a model with %s', async (_what, options) => {
  const model = lively(options);
  const [height, width] = model.inputShape;
  const x = images([1, height, width, 3]);
  const { tensors, layout, block } = await traceForward(model, x);
  const content = {
    title: 'A <b>',
    source: 'x & y',
    image: makeImage(width, height, 3, new Uint8Array(3 * height * width).fill(100)),
    tensors,
    gridSize: layout.gridSize,
    prefix: layout.numPrefixTokens,
    block,
    heads: 2,
    bars: [{ label: 'cat', value: 1 }],
  };
  const page = tracePage(content);
  expect(page).toContain('<h1>A &lt;b&gt;</h1>');
  for (const { title, text } of Object.values(partTexts)) {
    for (const said of [title.en, title.ja, text.en, text.ja]) expect(page).toContain(said);
  }
  for (const { name } of tensors) expect(page).toContain(`<code>${name}</code>`);
  // Nothing is loaded from elsewhere, and nothing runs.
  expect(page).not.toMatch(/<script|(?:src|href)="(?!data:)/);
  expect(page.match(/<img /g)!.length).toBeGreaterThanOrEqual(11);
  expect(tracePage(content)).toBe(page);
  model.dispose();
});

test('the command writes a page, and refuses what is none', async () => {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'trace-'));
  try {
    const output = path.join(folder, 't.html');
    const model = ['--checkpoint', 'checkpoints/mnist-vit', '--image', 'data/digit.png'];
    const { code, out } = await vit('trace', ...model, '--block', '-1', '--output', output);
    expect([code, out.includes('3 with 9')]).toEqual([0, true]);
    expect(fs.readFileSync(output, 'utf8')).toContain(
      'blocks.3.attn_probs: h × N × N = 4 × 17 × 17',
    );
    for (const words of [
      ['--block', '0'],
      ['--block', '5'],
      ['--output', path.join(folder, 'x.png')],
    ]) {
      const { code: failed } = await vit('trace', ...model, '--output', output, ...words).catch(
        () => ({ code: 2 }),
      );
      expect(failed).toBe(2);
    }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
