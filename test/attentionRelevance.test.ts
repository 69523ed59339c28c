import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import {
  attentionRelevance,
  crossAttentionRelevance,
  type GradedAttention,
} from '../lib/explain/attentionRelevance.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

let seed = 1;
const layer = (rows: number, columns: number): GradedAttention => ({
  attention: tf.randomUniform<tf.Rank.R4>([2, 3, rows, columns], 0, 1, 'float32', seed++),
  gradient: tf.randomNormal<tf.Rank.R4>([2, 3, rows, columns], 0, 0.3, 'float32', seed++),
});

type Matrix = number[][];
const identity = (n: number): Matrix =>
  Array.from({ length: n }, (_, i) => Array.from({ length: n }, (__, j) => Number(i === j)));
const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0]!.map((_, j) => row.reduce((sum, value, k) => sum + value * b[k]![j]!, 0)));
const plus = (a: Matrix, b: Matrix): Matrix => a.map((row, i) => row.map((x, j) => x + b[i]![j]!));
const turned = (a: Matrix): Matrix => a[0]!.map((_, j) => a.map((row) => row[j]!));
const ready = (r: Matrix): Matrix =>
  r.map((row, i) => {
    const sum = row.reduce((all, x, j) => all + x - Number(i === j), 0);
    return row.map((x, j) => Number(i === j) + (x - Number(i === j)) / sum);
  });

/** The mean over heads of the positive part, for an image of the batch, as plain numbers. */
function cam({ attention, gradient }: GradedAttention, b: number): Matrix {
  const [a, g] = [attention.arraySync()[b]!, gradient.arraySync()[b]!];
  return a[0]!.map((row, i) =>
    row.map((_, j) => a.reduce((sum, h, k) => sum + Math.max(0, h[i]![j]! * g[k]![i]![j]!) / 3, 0)),
  );
}

function close(found: Matrix, wanted: Matrix): void {
  found.forEach((row, i) => row.forEach((x, j) => expect(x).toBeCloseTo(wanted[i]![j]!, 4)));
}

test('through self-attention, from any layer', () => {
  const layers = [layer(4, 4), layer(4, 4), layer(4, 4)];
  for (const startLayer of [0, 1, -1]) {
    const found = attentionRelevance(layers, { startLayer }).arraySync();
    for (const b of [0, 1]) {
      let r = identity(4);
      for (const one of layers.slice(startLayer)) r = plus(r, times(cam(one, b), r));
      close(found[b]!, r);
    }
  }
  expect(() => attentionRelevance(layers, { startLayer: 3 })).toThrow(/startLayer/);
});

test('through a decoder, with and without the rows brought to one', () => {
  const model = {
    encoder: [layer(5, 5), layer(5, 5)],
    decoderSelf: [layer(3, 3), layer(3, 3)],
    decoderCross: [layer(3, 5), layer(3, 5)],
  };
  for (const normalize of [true, false]) {
    const before = tf.memory().numTensors;
    const result = crossAttentionRelevance(model, { normalize });
    expect(tf.memory().numTensors).toBe(before + 1);
    const found = result.arraySync();
    const n = (r: Matrix) => (normalize ? ready(r) : r);
    for (const b of [0, 1]) {
      let ii = identity(5);
      for (const one of model.encoder) ii = plus(ii, times(cam(one, b), ii));
      let qq = identity(3);
      let qi: Matrix = [0, 1, 2].map(() => [0, 0, 0, 0, 0]);
      model.decoderSelf.forEach((one, i) => {
        const self = cam(one, b);
        [qq, qi] = [plus(qq, times(self, qq)), plus(qi, times(self, qi))];
        const cross = cam(model.decoderCross[i]!, b);
        qi = plus(qi, times(times(turned(n(qq)), cross), n(ii)));
      });
      close(found[b]!, qi);
    }
  }
  const short = { ...model, decoderCross: model.decoderCross.slice(1) };
  expect(() => crossAttentionRelevance(short)).toThrow(/2 layers for decoderCross/);
});
