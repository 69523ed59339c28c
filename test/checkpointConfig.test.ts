// Checkpoints without a configuration of ours: their model by a name, by what the file says, and how their images are prepared.

import '@tensorflow/tfjs-backend-cpu';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { huggingFacePreparation } from '../lib/checkpoints/huggingFaceConfig.ts';
import { hostTensor, toFloat32, type HostTensor } from '../lib/checkpoints/hostTensor.ts';
import { modelTensors } from '../lib/checkpoints/modelState.ts';
import { formatTorch } from '../lib/checkpoints/pytorch/writeTorch.ts';
import { formatSafetensors } from '../lib/checkpoints/safetensors.ts';
import { InputError } from '../lib/core/errors.ts';
import { checkpointConfig, toldByTensors } from '../lib/models/checkpointConfig.ts';
import { vitSizesThatFit as sizesThatFit } from '../lib/models/familyWeights.ts';
import { openFineTuning } from '../lib/cli/fineTuning.ts';
import { buildLoaded } from '../lib/models/buildLoaded.ts';
import { buildModel, createModel, parseModelOptions } from '../lib/models/createModel.ts';
import { resamplePatchEmbed } from '../lib/models/vit/patchResample.ts';
import { parseModelConfig } from '../lib/models/vit/parseConfig.ts';
import { loadModel } from '../lib/node.ts';
import { preparationOf } from '../lib/predict/preparation.ts';
import { vit } from './support/cli.ts';
import { makeImage } from '../lib/core/image.ts';
import { encodePng } from '../lib/io/encodePng.ts';
import { temporaryFolder } from './support/failingDisk.ts';

jest.setTimeout(120_000);
const place = temporaryFolder();
const picture = () => encodePng(makeImage(40, 30, 3, new Uint8Array(40 * 30 * 3).fill(90)));
const small = { imageSize: 32, patchSize: 8, embedDim: 64, depth: 2, numHeads: 1, numClasses: 5 };
let tensors: Map<string, HostTensor>;

beforeAll(async () => {
  await tf.setBackend('cpu');
  const model = buildModel(small);
  tensors = modelTensors(model);
  model.dispose();
});

describe('the configuration of a checkpoint', () => {
  const tiny = (): Map<string, HostTensor> => {
    const model = createModel(
      'vit_tiny_patch16_224',
      { numClasses: 7, inChannels: 1 },
      { initialize: false },
    );
    const all = modelTensors(model);
    model.dispose();
    return all;
  };

  test('what is stored comes first, then a name', () => {
    const config = { embedDim: 64 };
    expect(checkpointConfig({ tensors, config })).toBe(config);
    expect(checkpointConfig({ tensors, config }, { model: 'vit_tiny_16_224' })).toBe(config);
    expect(checkpointConfig({ tensors }, { model: 'vit_tiny_16_224' })).toEqual({
      name: 'vit_tiny_16_224',
      numClasses: 5,
      inChannels: 3,
    });
  });

  test('the name that the program wrote, with the classes of the head', () => {
    const notes: string[] = [];
    const facts = { model: 'deit_tiny_patch16_224', numClasses: 1000, imageSize: 384 };
    const found = checkpointConfig(
      { tensors, facts },
      { source: 'x.pth', note: (text) => notes.push(text) },
    );
    expect(found).toEqual({
      name: 'deit_tiny_patch16_224',
      numClasses: 5,
      inChannels: 3,
      imageSize: 384,
    });
    expect(notes).toEqual(['x.pth says that its model is deit_tiny_patch16_224.']);
    const unknown = () => checkpointConfig({ tensors, facts: { model: 'resnet_of_mine' } });
    expect(unknown).toThrow(/Name the model/);
  });

  test('without any, the sizes whose shapes fit are named', () => {
    const all = tiny();
    expect(sizesThatFit(all)).toEqual(
      expect.arrayContaining([
        'vit_tiny_patch16_224',
        'vit_tiny_patch16_384',
        'deit_tiny_patch16_224',
      ]),
    );
    expect(() => checkpointConfig({ tensors: all }, { source: 'x.pth' })).toThrow(InputError);
    expect(() => checkpointConfig({ tensors: all }, { source: 'x.pth' })).toThrow(
      /model configuration for x\.pth.*shapes of .*vit_tiny_patch16_224.*--model/,
    );
    expect(sizesThatFit(new Map([['w', hostTensor([1], Float32Array.of(1))]]))).toEqual([]);
  });

  test('the shapes of the tensors tell all but heads, ε and the non-linearity', () => {
    const options = [
      small,
      { ...small, distilled: true, layerScaleInit: 0.1, qkvBias: false, inChannels: 1 },
      { ...small, regTokens: 4, noEmbedClass: true, imageSize: 64, patchSize: 16 },
      { ...small, classToken: false, globalPool: 'avg', numClasses: 0, mlpRatio: 3 },
      { ...small, classToken: false, globalPool: 'map', preNorm: true, qkNorm: true },
    ];
    for (const one of options) {
      const model = buildModel(one);
      const told = parseModelOptions(toldByTensors(modelTensors(model))) as typeof model.config;
      const plain = (config: object) => ({
        ...config,
        layerScaleInit: null,
        poolIncludePrefix: false,
      });
      expect(plain(told)).toEqual(plain(model.config));
      model.dispose();
    }
  });
});

