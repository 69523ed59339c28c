// The names of ImageNet's classes: the list, and when a model of 1000 classes gets them.

import '@tensorflow/tfjs-backend-cpu';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { formatSafetensors } from '../lib/checkpoints/safetensors.ts';
import { modelTensors } from '../lib/checkpoints/modelState.ts';
import { IMAGENET_CLASSES } from '../lib/data/imagenetClasses.ts';
import { buildModel } from '../lib/models/createModel.ts';
import { preparationOf } from '../lib/predict/preparation.ts';
import { vit } from './support/cli.ts';
import { temporaryFolder } from './support/failingDisk.ts';

const place = temporaryFolder();

test('the list has 1000 names in the order of ImageNet-1k', () => {
  expect(IMAGENET_CLASSES).toHaveLength(1000);
  const places = { 0: 'tench, Tinca tinca', 281: 'tabby, tabby cat', 285: 'Egyptian cat', 388: 'giant panda, panda, panda bear, coon bear, Ailuropoda melanoleuca', 656: 'minivan', 999: 'toilet tissue, toilet paper, bathroom tissue' }; // prettier-ignore
  for (const [index, name] of Object.entries(places))
    expect(IMAGENET_CLASSES[Number(index)]).toBe(name);
  const twice = IMAGENET_CLASSES.filter((name, i) => IMAGENET_CLASSES.indexOf(name) !== i);
  expect(twice).toEqual(['crane']);
  expect(IMAGENET_CLASSES.filter((name) => name === '' || /^\s|\s$|[;\n]/.test(name))).toEqual([]);
});

test('they are taken for 1000 classes of which nothing says what they are, and that is noted', () => {
  const namesOf = (record: object, numClasses = 1000) => {
    const notes: string[] = [];
    const normalize = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
    const { classNames } = preparationOf(
      { normalize, ...record },
      { inputShape: [8, 8, 3], numClasses },
      { note: (text) => notes.push(text) },
    );
    return [classNames?.[0], notes.length];
  };
  expect(namesOf({})).toEqual(['tench, Tinca tinca', 1]);
  expect(namesOf({}, 999)).toEqual([undefined, 0]);
  expect(namesOf({ data: { dataset: 'somebodys-thousand' } })).toEqual([undefined, 0]);
  const own = Array.from({ length: 1000 }, (_, i) => `own ${i}`);
  expect(namesOf({ classNames: own })).toEqual(['own 0', 0]);
});

test('predict prints them for weights as timm publishes them', async () => {
  await tf.setBackend('cpu');
  const options = {
    imageSize: 16,
    patchSize: 8,
    embedDim: 8,
    depth: 1,
    numHeads: 1,
    numClasses: 1000,
  };
  const model = buildModel(options);
  tf.tidy(() => {
    const bias = model.stateDict().get('head.bias')!;
    bias.assign(tf.mul(tf.oneHot(388, 1000), 40).asType('float32').reshape([1000]));
  });
  writeFileSync(path.join(place(), 'model.safetensors'), formatSafetensors(modelTensors(model)));
  model.dispose();
  const { numClasses, ...args } = options;
  const config = { architecture: 'vit_tiny_patch16_224', num_classes: numClasses, pretrained_cfg: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5], input_size: [3, 16, 16] }, model_args: { img_size: args.imageSize, patch_size: args.patchSize, embed_dim: args.embedDim, depth: 1, num_heads: 1 } }; // prettier-ignore
  writeFileSync(path.join(place(), 'config.json'), JSON.stringify(config));
  const digit = path.resolve(import.meta.dirname, '../data/digit.png');
  const { code, out, error } = await vit(
    'predict',
    '--checkpoint',
    place(),
    '--image',
    digit,
    '--backend',
    'cpu',
  );
  expect([code, error]).toEqual([0, expect.stringMatching(/ImageNet-1k/)]);
  expect(out).toMatch(/giant panda/);
});
