// Fused residual branches against the same branches unfused, for every instruction set: shapes that give a task whole images and
// shapes that split rows and heads, forward and backward, in both precisions.

import * as tf from '@tensorflow/tfjs';
import {
  nativeBinding,
  nativeUnavailableReason,
  setThreads,
} from '../lib/backends/native/index.ts';
import { BranchChain } from '../lib/core/kernels.ts';
import type { Precision } from '../lib/core/precision.ts';
import { Rng } from '../lib/core/rng.ts';
import { adamW } from '../lib/ops/adamW.ts';
import { prepareAttentionBranch } from '../lib/ops/attentionBranch.ts';
import { runBranch, runBranches } from '../lib/ops/branch.ts';
import { grads } from '../lib/ops/gradients.ts';
import { mlpBranch, prepareMlpBranch } from '../lib/ops/mlpBranch.ts';
import {
  branchCases as cases,
  branchTensors,
  drawBranch as draw,
  runBranchCase as run,
} from './support/branchCases.ts';
import type { BranchCase as Case, BranchKind as Branch } from './support/branchCases.ts';
import { isas } from './support/native.ts';

/** The result without a gradient, then the gradient of every input that has one, by name. */
async function results(
  backend: string,
  one: Case,
  precision: Precision = 'fp32',
): Promise<Map<string, Float32Array>> {
  await tf.setBackend(backend);
  const values = draw(one);
  const names = Object.keys(values).filter((name) => name !== 'keep');
  const out = new Map<string, Float32Array>();
  tf.tidy(() => {
    const x = branchTensors(one);
    out.set('y', run(one, x, precision).dataSync() as Float32Array);
    const rng = new Rng(6);
    const dOut = tf.tensor(
      Float32Array.from({ length: x['x']!.size }, () => rng.normal()),
      one.shape,
    );
    const f = (...args: tf.Tensor[]) =>
      run(
        one,
        { ...x, ...Object.fromEntries(names.map((name, i) => [name, args[i]!])) },
        precision,
      );
    const gradients = grads(f)(
      names.map((name) => x[name]!),
      dOut,
    );
    gradients.forEach((g, i) => out.set(names[i]!, g.dataSync() as Float32Array));
  });
  return out;
}

// The unfused branch is slow on the CPU backend, so it runs once for each case.
const known = new Map<string, Promise<Map<string, Float32Array>>>();
function unfused(one: Case, precision: Precision = 'fp32'): Promise<Map<string, Float32Array>> {
  const key = JSON.stringify([one, precision]);
  const found = known.get(key) ?? results('cpu', one, precision);
  known.set(key, found);
  return found;
}

// ‖a − b‖ / max(‖a‖, 1): gradients that cancel to almost nothing are compared absolutely.
function distance(a: Float32Array, b: Float32Array): number {
  let difference = 0;
  let size = 0;
  a.forEach((v, i) => {
    difference += (v - b[i]!) ** 2;
    size += v ** 2;
  });
  return Math.sqrt(difference / Math.max(size, 1));
}

