// Fine-tuning: a checkpoint for other classes, another resolution and other channels; the report; what is refused.

import '@tensorflow/tfjs-backend-cpu';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { hostTensor, toFloat32, type HostTensor } from '../lib/checkpoints/hostTensor.ts';
import { adaptInputChannels } from '../lib/checkpoints/inputChannels.ts';
import { modelTensors } from '../lib/checkpoints/modelState.ts';
import { parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import { CheckpointError, InputError } from '../lib/core/errors.ts';
import { buildModel } from '../lib/models/createModel.ts';
import { fineTune, fineTuneConfig, fineTuneLines } from '../lib/models/fineTune.ts';
import type { VisionTransformer } from '../lib/models/vit/visionTransformer.ts';
import { saveModel } from '../lib/node.ts';
import { resamplePosEmbed } from '../lib/ops/resamplePosEmbed.ts';
import { fromCheckpoint } from '../lib/cli/recipeModel.ts';
import { recipeNamed } from '../lib/cli/recipes.ts';
import { vit, writeExperiment } from './support/cli.ts';

jest.setTimeout(120_000);

const small = {
  imageSize: 16,
  patchSize: 4,
  inChannels: 3,
  numClasses: 5,
  embedDim: 12,
  depth: 2,
  numHeads: 2,
  seed: 7,
};
let source: VisionTransformer;
let tensors: Map<string, HostTensor>;

beforeAll(async () => {
  await tf.setBackend('cpu');
  source = buildModel(small) as VisionTransformer;
  tensors = modelTensors(source);
});
afterAll(() => source.dispose());

// The tensors of a fine-tuned model, and the report.
function tuned(
  options: object = {},
  data: { numClasses?: number; inChannels?: number } = {},
  more: Partial<Parameters<typeof fineTune>[1]> = {},
) {
  const own = { tensors, source: source.config, ...more };
  const { model, report } = fineTune(fineTuneConfig(own.source, options, data), own);
  const result = { config: model.config as VisionTransformer['config'], report };
  const found = modelTensors(model);
  model.dispose();
  return { ...result, tensors: found };
}

const heads = ['head.weight', 'head.bias'];

describe('the start of a fine-tuning', () => {
  test('without differences is the checkpoint, head included', () => {
    const { tensors: own, report, config } = tuned();
    expect(own).toEqual(tensors);
    expect(config).toEqual(source.config);
    expect(report).toMatchObject({ fresh: [], dropped: [], notes: [] });
    expect(fineTuneLines('runs/a', report)).toEqual([
      `Fine-tuning from runs/a: ${tensors.size} tensors loaded; the head is kept.`,
    ]);
  });

  test('other classes get a new head, drawn as a model of that seed draws it, and all else is kept', () => {
    const { tensors: own, report, config } = tuned({}, { numClasses: 3 });
    expect(config.numClasses).toBe(3);
    expect(report).toMatchObject({ fresh: heads, dropped: heads });
    const fresh = buildModel({ ...small, numClasses: 3 });
    const drawn = modelTensors(fresh);
    fresh.dispose();
    for (const [name, tensor] of own) {
      expect([name, tensor]).toEqual([name, (heads.includes(name) ? drawn : tensors).get(name)]);
    }
    expect(fineTuneLines('a', report)[0]).toBe(
      `Fine-tuning from a: ${tensors.size - 2} tensors loaded; new: head.weight, head.bias; dropped: head.weight, head.bias.`,
    );
  });

  test('a distilled model gets both heads anew; a checkpoint without a head gets one', () => {
    const deit = buildModel({ ...small, distilled: true });
    const both = tuned({}, { numClasses: 3 }, { tensors: modelTensors(deit), source: deit.config });
    deit.dispose();
    const names = [...heads, 'head_dist.weight', 'head_dist.bias'];
    expect(both.report).toMatchObject({ fresh: names, dropped: names });
    const bare = new Map([...tensors].filter(([name]) => !heads.includes(name)));
    expect(tuned({}, {}, { tensors: bare }).report).toMatchObject({ fresh: heads, dropped: [] });
  });

  test.each([
    ['timm', true],
    ['deit', false],
  ] as const)('another resolution: pos_embed is resampled as %s does', (filter, antialias) => {
    const { tensors: own, report } = tuned(
      { img_size: [8, 24] },
      {},
      { posEmbedInterpolation: filter },
    );
    const [before, after] = [tensors, own].map((all) => all.get('pos_embed')!);
    expect(after!.shape).toEqual([1, 1 + 2 * 6, 12]);
    const values = toFloat32(before!);
    const wanted = tf.tidy(() => {
      const patches = tf.tensor3d(values.slice(12), [1, 16, 12]);
      return resamplePosEmbed(patches, { from: [4, 4], to: [2, 6], antialias }).dataSync();
    });
    expect(after!.data.slice(0, 12)).toEqual(values.slice(0, 12));
    const largest = Math.max(
      ...wanted.map((value, i) => Math.abs(value - Number(after!.data[12 + i]))),
    );
    // One product in float64 beside two in float32.
    expect(largest).toBeLessThan(1e-7);
    expect(report.notes).toEqual([
      expect.stringContaining('pos_embed is resampled from 4×4 to 2×6 patches'),
    ]);
  });

  test('a grid that is not square is known from the checkpoint’s configuration', () => {
    const wide = buildModel({ ...small, imageSize: [8, 32] });
    const own = { tensors: modelTensors(wide), source: wide.config };
    wide.dispose();
    expect(tuned({ imageSize: 32 }, {}, own).report.notes).toEqual([
      'pos_embed is resampled from 2×8 to 8×8 patches.',
    ]);
    // As many patches in another arrangement are another grid.
    expect(tuned({ imageSize: 16 }, {}, own).report.notes).toEqual([
      'pos_embed is resampled from 2×8 to 4×4 patches.',
    ]);
  });

  test('other channels: a grey image gives what it gave in colour', () => {
    const { config, report } = tuned({}, { inChannels: 1 });
    expect(config.inChannels).toBe(1);
    expect(report.notes).toEqual(['patch_embed.proj.weight is adapted from 3 to 1 channels.']);
    const { model: grey } = fineTune(fineTuneConfig(source.config, {}, { inChannels: 1 }), {
      tensors,
      source: source.config,
    });
    const image = tf.randomUniform([2, 16, 16, 1], 0, 1, 'float32', 3);
    const logits = grey.forward(image).arraySync();
    const inColour = source.forward(tf.concat([image, image, image], 3)).arraySync();
    grey.dispose();
    logits.flat().forEach((value, i) => expect(value).toBeCloseTo(inColour.flat()[i]!, 5));
  });

  test.each<[string, object, Partial<Parameters<typeof fineTune>[1]>, RegExp]>([
    ['fewer blocks', { depth: 1 }, {}, /unexpected blocks\.1\./],
    ['more blocks', { depth: 3 }, {}, /missing blocks\.2\..*and \d+ more/],
    ['another width', { embedDim: 16 }, {}, /is \[1, 1, 12\], not \[1, 1, 16\]/],
    ['registers', { regTokens: 1 }, {}, /missing reg_token/],
  ])('%s is refused, with the names', (_, options, more, message) => {
    expect(() => tuned(options, {}, more)).toThrow(CheckpointError);
    expect(() => tuned(options, {}, more)).toThrow(message);
  });

  test('what describes no model is refused', () => {
    expect(() => fineTuneConfig(undefined)).toThrow(
      /a model configuration for fine-tuning.*model\.name/,
    );
    expect(() => fineTuneConfig(source.config, { embed_dimm: 3 })).toThrow(/Did you mean embedDim/);
    expect(() => fineTuneConfig(source.config, { family: 'vitt' })).toThrow(InputError);
    const bad = new Map(tensors).set('norm.bias', hostTensor([12], new Float32Array(12).fill(NaN)));
    expect(() => tuned({}, {}, { tensors: bad })).toThrow(/NaN or infinity in norm\.bias/);
  });

  test('a size by name takes the place of the checkpoint’s configuration', () => {
    const config = fineTuneConfig(
      source.config,
      { name: 'vit_tiny_patch16_224' },
      { numClasses: 4 },
    );
    expect(config).toMatchObject({
      embedDim: 192,
      depth: 12,
      numClasses: 4,
      imageSize: [224, 224],
    });
    expect(fineTuneConfig(source.config, { numClasses: 9 }, { numClasses: 4 })).toMatchObject({
      embedDim: 12,
      numClasses: 9,
    });
  });
});

test('a ResNet: the head is fc, running statistics are kept, and grey images are looked at', () => {
  const options = { family: 'resnet', imageSize: 16, planes: [4, 4, 8, 8], layers: [1, 1, 1, 1] };
  const colour = buildModel({ ...options, numClasses: 5 });
  const own = { tensors: modelTensors(colour), source: colour.config };
  colour.dispose();
  const config = fineTuneConfig(own.source, { img_size: 20 }, { numClasses: 3, inChannels: 1 });
  expect(config).toMatchObject({ imageSize: [20, 20], smallInput: true });
  const { model, report } = fineTune(config, own);
  const found = modelTensors(model);
  model.dispose();
  expect(report).toMatchObject({
    fresh: ['fc.weight', 'fc.bias'],
    dropped: ['fc.weight', 'fc.bias'],
  });
  expect(report.notes).toEqual(['conv1.weight is adapted from 3 to 1 channels.']);
  expect(found.get('bn1.running_var')).toEqual(own.tensors.get('bn1.running_var'));
  expect(report.loaded).toHaveLength(own.tensors.size - 2);
});

test('channels as timm’s adapt_input_conv has them', () => {
  const rgb = hostTensor([1, 3, 1, 2], Float32Array.of(1, 2, 3, 4, 5, 6));
  expect(adaptInputChannels(rgb, 3)).toBe(rgb);
  expect(adaptInputChannels(rgb, 1)).toEqual(hostTensor([1, 1, 1, 2], Float32Array.of(9, 12)));
  // timm: repeat(1, 2, 1, 1)[:, :4] · 3/4.
  const four = [1, 2, 3, 4, 5, 6, 1, 2].map((value) => value * 0.75);
  expect(adaptInputChannels(rgb, 4)).toEqual(hostTensor([1, 4, 1, 2], Float32Array.from(four)));
  const grey = hostTensor([1, 1, 1, 1], Float32Array.of(6));
  expect(adaptInputChannels(grey, 3)).toEqual(hostTensor([1, 3, 1, 1], Float32Array.of(2, 2, 2)));
});

describe('tfjs-vit train --finetune', () => {
  let folder: string;
  let logged: jest.SpyInstance;
  const home = process.cwd();
  beforeEach(async () => {
    logged = jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    folder = realpathSync(mkdtempSync(path.join(tmpdir(), 'finetune-')));
    process.chdir(folder);
    mkdirSync('start');
    await saveModel(source, 'start');
  });
  afterEach(() => {
    logged.mockRestore();
    process.chdir(home);
    rmSync(folder, { recursive: true, force: true });
  });

  const flags = ['--limit', '16', '--limit-val', '8', '--val-split', '0', '--threads', '1'];
  const weightsOf = (run: string) =>
    parseSafetensors(readFileSync(path.join(run, 'checkpoint.safetensors'))).tensors;
  const bytesOf = ({ data }: HostTensor) =>
    Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');

  test('takes the model from the checkpoint and says what it did; a stopped run goes on to the same bytes', async () => {
    // The model options of the test's experiment are those of another model.
    const file = writeExperiment('a.json', { model: undefined, epochs: 2 });
    const words = ['train', '--config', file, '--finetune', 'start/best_checkpoint.pth', ...flags];
    renameSync('start/model.safetensors', 'start/best_checkpoint.safetensors');
    rmSync('start/manifest.json');
    const whole = await vit(...words, '--output-dir', 'whole');
    expect([whole.code, whole.error]).toEqual([
      0,
      expect.stringContaining('There is no start/best_checkpoint.pth'),
    ]);
    expect(whole.error).toContain(
      `${tensors.size - 2} tensors loaded; new: head.weight, head.bias; dropped`,
    );
    expect(whole.error).toContain('adapted from 3 to 1 channels');
    const stored = JSON.parse(readFileSync('whole/config.json', 'utf8')) as Record<string, object>;
    expect(stored).toMatchObject({
      finetune: 'start/best_checkpoint.pth',
      model: { embedDim: 12, depth: 2, numClasses: 10, inChannels: 1, imageSize: [16, 16] },
      imageShape: [16, 16, 1],
    });
    await vit(...words, '--output-dir', 'part', '--max-steps', '3');
    // The checkpoint is not needed to go on.
    rmSync('start', { recursive: true });
    const going = await vit('train', '--resume', 'part/best_checkpoint.pth');
    expect([going.code, going.error]).toEqual([0, expect.not.stringContaining('Fine-tuning from')]);
    for (const name of ['checkpoint.safetensors', 'best_checkpoint.safetensors']) {
      const [a, b] = ['part', 'whole'].map((run) => readFileSync(path.join(run, name)));
      expect(a!.equals(b!)).toBe(true);
    }
  });

  test('with --attn-only changes tensors of attention alone, and a head that is new', async () => {
    const ten = buildModel({ ...small, numClasses: 10, inChannels: 1 });
    mkdirSync('ten');
    await saveModel(ten, 'ten');
    ten.dispose();
    const file = writeExperiment('a.json', { model: undefined });
    const run = async (from: string, to: string) => {
      const ran = await vit(
        'train',
        '--config',
        file,
        '--finetune',
        from,
        '--attn-only',
        ...flags,
        '--output-dir',
        to,
      );
      expect(ran.code).toBe(0);
      const [before, after] = [modelFile(from), weightsOf(to)];
      return [...after.keys()].filter((name) => {
        const old = before.get(name);
        return old === undefined || bytesOf(old) !== bytesOf(after.get(name)!);
      });
    };
    const modelFile = (from: string) =>
      parseSafetensors(readFileSync(path.join(from, 'model.safetensors'))).tensors;
    const attention = [...tensors.keys()].filter((name) => name.includes('.attn.'));
    expect(await run('ten', 'same')).toEqual(attention);
    // The channels of the other are adapted, and its head is new.
    expect(await run('start', 'other')).toEqual([
      'patch_embed.proj.weight',
      ...attention,
      ...heads,
    ]);
    const stored = JSON.parse(readFileSync('other/config.json', 'utf8')) as object;
    expect(stored).toMatchObject({ attnOnly: true, unfreeze: heads });
  });

  test('beside a recipe the model is the checkpoint’s too, and the drop rates are the recipe’s', async () => {
    const words = ['train', '--recipe', 'finetune', '--data-set', 'mnist', '--finetune', 'start'];
    const short = ['--epochs', '1', '--batch-size', '8', '--max-steps', '1', '--output-dir', 'run'];
    const ran = await vit(...words, '--no-aug', '--drop-path', '0.2', ...flags, ...short);
    expect([ran.code, ran.error]).toEqual([0, expect.stringContaining('new: head.weight')]);
    expect(JSON.parse(readFileSync('run/config.json', 'utf8'))).toMatchObject({
      model: { embedDim: 12, numClasses: 10, dropPathRate: 0.2, imageSize: [16, 16] },
      optimizer: { opt: 'sgd' },
    });
    expect(fromCheckpoint(recipeNamed('deit')).model).toEqual({ dropPathRate: 0.1 });
  });

  test('refuses what cannot be used, before anything is written', async () => {
    const file = writeExperiment('a.json', { model: undefined });
    writeFileSync('broken.safetensors', 'no tensors');
    writeFileSync('torch.pth', 'PK\u0003\u0004');
    const refused = async (words: string[], message: RegExp) => {
      const ran = await vit('train', ...words, '--output-dir', 'run');
      expect([ran.code, ran.error.split('\n').at(-1)]).toEqual([2, expect.stringMatching(message)]);
      expect(existsSync('run')).toBe(false);
    };
    const config = ['--config', file];
    await refused([...config, '--finetune', 'nowhere'], /there is no such file/);
    await refused([...config, '--finetune', 'broken.safetensors'], /broken\.safetensors/);
    await refused([...config, '--finetune', 'torch.pth'], /torch\.pth/);
    await refused(['--resume', 'start', '--finetune', 'start'], /no --finetune for --resume/);
    await refused(
      [...config, '--finetune', 'start', '--limit', '8', '--freeze', 'bloks'],
      /Did you mean blocks/,
    );
    await refused(
      [...config, '--finetune', 'start', '--pos-embed-interpolation', 'scipy'],
      /timm, deit/,
    );
    const other = writeExperiment('b.json', { model: { embedDim: 24 } });
    await refused(['--config', other, '--finetune', 'start'], /but for its head/);
    const plain = ['--config', writeExperiment('c.json'), '--pos-embed-interpolation', 'deit'];
    await refused(plain, /no --pos-embed-interpolation, because there is no finetune/);
    await refused([...config, '--finetune', 'start', '--output-dir', 'start'], /--output-dir once/);
    const same = await vit(
      'train',
      ...config,
      '--finetune',
      'start',
      '--output-dir',
      'start',
      '--overwrite',
    );
    expect(same.code).toBe(2);
  });
});
