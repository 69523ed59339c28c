// Trains a small model on scenes of shapes and digits: node --import tsx examples/trainScenes.ts --model detr|resnet|vit|clip
//   [--output-dir runs/scenes-detr] [--epochs N] [--train N] [--validation N] [--test N] [--batch-size N] [--learning-rate X] [--threads N] [--seed N] [--save FOLDER]
//
// The DETR finds every object; ResNet and ViT name the largest; CLIP learns from captions, of scenes with one object. The same command again goes on with a run that was stopped. `--save` writes the
// best weights as a checkpoint: checkpoints/scenes-* were made so, and their cards say the command and the figures.

import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import {
  Clip,
  ClipTokenizer,
  Detr,
  InputError,
  Loader,
  ResNet,
  VisionTransformer,
  classification,
  contrastive,
  detection,
  evaluate,
  loadModel,
  makePreprocessing,
  sceneColors,
  sceneKinds,
  scenesDataset,
  saveModel,
  selectBackend,
  trainInFolder,
  type Model,
  type Task,
  type TrainConfig,
} from 'tfjs-vit/node';
import { runScript } from './support/script.ts';

const size = 64;
const numClasses = sceneKinds.length;
const normalize = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
const backbone = { layers: [1, 1], planes: [32, 64], smallInput: false };

/** A model and the task it is trained for. */
interface Kind {
  build: (seed: number) => Model;
  task: () => Task;
  config: Pick<TrainConfig, 'epochs' | 'learningRate'>;
  maxObjects?: number;
}

// Every caption of a scene with one object, by the object's kind: the tokenizer's words, and the prompts of a class.
const prompts = sceneKinds.map((kind) =>
  Object.keys(sceneColors).map(
    (color) => `${/^[aeiou]/.test(color) ? 'an' : 'a'} ${color} ${kind}`,
  ),
);
const tokenizer = ClipTokenizer.learn([...prompts.flat(), 'and', ',']);
const length = 24;

const kinds: Readonly<Record<string, Kind>> = {
  detr: {
    build: (seed) =>
      new Detr({
        ...{ imageSize: size, numClasses, backbone, numQueries: 8, dropout: 0, seed },
        ...{ dModel: 64, encoderLayers: 2, encoderAttentionHeads: 4, encoderFfnDim: 128 },
        ...{ decoderLayers: 2, decoderAttentionHeads: 4, decoderFfnDim: 128 },
      }),
    task: detection,
    config: { epochs: 14, learningRate: 1e-3 },
  },
  resnet: {
    build: (seed) =>
      new ResNet({
        ...{ imageSize: size, numClasses, smallInput: false, seed },
        ...{ layers: [1, 1, 1], planes: [32, 64, 128] },
      }),
    task: classification,
    config: { epochs: 6, learningRate: 2e-3 },
  },
  vit: {
    build: (seed) =>
      new VisionTransformer({
        ...{ imageSize: size, patchSize: 8, numClasses, embedDim: 96, depth: 4, numHeads: 4, seed },
        ...{ globalPool: 'token', weightInit: 'jax' },
      }),
    task: classification,
    config: { epochs: 10, learningRate: 2e-3 },
  },
  clip: {
    build: (seed) =>
      new Clip({
        vision: {
          imageSize: size,
          patchSize: 8,
          embedDim: 96,
          depth: 4,
          numHeads: 4,
          weightInit: 'jax',
        },
        text: {
          ...{ vocabSize: tokenizer.vocabSize, eosTokenId: tokenizer.endId, contextLength: length },
          ...{ embedDim: 64, depth: 2, numHeads: 4, weightInit: 'jax' },
        },
        ...{ projectionDim: 64, seed },
      }),
    task: () => contrastive({ encode: (texts) => tokenizer.encodeAll(texts, { length }), prompts }),
    config: { epochs: 10, learningRate: 2e-3 },
    maxObjects: 1,
  },
};

const flags = {
  model: 'detr',
  'output-dir': null,
  epochs: null,
  train: 12_000,
  validation: 500,
  test: 2000,
  'batch-size': 32,
  'learning-rate': null,
  threads: null,
  seed: 0,
  save: null,
} as const;

await runScript(flags, async (values) => {
  const { model: name, seed, train: count, save } = values;
  const kind = kinds[name];
  if (kind === undefined) {
    const known = Object.keys(kinds).join(', ');
    throw new InputError(`Expected one of ${known} for --model, received "${name}".`);
  }
  const number = (text: string | undefined) => (text === undefined ? undefined : Number(text));
  const threads = number(values.threads);
  console.log((await selectBackend({ ...(threads !== undefined && { threads }) })).reason);
  const outputDir = values['output-dir'] ?? `runs/scenes-${name}`;
  const {
    config: { epochs, learningRate },
    maxObjects,
  } = kind;
  const config: TrainConfig = {
    epochs: number(values.epochs) ?? epochs,
    batchSize: values['batch-size'],
    learningRate: number(values['learning-rate']) ?? learningRate,
    seed,
    optimizer: { weightDecay: 1e-3 },
    schedule: { sched: 'cosine', warmupEpochs: 0.3, warmupLr: 1e-5, stepOnEpochs: false },
    clip: { mode: 'norm', value: 1 },
    checkpointMinutes: 2,
  };
  // Parts lie far apart in the endless row of scenes.
  const part = (first: number, length: number) =>
    scenesDataset({ first, count: length, ...(maxObjects && { maxObjects }) });
  const model = kind.build(seed);
  const { best } = await trainInFolder(
    { ...config, model: model.config },
    {
      outputDir,
      ...(existsSync(path.join(outputDir, 'manifest.json')) && { resume: outputDir }),
      model,
      train: part(0, count),
      validation: part(1_000_000_000, values.validation),
      normalize,
      task: kind.task(),
    },
  );
  model.dispose();
  const trained = await loadModel(outputDir);
  const loader = new Loader({
    dataset: part(2_000_000_000, values.test),
    batchSize: 50,
    normalize,
  });
  const task = kind.task();
  const evaluation = await evaluate<unknown>(trained, loader, { task });
  const text = Object.entries(task.metrics(evaluation)).map(
    ([metric, value]) => `${metric} ${value.toFixed(4)}`,
  );
  console.log(`Best epoch ${best?.epoch}. ${values.test} held-out scenes: ${text.join(', ')}.`);
  if (save !== undefined) {
    const preprocessing = makePreprocessing({
      size: [size, size],
      cropMode: 'squash',
      normalize,
    });
    await saveModel(trained, save, { preprocessing, classNames: [...sceneKinds] });
    if (name === 'clip') saveTokenizer(save);
    console.log(`Saved in ${save}.`);
  }
  trained.dispose();
});

// The two files of a tokenizer of Hugging Face.
function saveTokenizer(folder: string): void {
  const { tokens, merges } = tokenizer;
  const vocabulary = Object.fromEntries(tokens.map((token, id) => [token, id]));
  writeFileSync(path.join(folder, 'vocab.json'), JSON.stringify(vocabulary));
  writeFileSync(path.join(folder, 'merges.txt'), ['#version: 0.2', ...merges, ''].join('\n'));
}
