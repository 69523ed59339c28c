// Models with weights of the hub: by the library, by the commands, and as the start of a training.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { modelTensors } from '../lib/checkpoints/modelState.ts';
import { formatSafetensors } from '../lib/checkpoints/safetensors.ts';
import { folderExperiment } from '../lib/cli/folderExperiment.ts';
import { makeImage } from '../lib/core/image.ts';
import { encodePng } from '../lib/io/encodePng.ts';
import { recordOfModel } from '../lib/core/modelRecord.ts';
import { createModel, loadModel } from '../lib/node.ts';
import { preparationOf } from '../lib/predict/preparation.ts';
import { vit } from './support/cli.ts';
import { startHub, type HubServer } from './support/hubServer.ts';

const size = { embedDim: 12, depth: 1, numHeads: 2, patchSize: 8 };
const id = 'someone/tiny';
const variables = ['HF_ENDPOINT', 'HF_HUB_CACHE', 'HF_HUB_OFFLINE'] as const;
const before = variables.map((name) => [name, process.env[name]] as const);

let hub: HubServer;
let root: string;
let weights: Uint8Array;
let logits: number[];
const image = () => tf.fill([1, 16, 16, 3], 0.3);

beforeAll(async () => {
  await tf.setBackend('cpu');
  hub = await startHub();
  // The options of a folder of timm: an architecture, what differs from it, and how its images are prepared.
  const config = {
    architecture: 'vit_tiny_patch16_224',
    num_classes: 4,
    model_args: { img_size: 16, patch_size: 8, embed_dim: 12, depth: 1, num_heads: 2 },
    pretrained_cfg: {
      input_size: [3, 16, 16],
      num_classes: 4,
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
      interpolation: 'bicubic',
      crop_pct: 0.9,
      label_names: ['ant', 'bee', 'cat', 'dog'],
    },
  };
  const overrides = { imageSize: 16, numClasses: 4, ...size };
  const model = createModel('vit_tiny_patch16_224', overrides);
  weights = formatSafetensors(modelTensors(model), { format: 'pt' });
  logits = [...tf.tidy(() => model.forward(image())).dataSync()];
  model.dispose();
  const card = '---\nlicense: apache-2.0\n---\n';
  const files = { 'config.json': JSON.stringify(config), 'README.md': card };
  hub.models.set(id, { ...files, 'model.safetensors': weights });
});
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'hub-'));
  process.env['HF_ENDPOINT'] = hub.endpoint;
  process.env['HF_HUB_CACHE'] = path.join(root, 'cache');
  delete process.env['HF_HUB_OFFLINE'];
});
afterEach(() => rmSync(root, { recursive: true, force: true }));
afterAll(async () => {
  for (const [name, value] of before) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
  await hub.close();
});

function picture(name = 'a.png', level = 9): string {
  const file = path.join(root, name);
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, encodePng(makeImage(16, 16, 3, new Uint8Array(768).fill(level))));
  return file;
}

describe('createModel with pretrained', () => {
  test('gives the weights of the hub, and what their images need', async () => {
    const told: string[] = [];
    const onNote = (text: string) => told.push(text);
    const model = await createModel(id, { pretrained: true }, { onNote });
    expect([...tf.tidy(() => model.forward(image())).dataSync()]).toEqual(logits);
    const { preprocessing } = preparationOf(recordOfModel(model), model, { note: onNote });
    expect(preprocessing).toMatchObject({
      cropPct: 0.9,
      normalize: { mean: [0.5, 0.5, 0.5] },
    });
    expect(told[0]).toMatch(/^Weights: someone\/tiny of the Hugging Face hub, licence apache-2.0/);
    model.dispose();
  });

  test('other classes mean a new head, another size of images a resampled position embedding', async () => {
    const told: string[] = [];
    const onNote = (text: string) => told.push(text);
    const overrides = { pretrained: true, numClasses: 3, imageSize: 24 } as const;
    const model = await createModel(id, overrides, { onNote });
    expect(model.numClasses).toBe(3);
    expect(model.inputShape).toEqual([24, 24, 3]);
    expect(told.join()).toMatch(/new: head\.weight, head\.bias/);
    expect(told.join()).toMatch(/pos_embed/);
    model.dispose();
  });

  test('leaves a model without it as it was, and refuses what is no boolean', () => {
    const given = { pretrained: false, imageSize: 16, numClasses: 2, ...size };
    const model = createModel('vit_tiny_patch16_224', given);
    expect(model.numClasses).toBe(2);
    model.dispose();
    expect(() => createModel('vit_tiny_patch16_224', { pretrained: 'yes' })).toThrow(
      'Expected true or false for pretrained, received "yes".',
    );
  });

  test('a failed download leaves no tensor', async () => {
    const count = tf.memory().numTensors;
    await expect(createModel('someone/none', { pretrained: true })).rejects.toThrow(
      /no such model/,
    );
    await expect(createModel('vit_tiny_patch8_224', { pretrained: true })).rejects.toThrow(
      /that has weights/,
    );
    expect(tf.memory().numTensors).toBe(count);
  });

  test('a model is loaded by its address', async () => {
    const model = await loadModel(`hf-hub:${id}@${hub.commit}`);
    expect([...tf.tidy(() => model.forward(image())).dataSync()]).toEqual(logits);
    model.dispose();
  });
});

