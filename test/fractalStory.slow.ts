// The story of learning from fractals, with a plan of seconds.

import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { selectBackend } from '../lib/backends/select.ts';
import { tellStory } from '../examples/fractalStory/story.ts';
import { starts, type Plan } from '../examples/fractalStory/plan.ts';

const plan: Plan = {
  seeds: [0, 1],
  selectionSeed: 3,
  learningRates: [1e-3, 3e-3],
  categories: 2,
  pretrain: { images: 64, epochs: 2 },
  finetune: [{ perClass: 3, images: 32 }],
  epochs: 1,
  validation: 20,
  test: 32,
};

let folder: string;
beforeAll(() => selectBackend({ threads: 1 }));
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'story-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('ends with a table, a CSV file and a chart, and goes on from what it has', async () => {
  const said = jest.spyOn(console, 'log').mockImplementation(() => undefined);
  try {
    const table = await tellStory(plan, folder);
    const lines = table.trim().split('\n');
    expect(lines).toHaveLength(2 + starts.length);
    expect(lines[0]).toContain('3 a class');
    for (const line of lines.slice(2)) {
      expect(line.match(/\d+\.\d\d ± \d+\.\d\d \(0\.00[13]\)/g)).toHaveLength(1);
    }
    const csv = readFileSync(path.join(folder, 'results.csv'), 'utf8').trim().split('\n');
    expect(csv).toHaveLength(1 + starts.length * plan.seeds.length);
    expect(readFileSync(path.join(folder, 'results.png')).subarray(1, 4).toString()).toBe('PNG');
    // The runs that choose a learning rate never see the test images.
    const run = path.join(folder, '3-per-class', 'OFDB');
    expect(existsSync(path.join(run, 'select-lr-0.001', 'test.json'))).toBe(false);

    // Again: the runs are there, and only one that is missing is trained anew.
    const checkpoint = path.join(folder, 'pretrain', 'OFDB', 'checkpoint.safetensors');
    const written = statSync(checkpoint).mtimeMs;
    const [rate] = csv
      .filter((line) => line.startsWith('FractalDB,3,1,'))[0]!
      .split(',')
      .slice(3);
    const lost = path.join(folder, '3-per-class', 'FractalDB', `seed-1-lr-${rate}`);
    expect(existsSync(lost)).toBe(true);
    rmSync(lost, { recursive: true });
    expect(await tellStory(plan, folder)).toBe(table);
    expect(statSync(checkpoint).mtimeMs).toBe(written);
    expect(existsSync(lost)).toBe(true);
  } finally {
    said.mockRestore();
  }
});
