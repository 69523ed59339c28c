// The contender jax-js: timm's model in its own ops, compiled by its jit to WebAssembly.
// node --expose-gc (compiled.ts) FOLDER THREADS

import { readFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseSafetensors, toFloat32 } from '../../lib/node.ts';
import { resetPeakRss, serve } from '../serve.ts';
import { forwardOf, refs, trainingStepOf } from './jaxjs_model.mjs';
import { provideThreads } from './jaxjs_threads.mjs';

const [folder, threads] = process.argv.slice(2);
provideThreads(Number(threads));
const home = path.join(folder, 'node_modules', '@jax-js', 'jax');
const { version } = JSON.parse(readFileSync(path.join(home, 'package.json'), 'utf8'));
const jax = await import(pathToFileURL(path.join(home, 'dist', 'index.js')).href);
const { numpy: np } = jax;
await jax.init('wasm');
jax.defaultDevice('wasm');
const versions = { node: process.versions.node, 'jax-js': version };

await serve(async (task) => {
  if (task.precision !== 'fp32') throw new Error('this contender computes in fp32');
  const { check, ...rest } = await { train: training, infer: inference, gemm }[task.kind](task);
  return { ready: { check, versions }, ...rest };
});
process.exit(0); // its workers would keep the process

async function training(task) {
  const rate = task.learningRate;
  const step = jax.jit(trainingStepOf(jax, task.model, rate, task.weightDecay));
  const { images, targets } = arraysOf(task.files.inputs);
  const w = arraysOf(task.files.weights);
  let state = { w, m: zerosLike(w), v: zerosLike(w) };
  let count = 0;
  forgetPeak();
  const repeat = async () => {
    count += 1;
    const corrections = {
      first: np.array(1 / (1 - 0.9 ** count)),
      second: np.array(1 / (1 - 0.999 ** count)),
    };
    const [loss, after] = step(state, corrections, images.ref, targets.ref);
    state = await jax.blockUntilReady(after);
    return (await loss.data())[0];
  };
  const check = [await repeat(), await repeat(), await repeat()];
  const dispose = () => disposeAll([images, targets, ...Object.values(state).map(Object.values)]);
  return { check, repeat: async () => void (await repeat()), dispose };
}

async function inference(task) {
  const forward = jax.jit(forwardOf(jax, task.model));
  const { images, targets } = arraysOf(task.files.inputs);
  const w = arraysOf(task.files.weights);
  targets.dispose();
  forgetPeak();
  const repeat = () => forward(refs(w), images.ref).data();
  const check = [...(await repeat()).slice(0, task.model.numClasses)];
  const dispose = () => disposeAll([images, Object.values(w)]);
  return { check, repeat: async () => void (await repeat()), dispose };
}

async function gemm(task) {
  const { a, b } = arraysOf(task.files.inputs);
  const product = jax.jit((x, y) => np.matmul(x, y));
  const check = [...(await product(a.ref, b.ref).data()).slice(0, 64)];
  forgetPeak();
  const repeat = async () => (await product(a.ref, b.ref).blockUntilReady()).dispose();
  return { check, repeat, dispose: () => disposeAll([a, b]) };
}

function arraysOf(file) {
  const { tensors } = parseSafetensors(readFileSync(file), file);
  const arrays = [...tensors].map(([name, tensor]) => [
    name,
    np.array(toFloat32(tensor), { shape: [...tensor.shape] }),
  ]);
  return Object.fromEntries(arrays);
}

function zerosLike(arrays) {
  return Object.fromEntries(
    Object.entries(arrays).map(([name, { shape }]) => [name, np.zeros(shape)]),
  );
}

function forgetPeak() {
  globalThis.gc?.();
  resetPeakRss();
}

function disposeAll(arrays) {
  for (const array of arrays.flat(2)) array.dispose();
}
