import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createModel } from '../lib/models/createModel.ts';
import { explain, saveModel } from '../lib/node.ts';
import { loadModel } from '../lib/node.ts';
import { explanationMethods } from '../lib/explain/methods.ts';
import { explain as command } from '../lib/cli/commands/explain.ts';
import { vit } from './support/cli.ts';

let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'explain-'));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const shipped = ['--checkpoint', 'checkpoints/mnist-vit', '--image', 'data/digit.png'];
const file = (name: string) => path.join(folder, name);
const text = (name: string) => fs.readFileSync(file(name), 'utf8');

test('the command knows every method', () => {
  expect(command.flags['method']!.choices).toEqual(explanationMethods().map(({ name }) => name));
});

test('explain writes a picture, and its numbers as JSON and CSV', async () => {
  const outputs = ['--output', file('a.svg'), '--json', file('a.json'), '--csv', file('a.csv')];
  const { code, out } = await vit('explain', ...shipped, '--second-class', '8', ...outputs);
  expect(code).toBe(0);
  expect(out).toMatch(/^data\/digit\.png: 3 with 9\d\.\d+ %$/m);
  const numbers = JSON.parse(text('a.json')) as {
    gridSize: number[];
    predicted: { label: string };
    classes: { index: number; map: number[][] }[];
  };
  expect([numbers.gridSize, numbers.predicted.label]).toEqual([[4, 4], '3']);
  expect(numbers.classes.map(({ index }) => index)).toEqual([3, 8]);
  const lines = text('a.csv').trim().split('\n');
  expect(lines[0]).toBe('row,column,3,8');
  expect(Number(lines[6]!.split(',')[2])).toBe(numbers.classes[0]!.map[1]![1]);
  expect(text('a.svg')).toContain('And for 8');
  const again = await vit('explain', ...shipped, ...outputs, '--theme', 'dark');
  expect([again.code, text('a.svg').includes('#16191d')]).toEqual([0, true]);
});

test('the ledger is printed, and adds up', async () => {
  const words = ['--method', 'attn-lrp', '--ledger', '--output', file('l.png')];
  const { code, out } = await vit('explain', ...shipped, ...words);
  expect(code).toBe(0);
  const value = (name: string) => Number(new RegExp(`^  ${name} +(-?[\\d.]+)$`, 'm').exec(out)![1]);
  const parts = ['patches', 'ε', 'biases', 'softmax', 'position embeddings', 'class token'];
  const sum = parts.reduce((all, name) => all + value(name), 0);
  expect(Math.abs(sum - value('logit'))).toBeLessThan(1e-5);
  expect(out.match(/^(Before block \d|After the last block): /gm)).toHaveLength(5);
});

test('positions are drawn, and written as a table', async () => {
  const { code } = await vit(
    ...['positions', '--checkpoint', 'checkpoints/mnist-vit'],
    ...['--output', file('p.png'), '--csv', file('p.csv')],
  );
  expect(code).toBe(0);
  expect(fs.readFileSync(file('p.png')).toString('latin1', 1, 4)).toBe('PNG');
  const rows = text('p.csv').trim().split('\n').slice(1);
  expect(rows).toHaveLength(16);
  expect(Number(rows[5]!.split(',')[6])).toBeCloseTo(1, 6);
});

test.each([
  [['--class-index', '10'], /≥ 0 and ≤ 9 for --class-index, received 10/],
  [['--class-index', 'sevn'], /for --class-index, received "sevn"/],
  [['--start-layer', '4'], /startLayer/],
  [['--method', 'relevanse'], /Did you mean relevance\?|one of relevance/],
  [['--ledger'], /attn-lrp-gamma or integrated-gradients with --ledger/],
  [['--model', 'vit_tiny_16_224'], /a checkpoint of vit_tiny_16_224, with embedDim 192/],
  [['--colormap', 'rainbow'], /--colormap/],
])('refuses %j in one line', async (words, message) => {
  const { code, error } = await vit('explain', ...shipped, '--output', file('n.png'), ...words);
  expect(code).toBe(2);
  expect(error.split('\n').at(-1)).toMatch(message);
  expect(fs.existsSync(file('n.png'))).toBe(false);
});

test('a model without attention is refused', async () => {
  const options = { imageSize: 28, inChannels: 1, numClasses: 10 };
  const model = createModel('resnet18', options);
  await saveModel(model, file('resnet'));
  model.dispose();
  const words = ['--checkpoint', file('resnet'), '--image', 'data/digit.png'];
  const { code, error } = await vit('explain', ...words, '--output', file('n.png'));
  expect([code, error.split('\n').at(-1)]).toEqual([2, expect.stringMatching(/with attention/)]);
});

test('explain in code takes a file, and names the class', async () => {
  const model = await loadModel('checkpoints/mnist-vit');
  const { label, heatmap, constant, image } = await explain(model, 'data/digit.png');
  expect([label, constant, heatmap.height, image.width]).toEqual(['3', false, 4, 28]);
  expect([Math.min(...heatmap.data), Math.max(...heatmap.data)]).toEqual([0, 1]);
  const other = await explain(model, 'data/digit.png', { target: '8', method: 'occlusion' });
  expect([other.label, other.target.label]).toEqual(['3', '8']);
  model.dispose();
});