describe('commands', () => {
  const words = (...more: string[]) => ['--backend', 'cpu', '--image', picture(), ...more];

  test('predict takes an address, and the weights of --model with --pretrained', async () => {
    const first = await vit('predict', ...words('--checkpoint', `hf-hub:${id}`));
    expect(first).toMatchObject({ code: 0 });
    expect(first.out).toMatch(/(ant|bee|cat|dog) +\d/);
    expect(first.error).toMatch(/licence apache-2\.0/);
    const second = await vit('predict', ...words('--model', id, '--pretrained'));
    expect(second.out).toBe(first.out);
  });

  test('explain takes an address', async () => {
    const output = path.join(root, 'a.svg');
    const ran = await vit('explain', ...words('--checkpoint', `hf-hub:${id}`, '--output', output));
    expect(ran).toMatchObject({ code: 0 });
    expect(readFileSync(output, 'utf8').length).toBeGreaterThan(1000);
  });

  test('inspect, convert, average, summary and positions take an address', async () => {
    const address = `hf-hub:${id}`;
    const file = path.join(root, 'out.safetensors');
    expect((await vit('inspect', address)).out).toMatch(/width 12, depth 1/);
    expect(await vit('convert', address, '--to', 'safetensors', '--output', file)).toMatchObject({
      code: 0,
    });
    expect(
      await vit('average', address, file, '--output', path.join(root, 'b.safetensors')),
    ).toMatchObject({ code: 0 });
    expect((await vit('summary', address)).out).toMatch(/patch_embed/);
    const svg = path.join(root, 'p.svg');
    expect(await vit('positions', '--model', id, '--pretrained', '--output', svg)).toMatchObject({
      code: 0,
    });
  });

  test.each([
    [['--pretrained'], /Expected --model NAME for --pretrained/],
    [
      ['--pretrained', '--model', id, '--checkpoint', 'runs/a'],
      /Expected no --checkpoint for --pretrained/,
    ],
    [['--pretrained', '--model', 'vit_tiny_patch16_225'], /Did you mean/],
    [['--checkpoint', 'hf-hub:tiny'], /hf-hub:OWNER\/NAME/],
    [['--checkpoint', 'hf-hub:someone/none'], /there is no such model/],
  ])('predict refuses %j in one line', async (flags, message) => {
    const { code, error } = await vit('predict', ...words(...flags));
    expect([code, error.trim().split('\n').length]).toEqual([2, 1]);
    expect(error).toMatch(message);
  });
});

describe('train', () => {
  const photos = (): string => {
    for (let i = 0; i < 6; i += 1) {
      picture(`photos/a/${i}.png`, 10 + i);
      picture(`photos/b/${i}.png`, 200 + i);
    }
    return path.join(root, 'photos');
  };

  test('begins with the weights of the hub', async () => {
    const run = path.join(root, 'run');
    const flags = ['--epochs', '1', '--max-steps', '1', '--workers', '0', '--backend', 'cpu'];
    const ran = await vit(
      'train',
      photos(),
      ...['--model', id, '--pretrained', '--output-dir', run, '--no-report', ...flags],
    );
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.error).toMatch(/Starting from hf-hub:someone\/tiny \(--pretrained\)/);
    expect(ran.error).toMatch(/new: head\.weight, head\.bias; dropped: head\.weight, head\.bias/);
    expect(readFileSync(path.join(run, 'config.json'), 'utf8')).toContain('hf-hub:someone/tiny');
  });

  test('a folder begins with a small ViT where the hub has it, and says why not', async () => {
    const data = { dataset: 'folder', folder: photos() };
    const started = async (options: object) => {
      const told: string[] = [];
      const { finetune } = await folderExperiment(data, options, (text) => told.push(text));
      return { finetune, told: told.slice(0, -1).join(' ') };
    };
    const name = 'vit_tiny_patch16_224.augreg_in21k_ft_in1k';
    hub.models.set(`timm/${name}`, hub.models.get(id)!);
    expect(await started({})).toEqual({
      finetune: `hf-hub:timm/${name}`,
      told: expect.stringMatching(
        /^Starting from vit_tiny_patch16_224.* of the Hugging Face hub/,
      ) as string,
    });
    const off = await started({ pretrained: false });
    expect(off.finetune).toBeUndefined();
    expect(off.told).toMatch(/^Starting from scratch: --no-pretrained/);
    process.env['HF_ENDPOINT'] = 'http://127.0.0.1:9';
    const lost = await started({});
    expect(lost.finetune).toBeUndefined();
    expect(lost.told).toMatch(
      /^Cannot reach the Hugging Face hub .* Starting from scratch: the hub cannot be reached/,
    );
    await expect(started({ pretrained: true })).rejects.toThrow(/^Cannot reach/);
  });

  test.each([
    [['--pretrained', '--data-set', 'MNIST'], /Expected --model NAME for --pretrained/],
    [
      ['--pretrained', '--model', id, '--finetune', 'a', '--data-set', 'MNIST'],
      /Expected no --finetune for --pretrained/,
    ],
    [['--pretrained', '--resume', 'runs/a'], /Expected no --resume for --pretrained/],
  ])('refuses %j', async (flags, message) => {
    const { code, error } = await vit('train', ...flags);
    expect(code).toBe(2);
    expect(error).toMatch(message);
  });
});
