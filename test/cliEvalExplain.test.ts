import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { MNIST_NORMALIZATION } from '../lib/data/normalize.ts';
import { makePreprocessing } from '../lib/data/preprocessing.ts';
import { saveModel } from '../lib/node.ts';
import { lively } from './support/livelyModel.ts';
import { vit } from './support/cli.ts';

let folder: string;
beforeAll(async () => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'eval-explain-'));
  const model = lively({ imageSize: 28, patchSize: 14, inChannels: 1, numClasses: 10 });
  const preprocessing = makePreprocessing({ size: [28, 28], normalize: MNIST_NORMALIZATION });
  await saveModel(model, place('model'), { preprocessing });
  model.dispose();
  const config = JSON.parse(text('model/config.json')) as object;
  const data = { name: 'tiny', dataset: 'mnist' };
  fs.writeFileSync(place('model/config.json'), JSON.stringify({ ...config, data }));
  fs.rmSync(place('model/manifest.json'));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

const place = (name: string) => path.join(folder, name);
const text = (name: string) => fs.readFileSync(place(name), 'utf8');
const run = (output: string) =>
  vit(
    ...['eval-explain', '--checkpoint', place('model'), '--output-dir', place(output)],
    ...['--methods', 'relevance,rollout', '--images', '3', '--curves', '1', '--probes', '1'],
  );

test('it scores methods, the truth first, and goes on with the Shapley values that are there', async () => {
  const { code, out, error } = await run('a');
  expect([code, error.split('\n').at(-1)]).toEqual([
    0,
    expect.stringContaining('exact Shapley: 1'),
  ]);
  const rows = out.split('\n').filter((line) => line.startsWith('| '));
  expect(rows[2]).toMatch(/^\| exact Shapley +\| +1\.000 \|/);
  expect(rows).toHaveLength(6);
  const results = JSON.parse(text('a/results.json')) as {
    results: { name: string; scores: Record<string, number> }[];
  };
  const scores = Object.fromEntries(results.results.map(({ name, scores: own }) => [name, own]));
  expect(scores['exact Shapley']!['error (logit)']).toBeLessThan(1e-6);
  expect(scores['rollout']!['other class']).toBeCloseTo(1, 9);
  expect(scores['relevance']!['other class']).toBeLessThan(0.999);
  for (const file of ['table.md', 'table.csv', 'ranking.png', 'deletion.png']) {
    expect(fs.existsSync(place(`a/${file}`))).toBe(true);
  }
  const lines = text('a/shapley.jsonl').trim().split('\n');
  expect(lines).toHaveLength(3);
  // A line that was cut while it was written is computed again; the others are taken as they are.
  const marked = JSON.parse(lines[0]!) as { seconds: number };
  const kept = [JSON.stringify({ ...marked, seconds: 1234 }), lines[1], lines[2]!.slice(0, 40)];
  fs.writeFileSync(place('a/shapley.jsonl'), kept.join('\n') + '\n');
  const quick = ['--methods', 'rollout', '--images', '3', '--curves', '0', '--probes', '0'];
  const target = ['--checkpoint', place('model'), '--output-dir', place('a')];
  expect((await vit('eval-explain', ...target, ...quick)).code).toBe(0);
  const again = text('a/shapley.jsonl').trim().split('\n');
  expect(again).toHaveLength(4);
  expect((JSON.parse(again[0]!) as { seconds: number }).seconds).toBe(1234);
  const [first, second] = [lines[2]!, again[3]!].map(
    (line) => (JSON.parse(line) as { logit: number[] }).logit,
  );
  expect(second).toEqual(first);
});

test('an unknown method is refused with the nearest', async () => {
  const words = ['--checkpoint', place('model'), '--output-dir', place('b')];
  const { code, error } = await vit('eval-explain', ...words, '--methods', 'relevanc');
  expect([code, fs.existsSync(place('b'))]).toEqual([2, false]);
  expect(error).toMatch(/Did you mean relevance/);
});
