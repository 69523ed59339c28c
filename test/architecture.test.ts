import fs from 'node:fs';
import path from 'node:path';
import {
  browserFindings,
  cycleFindings,
  docstringFindings,
  exportFindings,
  headingFindings,
  importLines,
  lengthFindings,
  riddleFindings,
  switchedOffFindings,
  wallFindings,
  wordFindings,
  type Rooms,
  type Source,
} from './support/architecture.ts';

const root = path.resolve(import.meta.dirname, '..');
const rooms = JSON.parse(read('docs/rooms.json')) as Rooms;
const sources = [
  'lib',
  'mnist',
  'imagenet',
  'examples',
  'bench',
  'native',
  'scripts',
  'test',
].flatMap(filesUnder);
const library = sources.filter(({ file }) =>
  /^(lib|mnist|imagenet|examples|bench)\/.*\.ts$/.test(file),
);
const inLib = library.filter(({ file }) => file.startsWith('lib/'));

describe('the house', () => {
  test('no import crosses a wall', () => {
    expect(inLib.length).toBeGreaterThan(10);
    expect(library.flatMap((source) => wallFindings(source, rooms))).toEqual([]);
  });

  test('only the list of families and the doors name a family of models', () => {
    const importers = inLib
      // CLIP's image tower is one.
      .filter(({ file }) => !/^lib\/models\/(vit|clip)\//.test(file))
      .filter((source) =>
        importLines(source).some(({ target }) => target?.startsWith('lib/models/vit/')),
      );
    expect(importers.map(({ file }) => file).sort()).toEqual([
      'lib/models/families.ts',
      'lib/models/familyOptions.ts',
      'lib/models/familyWeights.ts',
      'lib/models/public.ts',
      'lib/parity/families/vitTimm.ts',
    ]);
  });

  test('no files import each other in a circle', () => {
    expect(cycleFindings(library)).toEqual([]);
  });

  test('the browser door reaches no Node module', () => {
    expect(inLib.map(({ file }) => file)).toContain('lib/index.ts');
    expect(browserFindings(inLib)).toEqual([]);
  });

  test('exports are named, and documented in lib', () => {
    expect(
      library.filter(({ file }) => !file.endsWith('config.ts')).flatMap(exportFindings),
    ).toEqual([]);
    expect(inLib.flatMap(docstringFindings)).toEqual([]);
  });

  test('every file of lib says in its first line what it is', () => {
    expect(inLib.flatMap(headingFindings)).toEqual([]);
  });

  test('comments begin with the subject of their sentence', () => {
    expect(library.flatMap(riddleFindings)).toEqual([]);
  });

  test('a file holds one idea', () => {
    expect(sources.flatMap(lengthFindings)).toEqual([]);
  });

  test('no test is switched off', () => {
    expect(
      sources.filter(({ file }) => /^test\/.*\.ts$/.test(file)).flatMap(switchedOffFindings),
    ).toEqual([]);
  });

  test('nothing speaks of unfinished work or of one machine', () => {
    const texts = [
      'README.md',
      'README.ja.md',
      'CONTRIBUTING.md',
      'CHANGELOG.md',
      '.ci/run',
      'package.json',
    ]
      .filter((file) => fs.existsSync(path.join(root, file)))
      .map((file) => ({ file, text: read(file) }));
    expect([...sources, ...filesUnder('docs'), ...texts].flatMap(wordFindings)).toEqual([]);
  });

  test('the lock file names no host', () => {
    expect(read('package-lock.json')).not.toMatch(/"resolved": "http/);
  });

  // npm leaves out, without a word, an optional package whose version is not published yet; `npm ci` then refuses the file.
  test('the lock file has the packages of every platform', () => {
    const { packages } = JSON.parse(read('package-lock.json')) as {
      packages: Record<string, { optionalDependencies?: Record<string, string> }>;
    };
    const names = new Set(Object.keys(packages).map((key) => key.split('node_modules/').at(-1)!));
    const wanted = Object.values(packages).flatMap((one) =>
      Object.keys(one.optionalDependencies ?? {}),
    );
    expect(wanted.length).toBeGreaterThan(20);
    expect(wanted.filter((name) => !names.has(name))).toEqual([]);
  });

  test('docs/architecture.md states the same table of rooms', () => {
    const text = read('docs/architecture.md');
    for (const [room, { imports, tfjs, node }] of Object.entries(rooms)) {
      const row = text.split('\n').find((line) => line.startsWith(`| \`${room}\` |`));
      const cells = row?.split('|').map((cell) => cell.trim());
      expect(cells?.slice(3, 6)).toEqual([
        imports.map((name) => name.replace(/^lib\//, '')).join(', ') || '–',
        tfjs ? 'values' : 'types',
        node ? 'yes' : '–',
      ]);
    }
  });
});

describe('the checker sees', () => {
  const findings = (file: string, text: string): string[] => wallFindings({ file, text }, rooms);

  test.each([
    ['core importing a room', 'lib/core/a.ts', "import { x } from '../ops/b.ts';"],
    [
      'layers importing models, as a type',
      'lib/layers/a.ts',
      "import type { X } from '../models/b.ts';",
    ],
    ['a type by import()', 'lib/layers/a.ts', "type X = import('../models/b.ts').X;"],
    ['a re-export', 'lib/data/a.ts', "export * from '../ops/b.ts';"],
    ['a dynamic import', 'lib/data/a.ts', "const load = () => import('../io/b.ts');"],
    ['tfjs values in layers', 'lib/layers/a.ts', "import * as tf from '@tensorflow/tfjs';"],
    [
      'a mixed import of tfjs',
      'lib/layers/a.ts',
      "import { type Tensor, tidy } from '@tensorflow/tfjs';",
    ],
    ['node: in training', 'lib/training/a.ts', "import fs from 'node:fs';"],
    ['a bare builtin in training', 'lib/training/a.ts', "import fs from 'fs';"],
    ['a builtin by getBuiltinModule', 'lib/core/a.ts', "process.getBuiltinModule('node:fs');"],
    ['cli in a backend', 'lib/cli/a.ts', "import '../backends/native/addon.ts';"],
    ['an inside from an example', 'examples/a.ts', "import { x } from '../lib/core/rng.ts';"],
    ['an import without its ending', 'lib/layers/a.ts', "import { x } from './b';"],
    ['a folder that is no room', 'lib/attic/a.ts', ''],
  ])('%s', (_what, file, text) => {
    expect(findings(file, text)).toHaveLength(1);
  });

  test.each([
    [
      'lib/layers/a.ts',
      "import type * as tf from '@tensorflow/tfjs'; import { linear } from '../ops/linear.ts';",
    ],
    [
      'lib/layers/a.ts',
      "import { type Tensor } from '@tensorflow/tfjs'; import { b } from './b.ts';",
    ],
    ['lib/cli/a.ts', "import fs from 'node:fs'; import { b } from '../backends/select.ts';"],
    ['lib/cli/a.ts', "import '../backends/native/index.ts';"],
    ['mnist/a.ts', "import { b } from '../lib/node.ts';"],
    ['lib/index.ts', "export * from './core/rng.ts';"],
    ['lib/core/a.ts', "// import '../ops/b.ts'\nconst text = \"import '../ops/b.ts'\";"],
  ])('nothing in %s: %s', (file, text) => {
    expect(findings(file, text)).toEqual([]);
  });

  test('cycles, by value and by type', () => {
    const a = { file: 'lib/core/a.ts', text: "import { b } from './b.ts';" };
    const b = { file: 'lib/core/b.ts', text: "import type { C } from './c.ts';" };
    const c = { file: 'lib/core/c.ts', text: "export * from './a.ts';" };
    expect(cycleFindings([a, b])).toEqual([]);
    expect(cycleFindings([a, b, c])).toEqual([
      'import cycle: lib/core/a.ts → lib/core/b.ts → lib/core/c.ts → lib/core/a.ts',
    ]);
  });

  test('a Node module behind the browser door', () => {
    const door = { file: 'lib/index.ts', text: "export { a } from './core/a.ts';" };
    const a = { file: 'lib/core/a.ts', text: "import fs from 'node:fs';" };
    expect(browserFindings([door, a])).toHaveLength(1);
    expect(browserFindings([door, { ...a, text: "import type fs from 'node:fs';" }])).toEqual([]);
  });

  test.each([
    'export default 1;',
    'export default function f() {}',
    'export default class A {}',
    'const a = 1; export { a as default };',
  ])('a default export: %s', (text) => {
    expect(exportFindings({ file: 'lib/core/a.ts', text })).toHaveLength(1);
  });

  test('a door where none belongs', () => {
    expect(exportFindings({ file: 'lib/core/index.ts', text: '' })).toHaveLength(1);
    expect(exportFindings({ file: 'lib/backends/native/index.ts', text: '' })).toEqual([]);
  });

  test.each([
    'export function f() {}',
    'export const a = 1;',
    'export class A {}',
    'export interface A {}',
    'export type A = 1;',
    '// says\nexport function f() {}',
    '/** @param x that\n */\nexport function f(x: 1) { return x; }',
  ])('a missing docstring: %s', (text) => {
    expect(docstringFindings({ file: 'lib/core/a.ts', text })).toHaveLength(1);
    expect(
      docstringFindings({
        file: 'lib/core/a.ts',
        text: `/** Says what it is. */\n${text.replace(/^\/.*\n( \*\/\n)?/, '')}`,
      }),
    ).toEqual([]);
  });

  test('no need for a docstring at inner declarations, re-exports and later overloads', () => {
    const text =
      "function f() {}\nexport { a } from './b.ts';\n/** Says. */\nexport function g(x: 1): 1;\nexport function g(x: 2): 2;\nexport function g(x: 1 | 2) { return x; }";
    expect(docstringFindings({ file: 'lib/core/a.ts', text })).toEqual([]);
  });

  test('files without a heading', () => {
    const of = (text: string) => headingFindings({ file: 'lib/core/a.ts', text });
    expect(of('// The kernel Unique.\n')).toEqual([]);
    expect(of('#!/usr/bin/env node\n// The command of the package.\n')).toEqual([]);
    for (const text of [
      '',
      '// Unique.',
      "import 'a';\n// The kernel Unique.",
      '/** The kernel Unique. */',
    ])
      expect(of(text)).toHaveLength(1);
  });

  test('comments without a subject', () => {
    const of = (text: string) => riddleFindings({ file: 'lib/core/a.ts', text });
    for (const text of [
      '/** What it returns. */',
      '  // Of these.',
      ' * Those that fit.',
      '// That which is left.',
    ])
      expect(of(text)).toHaveLength(1);
    for (const text of [
      '// What is it?',
      '/** Which of them? */',
      '// Offsets of rows.',
      'a(); // What follows',
      '// Whatever.',
    ])
      expect(of(text)).toEqual([]);
  });

  test('files that are too long', () => {
    const lines = (count: number): string => 'x\n'.repeat(count);
    expect(lengthFindings({ file: 'lib/a.ts', text: lines(400) })).toEqual([]);
    expect(lengthFindings({ file: 'lib/a.ts', text: lines(401) })).toHaveLength(1);
    expect(lengthFindings({ file: 'native/a.cc', text: lines(600) })).toEqual([]);
    expect(lengthFindings({ file: 'native/a.cc', text: lines(601) })).toHaveLength(1);
  });

  test.each([
    'test.skip("a", f)',
    'it.only("a", f)',
    'test.todo("a")',
    'xit("a", f)',
    'describe.skip("a", f)',
    'test.only.each([])("a", f)',
    'fdescribe("a", f)',
  ])('a test that is off: %s', (text) => {
    expect(switchedOffFindings({ file: 'test/a.test.ts', text }).length).toBeGreaterThan(0);
    expect(
      switchedOffFindings({
        file: 'test/a.test.ts',
        text: 'test("a", f); stream.skip(2); if (!gpu) test.skip("no GPU", f); if (!a) { it.skip("no a", f); }',
      }),
    ).toEqual([]);
  });

  test('words of unfinished work', () => {
    expect(wordFindings({ file: 'lib/a.ts', text: `a\n// ${'TO' + 'DO'}: later` })).toEqual([
      `lib/a.ts:2: "${'TO' + 'DO'}"`,
    ]);
    expect(
      wordFindings({ file: 'lib/a.ts', text: `const p = '${'/wo' + 'rk/'}main';` }),
    ).toHaveLength(1);
    expect(wordFindings({ file: 'lib/a.ts', text: 'stubborn; not implementing' })).toEqual([]);
  });
});

function read(file: string): string {
  return fs.readFileSync(path.join(root, file), 'utf8');
}

function filesUnder(folder: string): Source[] {
  const top = path.join(root, folder);
  if (!fs.existsSync(top)) return [];
  return fs
    .readdirSync(top, { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll(path.sep, '/')}`)
    .filter(
      (file) =>
        /\.(ts|mjs|js|cc|h|md|py)$/.test(file) && !/\/(api|build|node_modules)\//.test(file),
    )
    .map((file) => ({ file, text: read(file) }));
}
