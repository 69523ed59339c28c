import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { Rng } from '../lib/core/rng.ts';
import { coalitionLogits, subsetsBySize } from '../lib/explain/evaluate/coalitions.ts';
import { imputed, perturbationCurve, pointsInto } from '../lib/explain/evaluate/curves.ts';
import {
  areaUnder,
  importanceOrder,
  infidelity,
  rankCorrelation,
  sensitivity,
  unexplained,
} from '../lib/explain/evaluate/metrics.ts';
import { parameterRandomisation, randomLogit } from '../lib/explain/evaluate/randomisation.ts';
import { exactShapley, sampledShapley, shapleyValues } from '../lib/explain/evaluate/shapley.ts';
import { explanationMethod } from '../lib/explain/methods.ts';
import { lively } from './support/livelyModel.ts';
import { images } from './support/tinyModel.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

// A game in which players work together in pairs and threes.
function game(players: number, seed = 1): Float64Array {
  const rng = new Rng(seed);
  const own = Float64Array.from({ length: players }, () => rng.normal());
  const pairs = Array.from({ length: players }, () => rng.normal());
  return Float64Array.from({ length: 2 ** players }, (_, subset) => {
    let value = 0.3;
    for (let i = 0; i < players; i += 1) {
      if (((subset >> i) & 1) === 0) continue;
      value += own[i]!;
      if ((subset >> ((i + 1) % players)) & 1) value += pairs[i]!;
      if ((subset >> ((i + 1) % players)) & (subset >> ((i + 2) % players)) & 1) value -= 0.5;
    }
    return value;
  });
}

// The definition: the mean over all orders of what each player adds.
function naive(values: Float64Array, players: number): number[] {
  const sums = new Array<number>(players).fill(0);
  let orders = 0;
  const walk = (subset: number, order: number[]): void => {
    if (order.length === players) {
      orders += 1;
      let now = 0;
      for (const player of order) {
        sums[player]! += values[now | (1 << player)]! - values[now]!;
        now |= 1 << player;
      }
      return;
    }
    for (let i = 0; i < players; i += 1) {
      if (((subset >> i) & 1) === 0) walk(subset | (1 << i), [...order, i]);
    }
  };
  walk(0, []);
  return sums.map((sum) => sum / orders);
}

describe('Shapley values', () => {
  test('agree with the mean over all orders of six players', () => {
    const values = game(6);
    naive(values, 6).forEach((value, i) => expect(shapleyValues(values)[i]).toBeCloseTo(value, 10));
  });

  test('of sixteen players lie within the error of an estimate, and sum to the whole', () => {
    const values = game(16);
    const exact = shapleyValues(values);
    const { values: estimate, errors } = sampledShapley(16, (s) => values[s]!, { orders: 2000 });
    // Sixteen of sixteen within four standard errors.
    exact.forEach((value, i) =>
      expect(Math.abs(value - estimate[i]!)).toBeLessThan(4 * errors[i]! + 1e-9),
    );
    const sum = exact.reduce((all, value) => all + value, 0);
    expect(sum).toBeCloseTo(values.at(-1)! - values[0]!, 9);
  });

  test('give equal players the same, and a player who changes nothing zero', () => {
    const values = Float64Array.from({ length: 16 }, (_, s) => {
      const both = Number((s & 3) === 3);
      return 2 * both + ((s >> 2) & 1);
    });
    const found = shapleyValues(values);
    [1, 1, 1, 0].forEach((value, i) => expect(found[i]).toBeCloseTo(value, 12));
    expect(() => shapleyValues([1, 2, 3])).toThrow(/2ⁿ values/);
  });

  test('of a model sum to the logit and to the probability, for every class', async () => {
    const model = lively();
    const x = images([1, 16, 16, 3]);
    const { maps, all, none, coalitions } = await exactShapley(model, x);
    expect(coalitions.players).toBe(4);
    const logits = tf.tidy(() => model.forward(x).dataSync());
    for (let k = 0; k < 5; k += 1) {
      expect(all.logit[k]!).toBeCloseTo(logits[k]!, 5);
      for (const kind of ['logit', 'probability'] as const) {
        const sum = maps[kind][k]!.data.reduce((total, value) => total + value, 0);
        expect(Math.abs(sum - (all[kind][k]! - none[kind][k]!))).toBeLessThan(1e-5);
      }
    }
    model.dispose();
  });

  test('of a model: patches that nothing reads have none, equal patches the same', async () => {
    const deaf = lively();
    for (const [name, parameter] of deaf.namedParameters()) {
      if (/attn\.proj/.test(name)) parameter.assign(tf.zerosLike(parameter));
    }
    const x = images([1, 16, 16, 3]);
    const silent = await exactShapley(deaf, x);
    expect(Math.max(...silent.maps.logit[0]!.data.map(Math.abs))).toBeLessThan(1e-6);
    const placeless = lively({ posEmbed: 'none' });
    const tile = tf.slice(x, [0, 0, 0, 0], [1, 8, 8, 3]);
    const same = tf.tile(tile, [1, 2, 2, 1]);
    const [first, ...rest] = (await exactShapley(placeless, same)).maps.logit[1]!.data;
    for (const value of rest) expect(value).toBeCloseTo(first!, 5);
    expect(Math.abs(first!)).toBeGreaterThan(1e-4);
    deaf.dispose();
    placeless.dispose();
  });

  test('go on where they stopped, in any size of batches, and leave nothing', async () => {
    const model = lively();
    const x = images([1, 16, 16, 3]);
    const whole = await coalitionLogits(model, x);
    const stored: { sizes: number; logits: Float32Array }[] = [];
    const before = tf.memory().numTensors;
    await coalitionLogits(model, x, {
      tokens: 64,
      onSize: (sizes, logits) => void stored.push({ sizes, logits: logits.slice() }),
    });
    expect(tf.memory().numTensors).toBe(before);
    expect(stored.map(({ sizes }) => sizes)).toEqual([1, 2, 3, 4, 5]);
    const done = stored[2]!;
    done.logits.fill(7, 0, 5);
    const resumed = await coalitionLogits(model, x, { done });
    expect(resumed.logits[0]).toBe(7);
    resumed.logits.set(whole.logits.subarray(0, 5));
    resumed.logits.forEach((value, i) => expect(value).toBeCloseTo(whole.logits[i]!, 5));
    model.dispose();
  });

  test('are refused where an image without patches has no answer, or there are too many', async () => {
    const x = images([1, 16, 16, 3]);
    const mean = lively({ classToken: false, globalPool: 'avg' });
    await expect(exactShapley(mean, x)).rejects.toThrow(/class token/);
    const fine = lively({ imageSize: 40 });
    await expect(exactShapley(fine, images([1, 40, 40, 3]))).rejects.toThrow(/≤ 16/);
    mean.dispose();
    fine.dispose();
  });

  test('subsets come by size', () => {
    expect(subsetsBySize(3)).toEqual([[0], [1, 2, 4], [3, 5, 6], [7]]);
  });
});

