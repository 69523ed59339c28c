// The tensors that a residual branch saves for its backward pass on native are freed and reused once they are read.

import * as tf from '@tensorflow/tfjs';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';
import type { NativeBackend } from '../lib/backends/native/nativeBackend.ts';
import { Rng } from '../lib/core/rng.ts';
import { buildModel } from '../lib/models/createModel.ts';
import { mlpBranch } from '../lib/ops/mlpBranch.ts';
import { branchCases, branchTensors, runBranchCase } from './support/branchCases.ts';
import { isas, normals, tensorsOf } from './support/native.ts';

if (isas.length === 0) test.skip(`native branches: ${nativeUnavailableReason()}`, () => undefined);
else describe('the memory of native branches', memoryTests);

function memoryTests(): void {
  test('the tensors saved by a forward pass are freed with its gradient and recomputed for another one', async () => {
    await tf.setBackend('native');
    for (const precision of ['fp32', 'bf16'] as const) {
      for (const one of branchCases) {
        tf.tidy(() => {
          const inputs = branchTensors(one);
          const f = (x: tf.Tensor) => runBranchCase(one, { ...inputs, x }, precision);
          const alone = tf.grad(f)(inputs['x']!).dataSync();
          let first: tf.TypedArray | undefined;
          const second = tf.grad((x) => {
            const y = f(x);
            first = tf
              .grad(() => y)(x)
              .dataSync();
            return y;
          })(inputs['x']!);
          expect(first).toEqual(alone);
          expect(second.dataSync()).toEqual(alone);
        });
      }
    }
  });

  test('the first pass with new weights packs none of them, and gives the numbers of the later ones', async () => {
    await tf.setBackend('native');
    const backend = tf.backend() as NativeBackend;
    const size = { imageSize: 32, patchSize: 8, embedDim: 64, depth: 2, numHeads: 2 };
    const model = buildModel({ ...size, numClasses: 5 });
    const image = tf.randomNormal([1, 32, 32, 3], 0, 1, 'float32', 3);
    const derived = jest.spyOn(backend, 'derived');
    const pass = () => {
      derived.mockClear();
      const logits = [...tf.tidy(() => model.forward(image)).dataSync()];
      return {
        logits,
        ready: derived.mock.results.map(
          ({ value }) => (value as { ready: boolean } | undefined)?.ready,
        ),
      };
    };
    const [first, second, third] = [pass(), pass(), pass()];
    derived.mockRestore();
    expect(first.ready.length).toBeGreaterThan(0);
    expect(new Set(first.ready)).toEqual(new Set([undefined]));
    expect(new Set(second.ready)).toEqual(new Set([false]));
    expect(new Set(third.ready)).toEqual(new Set([true]));
    expect(second.logits).toEqual(first.logits);
    expect(third.logits).toEqual(first.logits);
    model.dispose();
    image.dispose();
  });

  test('gradients of branches reuse the memory that later branches saved', async () => {
    await tf.setBackend('native');
    const { pool } = tf.backend() as NativeBackend;
    const [depth, shape, hidden] = [8, [16, 200, 96] as const, 96];
    const rng = new Rng(9);
    pool.clear();
    tf.tidy(() => {
      const normal = (...size: number[]) => tensorsOf([normals(rng, ...size)])[0]!;
      const [x, gamma, beta] = [normal(...shape), normal(shape[2]), normal(shape[2])];
      const [fc1, fc2] = [normal(hidden, shape[2]), normal(shape[2], hidden)];
      const weights = { gamma, beta, fc1, fc2 };
      const deep = (input: tf.Tensor) =>
        Array.from({ length: depth }).reduce<tf.Tensor>(
          (y) => mlpBranch({ x: y, ...weights } as never),
          input,
        );
      tf.grad(deep)(x);
    });
    const tokens = 4 * shape[0] * shape[1];
    const forward = depth * tokens * (shape[2] + hidden);
    // Three gradients before any memory is free, those of weights, and an eighth for the pool's sizes.
    const more = 3 * tokens * shape[2] + 4 * 4 * depth * hidden * shape[2];
    expect(pool.idleBytes).toBeLessThan(1.125 * (forward + more));
    expect(pool.idleBytes).toBeGreaterThan(forward);
  });

  test('a tensor that may live long leaves larger idle memory to others, as moments of an optimizer do', async () => {
    await tf.setBackend('native');
    const { pool } = tf.backend() as NativeBackend;
    const [rows, columns] = [512, 1024];
    tf.tidy(() => {
      const x = tf.add(tf.ones([rows, columns]), 1);
      pool.clear();
      tf.tile(x, [3, 1]).dispose();
      const idle = pool.idleBytes;
      expect(idle).toBeGreaterThanOrEqual(3 * 4 * rows * columns);
      tf.add(x, x);
      expect(pool.idleBytes).toBe(idle);
      tf.transpose(x);
      expect(pool.idleBytes).toBe(0);
    });
  });
}
