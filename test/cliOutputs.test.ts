// The files that commands write: none replaces an input, another output, a file of a run, or a file of another kind.

import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { commands } from '../lib/cli/commands.ts';
import { openFolder } from '../lib/io/folder.ts';
import { vit, writeExperiment } from './support/cli.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'outputs-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => path.join(folder, name);
const png = Buffer.concat([Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.from('pixels')]);

/** Every option that names a file to write, with words that make its command whole. */
const outputs = commands.flatMap((command) =>
  Object.entries(command.flags)
    .filter(([, { writes }]) => writes !== undefined && writes !== 'run')
    .map(([flag]) => [command.name, flag] as const),
);

async function refused(words: readonly string[], file: string): Promise<string> {
  const before = readFileSync(file);
  const { code, error } = await vit(...words);
  expect([code, readFileSync(file).equals(before)]).toEqual([2, true]);
  const lines = error.split('\n').filter((line) => !line.startsWith('Backend '));
  expect(lines).toHaveLength(1);
  return lines[0]!;
}

test('every option with a file to write is known to the guard', () => {
  expect(outputs.map((pair) => pair.join(' --'))).toEqual([
    'demo --output',
    'vis --output',
    'explain --output',
    'explain --json',
    'explain --csv',
    'positions --output',
    'positions --csv',
    'trace --output',
    'augment --output',
    'convert --output',
    'average --output',
    'parity --json',
    'profile --trace',
    'profile --chart',
    'profile --json',
  ]);
  for (const { flags } of commands) {
    for (const [name, flag] of Object.entries(flags)) {
      if (flag.value?.startsWith('FILE') !== true) continue;
      expect([name, flag.reads === true || flag.writes !== undefined]).toEqual([name, true]);
    }
  }
});

describe.each(outputs)('%s --%s', (command, flag) => {
  const words = (file: string): string[] => {
    const inputs: Record<string, string[]> = {
      parity: [folder],
      convert: ['none.pth', '--to', 'safetensors'],
      average: ['none.pth', 'other.pth'],
    };
    return [command, ...(inputs[command] ?? []), `--${flag}`, file];
  };

  test.each([
    ['weights', 'model.safetensors', '\u0008\0\0\0\0\0\0\0{}      '],
    ['a configuration', 'config.json', '{"embedDim": 8}'],
    ['text', 'notes.md', '# Notes'],
    ['a photograph', 'photo.jpg', '\u00ff\u00d8\u00ff\u00e0'],
  ])('keeps %s', async (_, name, content) => {
    writeFileSync(at(name), content, 'latin1');
    const text = await refused(words(at(name)), at(name));
    expect(text).toMatch(/^Expected .* or a new name for --.*holds something else/);
    symlinkSync(at(name), at('link'));
    linkSync(at(name), at('hard'));
    for (const other of ['link', 'hard']) await refused(words(at(other)), at(name));
  });

  test('keeps what a manifest lists', async () => {
    const store = await openFolder(folder);
    // Whatever it looks like: the kind would be right.
    const beginnings = [
      png,
      '{"displayTimeUnit":"ms","traceEvents":[',
      '{"work":',
      '{"schema":"vit-parity/1"',
      '{"schema":"vit-explanation/1"',
      'row,column,value',
      '<!doctype html>\n<html lang="en">',
      Buffer.from('\b\0\0\0\0\0\0\0{"a":1}', 'latin1'),
    ];
    for (const [i, content] of beginnings.entries()) {
      await store.commit(new Map([[`file${i}`, content]]), {});
    }
    const said: string[] = [];
    for (const i of beginnings.keys())
      said.push(await refused(words(at(`file${i}`)), at(`file${i}`)));
    expect(said.filter((text) => text.includes('belongs to the run or model'))).toHaveLength(1);
  });
});

test('a picture does not replace the image that it shows, whatever the spelling', async () => {
  writeFileSync(at('digit.png'), png);
  mkdirSync(at('sub'));
  symlinkSync('../digit.png', at('sub/link.png'));
  linkSync(at('digit.png'), at('sub/hard.png'));
  const spellings = ['digit.png', 'sub/../digit.png', 'sub/link.png', 'sub/hard.png'].map(at);
  for (const output of [...spellings, path.relative(process.cwd(), at('digit.png'))]) {
    const text = await refused(
      ['vis', '--image', at('digit.png'), '--output', output],
      at('digit.png'),
    );
    expect(text).toMatch(/another file than that of --image for --output/);
  }
});

test('a profile does not replace its experiment, nor one result another', async () => {
  const config = writeExperiment(at('experiment.json'));
  const words = ['profile', '--config', config];
  expect(await refused([...words, '--json', config], config)).toMatch(/than that of --config/);
  for (const [a, b] of [
    ['x.json', 'x.json'],
    ['x.json', './sub/../x.json'],
  ] as const) {
    mkdirSync(at('sub'), { recursive: true });
    const { code, error } = await vit(...words, '--json', at(a), '--trace', path.join(folder, b));
    expect([code, error]).toEqual([2, expect.stringMatching(/another file than that of --/)]);
  }
  expect(existsSync(at('x.json'))).toBe(false);
});

test('a run does not replace the config that it is made from, nor a model', async () => {
  const config = writeExperiment(at('config.json'));
  for (const more of [[], ['--overwrite']]) {
    const words = ['train', '--config', config, '--output-dir', folder, ...more];
    expect(await refused(words, config)).toMatch(/would replace config\.json/);
  }
  copyFileSync(config, at('experiment.json'));
  const words = ['train', '--config', at('experiment.json'), '--output-dir', folder];
  expect(await refused([...words, '--backend', 'cpu'], config)).toMatch(/belongs to no run/);
}, 60_000);

test('a result may replace an earlier one of its kind', async () => {
  writeFileSync(at('picture.png'), png);
  const { code, error } = await vit('vis', '--output', at('picture.png'), '--image', 'missing.png');
  expect([code, error]).toEqual([2, expect.stringContaining('missing.png')]);
});
