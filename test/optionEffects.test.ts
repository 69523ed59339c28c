// Every option has an effect, or is refused or said: no option is accepted and does nothing.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { Rng } from '../lib/core/rng.ts';
import { visionTransformerOptions } from '../lib/models/vit/options.ts';
import { VisionTransformer } from '../lib/models/vit/visionTransformer.ts';
import { trainOptions } from '../lib/training/options/train.ts';
import { idleTrainOptions, parseTrainConfig } from '../lib/training/trainConfig.ts';
import { data, patterns, runToy, Toy } from './support/training.ts';
import type { Option, OptionTable } from '../lib/core/option.ts';
import type { TrainEnv } from '../lib/training/run.ts';
import type { TrainConfig } from '../lib/training/trainConfig.ts';

jest.setTimeout(60_000);
beforeAll(async () => {
  await tf.setBackend('cpu');
});

// The paths of all options, with those inside groups: `optimizer.betas`.
function pathsOf(table: OptionTable, group = ''): string[] {
  return Object.entries(table).flatMap(([name, { options }]: [string, Option]) =>
    options === undefined ? [`${group}${name}`] : pathsOf(options, `${group}${name}.`),
  );
}

const base: TrainConfig = {
  epochs: 2,
  batchSize: 8,
  learningRate: 0.01,
  schedule: { warmupEpochs: 0.5, minLr: 1e-5 },
  checkpointMinutes: null,
};
const images = { ...data, train: patterns(20), validation: patterns(8, 2), test: patterns(8, 3) };

class TwoLayers extends Toy {
  override layerGroups(): ReadonlyMap<string, number> {
    return new Map([
      ['head.weight', 0],
      ['head.bias', 1],
    ]);
  }
}

const traces = new Map<string, Promise<string>>();

// The trace of a run, which several rows compare with.
function traceOf(changes: Partial<TrainConfig>, parts: Partial<TrainEnv>): Promise<string> {
  const key = JSON.stringify([changes, Object.keys(parts)]);
  if (!traces.has(key)) traces.set(key, traced(changes, parts));
  return traces.get(key)!;
}

// All that a run leaves behind: weights, what was reported, what was saved and when.
async function traced(
  { ema = null, clip = null, smoothing = 0, ...changes }: Partial<TrainConfig>,
  parts: Partial<TrainEnv>,
): Promise<string> {
  const model = new TwoLayers();
  const { error, store, steps, epochs } = await runToy(
    { ...changes, ema, clip, smoothing },
    { ...images, figures: undefined, model, ...parts },
  );
  model.dispose();
  if (error !== undefined) throw error;
  const files = ['checkpoint', 'best_checkpoint', 'checkpoint.ema'].map((name) => {
    const bytes = store.files.get(`${name}.safetensors`);
    return bytes && Buffer.from(bytes).toString('base64');
  });
  const rates = steps.map(({ learningRate }) => learningRate);
  const logs = epochs.map(({ trainLoss, valLoss }) => [trainLoss, valLoss]);
  const saves = store.commits.map(({ info }) => info['step']);
  return JSON.stringify([files, rates, logs, saves, store.text('test.json') !== '']);
}

const sgd = { opt: 'sgd', momentum: 0.9, nesterov: false } as const;
const lamb = { opt: 'lamb', maxGradNorm: 0.1 } as const;
const muon = { opt: 'muon' } as const;
const v3 = { kind: 'v3', decay: 0.9 } as const;
const stepped = { sched: 'step', warmupEpochs: 0, decayEpochs: 1, decayRate: 0.5 } as const;
const cycles = { ...base.schedule, cycleLimit: 2 } as const;

// No epoch is better than the first.
const resting = {
  epochs: 4,
  learningRate: 1e-20,
  schedule: { sched: 'constant', warmupEpochs: 0 },
} as const;

