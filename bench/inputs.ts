// The files of weights and inputs that every contender of a work reads.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  formatSafetensors,
  hostTensor,
  modelTensors,
  Rng,
  selectBackend,
  VisionTransformer,
} from '../lib/node.ts';
import type { HostTensor, VisionTransformerOptions } from '../lib/node.ts';
import type { Task } from './contenderProcess.ts';
import type { Work } from './works.ts';

/** Writes a work's weights and inputs into a folder: a pure function of the work. An op row makes its own. */
export async function writeInputs(work: Work, folder: string): Promise<Task['files']> {
  if (work.kind === 'op') return {};
  const inputs = join(folder, 'inputs.safetensors');
  if (work.kind === 'gemm') {
    const [m, k, n] = work.shape as [number, number, number];
    write(inputs, { a: uniform([m, k], 'a'), b: uniform([k, n], 'b') });
    return { inputs };
  }
  const weights = join(folder, 'weights.safetensors');
  const { numClasses } = work.model!;
  write(inputs, {
    images: uniform(work.shape, 'images'),
    targets: softTargets(work.batch!, numClasses),
  });
  await selectBackend({ backend: 'cpu' });
  const model = new VisionTransformer(work.model as VisionTransformerOptions, {
    onWarning: () => undefined,
  });
  writeFileSync(weights, formatSafetensors(modelTensors(model), { format: 'pt' }));
  model.dispose();
  return { weights, inputs };
}

function write(file: string, tensors: Record<string, HostTensor>): void {
  writeFileSync(file, formatSafetensors(new Map(Object.entries(tensors))));
}

// Long tensors repeat one stretch of random numbers, whose length no row has, because drawing all of them would take too long.
function uniform(shape: readonly number[], key: string): HostTensor {
  const rng = new Rng(0).split('bench', key);
  const stretch = Float32Array.from({ length: 65_521 }, () => rng.uniform(-1, 1));
  const size = shape.reduce((product, length) => product * length, 1);
  const data = new Float32Array(size);
  for (let at = 0; at < size; at += stretch.length) {
    data.set(stretch.subarray(0, Math.min(stretch.length, size - at)), at);
  }
  return hostTensor(shape, data);
}

// Targets of two classes an image, as after mixup.
function softTargets(batch: number, classes: number): HostTensor {
  const data = new Float32Array(batch * classes);
  for (let i = 0; i < batch; i++) {
    data[i * classes + (i % classes)]! += 0.75;
    data[i * classes + ((7 * i + 1) % classes)]! += 0.25;
  }
  return hostTensor([batch, classes], data);
}