if (isas.length === 0) {
  test.skip(`native branches: ${nativeUnavailableReason()}`, () => undefined);
} else {
  const best = nativeBinding().isa();
  afterEach(() => {
    nativeBinding().setIsa(best);
    setThreads(2);
  });

  describe.each(cases)('$branch $shape by $inner, optional inputs: $optional', (one) => {
    test.each(isas)('%s computes what the unfused ops compute', async (isa) => {
      nativeBinding().setIsa(isa);
      const expected = await unfused(one);
      const whole = await results('native', one);
      expect([...whole.keys()]).toEqual([...expected.keys()]);
      // 1e-6 is 8 roundings; sums here have up to 2,000 terms.
      for (const [name, values] of expected) {
        expect([name, distance(values, whole.get(name)!) < 4e-6]).toEqual([name, true]);
      }
    });

    test.each(isas)('%s in bf16 is near to fp32 and to the rounded unfused ops', async (isa) => {
      nativeBinding().setIsa(isa);
      const whole = await results('native', one, 'bf16');
      for (const precision of ['fp32', 'bf16'] as const) {
        for (const [name, values] of await unfused(one, precision)) {
          expect([name, distance(values, whole.get(name)!) < 0.05]).toEqual([name, true]);
        }
      }
      const exact = await unfused(one);
      expect(distance(exact.get('y')!, whole.get('y')!)).toBeGreaterThan(1e-5);
    });

    test.each(['fp32', 'bf16'] as const)(
      'the number of threads changes no bit in %s',
      async (precision) => {
        setThreads(1);
        const one1 = await results('native', one, precision);
        for (const threads of [2, 5]) {
          setThreads(threads);
          expect(await results('native', one, precision)).toEqual(one1);
        }
      },
    );
  });

  test('a recorded pass gives the result of one that is not', async () => {
    for (const precision of ['fp32', 'bf16'] as const) {
      for (const one of cases) {
        await tf.setBackend('native');
        tf.tidy(() => {
          const x = branchTensors(one);
          let recorded: Float32Array | undefined;
          const plain = run(one, x, precision).dataSync();
          tf.grad((input) => {
            const y = run(one, { ...x, x: input }, precision);
            recorded = y.dataSync() as Float32Array;
            return y;
          })(x['x']!);
          expect(recorded).toEqual(plain);
        });
      }
    }
  });

  test('packed weights are made again after each kind of change', async () => {
    await tf.setBackend('native');
    const [batch, tokens, dim, hidden] = [1, 9, 32, 64];
    const rng = new Rng(8);
    const draws = (...shape: number[]) =>
      tf.tensor(
        Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => rng.normal()),
        shape,
      );
    const [x, gamma, beta] = [draws(batch, tokens, dim), draws(dim), draws(dim)];
    const held = Float32Array.from({ length: hidden * dim }, () => rng.normal());
    const fc1 = tf.variable(tf.tensor2d(held, [hidden, dim]));
    const fc2 = tf.variable(draws(dim, hidden) as tf.Tensor2D);
    const inputs = { x, gamma, beta, fc1, fc2 } as Parameters<typeof mlpBranch>[0];
    const values = () => {
      const y = mlpBranch(inputs);
      const array = y.dataSync();
      y.dispose();
      return array;
    };
    // A recorded pass packs its own weights.
    const fresh = () => {
      let array: tf.TypedArray | undefined;
      const d = tf.grad((input: tf.Tensor) => {
        const y = mlpBranch({ ...inputs, x: input as tf.Tensor3D });
        array = y.dataSync();
        return y;
      })(x);
      d.dispose();
      return array;
    };
    const check = () => {
      const first = values();
      expect(first).toEqual(fresh());
      expect(values()).toEqual(first);
      return first;
    };
    const before = check();
    fc2.assign(draws(dim, hidden) as tf.Tensor2D);
    expect(check()).not.toEqual(before);
    // The optimizer updates the weights in place.
    for (let step = 1; step <= 2; step += 1) {
      const lists = [[fc1], [draws(hidden, dim)], [draws(hidden, dim)], [tf.ones([hidden, dim])]];
      const [parameters, gradients, firstMoments, secondMoments] = lists as tf.Tensor[][];
      const named = { parameters, gradients, firstMoments, secondMoments } as never;
      const last = values();
      const { parameters: next } = adamW(named, { learningRate: 0.1, step, reuse: true });
      fc1.assign(next[0] as tf.Tensor2D);
      expect(check()).not.toEqual(last);
    }
    // The array that the weight was made from must not change.
    const kept = values();
    held.fill(0);
    expect(values()).toEqual(kept);
  });

  describe('a chain', () => {
    // The shapes: few rows with packed weights, few rows of large weights, whole images.
    const shapes: [number, number, number][] = [
      [2, 17, 12],
      [1, 9, 264],
      [17, 60, 8],
    ];
    const branchesFor = (shape: [number, number, number], precision: Precision) => {
      const kinds: Branch[] = ['attention', 'mlp', 'mlp', 'attention'];
      return kinds.map((branch, i) => {
        const one = { branch, shape, inner: branch === 'mlp' ? 1100 : 2, optional: i !== 1 };
        const x = branchTensors(one);
        return branch === 'mlp'
          ? prepareMlpBranch(x as never, { activation: 'quick', precision })
          : prepareAttentionBranch(x as never, { numHeads: one.inner, precision });
      });
    };
    const calls = (run: () => void) => {
      const kernel = tf.getKernel(BranchChain, 'native')!;
      let count = 0;
      tf.unregisterKernel(BranchChain, 'native');
      tf.registerKernel({
        ...kernel,
        kernelFunc: (call) => ((count += 1), kernel.kernelFunc(call)),
      });
      run();
      tf.unregisterKernel(BranchChain, 'native');
      tf.registerKernel(kernel);
      return count;
    };

    test.each(
      isas.flatMap((isa) => (['fp32', 'bf16'] as const).map((precision) => ({ isa, precision }))),
    )('$isa in $precision gives the bytes of its branches', async ({ isa, precision }) => {
      await tf.setBackend('native');
      nativeBinding().setIsa(isa);
      for (const shape of shapes) {
        tf.tidy(() => {
          const branches = branchesFor(shape, precision);
          const x = tf.tensor(
            draw({ branch: 'mlp', shape, inner: 1, optional: false })['x']!.data,
            shape,
          );
          const before = x.dataSync();
          const apart = branches.reduce((y, branch) => runBranch(branch, y), x as tf.Tensor3D);
          for (const threads of [1, 2, 5]) {
            setThreads(threads);
            // Weights are packed by the first pass; the next ones find them.
            const count = calls(() => {
              const y = runBranches(branches, x as tf.Tensor3D);
              expect(y.dataSync()).toEqual(apart.dataSync());
            });
            expect(count).toBe(1);
          }
          expect(x.dataSync()).toEqual(before);
        });
      }
    });

    test('runs unfused where a gradient is asked for, or an input is not float32', async () => {
      await tf.setBackend('native');
      tf.tidy(() => {
        const branches = branchesFor([2, 17, 12], 'fp32');
        const x = tf.randomNormal<tf.Rank.R3>([2, 17, 12]);
        expect(
          calls(() => tf.grad((y: tf.Tensor) => runBranches(branches, y as tf.Tensor3D))(x)),
        ).toBe(0);
        expect(calls(() => runBranches(branches, tf.cast(x, 'int32')))).toBe(0);
        expect(calls(() => runBranches(branches.slice(0, 1), x))).toBe(0);
        expect(runBranches([], x)).toBe(x);
      });
    });
  });

  test('nothing is left behind', async () => {
    await results('native', cases[1]!);
    const before = tf.memory().numTensors;
    for (const one of cases) await results('native', one, 'bf16');
    expect(tf.memory().numTensors).toBe(before);
  });
}