// Two configs that differ in one option only, beside which it has its effect.
const effects: Record<string, [Partial<TrainConfig>, Partial<TrainConfig>]> = {
  epochs: [{}, { epochs: 3 }],
  batchSize: [{}, { batchSize: 9 }],
  accumulationSteps: [{}, { accumulationSteps: 2 }],
  learningRate: [{}, { learningRate: 0.02 }],
  lrBaseSize: [{}, { lrBaseSize: 16 }],
  seed: [{}, { seed: 1 }],
  loss: [{}, { loss: 'binary' }],
  targetThreshold: [
    { loss: 'binary', smoothing: 0.5 },
    { loss: 'binary', smoothing: 0.5, targetThreshold: 1 },
  ],
  smoothing: [{}, { smoothing: 0.1 }],
  freeze: [{}, { freeze: 'head.bias' }],
  unfreeze: [{ freeze: 'head.bias' }, { freeze: 'head.bias', unfreeze: 'head.bias' }],
  dropLast: [{}, { dropLast: true }],
  valSplit: [{}, { valSplit: 6 }],
  limit: [{}, { limit: 12 }],
  limitVal: [{}, { limitVal: 5 }],
  earlyStop: [resting, { ...resting, earlyStop: 1 }],
  minEpochs: [
    { ...resting, earlyStop: 1 },
    { ...resting, earlyStop: 1, minEpochs: 3 },
  ],
  maxSteps: [{}, { maxSteps: 3 }],
  checkpointSteps: [{}, { checkpointSteps: 2 }],
  checkpointMinutes: [{}, { checkpointMinutes: 0 }],
  deitCompat: [
    { schedule: { ...base.schedule, stepOnEpochs: true } },
    { schedule: { ...base.schedule, stepOnEpochs: true }, deitCompat: true },
  ],
  'optimizer.opt': [{}, { optimizer: { opt: 'sgd' } }],
  'optimizer.weightDecay': [{}, { optimizer: { weightDecay: 0.5 } }],
  'optimizer.betas': [{}, { optimizer: { betas: [0.8, 0.9] } }],
  'optimizer.epsilon': [{}, { optimizer: { epsilon: 1e-2 } }],
  'optimizer.momentum': [{ optimizer: sgd }, { optimizer: { ...sgd, momentum: 0.5 } }],
  'optimizer.nesterov': [{ optimizer: sgd }, { optimizer: { ...sgd, nesterov: true } }],
  'optimizer.biasCorrection': [
    { optimizer: lamb },
    { optimizer: { ...lamb, biasCorrection: false } },
  ],
  'optimizer.gradAveraging': [
    { optimizer: lamb },
    { optimizer: { ...lamb, gradAveraging: false } },
  ],
  'optimizer.maxGradNorm': [{ optimizer: lamb }, { optimizer: { ...lamb, maxGradNorm: null } }],
  'optimizer.trustClip': [
    { learningRate: 2, schedule: {}, optimizer: lamb },
    { learningRate: 2, schedule: {}, optimizer: { ...lamb, trustClip: true } },
  ],
  'optimizer.alwaysAdapt': [{ optimizer: lamb }, { optimizer: { ...lamb, alwaysAdapt: true } }],
  'optimizer.decoupledDecay': [
    { optimizer: lamb },
    { optimizer: { ...lamb, decoupledDecay: true } },
  ],
  'optimizer.nsSteps': [{ optimizer: muon }, { optimizer: { ...muon, nsSteps: 2 } }],
  'optimizer.nsCoefficients': [
    { optimizer: muon },
    { optimizer: { ...muon, nsCoefficients: 'original' } },
  ],
  'optimizer.adjustLrFn': [{ optimizer: muon }, { optimizer: { ...muon, adjustLrFn: 'original' } }],
  'optimizer.fallbackList': [
    { optimizer: muon },
    { optimizer: { ...muon, fallbackList: ['head.*'] } },
  ],
  'optimizer.fallbackLrScale': [
    { optimizer: muon },
    { optimizer: { ...muon, fallbackLrScale: 0.5 } },
  ],
  'optimizer.layerDecay': [{}, { optimizer: { layerDecay: 0.5 } }],
  'schedule.sched': [{}, { schedule: { ...base.schedule, sched: 'linear' } }],
  'schedule.numEpochs': [{}, { schedule: { ...base.schedule, numEpochs: 3 } }],
  'schedule.warmupEpochs': [{}, { schedule: { ...base.schedule, warmupEpochs: 1 } }],
  'schedule.warmupLr': [{}, { schedule: { ...base.schedule, warmupLr: 1e-3 } }],
  'schedule.minLr': [{}, { schedule: { ...base.schedule, minLr: 1e-3 } }],
  'schedule.cooldownEpochs': [{}, { schedule: { ...base.schedule, cooldownEpochs: 1 } }],
  'schedule.warmupPrefix': [{}, { schedule: { ...base.schedule, warmupPrefix: true } }],
  'schedule.stepOnEpochs': [{}, { schedule: { ...base.schedule, stepOnEpochs: true } }],
  'schedule.kDecay': [{}, { schedule: { ...base.schedule, kDecay: 2 } }],
  'schedule.cycleLimit': [{}, { schedule: cycles }],
  'schedule.cycleMul': [{ schedule: cycles }, { schedule: { ...cycles, cycleMul: 2 } }],
  'schedule.cycleDecay': [{ schedule: cycles }, { schedule: { ...cycles, cycleDecay: 0.5 } }],
  'schedule.decayEpochs': [{ schedule: stepped }, { schedule: { ...stepped, decayEpochs: 1.5 } }],
  'schedule.decayRate': [{ schedule: stepped }, { schedule: { ...stepped, decayRate: 0.1 } }],
  'clip.mode': [{ clip: { value: 0.01 } }, { clip: { value: 0.01, mode: 'value' } }],
  'clip.value': [{ clip: { value: 0.01 } }, { clip: { value: 0.1 } }],
  'ema.decay': [{ ema: { decay: 0.9 } }, { ema: { decay: 0.5 } }],
  'ema.kind': [{ ema: { decay: 0.9 } }, { ema: v3 }],
  'ema.useWarmup': [{ ema: v3 }, { ema: { ...v3, useWarmup: true } }],
  'ema.warmupGamma': [
    { ema: { ...v3, useWarmup: true } },
    { ema: { ...v3, useWarmup: true, warmupGamma: 3 } },
  ],
  'ema.warmupPower': [
    { ema: { ...v3, useWarmup: true } },
    { ema: { ...v3, useWarmup: true, warmupPower: 0.1 } },
  ],
  'ema.minDecay': [
    { ema: { ...v3, useWarmup: true } },
    { ema: { ...v3, useWarmup: true, minDecay: 0.85 } },
  ],
  'ema.updateAfterStep': [{ ema: v3 }, { ema: { ...v3, updateAfterStep: 3 } }],
};