// A linear score of four patches of 2 × 2 pixels, with what each patch adds.
function linear() {
  const rng = new Rng(5);
  const weights = Float32Array.from({ length: 16 }, () => rng.normal());
  const pixels = Float32Array.from({ length: 16 }, () => rng.normal());
  const image = tf.tensor4d(pixels, [1, 4, 4, 1]);
  const score = (batch: tf.Tensor4D) =>
    Promise.resolve(
      tf.tidy(() => [
        ...tf.sum(tf.mul(batch, tf.tensor4d(weights, [1, 4, 4, 1])), [1, 2, 3]).dataSync(),
      ]),
    );
  const data = new Float64Array(4);
  pixels.forEach((value, i) => {
    const patch = 2 * Math.floor(i / 8) + Math.floor((i % 4) / 2);
    data[patch]! += value * weights[i]!;
  });
  return { image, score, map: { height: 2, width: 2, data } };
}

describe('a linear model', () => {
  test('has infidelity 0 for its own shares, and 1 for none', async () => {
    const { image, score, map } = linear();
    expect(await infidelity(map, image, score, { scale: false })).toBeLessThan(1e-10);
    expect(await infidelity(map, image, score)).toBeLessThan(1e-10);
    const nothing = { ...map, data: new Float64Array(4) };
    expect(await infidelity(nothing, image, score)).toBe(1);
    const wrong = { ...map, data: map.data.slice().reverse() };
    expect(await infidelity(wrong, image, score)).toBeGreaterThan(0.1);
  });

  test('has the deletion and insertion curves that its shares say', async () => {
    const { image, score, map } = linear();
    const order = importanceOrder(map.data);
    const total = map.data.reduce((sum, value) => sum + value, 0);
    const { shares, scores, area } = await perturbationCurve(map, image, score);
    expect(shares).toEqual([0, 0.25, 0.5, 0.75, 1]);
    let left = total;
    const wanted = [left, ...order.map((patch) => (left -= map.data[patch]!))];
    scores.forEach((value, i) => expect(value).toBeCloseTo(wanted[i]!, 5));
    const trapezoid = (wanted[0]! + wanted[4]!) / 8 + (wanted[1]! + wanted[2]! + wanted[3]!) / 4;
    expect(area).toBeCloseTo(trapezoid, 5);
    const back = await perturbationCurve(map, image, score, { start: 'empty' });
    back.scores.forEach((value, i) => expect(value).toBeCloseTo(total - wanted[i]!, 5));
    const least = await perturbationCurve(map, image, score, { order: 'least' });
    expect(least.area).toBeGreaterThan(area);
  });

  test('of a constant map: the first patch goes first; of random maps the mean area is that of a line', async () => {
    const { image, score, map } = linear();
    const flat = { ...map, data: new Float64Array(4) };
    const { scores } = await perturbationCurve(flat, image, score);
    expect(scores[0]! - scores[1]!).toBeCloseTo(map.data[0]!, 5);
    const rng = new Rng(2);
    const areas: number[] = [];
    for (let n = 0; n < 200; n += 1) {
      const data = Float64Array.from({ length: 4 }, () => rng.normal());
      areas.push((await perturbationCurve({ ...map, data }, image, score)).area);
    }
    const mean = areas.reduce((sum, value) => sum + value, 0) / 200;
    const deviation = Math.sqrt(areas.reduce((sum, a) => sum + (a - mean) ** 2, 0) / 200);
    // The mean of 200 lies within four of its standard errors of half the total.
    expect(Math.abs(mean - scores[0]! / 2)).toBeLessThan((4 * deviation) / Math.sqrt(200));
  });

  test('is as sensitive as its shares are', async () => {
    const { image, map } = linear();
    const shares = (x: tf.Tensor4D) => Promise.resolve(x.dataSync());
    const found = await sensitivity(shares, image, { radius: 0.1 });
    const norm = Math.sqrt([...image.dataSync()].reduce((sum, value) => sum + value ** 2, 0));
    expect(found).toBeGreaterThan(0);
    expect(found).toBeLessThanOrEqual((0.1 * 4) / norm + 1e-6);
    expect(await sensitivity(() => Promise.resolve(map.data), image)).toBe(0);
  });
});

