// Scores of methods of explanation: against exact Shapley values where the model has few patches, and by perturbation.

import { appendFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { InputError, expected } from '../core/errors.ts';
import { Rng } from '../core/rng.ts';
import { markdownTable } from '../core/textTable.ts';
import { preprocessImage } from '../data/preprocessing.ts';
import { perturbationCurve } from '../explain/evaluate/curves.ts';
import {
  infidelity,
  rankCorrelation,
  sensitivity,
  unexplained,
} from '../explain/evaluate/metrics.ts';
import type { ImageScore } from '../explain/evaluate/metrics.ts';
import { parameterRandomisation, randomLogit } from '../explain/evaluate/randomisation.ts';
import { coalitionLogits } from '../explain/evaluate/coalitions.ts';
import { coalitionValues, shapleyValues } from '../explain/evaluate/shapley.ts';
import type { ShapleyGame } from '../explain/evaluate/shapley.ts';
import { explanationMethod, explanationMethods } from '../explain/methods.ts';
import type { ExplanationMethod } from '../explain/methods.ts';
import { makeFolder } from '../io/disk.ts';
import * as t from '../ops/tensor.ts';
import { assertClassifier } from './classifier.ts';
import { checkpointTitle } from './checkpointTitle.ts';
import { openPart, reportedPart } from './dataset.ts';
import { scoreTable, writeScores, type Result, type Scores } from './explanationScores.ts';
import { loadTrained, type TrainedModel } from './trainedModel.ts';
import { useBackend } from './useBackend.ts';
import type * as tf from '@tensorflow/tfjs';
import type { BackendOptions } from '../backends/select.ts';
import type { Precision } from '../core/precision.ts';
import type { Grid } from '../figures/grid.ts';
import type { Model } from '../models/model.ts';
import type { Terminal } from './command.ts';

/**
 * The options of `evaluateExplanations`.
 *
 * @property images  of the test part, from its first
 * @property curves  images that perturbation curves, infidelity and ROAD are computed for, which take most of the time
 * @property probes  images of sensitivity and of the randomisation tests
 */
export interface EvaluateExplanationsOptions extends BackendOptions {
  checkpoint: string;
  images: number;
  curves: number;
  probes: number;
  methods?: readonly string[] | undefined;
  outputDir: string;
  precision?: Precision;
}

interface Truth {
  index: number;
  target: number;
  seconds: number;
  logit: number[];
  probability: number[];
}

const batchSize = 25;

/**
 * Scores methods of explanation on the first test images and writes a table, CSV, JSON and charts into a folder.
 *
 * Exact Shapley values are written to `shapley.jsonl` there, a line an image, and are not computed again.
 *
 * @returns the exit code 0
 */
export async function evaluateExplanations(
  options: EvaluateExplanationsOptions,
  terminal: Terminal,
): Promise<number> {
  const { backend, threads, precision = 'fp32', outputDir } = options;
  const methods = (options.methods ?? explanationMethods().map(({ name }) => name)).map((name) =>
    explanationMethod(name),
  );
  await useBackend({ backend, threads, precision }, terminal);
  const trained = await loadTrained(options.checkpoint, terminal.error);
  const { model } = trained;
  try {
    assertClassifier(model, 'eval-explain');
    const images = await testImages(trained, options.images);
    try {
      await makeFolder(outputDir);
      const title = await checkpointTitle(trained.path);
      const truths = await truthsOf(model, images, { title, outputDir, precision }, terminal);
      const all = [...methods, ...baselines(truths)];
      const results: Result[] = [];
      for (const method of all) {
        results.push(await scored(method, model, images, truths, options));
        const { scores } = results.at(-1)!;
        const first = scores['rank corr. (logit)'] ?? scores['deletion'] ?? null;
        terminal.error(`${method.name}: ${first === null ? '-' : first.toFixed(3)}`);
      }
      const key = truths === undefined ? 'deletion' : 'rank corr. (logit)';
      const sign = truths === undefined ? 1 : -1;
      results.sort((a, b) => sign * ((a.scores[key] ?? 2 * sign) - (b.scores[key] ?? 2 * sign)));
      await writeScores(outputDir, results, {
        title,
        images: images.shape[0],
        exact: truths !== undefined,
      });
      terminal.out(markdownTable(scoreTable(results)).trimEnd());
      terminal.out(`Wrote ${path.resolve(outputDir)}`);
      return 0;
    } finally {
      images.dispose();
    }
  } finally {
    model.dispose();
  }
}

async function testImages(trained: TrainedModel, count: number): Promise<tf.Tensor4D> {
  const { data, preprocessing, model } = trained;
  if (data === undefined) {
    const remedy = 'Its config.json names none.';
    throw new InputError(
      expected('a model of a known data set', '--checkpoint', 'another', remedy),
    );
  }
  const dataset = await openPart(data, reportedPart(data), { decode: preprocessing.decode });
  const number = Math.min(count, dataset.length);
  const [height, width, channels] = model.inputShape;
  const pixels = new Float32Array(number * height * width * channels);
  for (let i = 0; i < number; i += 1) {
    const prepared = preprocessImage(await dataset.image(i), preprocessing);
    pixels.set(prepared.pixels, i * height * width * channels);
  }
  return t.tensor4d(pixels, [number, height, width, channels]);
}

async function truthsOf(
  model: Model,
  images: tf.Tensor4D,
  { title, outputDir, precision }: { title: string; outputDir: string; precision: Precision },
  terminal: Terminal,
): Promise<Truth[] | undefined> {
  const { gridSize, globalPool } = model as { gridSize?: readonly number[]; globalPool?: string };
  const patches = (gridSize?.[0] ?? 0) * (gridSize?.[1] ?? 0);
  if (patches < 1 || patches > 16 || globalPool !== 'token') {
    terminal.error('No exact Shapley values: they need at most 16 patches and a class token.');
    return undefined;
  }
  const file = path.join(outputDir, 'shapley.jsonl');
  const text = await readFile(file, 'utf8').catch(() => '');
  const stored = new Map(
    text
      .split('\n')
      .filter((line) => line.endsWith('}'))
      .map((line) => JSON.parse(line) as Truth & { model: string })
      .filter((line) => line.model === title)
      .map((line) => [line.index, line]),
  );
  const truths: Truth[] = [];
  for (let index = 0; index < images.shape[0]; index += 1) {
    const known = stored.get(index);
    if (known !== undefined) {
      truths.push(known);
      continue;
    }
    const started = performance.now();
    const image = imageAt(images, index);
    const coalitions = await coalitionLogits(model, image, { precision });
    image.dispose();
    const whole = coalitions.logits.subarray(-coalitions.classes);
    const target = whole.reduce((best, value, k) => (value > whole[best]! ? k : best), 0);
    const valuesOf = (game: ShapleyGame) => [
      ...shapleyValues(coalitionValues(coalitions, game, target)),
    ];
    const [logit, probability] = [valuesOf('logit'), valuesOf('probability')];
    truths.push({
      index,
      target,
      seconds: (performance.now() - started) / 1000,
      logit,
      probability,
    });
    await appendFile(file, `${JSON.stringify({ model: title, ...truths.at(-1)! })}\n`);
    if (index % 10 === 0) {
      const { seconds } = truths.at(-1)!;
      terminal.error(
        `Shapley values: image ${index + 1} of ${images.shape[0]}, ${seconds.toFixed(1)} s`,
      );
    }
  }
  return truths;
}

// Random maps, and the truth itself, as rows to compare with.
function baselines(truths: readonly Truth[] | undefined): ExplanationMethod[] {
  const random: ExplanationMethod = {
    name: 'random map',
    describe: 'normal numbers',
    signed: true,
    knowsClass: false,
    run: async (model, images, options) => {
      const explanation = await explanationMethod('attention').run(model, images, options);
      const maps = explanation.maps.map((map, b) => {
        const rng = new Rng(0).split('random map', b);
        return { ...map, data: map.data.map(() => rng.normal()) };
      });
      return { ...explanation, maps };
    },
  };
  return truths === undefined ? [random] : [random, exact(truths)];
}

// Only for the images of the truths, in their order.
function exact(truths: readonly Truth[]): ExplanationMethod {
  return {
    name: 'exact Shapley',
    describe: 'all subsets of patches',
    signed: true,
    knowsClass: true,
    run: async (model, images, options) => {
      const explanation = await explanationMethod('attention').run(model, images, options);
      const maps = explanation.maps.map((map, b) => ({
        ...map,
        data: Float32Array.from(truths[b]!.logit),
      }));
      return { ...explanation, maps };
    },
  };
}

async function scored(
  method: ExplanationMethod,
  model: Model,
  images: tf.Tensor4D,
  truths: readonly Truth[] | undefined,
  options: EvaluateExplanationsOptions,
): Promise<Result> {
  const { precision = 'fp32' } = options;
  const isTable = method.name === 'exact Shapley';
  const [maps, targets]: [Grid[], number[]] = [[], []];
  const count = images.shape[0];
  const step = isTable || method.name === 'random map' ? count : batchSize;
  for (let from = 0; from < count; from += step) {
    const part = t.tidy(() => {
      const [, ...rest] = images.shape;
      return t.slice(images, [from, 0, 0, 0], [Math.min(step, count - from), ...rest]);
    });
    const found = await method.run(model, part, { precision });
    part.dispose();
    maps.push(...found.maps);
    targets.push(...found.targets);
  }
  const scores: Scores = {};
  const mean = (values: readonly number[]) =>
    values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
  let correlations: number[] = [];
  if (truths !== undefined) {
    correlations = maps.map(({ data }, b) => rankCorrelation(data, truths[b]!.logit));
    scores['rank corr. (logit)'] = mean(correlations);
    scores['rank corr. (prob.)'] = mean(
      maps.map(({ data }, b) => rankCorrelation(data, truths[b]!.probability)),
    );
    scores['error (logit)'] = mean(maps.map(({ data }, b) => unexplained(data, truths[b]!.logit)));
    scores['error (prob.)'] = mean(
      maps.map(({ data }, b) => unexplained(data, truths[b]!.probability)),
    );
  }
  const columns: Record<string, number[]> = {};
  const deletion: number[][] = [];
  for (let b = 0; b < Math.min(options.curves, count); b += 1) {
    const image = imageAt(images, b);
    const score = probabilityOf(model, targets[b]!, precision);
    const add = (name: string, value: number) => (columns[name] ??= []).push(value);
    const taken = await perturbationCurve(maps[b]!, image, score);
    deletion.push(taken.scores);
    add('deletion', taken.area);
    add('insertion', (await perturbationCurve(maps[b]!, image, score, { start: 'empty' })).area);
    const road = { impute: 'road', steps: Math.min(8, maps[b]!.data.length) } as const;
    const most = await perturbationCurve(maps[b]!, image, score, road);
    const least = await perturbationCurve(maps[b]!, image, score, { ...road, order: 'least' });
    add('ROAD', (least.area - most.area) / 2);
    add('infidelity', await infidelity(maps[b]!, image, score));
    image.dispose();
  }
  for (const [name, values] of Object.entries(columns)) scores[name] = mean(values);
  if (!isTable && method.name !== 'random map') {
    Object.assign(scores, await probed(method, model, images, targets, options));
  }
  const curve = deletion[0]?.map((_, i) => mean(deletion.map((scoresOf) => scoresOf[i]!))!) ?? [];
  return { name: method.name, scores, correlations, deletion: curve };
}

async function probed(
  method: ExplanationMethod,
  model: Model,
  images: tf.Tensor4D,
  targets: readonly number[],
  { probes, precision = 'fp32' }: EvaluateExplanationsOptions,
): Promise<Scores> {
  const [count, ...rest] = images.shape;
  const size = Math.min(probes, count);
  if (size === 0) return {};
  const part = t.tidy(() => t.slice(images, [0, 0, 0, 0], [size, ...rest]));
  try {
    let largest = 0;
    for (let b = 0; b < size; b += 1) {
      const image = imageAt(images, b);
      const target = targets[b]!;
      const run = async (x: tf.Tensor4D) =>
        (await method.run(model, x, { target, precision })).maps[0]!.data;
      largest += (await sensitivity(run, image, { radius: 0.05, samples: 4 })) / size;
      image.dispose();
    }
    const shuffled = await parameterRandomisation(method, model, part, { precision });
    const after = shuffled.slice(1).reduce((sum, value) => sum + value, 0) / (shuffled.length - 1);
    const other =
      model.numClasses > 1 ? await randomLogit(method, model, part, { precision }) : null;
    return { sensitivity: largest, 'shuffled layers': after, 'other class': other };
  } finally {
    part.dispose();
  }
}

function imageAt(images: tf.Tensor4D, index: number): tf.Tensor4D {
  const [, height, width, channels] = images.shape;
  return t.tidy(() => t.slice(images, [index, 0, 0, 0], [1, height, width, channels]));
}

function probabilityOf(model: Model, target: number, precision: Precision): ImageScore {
  return async (batch) => {
    const output = t.tidy(() => {
      const all = t.softmax(model.forward(batch, { precision }));
      return t.reshape(t.slice(all, [0, target], [batch.shape[0], 1]), [batch.shape[0]]);
    });
    const values = (await output.data()) as Float32Array;
    output.dispose();
    return values;
  };
}
