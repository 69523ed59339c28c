// An axis that is counted from the end gives what the same axis counted from the beginning gives: every op of tfjs that takes one,
// and its gradient, on the native backend.

import * as tf from '@tensorflow/tfjs';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { Rng } from '../lib/core/rng.ts';
import { assertEachClose, isas, normals, runOn } from './support/native.ts';

type Op = (x: tf.Tensor, axis: number) => tf.Tensor | tf.Tensor[];

const { entries } = Object;
const rng = new Rng(29);
const input = normals(rng, 2, 3, 4);
const columns = (axis: number): number => input.shape.at(axis)!;
const places = (): tf.Tensor1D => tf.tensor1d([1, 0, 1], 'int32');

const differentiable: Readonly<Record<string, Op>> = {
  sum: (x, axis) => tf.sum(x, axis),
  mean: (x, axis) => tf.mean(x, axis, true),
  max: (x, axis) => tf.max(x, axis),
  min: (x, axis) => tf.min(x, axis),
  prod: (x, axis) => tf.prod(x, axis),
  logSumExp: (x, axis) => tf.logSumExp(x, axis),
  norm: (x, axis) => tf.norm(x, 'euclidean', axis),
  moments: (x, axis) => {
    const { mean, variance } = tf.moments(x, axis);
    return [mean, variance];
  },
  cumsum: (x, axis) => tf.cumsum(x, axis, true),
  concat: (x, axis) => tf.concat([x, tf.square(x)], axis),
  split: (x, axis) => tf.split(x, [1, columns(axis) - 1], axis),
  stack: (x, axis) => tf.stack([x, tf.square(x)], axis),
  unstack: (x, axis) => tf.unstack(x, axis),
  reverse: (x, axis) => tf.reverse(x, axis),
  gather: (x, axis) => tf.gather(x, places(), axis),
  expandDims: (x, axis) => tf.expandDims(x, axis),
  squeeze: (x, axis) => tf.squeeze(tf.sum(x, axis, true), [axis]),
};
const others: Readonly<Record<string, Op>> = {
  cumprod: (x, axis) => tf.cumprod(x, axis, false, true),
  argMax: (x, axis) => tf.argMax(x, axis),
  argMin: (x, axis) => tf.argMin(x, axis),
  all: (x, axis) => tf.all(tf.greater(x, -1), axis),
  any: (x, axis) => tf.any(tf.greater(x, 1), axis),
  'sum of integers': (x, axis) => tf.sum(tf.cast(x, 'int32'), axis),
  'cumsum of integers': (x, axis) => tf.cumsum(tf.cast(tf.mul(x, 9), 'int32'), axis),
  unique: (x, axis) => {
    const { values, indices } = tf.unique(tf.sign(x), axis);
    return [values, indices];
  },
};

const total = (out: tf.Tensor | tf.Tensor[]): tf.Tensor =>
  tf.addN(
    [out].flat().map((y, i) =>
      tf.sum(
        tf.mul(
          tf.square(y),
          tf
            .range(1, y.size + 1)
            .reshape(y.shape)
            .add(i),
        ),
      ),
    ),
  );

function compare(name: string, op: Op): void {
  for (const axis of [0, 1, 2]) {
    // The result of stack and of expandDims has an axis more.
    const rank = name.startsWith('stack') || name.startsWith('expandDims') ? 4 : 3;
    const wanted = runOn('native', [input], (x) => op(x, axis));
    const got = runOn('native', [input], (x) => op(x, axis - rank));
    expect(got.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(
      wanted.map(({ shape, dtype }) => ({ shape, dtype })),
    );
    wanted.forEach(({ values }, i) =>
      assertEachClose(`${name} along ${axis - rank}`, got[i]!.values, values, 0, 0),
    );
  }
}

if (isas.length === 0) {
  test.skip(`native kernels: ${nativeUnavailableReason()}`, () => undefined);
} else {
  test.each(entries({ ...differentiable, ...others }))('%s', (name, op) => compare(name, op));
  test.each(entries(differentiable))('the gradient of %s', (name, op) => {
    compare(name, (x, axis) => tf.grad((v) => total(op(v, axis)))(x));
  });

  test('the gradient of a running sum is a running sum from the other end, along any axis', () => {
    const weights = normals(rng, 3, 3);
    for (const axis of [0, 1, -1, -2]) {
      const [got, wanted] = runOn('native', [normals(rng, 3, 3), weights], (x, w) => [
        tf.grad((v) => tf.sum(tf.mul(tf.cumsum(v, axis), w!)))(x!),
        tf.cumsum(w!, axis, false, true),
      ]);
      assertEachClose(`along ${axis}`, got!.values, wanted!.values, 1e-6, 1e-6);
    }
  });
}
