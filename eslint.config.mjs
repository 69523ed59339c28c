// Typed rules everywhere, and the walls of docs/rooms.json, so that an editor shows a broken one at once.
// test/architecture.test.ts checks the same table more strictly.

import fs from 'node:fs';
import js from '@eslint/js';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

const rooms = JSON.parse(fs.readFileSync(new URL('docs/rooms.json', import.meta.url), 'utf8'));
const typescript = ['**/*.ts'];
const scripts = ['**/*.mjs', '**/*.cjs'];

/** What a room's files may not import, as patterns of `no-restricted-imports`. */
function wall([room, { imports, tfjs, node }]) {
  const patterns = [];
  const inLib = room.match(/^lib\/(\w+)$/)?.[1];
  if (inLib !== undefined && imports.every((name) => /^lib\/\w+$/.test(name))) {
    const allowed = [inLib, ...imports.map((name) => name.slice(4))].join('|');
    patterns.push({
      regex: `^(\\.\\./)+(?!(${allowed})/)[a-z]\\w*/`,
      message: `${room} may import ${imports.join(', ') || 'nothing of ours'} (docs/architecture.md).`,
    });
  }
  if (!tfjs) {
    patterns.push({
      group: ['@tensorflow/*'],
      allowTypeImports: true,
      message:
        'tfjs is imported for values in core, ops, profile and backends only; use ../ops/tensor.ts.',
    });
  }
  if (!node) patterns.push({ group: ['node:*'], message: `${room} also runs in a browser.` });
  return {
    files: [`${room}/**/*.ts`],
    rules: { '@typescript-eslint/no-restricted-imports': ['error', { patterns }] },
  };
}

export default defineConfig(
  globalIgnores([
    'dist/',
    'build/',
    'docs/api/',
    'runs/',
    'imgs/',
    'coverage/',
    '.backends/',
    '.cache/',
  ]),
  js.configs.recommended,
  {
    files: typescript,
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/consistent-type-imports': [
        'error',
        { fixStyle: 'separate-type-imports' },
      ],
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-unnecessary-type-assertion': 'off', // its fix widens a default such as 'number' as Format
      '@typescript-eslint/no-unused-vars': [
        'error',
        { argsIgnorePattern: '^_', varsIgnorePattern: '^_' },
      ],
      '@typescript-eslint/require-await': 'off', // an async method may answer an interface at once
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowArray: true, allowBoolean: true, allowNever: true, allowNumber: true },
      ],
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
    },
  },
  {
    rules: {
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'max-lines': ['error', 400],
      'no-constant-condition': ['error', { checkLoops: false }],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Exports are named.' },
        {
          selector: "MemberExpression[object.name='Math'][property.name='random']",
          message: 'Randomness comes from Rng (core/rng.ts).',
        },
      ],
    },
  },
  {
    files: ['**/*.config.{ts,mjs}', 'mnist/config.ts', 'imagenet/config.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  {
    files: scripts,
    languageOptions: {
      globals: {
        __filename: 'readonly',
        process: 'readonly',
        console: 'readonly',
        URL: 'readonly',
        Buffer: 'readonly',
      },
    },
  },
  { files: ['test/**/*.ts'], rules: { '@typescript-eslint/unbound-method': 'off' } },
  Object.entries(rooms).map(wall),
);
