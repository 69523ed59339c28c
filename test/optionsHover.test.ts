// Editors show the text of the option tables on hover, and the generated files match the tables.

import { execFileSync } from 'node:child_process';
import path from 'node:path';
import ts from 'typescript';
import { optimizerOptions } from '../lib/training/options/optimizer.ts';
import { scheduleOptions } from '../lib/training/options/schedule.ts';
import { trainOptions } from '../lib/training/options/train.ts';

const root = path.resolve(__dirname, '..');
const file = path.join(root, 'test/hover.example.ts');
const text = `
import type { TrainConfig } from '../lib/training/options/trainTypes.ts';
export const config: TrainConfig = {
  epochs: 1,
  batchSize: 8,
  learningRate: 0.1,
  optimizer: { opt: 'sgd', momentum: 0.8 },
  schedule: { warmupEpochs: 1, decayRate: 0.2 },
};
export const rate = config.learningRate;
`;

// A language service over one file that is only in memory.
function languageService(): ts.LanguageService {
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    exactOptionalPropertyTypes: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    types: [],
  };
  const read = (name: string) => (name === file ? text : ts.sys.readFile(name));
  return ts.createLanguageService({
    getScriptFileNames: () => [file],
    getScriptVersion: () => '1',
    getScriptSnapshot: (name) => {
      const content = read(name);
      return content === undefined ? undefined : ts.ScriptSnapshot.fromString(content);
    },
    getCurrentDirectory: () => root,
    getCompilationSettings: () => options,
    getDefaultLibFileName: (settings) => ts.getDefaultLibFilePath(settings),
    fileExists: (name) => name === file || ts.sys.fileExists(name),
    readFile: read,
  });
}

describe('hover', () => {
  const service = languageService();
  const hover = (code: string, word: string): string => {
    const at = text.indexOf(code) + code.indexOf(word);
    const info = service.getQuickInfoAtPosition(file, at);
    return ts.displayPartsToString(info?.documentation).replace(/\s+/g, ' ');
  };

  test('the example has no type error', () => {
    const problems = service.getSemanticDiagnostics(file);
    expect(problems.map(({ messageText }) => messageText)).toEqual([]);
  });

  test.each([
    ['config.learningRate', 'learningRate', trainOptions.learningRate],
    ['batchSize: 8', 'batchSize', trainOptions.batchSize],
    ["opt: 'sgd'", 'opt', optimizerOptions.opt],
    ['momentum: 0.8', 'momentum', optimizerOptions.momentum],
    ['warmupEpochs: 1', 'warmupEpochs', scheduleOptions.warmupEpochs],
    ['decayRate: 0.2', 'decayRate', scheduleOptions.decayRate],
  ])('%s shows what its table says', (code, word, option) => {
    const doc = hover(code, word);
    expect(doc).toContain(option.describe);
    expect(doc).toContain(`--${option.flag.name}`);
    if ('default' in option) expect(doc).toContain(`Default ${JSON.stringify(option.default)}.`);
  });
});

test('the generated types and docs/options.md match the tables', () => {
  const words = ['--import', 'tsx', 'scripts/writeOptions.mjs', '--check'];
  expect(() => execFileSync(process.execPath, words, { cwd: root })).not.toThrow();
});
