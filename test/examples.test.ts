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

function runExample(
  name: string,
  given: readonly string[] = [folder],
): Promise<{ code: number | null; out: string; error: string }> {
  const words = ['--import', 'tsx', `examples/${name}.ts`, ...given];
  const child = spawn(process.execPath, words, { cwd: root });
  let [out, error] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (error += data.toString()));
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, out, error })));
}

// Said on standard error by the commands that some examples run.
const notes = /^(Model: .*|Backend .*|The digit was found.*|)$/;

interface Row {
  says: RegExp;
  /** A file, or all of several. */
  leaves?: string | string[];
  notes?: RegExp;
  /** The words of the command line; default the folder. */
  words?: () => string[];
}

const output = () => ['--output', folder];
const quick = [
  '--batch-size',
  '16',
  '--train',
  '16',
  '--validation',
  '8',
  '--test',
  '8',
  '--epochs',
  '1',
];

const examples: Record<string, Row> = {
  attention: { says: /^It is a 7, 9\d\.\d % sure\.$/m, leaves: 'attention.png' },
  attentionRollout: {
    says: /^Wrote .*attention_rollout\.png$/m,
    leaves: 'attention_rollout.png',
    notes,
  },
  clip: {
    says: /^Wrote .*digit_clip_features\.png$/m,
    leaves: ['zero_shot', 'relevance', 'features'].map((part) => `digit_clip_${part}.png`),
    words: () => ['--image', 'data/digit.png', '--prompts', 'a 3|a star 😀', ...output()],
  },
  compareEncoders: {
    says: /^Wrote .*compare_encoders\.md$/m,
    leaves: [
      ...['vit', 'detr', 'resnet'].map((name) => `digit_${name}_features.png`),
      ...['compare_runtime.png', 'compare_cka.png', 'compare_encoders.md'],
    ],
    words: () => ['data/digit.png', '--repeats', '1', '--warm-up', '0', ...output()],
  },
  customCnn: {
    says: /^1330 parameters, (100\.0|9\d\.\d) % right$/m,
    leaves: path.join('customCnn', 'best_checkpoint.safetensors'),
  },
  customVit: {
    says: /^60394 parameters; the same logits: true$/m,
    leaves: path.join('customVit', 'model.safetensors'),
  },
  detr: {
    says: /^Wrote .*digit_detr_features\.png$/m,
    leaves: ['detections', 'decoder_attention', 'relevance', 'encoder_attention', 'features'].map(
      (part) => `digit_detr_${part}.png`,
    ),
    words: () => ['--image', 'data/digit.png', '--threshold', '0.99', ...output()],
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
  resnet: {
    says: /^Feature vector: \[1, \d+\], the mean over space/m,
    leaves: ['features', 'layer_features', 'overlay'].map((part) => `digit_resnet_${part}.png`),
    words: () => ['--image', 'data/digit.png', ...output()],
  },
  roi: {
    says: /^box 3: (-?\d\.\d{3} *){4}$/m,
    leaves: ['digit_roi_boxes.png', 'digit_roi_features.json'],
    words: () => ['--image', 'data/digit.png', ...output()],
  },
  rollout: { says: /^( *\d+\.\d % *){4}$/m, leaves: 'rollout.png' },
  similarity: { says: /^Similarity: 1\.0000$/m, words: () => ['data/digit.png', 'data/digit.png'] },
  trainFromArrays: {
    says: /^New images: (100\.0|9[5-9]\.\d) % right$/m,
    leaves: path.join('bars', 'best_checkpoint.safetensors'),
  },
  trainScenes: {
    says: /^Best epoch 1\. 8 held-out scenes: loss \d+\.\d+, ap50 0\.\d+, ap75 0\.\d+\.$/m,
    leaves: path.join('scenes', 'best_checkpoint.safetensors'),
    words: () => [...quick, '--output-dir', path.join(folder, 'scenes')],
  },
  transformerExplainability: {
    says: /^data\/digit\.png: 3 with 9\d\.\d+ %$/m,
    leaves: 'transformer_explainability.png',
    notes,
  },
  vit: {
    says: /^Wrote .*digit_vit_layer_features\.png$/m,
    leaves: ['features', 'attention', 'attention_overlay', 'layer_features'].map(
      (part) => `digit_vit_${part}.png`,
    ),
    words: () => ['--image', 'data/digit.png', ...output()],
  },
};

test('each has a row here', () => {
  const files = fs.readdirSync(path.join(root, 'examples')).filter((name) => name.endsWith('.ts'));
  expect(files.sort()).toEqual(Object.keys(examples).map((name) => `${name}.ts`));
});

test.each(Object.entries(examples))('%s', async (name, row) => {
  const { says, leaves = [], notes: told, words } = row;
  const { code, out, error } = await runExample(name, words?.());
  const unexpected = error.split('\n').filter((line) => told?.test(line) !== true);
  expect([code, told === undefined ? error : unexpected.join('\n')]).toEqual([0, '']);
  expect(out).toMatch(says);
  for (const file of [leaves].flat()) {
    const bytes = fs.readFileSync(path.join(folder, file));
    if (file.endsWith('.png')) expect(bytes.toString('latin1', 1, 4)).toBe('PNG');
  }
});

test.each<[string, string[], RegExp]>([
  [
    'detr',
    ['--threshold', '-1'],
    /^Expected a number from 0 to 1 for --threshold, received -1\.$/m,
  ],
  ['detr', ['--threshold', 'NaN'], /^Expected a number for --threshold, received "NaN"\.$/m],
  [
    'roi',
    ['--boxes', '0,0,0,5'],
    /^Expected left,top,right,bottom inside .* received "0,0,0,5"\.$/m,
  ],
])('%s %j is one line and exit code 2', async (name, words, message) => {
  const { code, error } = await runExample(name, words);
  expect([code, error.trim().split('\n').length]).toEqual([2, 1]);
  expect(error).toMatch(message);
});

test('the sample config is an experiment', () => {
  const text = fs.readFileSync(path.join(root, 'examples', 'mnist.json'), 'utf8');
  expect(parseExperiment(JSON.parse(text) as object)).toMatchObject({ name: 'mnist-small' });
});
