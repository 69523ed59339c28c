// The native backend as a backend: memory, aliasing, bad arguments, loading and building.

import * as tf from '@tensorflow/tfjs';
import { execFileSync } from 'node:child_process';
import path from 'node:path';
import {
  nativeBinding,
  nativeInfo,
  nativeUnavailableReason,
  setThreads,
} from '../lib/backends/native/index.ts';
import { BufferPool } from '../lib/backends/native/bufferPool.ts';
import { loadFrom } from '../lib/backends/native/loader.ts';
import type { NativeBackend } from '../lib/backends/native/nativeBackend.ts';
import { makeWalk } from '../lib/backends/native/walk.ts';
import { InputError } from '../lib/core/errors.ts';
import { adamW } from '../lib/ops/adamW.ts';
import { ema } from '../lib/ops/ema.ts';
import { isas, productIsas } from './support/native.ts';

const root = path.resolve(import.meta.dirname, '..');
const addon = path.join(root, 'build', 'tfjs_vit_native.node');

if (isas.length === 0)
  test.skip(`the native backend: ${nativeUnavailableReason()}`, () => undefined);
else describe('the native backend', backendTests);

function backendTests(): void {
  beforeEach(() => tf.setBackend('native'));
  const native = (): NativeBackend => tf.backend() as NativeBackend;

  test('tells its instruction set and threads; refuses other numbers of them', () => {
    expect([...isas, ...productIsas]).toContain(nativeInfo().isa);
    const before = nativeInfo().threads;
    setThreads(3);
    expect(nativeInfo().threads).toBe(3);
    setThreads(before);
    for (const bad of [0, -1, 1.5, NaN, 1000]) expect(() => setThreads(bad)).toThrow(InputError);
    expect(nativeBinding().setIsa('sparc')).toBe(false);
  });

  test('TFJS_VIT_ISA forces an instruction set', () => {
    const program = 'process.stdout.write(require(process.argv[1]).isa())';
    const chosen = (isa: string): string => {
      const env = { ...process.env, TFJS_VIT_ISA: isa };
      return execFileSync(process.execPath, ['-e', program, addon], { env, encoding: 'utf8' });
    };
    for (const isa of [...isas, ...productIsas]) expect(chosen(isa)).toBe(isa);
    expect(chosen('')).toBe(nativeBinding().isas().at(-1));
    expect(chosen('')).not.toBe('amx-emulated');
    const before = process.env.TFJS_VIT_ISA;
    process.env.TFJS_VIT_ISA = 'sparc';
    expect(loadFrom(root)).toHaveProperty(
      'reason',
      expect.stringMatching(
        /^The native backend cannot be used: TFJS_VIT_ISA=sparc is none of .*portable.*\. Unset it, or set it to one of these\.$/,
      ),
    );
    if (before === undefined) delete process.env.TFJS_VIT_ISA;
    else process.env.TFJS_VIT_ISA = before;
  });

  test('memory stays flat, and blocks are used again', () => {
    const step = (): void =>
      tf.tidy(() => {
        const a = tf.fill([100, 100], 2);
        const b = tf.matMul(a, tf.transpose(a));
        tf.softmax(tf.add(b, tf.sum(b, 0))).dataSync();
      });
    step();
    const tensors = tf.memory().numTensors;
    const idle = native().pool.idleBytes;
    expect(idle).toBeGreaterThan(0);
    for (let i = 0; i < 200; i += 1) step();
    expect(tf.memory().numTensors).toBe(tensors);
    expect(native().pool.idleBytes).toBe(idle);
  });

  test('the arrays of dataSync and data outlive the tensor and its memory', async () => {
    const x = tf.add(tf.ones([1000]), 1);
    const sync = x.dataSync();
    const later = await x.data();
    x.dispose();
    const others = Array.from({ length: 20 }, (_, i) => tf.fill([1000], i + 10));
    expect(Array.from(new Set(sync))).toEqual([2]);
    expect(Array.from(new Set(later))).toEqual([2]);
    expect(sync.buffer.byteLength).toBe(4000);
    tf.dispose(others);
  });

  test('views that inherited kernels keep outlive the tensor they view', () => {
    const x = tf.add(tf.ones([1000]), 1);
    const complex = tf.complex(x, x);
    const kept = [
      tf.real(complex),
      tf.stridedSlice(x, [0], [1000], [1]),
      tf.reshape(x, [10, 100]),
      tf.clone(x),
    ];
    tf.dispose([x, complex]);
    const others = Array.from({ length: 20 }, (_, i) => tf.fill([1000], i + 10));
    for (const tensor of kept) expect(Array.from(new Set(tensor.dataSync()))).toEqual([2]);
    tf.dispose([...kept, ...others]);
  });

  test('moving to another backend and back keeps the values', async () => {
    const x = tf.add(tf.ones([500]), 1);
    await tf.setBackend('cpu');
    expect(tf.sum(x).dataSync()[0]).toBe(1000);
    await tf.setBackend('native');
    expect(tf.sum(tf.add(x, x)).dataSync()[0]).toBe(2000);
    x.dispose();
  });

  test('updates leave clones and snapshots of a variable as they were', () => {
    const variable = tf.variable(tf.fill([600], 1));
    const snapshot = tf.clone(variable);
    const zeros = tf.zeros([600]);
    const gradients = tf.fill([600], 5);
    const lists = {
      parameters: [variable],
      gradients: [gradients],
      firstMoments: [zeros],
      secondMoments: [zeros],
    };
    const next = adamW(lists, { learningRate: 0.1, weightDecay: 0, step: 1 });
    variable.assign(next.parameters[0]!);
    const [average] = ema([snapshot], [variable], { decay: 0.5 });
    expect(snapshot.dataSync()[0]).toBe(1);
    expect(zeros.dataSync()[0]).toBe(0);
    expect(variable.dataSync()[599]).toBeCloseTo(0.9, 5);
    expect(average!.dataSync()[599]).toBeCloseTo(0.95, 5);
    tf.dispose([variable, snapshot, zeros, gradients, ...Object.values(next).flat(), average!]);
  });

  test('the pool is bounded and lends blocks on cache lines', () => {
    const pool = new BufferPool(nativeBinding(), 100_000);
    const blocks = Array.from({ length: 50 }, () => pool.take(10_000)!);
    for (const { buffer, offset } of blocks) {
      expect(nativeBinding().misalignment(new Uint8Array(buffer, offset))).toBe(0);
    }
    for (const block of blocks) pool.give(block);
    expect(pool.idleBytes).toBeLessThanOrEqual(100_000);
    expect(pool.idleBytes).toBeGreaterThan(0);
    const again = pool.take(9_999)!;
    expect(blocks).toContain(again);
    expect(pool.take(0)).toBeUndefined();
  });

  test('a request may take a larger idle block, the smallest first', () => {
    const pool = new BufferPool(nativeBinding());
    const [small, large, larger] = [2 ** 19, 2 ** 22, 2 ** 23].map((bytes) => pool.take(bytes)!);
    for (const block of [larger, large, small]) pool.give(block!);
    expect([small, large, larger]).not.toContain(pool.take(2 ** 20));
    expect(pool.take(2 ** 20, 4.5)).toBe(large);
    expect(pool.idleBytes).toBe(2 ** 19 + 2 ** 23);
    const fresh = pool.take(2 ** 20, 4.5)!;
    expect([small, larger]).not.toContain(fresh);
    expect(pool.take(2 ** 18, 4.5)).not.toBe(small);
    expect(pool.take(2 ** 21, 4.5)).toBe(larger);
  });

  test('bad arguments throw; none reaches memory it may not', () => {
    const f = (n: number): Float32Array => new Float32Array(n);
    const binding = nativeBinding();
    const call = binding as unknown as Record<string, (...args: unknown[]) => unknown>;
    const gone = f(4);
    structuredClone(gone.buffer, { transfer: [gone.buffer] });
    const walk = [4, 1, 1];
    const bad: [string, ...unknown[]][] = [
      ['gemm'],
      ['gemm', f(4), f(4), f(3), 1, 2, 2, 2, true, true, false, false, null, -1, 0],
      ['gemm', f(4), f(4), f(4), 1, 2, 2, 2, true, true, false, false, f(1), -1, 0],
      ['gemm', f(4), f(4), f(4), 1, 2, 2, 2, true, true, false, false, null, 3, 0],
      ['gemm', f(4), f(4), f(4), 1, 2.5, 2, 2, true, true, false, false, null, -1, 0],
      ['gemm', f(4), f(4), f(4), 2 ** 40, 2 ** 40, 2, 2, true, true, false, false, null, -1, 0],
      ['gemm', f(4), f(4), f(4), 1, 2, 2, 2, true, true, false, false, null, -1, 2],
      ['binary', 0, walk, gone, f(4), f(4)],
      ['binary', 0, walk, f(4), f(4), gone],
      ['binary', 0, walk, f(3), f(4), f(4)],
      ['binary', 0, [4, 2, 1], f(4), f(4), f(4)],
      ['binary', 0, [4, -1, 1], f(4), f(4), f(4)],
      ['binary', 99, walk, f(4), f(4), f(4)],
      ['binary', 0, [], f(4), f(4), f(4)],
      ['binary', 0, ['x', 1, 1], f(4), f(4), f(4)],
      ['binary', 0, walk, new Float64Array(4), f(4), f(4)],
      ['binary', 0, walk, 'text', f(4), f(4)],
      ['compare', 0, walk, f(4), f(4), f(4)],
      ['unary', 0, f(4), f(5), 0],
      ['unary', -1, f(4), f(4), 0],
      ['unary', 0, null, f(4), 0],
      ['clip', f(4), 0, 1, f(3)],
      ['select', new Uint8Array(3), f(4), f(4), f(4)],
      ['copy', walk, f(4), 1, f(4), 0],
      ['copy', walk, f(4), 0, f(4), 1],
      ['copy', walk, f(4), 0, new Uint8Array(4), 0],
      ['copy', [4, -1, 1], f(4), 2, f(4), 0],
      ['copy', [NaN, 1, 1], f(4), 0, f(4), 0],
      ['reduce', 0, 1, 0, 1, f(0), f(1)],
      ['reduce', 0, 2, 4, 1, f(7), f(2)],
      ['softmax', 2, 2, f(4), 'no', f(4)],
      ['layerNorm', 2, 2, f(4), f(2), f(2), 0, f(4), f(2), f(1)],
      ['attention', f(4), f(4), f(4), 1, 1, 2, 2, 2, 1, f(4), f(1)],
      ['attention', f(0), f(0), f(0), 1, 1, 2, 2, 0, 1, f(0), f(2)],
      ['qkvAttention', f(12), 1, 1, 2, 3, 2, 1, f(4), f(2)],
      ['adamw', [f(2)], [f(3)], [f(2)], [f(2)], [f(2)], [f(2)], [f(2)], [1], [1], 0, 0, 0, 1],
      ['adamw', [f(2)], [f(2)], [f(2)], [f(2)], [f(2)], [f(2)], [f(2)], [], [1], 0, 0, 0, 1],
      ['ema', [f(2)], [], [f(2)], 0.5],
      ['sumOfSquares', f(2)],
      ['sumOfSquares', [gone, 3]],
      ['setThreads', 0],
    ]; // prettier-ignore
    for (const [name, ...args] of bad) {
      expect({ name, args, thrown: thrownBy(() => call[name]!(...args)) }).toEqual({
        name,
        args,
        thrown: 'TypeError',
      });
    }
    expect(binding.sumOfSquares([Float32Array.of(3, 4)])).toBe(25);
  });

  test('a walk joins loops that step as one', () => {
    expect(makeWalk([[2, 12, 12], [3, 4, 4], [4, 1, 1]])).toEqual([24, 1, 1]); // prettier-ignore
    expect(makeWalk([[3, 4, 0], [1, 9, 9], [4, 1, 1]])).toEqual([3, 4, 4, 1, 0, 1]); // prettier-ignore
    expect(makeWalk([])).toEqual([1, 1, 1]);
    expect(
      makeWalk(Array.from({ length: 9 }, (_, i) => [2, 3 ** i, 5 ** i] as const)),
    ).toBeUndefined();
  });
}

function thrownBy(body: () => unknown): string {
  try {
    body();
    return 'nothing';
  } catch (error) {
    // The addon's errors come from the outer realm under jest.
    return (error as Error).name;
  }
}
