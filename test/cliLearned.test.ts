// `tfjs-vit learned`: the figures and the numbers of what a model has learned.

import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { vit } from './support/cli.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'learned-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const subsets = path.join(import.meta.dirname, '../checkpoints/mnist-subsets');

interface Learned {
  attention_distance: { distance: number[][]; even: number };
  head_entropy: { entropy: number[][]; even: number };
  logit_lens: { label: string; blocks: { probabilities: number[] }[] };
  correspondence: { matches: { from: number; to: number; cosine: number }[] };
}

test('writes all figures and their numbers', async () => {
  const words = ['learned', '--backend', 'cpu', '--checkpoint', subsets, '--format', 'svg'];
  const { code, out } = await vit(...words, '--second-image', '0', '--output-dir', folder);
  expect(code).toBe(0);
  expect(readdirSync(folder).sort()).toEqual([
    'attention_distance.svg',
    'correspondence.svg',
    'feature_colors.svg',
    'head_entropy.svg',
    'learned.json',
    'logit_lens.svg',
    'patch_filters.svg',
    'token_norms.svg',
  ]);
  expect(out).toMatch(/Most patches say 7 from block \d on/);
  const found = JSON.parse(readFileSync(path.join(folder, 'learned.json'), 'utf8')) as Learned;
  expect(found.logit_lens.label).toBe('7');
  expect(found.logit_lens.blocks).toHaveLength(4);
  // ln 17 tokens.
  expect(found.head_entropy.even).toBeCloseTo(2.8332, 4);
  expect(found.attention_distance.distance.map((heads) => heads.length)).toEqual([4, 4, 4, 4]);
  // A picture is like itself, patch by patch.
  for (const { from, to, cosine } of found.correspondence.matches) {
    expect([from, Math.round(cosine * 1e4) / 1e4]).toEqual([to, 1]);
  }
});

test('draws no correspondence of one image', async () => {
  const words = ['learned', '--backend', 'cpu', '--checkpoint', subsets, '--format', 'svg'];
  const { code } = await vit(...words, '--output-dir', folder);
  expect([code, readdirSync(folder).includes('correspondence.svg')]).toEqual([0, false]);
});
