// Every script of examples/ runs and writes the files that it names.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseExperiment } from '../lib/cli/experiment.ts';

const root = path.resolve(import.meta.dirname, '..');
let folder: string;
beforeAll(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'examples-'));
});
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

function runExample(name: string): Promise<{ code: number | null; out: string; error: string }> {
  const words = ['--import', 'tsx', `examples/${name}.ts`, folder];
  const child = spawn(process.execPath, words, { cwd: root });
  let [out, error] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (error += data.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, error })));
}

// Said on standard error by the commands that some examples run.
const notes = /^(Model: .*|Backend .*|The digit was found.*|)$/;

const examples: Record<string, { says: RegExp; leaves?: string; notes?: RegExp }> = {
  attention: { says: /^It is a 7, 9\d\.\d % sure\.$/m, leaves: 'attention.png' },
  attentionRollout: {
    says: /^Wrote .*attention_rollout\.png$/m,
    leaves: 'attention_rollout.png',
    notes,
  },
  customCnn: {
    says: /^1330 parameters, (100\.0|9\d\.\d) % right$/m,
    leaves: path.join('customCnn', 'best_checkpoint.safetensors'),
  },
  customVit: {
    says: /^60394 parameters; the same logits: true$/m,
    leaves: path.join('customVit', 'model.safetensors'),
  },
  ordinaryCnn: { says: /^epoch 4: loss 0\.[0-2]\d+$/m },
  ownArrays: {
    says: /^A line that is upright, \d+ % sure$/m,
    leaves: path.join('lines', 'best_checkpoint.safetensors'),
  },
  ownDataset: {
    says: /^New images: (100\.0|9[5-9]\.\d) % right$/m,
    leaves: path.join('ownDataset', 'best_checkpoint.safetensors'),
  },
  ownFamily: {
    says: /^25450 parameters; loaded: the same logits, true$/m,
    leaves: path.join('ownFamily', 'model.safetensors'),
  },
  positionEmbedding: {
    says: /^Wrote .*position_embedding\.png$/m,
    leaves: 'position_embedding.png',
    notes,
  },
  rollout: { says: /^( *\d+\.\d % *){4}$/m, leaves: 'rollout.png' },
  trainFromArrays: {
    says: /^New images: (100\.0|9[5-9]\.\d) % right$/m,
    leaves: path.join('bars', 'best_checkpoint.safetensors'),
  },
  transformerExplainability: {
    says: /^data\/digit\.png: 3 with 9\d\.\d+ %$/m,
    leaves: 'transformer_explainability.png',
    notes,
  },
};

test('each has a row here', () => {
  const files = fs.readdirSync(path.join(root, 'examples')).filter((name) => name.endsWith('.ts'));
  expect(files.sort()).toEqual(Object.keys(examples).map((name) => `${name}.ts`));
});

test.each(Object.entries(examples))('%s', async (name, { says, leaves, notes: told }) => {
  const { code, out, error } = await runExample(name);
  const unexpected = error.split('\n').filter((line) => told?.test(line) !== true);
  expect([code, told === undefined ? error : unexpected.join('\n')]).toEqual([0, '']);
  expect(out).toMatch(says);
  if (leaves === undefined) return;
  const bytes = fs.readFileSync(path.join(folder, leaves));
  if (leaves.endsWith('.png')) expect(bytes.toString('latin1', 1, 4)).toBe('PNG');
});

test('the sample config is an experiment', () => {
  const text = fs.readFileSync(path.join(root, 'examples', 'mnist.json'), 'utf8');
  expect(parseExperiment(JSON.parse(text) as object)).toMatchObject({ name: 'mnist-small' });
});