describe('a file of PyTorch', () => {
  test('is loaded by the name of its size, with the classes and the grid of its own', async () => {
    const file = path.join(place(), 'checkpoint.pth');
    writeFileSync(file, formatTorch(tensors));
    const loaded = await loadModel(file, { config: small });
    expect(modelTensors(loaded)).toEqual(tensors);
    loaded.dispose();
    await expect(loadModel(file)).rejects.toThrow(/model configuration.*checkpoint\.pth/);
  });

  test('predict, eval and summary of the command line take it', async () => {
    const folder = path.join(place(), 'model');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'checkpoint.pth'), formatTorch(tensors));
    writeFileSync(path.join(folder, 'config.json'), JSON.stringify(small));
    const image = path.join(place(), 'digit.png');
    writeFileSync(image, picture());
    const words = ['predict', '--backend', 'cpu', '--image', image, '--checkpoint'];
    const { out, code } = await vit(...words, folder);
    expect(code).toBe(0);
    expect(out).toMatch(/class \d/);
    const wrong = await vit(...words, folder, '--checkpoint-key', 'teacher');
    expect([wrong.code, wrong.error]).toEqual([2, expect.stringMatching(/key "teacher"/)]);
  });
});

test('a fine-tuning takes the set of weights that useEma or checkpointKey chooses', async () => {
  const file = path.join(__dirname, 'goldens/odd-checkpoints/deit.pth');
  const saidWith = async (options: object): Promise<string> => {
    const said: string[] = [];
    await openFineTuning({ finetune: file, model: small, ...options }, (text) => said.push(text));
    return said.join(' ');
  };
  expect(await saidWith({})).toContain('those of model; beside them stand model_ema');
  expect(await saidWith({ useEma: true })).toContain('averaged weights, model_ema, are taken');
  expect(await saidWith({ checkpointKey: 'model_ema' })).not.toContain('beside them');
  await expect(saidWith({ checkpointKey: 'teacher' })).rejects.toThrow(/key "teacher"/);
});

describe('the report', () => {
  test('what was resampled and adapted, and names that are allowed to be missing or unexpected', () => {
    const others = new Map(tensors);
    others.delete('head.weight');
    others.delete('head.bias');
    others.set('extra.gate', hostTensor([1], Float32Array.of(1)));
    const config = { ...small, imageSize: 64, inChannels: 1 };
    expect(() => buildLoaded(config, others)).toThrow(
      /missing head\.weight.*unexpected extra\.gate/,
    );
    expect(() => buildLoaded(config, others, { allow: ['head.*'] })).toThrow(/unexpected extra/);
    const { model, report } = buildLoaded(config, others, { allow: ['head.*', 'extra.**'] });
    expect(report.missing).toEqual(['head.weight', 'head.bias']);
    expect(report.unexpected).toEqual(['extra.gate']);
    expect(report.notes).toEqual([
      'patch_embed.proj.weight is adapted from 3 to 1 channels.',
      'pos_embed is resampled from 4×4 to 8×8 patches.',
    ]);
    const head = modelTensors(model).get('head.weight')!;
    expect(toFloat32(head).some((value) => value !== 0)).toBe(true);
    model.dispose();
  });
});

