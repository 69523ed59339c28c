// Every TypeScript and JavaScript example of the documents type-checks under strict, as a user of the package would see it.

import fs from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

const root = path.resolve(import.meta.dirname, '..');
const pages = [
  'README.md',
  'README.ja.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...['docs', 'checkpoints'].flatMap((folder) =>
    fs
      .readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.md') && !name.startsWith('api'))
      .map((name) => path.join(folder, name)),
  ),
];

// The doors of the package, from the sources.
const doors: Record<string, string> = {
  'tfjs-vit': 'lib/index.ts',
  'tfjs-vit/node': 'lib/node.ts',
  'tfjs-vit/native': 'lib/backends/native/index.ts',
};

interface Example {
  file: string;
  text: string;
}

/** The code blocks of a page, each as a module beside it: `README.md:41.ts`. */
function examplesOf(page: string): Example[] {
  const text = fs.readFileSync(path.join(root, page), 'utf8');
  return [...text.matchAll(/^```(ts|js)\n(.*?)^```$/gms)].map(({ 1: kind, 2: code, index }) => {
    const line = text.slice(0, index).split('\n').length;
    return { file: path.join(root, `${page}:${line}.${kind}`), text: `${code}\nexport {};\n` };
  });
}

/** What TypeScript says about examples: `README.md:41.ts:3: message`. */
function findings(examples: readonly Example[]): string[] {
  const options: ts.CompilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    allowImportingTsExtensions: true,
    allowJs: true,
    checkJs: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
    paths: Object.fromEntries(
      Object.entries(doors).map(([name, file]) => [name, [path.join(root, file)]]),
    ),
  };
  const texts = new Map(examples.map(({ file, text }) => [file, text]));
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.fileExists = (name) => texts.has(name) || fileExists.call(host, name);
  host.readFile = (name) => texts.get(name) ?? readFile.call(host, name);
  host.getSourceFile = (name, languageVersion, ...rest) => {
    const text = texts.get(name);
    if (text !== undefined) return ts.createSourceFile(name, text, languageVersion);
    return getSourceFile.call(host, name, languageVersion, ...rest);
  };
  const program = ts.createProgram([...texts.keys()], options, host);
  return [...texts.keys()].flatMap((name) => {
    const source = program.getSourceFile(name)!;
    const problems = [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ];
    return problems.map(({ start = 0, messageText }) => {
      const { line } = source.getLineAndCharacterOfPosition(start);
      const text = ts.flattenDiagnosticMessageText(messageText, ' ');
      return `${path.relative(root, name)}:${line + 1}: ${text}`;
    });
  });
}

test('every example', () => {
  const examples = pages.flatMap(examplesOf);
  expect(examples.length).toBeGreaterThan(6);
  const wrong: Example = {
    file: path.join(root, 'wrong.ts'),
    text: "import { createModel } from 'tfjs-vit';\ncreateModel(16);\n",
  };
  expect(findings([...examples, wrong])).toEqual([
    "wrong.ts:2: Argument of type 'number' is not assignable to parameter of type 'string'.",
  ]);
}, 120_000);