describe('measures', () => {
  test('rank correlation: order alone counts, ties share, a constant list has none', () => {
    expect(rankCorrelation([1, 2, 3], [10, 200, 3000])).toBeCloseTo(1, 12);
    expect(rankCorrelation([1, 2, 3], [3, 2, 1])).toBeCloseTo(-1, 12);
    expect(rankCorrelation([1, 1, 1], [3, 2, 1])).toBe(0);
    expect(rankCorrelation([1, 1, 2], [1, 2, 3])).toBeCloseTo(Math.sqrt(3) / 2, 12);
    expect(() => rankCorrelation([1], [1, 2])).toThrow(/1 values/);
  });

  test('the unexplained part: 0 for a multiple, 1 for what is opposite or at right angles', () => {
    expect(unexplained([2, 4], [1, 2])).toBeCloseTo(0, 7);
    expect(unexplained([1, 0], [0, 1])).toBe(1);
    expect(unexplained([-1, 0], [1, 0])).toBe(1);
    expect(unexplained([1, 1], [1, 0])).toBeCloseTo(Math.SQRT1_2, 12);
  });

  test('areas are by trapezoids', () => {
    expect(areaUnder([0, 0.5, 1], [1, 0, 1])).toBe(0.5);
    expect(areaUnder([0, 1], [3, 1])).toBe(2);
  });

  test('imputed pixels of a plane lie on it', () => {
    const plane = Float32Array.from({ length: 64 }, (_, i) => (i % 8) + 2 * Math.floor(i / 8));
    const image = tf.tensor4d(plane, [1, 8, 8, 1]);
    const filled = imputed(image, { height: 4, width: 4 }, [5], { seed: 1 });
    const values = filled.dataSync();
    // Inside the image neighbours average to the plane; the noise has a deviation of 0.01.
    values.forEach((value, i) => expect(Math.abs(value - plane[i]!)).toBeLessThan(0.06));
    expect(values.some((value, i) => value !== plane[i])).toBe(true);
  });

  test('the pointing game counts boxes with the most important patch', () => {
    const map = { height: 2, width: 2, data: [0, 3, 1, 2] };
    const size = { height: 8, width: 8 };
    expect(pointsInto(map, { left: 5, top: 0, right: 7, bottom: 3 }, size)).toBe(true);
    expect(pointsInto(map, { left: 0, top: 4, right: 8, bottom: 8 }, size)).toBe(false);
  });

  test('shuffled layers change the map, and the model is itself afterwards', async () => {
    const model = lively();
    const x = images([2, 16, 16, 3]);
    const before = [...model.namedParameters().values()].map((p) => [...p.dataSync()]);
    const method = explanationMethod('relevance');
    const curve = await parameterRandomisation(method, model, x);
    expect(curve).toHaveLength(new Set(model.layerGroups().values()).size + 1);
    expect(curve[0]).toBe(1);
    expect(Math.min(...curve)).toBeLessThan(0.9);
    expect([...model.namedParameters().values()].map((p) => [...p.dataSync()])).toEqual(before);
    expect(await randomLogit(method, model, x)).toBeLessThan(0.999);
    expect(await randomLogit(explanationMethod('rollout'), model, x)).toBeCloseTo(1, 9);
    model.dispose();
  });
});
