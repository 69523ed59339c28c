// The contender on a backend of TensorFlow.js: node --expose-gc (compiled.ts) BACKEND THREADS

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs';
import {
  loadModelTensors,
  makeOptimizer,
  parseSafetensors,
  Rng,
  selectBackend,
  softmaxCrossEntropy,
  UnsupportedError,
  valueAndGrad,
  VisionTransformer,
  toFloat32,
} from '../lib/node.ts';
import { nativeInfo } from '../lib/backends/native/index.ts';
import type { HostTensor, VisionTransformerOptions } from '../lib/node.ts';
import type { Task } from './contenderProcess.ts';
import { assertRounded, productIn } from './libraryPrecision.ts';
import type { Precision } from '../lib/node.ts';
import { resetPeakRss, serve, type Prepared } from './serve.ts';

const [backend = 'native', threads = '1'] = process.argv.slice(2);
const { reason } = await selectBackend({ backend, threads: Number(threads) }).catch(giveUp);
await serve(async (task) => {
  if (task.precision !== 'fp32' && backend !== 'native') {
    throw new UnsupportedError(`${backend} is measured in fp32 only.`);
  }
  if (task.kind === 'op') {
    // The op tables are imported only where they are needed, because they load the reference of every op.
    const { prepareTfjsOp } = await import('./tfjsOps.ts');
    const known = prepareTfjsOp(task.name);
    if (known !== undefined) return prepared(known);
    const { prepareOp } = await import('./opWork.ts');
    return prepared(await prepareOp(task.name, task.gradients === true));
  }
  if (task.kind === 'gemm') return prepared(await prepareGemm(task));
  return prepared(
    task.kind === 'train' ? await prepareTraining(task) : await prepareInference(task),
  );
});

function giveUp(error: unknown): never {
  console.error(error instanceof Error ? error.message : error);
  process.exit(2);
}

function prepared({ check, ...work }: { check: number[] } & Omit<Prepared, 'ready'>): Prepared {
  const isa = backend === 'native' ? nativeInfo().isa : undefined;
  return { ready: { check, versions: versions(), ...(isa === undefined ? {} : { isa }) }, ...work };
}

async function prepareTraining(task: Task) {
  const { model, images, targets } = await load(task);
  const { learningRate, weightDecay } = task;
  const optimizer = makeOptimizer(model, { learningRate, weightDecay });
  let step = 0;
  const repeat = async (): Promise<number> => {
    step += 1;
    const rng = new Rng(0).split(step);
    const context = { training: true, rng, precision: task.precision };
    const { value, gradients } = valueAndGrad(model, () =>
      tf.mean(softmaxCrossEntropy(model.forward(images, context), targets)),
    );
    optimizer.step(gradients);
    const loss = (await value.data())[0]!;
    tf.dispose([value, ...gradients.values()]);
    return loss;
  };
  const check = [await repeat(), await repeat(), await repeat()];
  return {
    check,
    repeat: async () => void (await repeat()),
    dispose: () => {
      optimizer.dispose();
      model.dispose();
      tf.dispose([images, targets]);
    },
  };
}

async function prepareInference(task: Task) {
  const { model, images, targets } = await load(task);
  targets.dispose();
  const repeat = async () => {
    const logits = tf.tidy(() => model.forward(images, { precision: task.precision }));
    const values = await logits.data();
    logits.dispose();
    return values;
  };
  const check = [...(await repeat()).slice(0, task.model!.numClasses)];
  return {
    check,
    repeat: async () => void (await repeat()),
    dispose: () => {
      model.dispose();
      images.dispose();
    },
  };
}

async function prepareGemm(task: Task) {
  const { a, b } = tensorsOf(task.files.inputs!, ['a', 'b']) as Record<'a' | 'b', tf.Tensor2D>;
  const firstOf = async (product: tf.Tensor) => {
    const values = (await product.data()).slice(0, 64);
    product.dispose();
    return [...values];
  };
  const check = await firstOf(productIn(task.precision, a, b));
  if (task.precision !== 'fp32') {
    assertRounded(task.precision, check, await firstOf(tf.matMul(a, b)));
  }
  resetPeakRss();
  return {
    check,
    // These backends compute at once; there is nothing to wait for.
    repeat: () => productIn(task.precision, a, b).dispose(),
    dispose: () => tf.dispose([a, b]),
  };
}

async function load(task: Task) {
  const model = new VisionTransformer(task.model as VisionTransformerOptions, {
    initialize: false,
    onWarning: () => undefined,
  });
  loadModelTensors(model, readTensors(task.files.weights!));
  const { images, targets } = tensorsOf(task.files.inputs!, ['images', 'targets']) as {
    images: tf.Tensor4D;
    targets: tf.Tensor2D;
  };
  if (task.precision !== 'fp32') {
    const ofOneImage = (precision: Precision) =>
      tf.tidy(() => model.forward(tf.slice(images, 0, 1), { precision }).dataSync());
    assertRounded(task.precision, ofOneImage(task.precision), ofOneImage('fp32'));
  }
  // Twice, because the memory that a first collection finds is freed in the background.
  for (let i = 0; i < 2; i++) {
    (globalThis as { gc?: () => void }).gc?.();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  resetPeakRss();
  return { model, images, targets };
}

function tensorsOf(file: string, names: readonly string[]): Record<string, tf.Tensor> {
  const stored = readTensors(file);
  const tensors = names.map((name) => {
    const tensor = stored.get(name)!;
    return [name, tf.tensor(toFloat32(tensor), [...tensor.shape])] as const;
  });
  return Object.fromEntries(tensors);
}

function readTensors(file: string): Map<string, HostTensor> {
  return parseSafetensors(readFileSync(file), file).tensors;
}

function versions(): Record<string, string> {
  const { version } = createRequire(import.meta.url)('../package.json') as { version: string };
  const own = { node: process.versions.node, 'tfjs-vit': version, tfjs: tf.version_core };
  const tensorflow = /TensorFlow (\d[\w.]*)/.exec(reason)?.[1];
  return tensorflow === undefined ? own : { ...own, tensorflow };
}