describe('options of a training', () => {
  // `model` and `data` are for the record; the effects of the others are in precision.test.ts, freezing.test.ts, fineTune.test.ts,
  // distillation.test.ts, progressive.test.ts, checkpointConfig.test.ts, trainingMuon.test.ts and snapshots.test.ts.
  const tested = ['precision', 'attnOnly', 'finetune', 'posEmbedInterpolation', 'progressive'];
  const kept = ['snapshots'];
  const chosen = ['useEma', 'checkpointKey'];
  const elsewhere = [
    'model',
    'data',
    ...tested,
    ...chosen,
    ...kept,
    'optimizer.fallbackNoWeightDecay',
  ];
  const isElsewhere = (path: string) =>
    elsewhere.includes(path) || path.startsWith('distillation.');

  test('each has a row here', () => {
    expect(
      pathsOf(trainOptions)
        .filter((path) => !isElsewhere(path))
        .sort(),
    ).toEqual(Object.keys(effects).sort());
  });

  test.each(Object.entries(effects))('%s changes the run', async (path, [before, after]) => {
    // A validation part that is given leaves nothing to hold out.
    const parts = path === 'valSplit' ? { validation: undefined } : {};
    for (const config of [before, after]) {
      expect(idleTrainOptions({ ...base, ...config })).toEqual(
        path === 'schedule.numEpochs' && config === after
          ? [{ path: 'epochs', reason: 'schedule.numEpochs is 3' }]
          : [],
      );
    }
    const [one, other] = await Promise.all(
      [before, after].map((config) => traceOf({ ...base, ...config }, parts)),
    );
    expect(one === other).toBe(false);
  });

  test.each<[object, string, string]>([
    [{ optimizer: { momentum: 0.9 } }, 'optimizer.momentum', 'optimizer.opt is adamw'],
    [{ optimizer: { ...sgd, betas: [0.9, 0.9] } }, 'optimizer.betas', 'optimizer.opt is sgd'],
    [
      { optimizer: { opt: 'sgd', momentum: 0, nesterov: true } },
      'optimizer.nesterov',
      'optimizer.momentum is 0',
    ],
    [
      { optimizer: { opt: 'muon', trustClip: true } },
      'optimizer.trustClip',
      'optimizer.opt is muon',
    ],
    [{ optimizer: { opt: 'lamb', nsSteps: 3 } }, 'optimizer.nsSteps', 'optimizer.opt is lamb'],
    [{ schedule: { warmupLr: 0.1 } }, 'schedule.warmupLr', 'schedule.warmupEpochs is 0'],
    [{ schedule: { warmupPrefix: true } }, 'schedule.warmupPrefix', 'schedule.warmupEpochs is 0'],
    [{ schedule: { decayRate: 0.5 } }, 'schedule.decayRate', 'schedule.sched is cosine'],
    [{ schedule: { cycleMul: 2 } }, 'schedule.cycleMul', 'schedule.cycleLimit is 1'],
    [{ schedule: { cycleDecay: 0.2 } }, 'schedule.cycleDecay', 'schedule.cycleLimit is 1'],
    [{ schedule: { sched: 'step', minLr: 0.2 } }, 'schedule.minLr', 'schedule.sched is step'],
    [
      { schedule: { sched: 'constant', cooldownEpochs: 2 } },
      'schedule.cooldownEpochs',
      'schedule.sched is constant',
    ],
    [{ ema: { decay: 0.9, minDecay: 0.5 } }, 'ema.minDecay', 'ema.kind is plain'],
    [{ ema: { ...v3, warmupPower: 0.5 } }, 'ema.warmupPower', 'ema.useWarmup is false'],
    [{ epochs: 3, schedule: { numEpochs: 5 } }, 'epochs', 'schedule.numEpochs is 5'],
  ])('%j: %s is said to have no effect', (changes, path, reason) => {
    expect(idleTrainOptions(parseTrainConfig({ ...base, schedule: {}, ...changes }))).toEqual([
      { path, reason },
    ]);
  });

  test.each<[Partial<TrainConfig>, RegExp]>([
    [{ limit: 37 }, /^limit 37 has no effect: there are 36 images/],
    [{ limitVal: 21 }, /^limitVal 21 has no effect: there are 20 images/],
    [
      { schedule: { warmupEpochs: 2 } },
      /^The warm-up of 2 epochs is as long as the run of 2 epochs/,
    ],
    [{ schedule: { sched: 'step' } }, /^The first step .* after 90 epochs .*: it never falls/],
  ])('%j is said to come to nothing in this run', async (changes, message) => {
    const { messages } = await runToy({ ...base, ...changes, maxSteps: 1 });
    expect(messages).toContainEqual(expect.stringMatching(message));
    const other = await runToy({ ...base, limit: 36, limitVal: 20, maxSteps: 1 });
    expect(other.messages.join()).not.toMatch(/no effect|warm-up|never/);
  });
});

