import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { makeImage } from '../lib/core/image.ts';
import { encodePng } from '../lib/io/encodePng.ts';
import { vit } from './support/cli.ts';

let root: string;
let config: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'damaged-'));
  for (const [k, name] of ['cat', 'dog'].entries()) {
    for (let i = 0; i < 6; i += 1) put(`photos/${name}/${i}.png`, png(40 * i + k));
  }
  put('photos/dog/9.png', 'no image');
  mkdirSync(path.join(root, 'photos/fox'));
  config = path.join(root, 'config.json');
  const model = { imageSize: 8, patchSize: 4, inChannels: 3, numClasses: 3, embedDim: 12, depth: 1, numHeads: 2 }; // prettier-ignore
  const trainTransforms = [
    { name: 'randomResizedCrop', height: 8, width: 8 },
    { name: 'randomHorizontalFlip' },
  ];
  const data = { dataset: 'folder', folder: path.join(root, 'photos'), trainTransforms };
  const experiment = { name: 'photos', model, data, epochs: 2, batchSize: 4, learningRate: 1e-3 };
  writeFileSync(config, JSON.stringify(experiment));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

function put(name: string, content: Uint8Array | string): void {
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
  writeFileSync(path.join(root, name), content);
}

const png = (level: number) => encodePng(makeImage(9, 8, 3, new Uint8Array(216).fill(level)));

const runOf = (name: string) => path.join(root, name);
const train = (name: string, ...flags: string[]) =>
  vit('train', '--backend', 'cpu', '--output-dir', runOf(name), ...flags);
const anew = (name: string, ...flags: string[]) =>
  train(name, '--config', config, '--allow-empty-classes', ...flags);

test('a damaged image is replaced, told, listed and counted, and workers change no byte', async () => {
  const { code, out, error } = await anew('one', '--num_workers', '1');
  expect([code, error]).toEqual([0, expect.stringMatching(/9\.png".* stands in for it\./)]);
  expect(error.match(/stands in for it/g)).toHaveLength(1);
  expect(out).toContain(
    '1 image file is damaged and was replaced by another of its class: bad_images.jsonl.',
  );
  const list = readFileSync(path.join(runOf('one'), 'bad_images.jsonl'), 'utf8');
  expect(JSON.parse(list)).toEqual({
    file: path.join(root, 'photos/dog/9.png'),
    reason: expect.stringContaining('its format is not read') as unknown,
  });
  const manifest = readFileSync(path.join(runOf('one'), 'manifest.json'), 'utf8');
  expect(manifest).toContain('bad_images.jsonl');

  const flags = ['--backend', 'cpu', '--workers', '1', '--max-bad', '1'];
  const measured = await vit('eval', '--checkpoint', runOf('one'), ...flags);
  expect([measured.code, measured.out]).toEqual([0, expect.stringContaining('13 of the train')]);
  expect(measured.error).toMatch(/stands in for it[^]*1 image file is damaged/);

  expect((await anew('none', '--workers', '0')).code).toBe(0);
  // Stopped in the middle of an epoch, and gone on with.
  expect((await anew('stopped', '--workers', '1', '--max-steps', '4')).code).toBe(0);
  const resumed = await train('stopped', '--resume', runOf('stopped'), '--workers', '0');
  expect([resumed.code, resumed.error]).toEqual([0, expect.not.stringContaining('stands in')]);
  expect(resumed.out).toContain('1 image file is damaged');
  for (const name of ['checkpoint.safetensors', 'bad_images.jsonl']) {
    const [first, ...others] = ['one', 'none', 'stopped'].map((run) =>
      readFileSync(path.join(runOf(run), name)),
    );
    for (const other of others) expect(other.equals(first!)).toBe(true);
  }
});

test.each([
  [['--max-bad', '0', '--allow-empty-classes'], /at most 0 damaged images.*9\.png.*--max-bad/],
  [['--max-bad', '-1'], /integer ≥ 0/],
  [['--workers', '99'], /≤ 64/],
  [[], /none in fox.*--allow-empty-classes/],
])('train %p is refused in one line', async (flags, message) => {
  const { code, error } = await train('refused', '--config', config, ...flags);
  expect([code, error.trim().split('\n').at(-1)]).toEqual([2, expect.stringMatching(message)]);
});
