import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { headingAnchors, linkFindings } from './support/links.ts';

const root = path.resolve(import.meta.dirname, '..');
const pages = [
  ...fs.readdirSync(root).filter((name) => name.endsWith('.md')),
  ...['docs', 'checkpoints', 'test/goldens'].flatMap((folder) =>
    fs
      .readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md') && !name.startsWith('api'))
      .map((name) => path.join(folder, name)),
  ),
];

test('every relative link of the documents leads to a file, and to a heading of it', () => {
  expect(pages).toEqual(
    expect.arrayContaining(['README.md', 'README.ja.md', path.join('docs', 'benchmarks.md')]),
  );
  expect(pages.flatMap((page) => linkFindings(root, page))).toEqual([]);
});

test('a path of docs/ that the code names exists', () => {
  const folders = ['lib', 'native', 'bench', 'mnist', 'examples', 'scripts', 'test'];
  const missing = folders.flatMap((folder) =>
    fs
      .readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(ts|mjs|h|cc)$/.test(name))
      .flatMap((name) => {
        const text = fs.readFileSync(path.join(root, folder, name), 'utf8');
        return [...text.matchAll(/\bdocs\/[\w/.-]+\.(?:md|json)\b/g)]
          .filter(([target]) => !fs.existsSync(path.join(root, target)))
          .map(([target]) => `${folder}/${name}: ${target}`);
      }),
  );
  expect(missing).toEqual([]);
});

test('both READMEs have the same code, commands, figures and links', () => {
  const [english, japanese] = ['README.md', 'README.ja.md'].map((name) =>
    fs.readFileSync(path.join(root, name), 'utf8'),
  );
  const code = (text: string) =>
    [...text.matchAll(/^```\w+\n(.*?)^```/gms)].map(([, block]) =>
      block!.replaceAll(/ *(\/\/|#) .*$/gm, ''),
    );
  const all = (pattern: RegExp) => (text: string) => [...new Set(text.match(pattern) ?? [])].sort();
  const inCode = all(/`[^`\n]+`/g);
  const figures = all(/\d+\.\d+|\d{1,3}(?:,\d{3})+|\d{3,}/g);
  const links = all(/(?<=\]\()(?!README|#)[^)]+/g);
  for (const part of [code, inCode, figures, links]) {
    expect(part(english!).length).toBeGreaterThan(3);
    expect(part(japanese!)).toEqual(part(english!));
  }
});

describe('the finder of broken links', () => {
  test('makes the anchors that GitHub makes', () => {
    const text =
      '# Against `PyTorch`\n## One image, at a time\n## One image, at a time\n```\n# no heading\n```\n## 結果（Zen 5）\n';
    expect([...headingAnchors(text)]).toEqual([
      'against-pytorch',
      'one-image-at-a-time',
      'one-image-at-a-time-1',
      '結果zen-5',
    ]);
  });

  test('finds a file and a heading that are not there', () => {
    const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'links-'));
    try {
      fs.mkdirSync(path.join(folder, 'pages'));
      fs.writeFileSync(path.join(folder, 'pages/b.md'), '## Here\n');
      fs.writeFileSync(
        path.join(folder, 'a.md'),
        '[1](pages/b.md) [2](pages/b.md#here) [3](#top) ![4](none.png) `[5](code.md)` <https://x.org>\n[6](https://x.org/y)\n# Top\n[7](pages/b.md#gone) [8](../a.md)\n',
      );
      expect(linkFindings(folder, 'a.md')).toEqual([
        'a.md:1: none.png',
        'a.md:4: pages/b.md#gone',
        'a.md:4: ../a.md',
      ]);
    } finally {
      fs.rmSync(folder, { recursive: true });
    }
  });
});