describe('options of a Vision Transformer', () => {
  const small = {
    imageSize: 8,
    patchSize: 4,
    inChannels: 1,
    numClasses: 4,
    embedDim: 12,
    depth: 2,
    numHeads: 2,
  };
  const avg = { globalPool: 'avg' };
  const changes: Record<string, [object, object]> = {
    imageSize: [{}, { imageSize: 12 }],
    patchSize: [{}, { patchSize: 2 }],
    inChannels: [{}, { inChannels: 3 }],
    numClasses: [{}, { numClasses: 5 }],
    embedDim: [{}, { embedDim: 16 }],
    depth: [{}, { depth: 3 }],
    numHeads: [{}, { numHeads: 3 }],
    mlpRatio: [{}, { mlpRatio: 2 }],
    qkvBias: [{}, { qkvBias: false }],
    qkNorm: [{}, { qkNorm: true }],
    layerScaleInit: [{}, { layerScaleInit: 0.1 }],
    classToken: [avg, { ...avg, classToken: false }],
    regTokens: [{}, { regTokens: 1 }],
    distilled: [{}, { distilled: true }],
    noEmbedClass: [{}, { noEmbedClass: true }],
    preNorm: [{}, { preNorm: true }],
    globalPool: [{}, avg],
    poolIncludePrefix: [avg, { ...avg, poolIncludePrefix: true }],
    fcNorm: [avg, { ...avg, fcNorm: false }],
    normEps: [{}, { normEps: 0.1 }],
    finalNorm: [{}, { finalNorm: false }],
    normLayer: [{}, { normLayer: 'RmsNorm' }],
    embedNormLayer: [{}, { embedNormLayer: 'RmsNorm' }],
    mlpLayer: [{}, { mlpLayer: 'SwiGLU' }],
    blockFn: [{}, { blockFn: 'ParallelThingsBlock' }],
    projBias: [{}, { projBias: false }],
    scaleAttnNorm: [{}, { scaleAttnNorm: true }],
    scaleMlpNorm: [{}, { scaleMlpNorm: true }],
    activation: [{}, { activation: 'quick_gelu' }],
    posEmbed: [{}, { posEmbed: 'none' }],
    dynamicImageSize: [{}, { dynamicImageSize: true }],
    dropRate: [{}, { dropRate: 0.5 }],
    patchDropRate: [{}, { patchDropRate: 0.5 }],
    patchSubsets: [{}, { patchSubsets: true }],
    posDropRate: [{}, { posDropRate: 0.5 }],
    projDropRate: [{}, { projDropRate: 0.5 }],
    attnDropRate: [{}, { attnDropRate: 0.5 }],
    dropPathRate: [{}, { dropPathRate: 0.9 }],
    weightInit: [{}, { weightInit: 'jax' }],
    seed: [{}, { seed: 1 }],
  };

  // Parameters by name, and what a pass of training and one over larger images give.
  function trace(options: object): { said: string[]; text: string } {
    const said: string[] = [];
    const model = new VisionTransformer(
      { ...small, ...options },
      { onWarning: (text) => said.push(text) },
    );
    const [height, width, channels] = model.inputShape;
    const pass = (rows: number) => {
      const rng = new Rng(3);
      return tf.tidy(() => {
        const images = tf.tensor(
          Float32Array.from({ length: 4 * rows * width * channels }, () => rng.normal()),
          [4, rows, width, channels],
        ) as tf.Tensor4D;
        return Array.from(model.forward(images, { training: true, rng: new Rng(5) }).dataSync());
      });
    };
    const larger = (): unknown => {
      try {
        return pass(2 * height).length;
      } catch {
        return 'refused';
      }
    };
    const parameters = [...model.namedParameters()].map(([name, { shape }]) => [name, shape]);
    const text = JSON.stringify([parameters, pass(height), larger()]);
    model.dispose();
    return { said, text };
  }

  test('each has a row here', () => {
    expect(Object.keys(changes).sort()).toEqual(Object.keys(visionTransformerOptions).sort());
  });

  test.each(Object.entries(changes))('%s changes the model', (_, [before, after]) => {
    const [one, other] = [trace(before), trace(after)];
    expect(one.text === other.text).toBe(false);
    expect([...one.said, ...other.said]).toEqual([]);
  });

  test.each<[object, string]>([
    [{ poolIncludePrefix: true }, 'poolIncludePrefix has no effect, because globalPool is token.'],
    [
      { ...avg, classToken: false, poolIncludePrefix: true },
      'poolIncludePrefix has no effect, because there are no prefix tokens.',
    ],
    [
      { posEmbed: 'none', noEmbedClass: true },
      'noEmbedClass has no effect, because posEmbed is none.',
    ],
    [
      { depth: 1, dropPathRate: 0.1 },
      'dropPathRate has no effect, because the first block has 0, and there is no other.',
    ],
  ])('%j is said to have no effect', (options, sentence) => {
    expect(trace(options).said).toEqual([sentence]);
  });
});