describe('preprocessing travels with the weights', () => {
  const model = { inputShape: [224, 224, 3] as const, numClasses: 2 };
  const note = () => undefined;
  const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

  test("timm's hub: mean, std, interpolation and crop", () => {
    const record = { architecture: 'vit_tiny_patch16_224', pretrained_cfg: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], interpolation: 'bilinear', crop_pct: 0.9 } }; // prettier-ignore
    expect(preparationOf(record, model, { note }).preprocessing).toMatchObject({
      interpolation: 'bilinear',
      cropMode: 'center',
      cropPct: 0.9,
      normalize: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
    });
  });

  test('Hugging Face: both sides to their size, or a crop of the resized image; the names of classes', () => {
    const squash = { size: { height: 224, width: 224 }, resample: 2, image_mean: imageNet.mean, image_std: imageNet.std }; // prettier-ignore
    const record = {
      hidden_size: 8,
      id2label: { 1: 'dog', 0: 'cat' },
      preprocessor_config: squash,
    };
    const found = preparationOf(record, model, { note });
    expect(found.classNames).toEqual(['cat', 'dog']);
    expect(found.preprocessing).toMatchObject({ interpolation: 'bilinear', cropMode: 'squash', normalize: imageNet }); // prettier-ignore
    const crop = { size: { shortest_edge: 256 }, crop_size: { height: 224, width: 224 }, do_center_crop: true, resample: 3 }; // prettier-ignore
    expect(huggingFacePreparation({ preprocessor_config: crop })).toMatchObject({ interpolation: 'bicubic', cropMode: 'center', cropPct: 0.875 }); // prettier-ignore
    expect(huggingFacePreparation({ preprocessor_config: { do_normalize: false } })).toMatchObject({ mean: [0], std: [1] }); // prettier-ignore
    expect(() => huggingFacePreparation({ preprocessor_config: { resample: 9 } })).toThrow(/resample of preprocessor_config\.json/); // prettier-ignore
    const unnamed = { ...record, id2label: { 0: 'LABEL_0', 1: 'LABEL_1' } };
    expect(preparationOf(unnamed, model, { note }).classNames).toBeUndefined();
  });

  test('a folder of Hugging Face on the disk', async () => {
    const folder = path.join(place(), 'hf');
    mkdirSync(folder);
    writeFileSync(path.join(folder, 'model.safetensors'), formatSafetensors(tensors));
    writeFileSync(path.join(folder, 'config.json'), JSON.stringify({ ...small }));
    writeFileSync(path.join(folder, 'preprocessor_config.json'), JSON.stringify({ image_mean: [0.1, 0.2, 0.3], image_std: [1, 1, 1], resample: 3, size: 32 })); // prettier-ignore
    const image = path.join(place(), 'one.png');
    writeFileSync(image, picture());
    const { code, error } = await vit('predict', '--backend', 'cpu', '--image', image, '--checkpoint', folder); // prettier-ignore
    expect([code, error]).toEqual([0, expect.not.stringMatching(/no normalize/)]);
  });
});

test('a patch that is resampled gives the same tokens of a resized image', () => {
  // W' · (R p) = W · p for every patch p, as R⁺R is the identity where a patch grows.
  const weight = hostTensor(
    [2, 1, 4, 4],
    Float32Array.from({ length: 32 }, (_, i) => Math.sin(i)),
  );
  const larger = resamplePatchEmbed(weight, [7, 8]);
  expect(larger.shape).toEqual([2, 1, 7, 8]);
  const back = resamplePatchEmbed(weight, [4, 4]);
  expect(back).toBe(weight);
  expect(parseModelConfig({ patchSize: [7, 8], imageSize: [14, 16] }).patchSize).toEqual([7, 8]);
});
