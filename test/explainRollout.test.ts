import fs from 'node:fs';
import path from 'node:path';
import { toFloat32 } from '../lib/checkpoints/hostTensor.ts';
import { parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import { Rng } from '../lib/core/rng.ts';
import type { AttentionArray } from '../lib/explain/attentionArray.ts';
import { attentionRollout, gradientRollout } from '../lib/explain/rollout.ts';
import type { HeadFusion, RolloutOptions } from '../lib/explain/rollout.ts';

const folder = path.join(import.meta.dirname, 'goldens/explain/rollouts');
const { tensors } = parseSafetensors(fs.readFileSync(path.join(folder, 'outputs.safetensors')));

function golden(name: string): AttentionArray {
  const tensor = tensors.get(name)!;
  return { shape: tensor.shape, data: toFloat32(tensor) };
}

function goldenLayers(kind: string): AttentionArray[] {
  return [0, 1, 2, 3].map((i) => golden(`blocks.${i}.${kind}`));
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  let largest = 0;
  for (let i = 0; i < a.length; i += 1) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}

/** Softmax rows of random logits, sharp enough that heads and layers differ. */
function randomAttention(
  layers: number,
  shape: [number, number, number],
  seed = 1,
): AttentionArray[] {
  const [batch, heads, tokens] = shape;
  const rng = new Rng(seed);
  return Array.from({ length: layers }, () => {
    const data = Float32Array.from({ length: batch * heads * tokens ** 2 }, () =>
      Math.exp(rng.normal(0, 1.5)),
    );
    for (let from = 0; from < data.length; from += tokens) {
      const sum = data.subarray(from, from + tokens).reduce((a, b) => a + b, 0);
      for (let i = from; i < from + tokens; i += 1) data[i] = data[i]! / sum;
    }
    return { shape: [batch, heads, tokens, tokens], data };
  });
}

/** The reference: the definition, written as plainly as possible. */
function plainRollout(layers: readonly AttentionArray[], batchIndex: number): number[][] {
  const [, heads = 0, tokens = 0] = layers[0]!.shape;
  const indices = Array.from({ length: tokens }, (_, i) => i);
  let joint: number[][] = indices.map((i) => indices.map((j) => (i === j ? 1 : 0)));
  for (const { data } of layers) {
    const entry = (h: number, i: number, j: number) =>
      data[((batchIndex * heads + h) * tokens + i) * tokens + j]!;
    const a = indices.map((i) =>
      indices.map((j) => {
        let mean = 0;
        for (let h = 0; h < heads; h += 1) mean += entry(h, i, j) / heads;
        return (mean + (i === j ? 1 : 0)) / 2;
      }),
    );
    const normed = a.map((values) => values.map((x) => x / values.reduce((s, y) => s + y, 0)));
    joint = indices.map((i) =>
      indices.map((j) => indices.reduce((s, k) => s + normed[i]![k]! * joint[k]![j]!, 0)),
    );
  }
  return joint;
}

describe('against the reference', () => {
  const cases = (['mean', 'max', 'min'] as HeadFusion[]).flatMap((fusion) =>
    [0, 0.5, 0.9].map((ratio) => [fusion, ratio] as const),
  );

  test.each(cases)('rollout with %s of the heads, discarding %d', (headFusion, discardRatio) => {
    const ours = attentionRollout(goldenLayers('attn'), { headFusion, discardRatio });
    const name = `clean.rollout/${headFusion}.discard${discardRatio.toFixed(1)}`;
    expect(largestDifference(ours.data, golden(name).data)).toBeLessThan(3e-7);
  });

  test.each([0, 0.9])('gradient rollout, discarding %d', (discardRatio) => {
    const ours = gradientRollout(goldenLayers('attn'), goldenLayers('attn_grad'), { discardRatio });
    const name = `clean.grad_rollout/discard${discardRatio.toFixed(1)}`;
    expect(largestDifference(ours.data, golden(name).data)).toBeLessThan(1e-6);
  });

  test('gradients of the wrong layers give another map', () => {
    const reversed = goldenLayers('attn_grad').reverse();
    const ours = gradientRollout(goldenLayers('attn'), reversed);
    expect(
      largestDifference(ours.data, golden('clean.grad_rollout/discard0.0').data),
    ).toBeGreaterThan(1e-4);
  });
});

describe('properties', () => {
  const layers = randomAttention(3, [2, 4, 9]);

  test.each<RolloutOptions>([
    {},
    { headFusion: 'max', discardRatio: 0.9 },
    { headFusion: 'min', discardRatio: 0.99 },
    { startLayer: 2 },
    { batchIndex: 1, discardRatio: 0.37 },
  ])('rows sum to 1: %o', (options) => {
    const { data, height, width } = attentionRollout(layers, options);
    for (let row = 0; row < height; row += 1) {
      const sum = data.subarray(row * width, (row + 1) * width).reduce((a, b) => a + b, 0);
      expect(sum).toBeCloseTo(1, 12);
    }
  });

  test('equals its definition', () => {
    for (const batchIndex of [0, 1]) {
      const ours = attentionRollout(layers, { batchIndex });
      expect(largestDifference(ours.data, plainRollout(layers, batchIndex).flat())).toBeLessThan(
        1e-14,
      );
    }
  });

  test('one query gives its row of the whole', () => {
    const options = { headFusion: 'max', discardRatio: 0.6 } as const;
    const whole = attentionRollout(layers, options);
    const rows = attentionRollout(layers, { ...options, queries: [5, 0] });
    expect(largestDifference(rows.data.subarray(0, 9), whole.data.subarray(45, 54))).toBeLessThan(
      1e-15,
    );
    expect(largestDifference(rows.data.subarray(9), whole.data.subarray(0, 9))).toBeLessThan(1e-15);
  });

  test('an image of a batch gives what it gives alone', () => {
    const alone = layers.map(({ data }) => ({ shape: [1, 4, 9, 9], data: data.slice(4 * 81) }));
    const [a, b] = [attentionRollout(layers, { batchIndex: 1 }), attentionRollout(alone)];
    expect([...a.data]).toEqual([...b.data]);
  });

  test('a token that attends only to itself keeps to itself', () => {
    const identity = Float32Array.from({ length: 9 }, (_, i) => (i % 4 === 0 ? 1 : 0));
    const { data } = attentionRollout([{ shape: [1, 1, 3, 3], data: identity }]);
    expect([...data]).toEqual([...identity]);
  });

  test('the attention of token 0 to itself is never discarded', () => {
    // Every other entry is larger, so [0, 0] would be discarded first.
    const data = Float32Array.of(0.1, 0.45, 0.45, 0.2, 0.4, 0.4, 0.2, 0.4, 0.4);
    const layer = { shape: [1, 1, 3, 3], data };
    const [first] = attentionRollout([layer], { discardRatio: 0.2 }).data;
    expect(first).toBeCloseTo(1.1 / 2, 6);
  });

  test('uniform attention and one token are no trouble', () => {
    const uniform = { shape: [1, 2, 4, 4], data: new Float32Array(32).fill(0.25) };
    const { data } = attentionRollout([uniform, uniform], { discardRatio: 0.9 });
    expect(data.every((value) => value >= 0 && value <= 1)).toBe(true);
    expect([...attentionRollout([{ shape: [1, 1, 1, 1], data: Float32Array.of(1) }]).data]).toEqual(
      [1],
    );
  });

  test('inputs are not written to', () => {
    const copy = layers.map(({ data }) => data.slice());
    attentionRollout(layers, { discardRatio: 0.9 });
    gradientRollout(layers, layers, { discardRatio: 0.9 });
    layers.forEach(({ data }, i) => expect(data).toEqual(copy[i]));
  });
});

describe('bad input', () => {
  const layers = randomAttention(2, [1, 2, 4]);

  test.each([
    [() => attentionRollout([]), /at least one layer/],
    [() => attentionRollout(layers, { discardRatio: 1 }), /discardRatio/],
    [() => attentionRollout(layers, { discardRatio: Number.NaN }), /discardRatio/],
    [() => attentionRollout(layers, { startLayer: 2 }), /startLayer/],
    [() => attentionRollout(layers, { batchIndex: 1 }), /batchIndex/],
    [() => attentionRollout(layers, { queries: [4] }), /queries\[0\]/],
    [() => attentionRollout(layers, { headFusion: 'sum' as HeadFusion }), /mean, max, min/],
    [
      () => attentionRollout([{ shape: [1, 2, 4, 3], data: new Float32Array(24) }]),
      /\[B, h, N, N\]/,
    ],
    [() => attentionRollout([...layers, ...randomAttention(1, [1, 2, 5])]), /attentions\[2\]/],
    [() => attentionRollout([{ shape: [1, 1, 1, 1], data: Float32Array.of(NaN) }]), /finite/],
    [() => attentionRollout([{ shape: [1, 1, 1, 1], data: Float32Array.of(-1) }]), /≥ 0/],
    [() => gradientRollout(layers, layers.slice(1)), /2 layers/],
  ])('is refused (%#)', (call, message) => {
    expect(call).toThrow(message);
  });
});
