// The library as a user gets it: packed, installed in an empty project, imported, required, type-checked, bundled.

import { build } from 'esbuild';
import { execFileSync, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { builtinModules } from 'node:module';
import os from 'node:os';
import path from 'node:path';

const root = path.resolve(import.meta.dirname, '..');
const project = fs.mkdtempSync(path.join(os.tmpdir(), 'tfjs-vit-consumer-'));

beforeAll(() => {
  const npm = (args: string[], cwd: string): string =>
    execFileSync('npm', [...args, '--silent', '--no-audit', '--no-fund', '--prefer-offline'], {
      cwd,
      encoding: 'utf8',
    });
  npm(['run', 'build'], root);
  const packed = npm(['pack', '--ignore-scripts', '--json', '--pack-destination', project], root);
  const [{ filename }] = JSON.parse(packed.slice(packed.indexOf('['))) as [{ filename: string }];
  fs.writeFileSync(path.join(project, 'package.json'), '{"name": "consumer", "private": true}');
  npm(['install', `./${filename}`, '@types/node@20'], project);
}, 300_000);

afterAll(() => fs.rmSync(project, { recursive: true, force: true }));

/** Writes a file of the consumer and runs it with Node; its standard output. */
function runFile(name: string, text: string): string {
  fs.writeFileSync(path.join(project, name), text);
  const { status, stdout, stderr } = spawnSync(process.execPath, [name], {
    cwd: project,
    encoding: 'utf8',
  });
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trim();
}

const tiny = `{imageSize: 8, patchSize: 4, inChannels: 1, embedDim: 8, depth: 1, numHeads: 2, numClasses: 3}`;
const forward = `
  const model = new VisionTransformer(${tiny});
  console.log(model.forward(tf.zeros([2, 8, 8, 1])).shape.join());`;

test('import', () => {
  const text = `import * as tf from '@tensorflow/tfjs';\nimport { VisionTransformer } from 'tfjs-vit';\n`;
  expect(runFile('import.mjs', `${text}await tf.setBackend('cpu');${forward}`)).toMatch(/2,3$/);
});

test('require', () => {
  const text = `const tf = require('@tensorflow/tfjs');\nconst { VisionTransformer } = require('tfjs-vit');\n`;
  expect(
    runFile('require.cjs', `${text}(async () => { await tf.setBackend('cpu');${forward} })();`),
  ).toMatch(/2,3$/);
});

test('the Node door selects a backend', () => {
  const text = `import { selectBackend } from 'tfjs-vit/node';\nconsole.log((await selectBackend({ backend: 'wasm' })).reason);`;
  expect(runFile('node.mjs', text)).toContain('Backend wasm');
});

test.each(['README.md', 'README.ja.md'])(
  'the first example of %s runs as it is written',
  (file) => {
    const example = /```ts\n(.*?)```/s.exec(fs.readFileSync(path.join(root, file), 'utf8'))?.[1];
    expect(runFile('readme.mjs', example!)).toMatch(/\[ 1, 10 \] 12 4 4$/);
  },
);

test('every path of "exports" leads to a file', () => {
  const installed = path.join(project, 'node_modules', 'tfjs-vit');
  const { exports, bin } = JSON.parse(
    fs.readFileSync(path.join(installed, 'package.json'), 'utf8'),
  ) as { exports: unknown; bin: unknown };
  const leaves = (value: unknown): string[] =>
    typeof value === 'string' ? [value] : Object.values(value as object).flatMap(leaves);
  for (const file of [...leaves(exports), ...leaves(bin)]) {
    expect([file, fs.existsSync(path.join(installed, file))]).toEqual([file, true]);
  }
});

test('the command runs', () => {
  const help = execFileSync('npx', ['--no-install', 'tfjs-vit', '--help'], {
    cwd: project,
    encoding: 'utf8',
  });
  expect(help).toContain('parity');
});

test.each(['nodenext', 'bundler'])(
  'a strict consumer type-checks under %s',
  (resolution) => {
    fs.writeFileSync(
      path.join(project, 'consumer.mts'),
      `import * as tf from '@tensorflow/tfjs';
     import { createModel, VisionTransformer, type VisionTransformerConfig } from 'tfjs-vit';
     import { selectBackend } from 'tfjs-vit/node';
     const { reason }: { reason: string } = await selectBackend({ backend: 'cpu' });
     const model: VisionTransformer = new VisionTransformer(${tiny});
     const config: VisionTransformerConfig = model.config;
     const logits: tf.Tensor = model.forward(tf.zeros([1, 8, 8, 1]));
     // @ts-expect-error a name is a string
     createModel(16);
     console.log(reason, config.depth, logits.shape);`,
    );
    const args = [
      path.join(root, 'node_modules', 'typescript', 'bin', 'tsc'),
      ...[
        '--noEmit',
        '--strict',
        '--exactOptionalPropertyTypes',
        '--skipLibCheck',
        '--target',
        'es2022',
      ],
      ...['--types', 'node', '--lib', 'es2023,dom'],
      ...[
        '--module',
        resolution === 'nodenext' ? 'nodenext' : 'esnext',
        '--moduleResolution',
        resolution,
      ],
      'consumer.mts',
    ];
    const { stdout } = spawnSync(process.execPath, args, { cwd: project, encoding: 'utf8' });
    expect(stdout).toBe('');
  },
  60_000,
);

test('a browser bundle of the door holds no Node module', async () => {
  const entry = path.join(project, 'page.mjs');
  fs.writeFileSync(entry, `export * from 'tfjs-vit';`);
  const { outputFiles, metafile } = await build({
    entryPoints: [entry],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    metafile: true,
    logLevel: 'silent',
  });
  const text = outputFiles[0]!.text;
  // Compared as booleans: the text of a bundle is no help in a message.
  expect(/\bVisionTransformer\d* = class|class VisionTransformer\b/.test(text)).toBe(true);
  expect(text.match(/.{0,80}["']node:.{0,80}/)?.[0]).toBeUndefined();
  const outside = Object.values(metafile.outputs).flatMap(({ imports }) =>
    imports.map((one) => one.path),
  );
  expect(outside.filter((name) => builtinModules.includes(name.replace(/^node:/, '')))).toEqual([]);
}, 60_000);
