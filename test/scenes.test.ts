import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { scene, sceneColors, sceneKinds } from '../lib/data/scenes.ts';
import { vit } from './support/cli.ts';

const all = Array.from({ length: 120 }, (_, index) => scene(index));

test('a scene is a function of its index and seed', () => {
  expect(scene(3)).toEqual(scene(3));
  expect(scene(3).image.data).not.toEqual(scene(4).image.data);
  expect(scene(3, { seed: 1 }).image.data).not.toEqual(scene(3).image.data);
});

test('captions say every object, from left to right', () => {
  for (const { caption, objects } of all) {
    const said = caption.split(/, | and /);
    expect(said).toEqual(objects.map(({ phrase }) => phrase));
    objects.forEach(({ kind, color, phrase }) => {
      expect([sceneKinds.includes(kind), color in sceneColors, phrase]).toEqual([
        true,
        true,
        `${color === 'orange' ? 'an' : 'a'} ${color} ${kind}`,
      ]);
    });
    const lefts = objects.map(({ box }) => box.left);
    expect(lefts).toEqual([...lefts].sort((a, b) => a - b));
  }
});

test('boxes hold their objects and do not overlap, and kinds come alike', () => {
  const counts = new Map<string, number>();
  const wrong: string[] = [];
  for (const { image, objects } of all) {
    for (const [i, { kind, color, box }] of objects.entries()) {
      counts.set(kind, (counts.get(kind) ?? 0) + 1);
      const near: boolean[] = [];
      for (let y = box.top; y < box.bottom; y += 1) {
        for (let x = box.left; x < box.right; x += 1) {
          const at = 3 * (y * image.width + x);
          const off = sceneColors[color]!.map((value, c) => Math.abs(value - image.data[at + c]!));
          near.push(Math.max(...off) < 30);
        }
      }
      if (near.filter(Boolean).length < near.length * 0.1) wrong.push(`${kind} in its box`);
      for (const { box: other } of objects.slice(i + 1)) {
        const across = Math.min(box.right, other.right) - Math.max(box.left, other.left);
        const down = Math.min(box.bottom, other.bottom) - Math.max(box.top, other.top);
        if (Math.min(across, down) > 0) wrong.push(`${kind} over another`);
      }
    }
  }
  expect(wrong).toEqual([]);
  const total = [...counts.values()].reduce((a, b) => a + b, 0);
  const share = total / sceneKinds.length;
  // Within five standard deviations of a fair draw.
  for (const kind of sceneKinds) {
    expect(Math.abs((counts.get(kind) ?? 0) - share)).toBeLessThan(5 * Math.sqrt(share));
  }
});

test('the command writes pictures, annotations and a sheet', async () => {
  const folder = fs.mkdtempSync(path.join(tmpdir(), 'scenes-'));
  try {
    const output = path.join(folder, 'out');
    const words = ['--output', output, '--count', '3', '--size', '32', '--seed', '5'];
    expect((await vit('scenes', ...words)).code).toBe(0);
    const lines = fs
      .readFileSync(path.join(output, 'annotations.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(lines.map((line) => (JSON.parse(line) as { caption: string }).caption)).toEqual(
      [0, 1, 2].map((index) => scene(index, { size: 32, seed: 5 }).caption),
    );
    expect(fs.readdirSync(path.join(output, 'images'))).toHaveLength(3);
    expect(fs.existsSync(path.join(output, 'scenes.png'))).toBe(true);
    expect((await vit('scenes', '--output', '.')).code).toBe(2);
  } finally {
    fs.rmSync(folder, { recursive: true, force: true });
  }
});
