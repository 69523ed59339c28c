import * as tf from '@tensorflow/tfjs';
import { selectBackend } from '../lib/backends/select.ts';
import { attnLrp } from '../lib/explain/attnLrp.ts';
import { withAttention } from '../lib/explain/attentionPass.ts';
import { integratedGradients } from '../lib/explain/integratedGradients.ts';
import { cheferRules } from '../lib/explain/lrp/cheferRules.ts';
import { disposePass, relevancePass } from '../lib/explain/lrp/relevancePass.ts';
import {
  explanationMethod,
  explanationMethods,
  registerExplanation,
} from '../lib/explain/methods.ts';
import { accumulate, relevance, rowOf } from '../lib/explain/relevance.ts';
import { gradRollout, rolloutMaps } from '../lib/explain/rolloutMaps.ts';
import { transformerAttribution } from '../lib/explain/transformerAttribution.ts';
import { gaussLegendre } from '../lib/core/quadrature.ts';
import { keepRecord } from '../lib/core/modelRecord.ts';
import { VisionTransformer } from '../lib/models/vit/visionTransformer.ts';
import { lively, variants } from './support/livelyModel.ts';
import { build, images, quiet } from './support/tinyModel.ts';

const names = explanationMethods().map(({ name }) => name);
let x: tf.Tensor4D;
beforeAll(async () => {
  tf.env().set('IS_TEST', false); // on wasm its check for leaks counts what a gradient of one's own saves
  await selectBackend(); // native or wasm: some methods need hundreds of passes
});
beforeEach(() => {
  x = images([3, 16, 16, 3]);
});

function spread(values: ArrayLike<number>): number {
  return Math.max(...Array.from(values, Math.abs));
}

function largest(a: ArrayLike<number>, b: ArrayLike<number>): number {
  expect(a.length).toBe(b.length);
  return Math.max(...Array.from(a, (value, i) => Math.abs(value - b[i]!)));
}

describe('every method', () => {
  test.each(names)(
    '%s: a batch equals its images one by one, and nothing stays allocated',
    async (name) => {
      const model = lively();
      const { run } = explanationMethod(name);
      await run(model, x, { target: [1, 0, 4] });
      const before = tf.memory().numTensors;
      const { maps, targets, logits } = await run(model, x, { target: [1, 0, 4] });
      expect(tf.memory().numTensors).toBe(before);
      expect(targets).toEqual([1, 0, 4]);
      expect(maps.map(({ height, width }) => [height, width])).toEqual([
        [2, 2],
        [2, 2],
        [2, 2],
      ]);
      expect(Math.max(...maps.map(({ data }) => spread(data)))).toBeGreaterThan(0);
      for (const [b, target] of targets.entries()) {
        const one = tf.slice(x, [b, 0, 0, 0], [1, 16, 16, 3]);
        const alone = await run(model, one, { target });
        expect(largest(alone.maps[0]!.data, maps[b]!.data)).toBeLessThan(
          1e-6 * Math.max(1, spread(maps[b]!.data)),
        );
        expect(largest(alone.logits[0]!, logits[b]!)).toBeLessThan(1e-6);
        one.dispose();
      }
      model.dispose();
    },
  );

  test.each(Object.entries(variants))('with %s', async (_what, options) => {
    const model = lively(options);
    const [height, width] = model.inputShape;
    const given = images([2, height, width, 3]);
    for (const name of names) {
      const { maps, targets } = await explanationMethod(name).run(model, given, {});
      expect(targets).toHaveLength(2);
      for (const map of maps) {
        expect([map.height, map.width]).toEqual(model.gridSize);
        expect(map.data.every(Number.isFinite)).toBe(true);
      }
    }
    model.dispose();
    given.dispose();
  });

  test('takes the grid of the image, not the configured one', async () => {
    const model = lively({ dynamicImageSize: true });
    const given = images([1, 24, 32, 3]);
    for (const name of names) {
      const { maps } = await explanationMethod(name).run(model, given, {});
      expect([maps[0]!.height, maps[0]!.width]).toEqual([3, 4]);
    }
    model.dispose();
  });

  test('tells two classes apart, where it knows classes', async () => {
    const model = lively();
    for (const { name, knowsClass, run } of explanationMethods()) {
      const [a, b] = await Promise.all([0, 3].map((target) => run(model, x, { target })));
      const cosines = a!.maps.map((map, i) => cosine(map.data, b!.maps[i]!.data));
      if (knowsClass) expect([name, Math.min(...cosines) < 0.99]).toEqual([name, true]);
      else expect(Math.min(...cosines)).toBeCloseTo(1, 6);
    }
    model.dispose();
  });

  test('gives zeros for a model that answers the same to all', async () => {
    const model = build();
    for (const [name, parameter] of model.namedParameters()) {
      if (name.startsWith('head')) parameter.assign(tf.zerosLike(parameter));
    }
    for (const { name, knowsClass, run } of explanationMethods()) {
      if (!knowsClass) continue;
      const { maps } = await run(model, x, { target: 2 });
      const flat = maps.map(({ data }) => Math.max(...data) - Math.min(...data));
      // Gradient rollout has its residual connection left, which says the same of all patches but rounding.
      expect([name, Math.max(...flat) < 1e-7]).toEqual([name, true]);
    }
    model.dispose();
  });
});

describe('classes', () => {
  test('by number, by name, one for each image, or the predicted ones', async () => {
    const model = lively();
    const { logits, targets } = await relevance(model, x);
    expect(targets).toEqual(logits.map((row) => row.indexOf(Math.max(...row))));
    keepRecord(model, { classNames: ['cat', 'dog', 'Owl', 'fox', 'hen'] });
    expect((await relevance(model, x, { target: ['dog', 'owl', 4] })).targets).toEqual([1, 2, 4]);
    const classNames = ['a', 'b', 'c', 'd', 'e'];
    expect((await relevance(model, x, { target: 'c', classNames })).targets).toEqual([2, 2, 2]);
    model.dispose();
  });

  test.each([
    ['dig', /Did you mean dog\?/],
    [5, /≥ 0 and ≤ 4 for target, received 5/],
    [-1, /received -1/],
    [1.5, /received 1.5/],
    [[0, 1], /3 classes, one an image/],
  ])('refuses %p', async (target, message) => {
    const model = lively();
    keepRecord(model, { classNames: ['cat', 'dog', 'owl', 'fox', 'hen'] });
    await expect(relevance(model, x, { target })).rejects.toThrow(message);
    model.dispose();
  });

  test('a model with one output explains it', async () => {
    const model = lively({ numClasses: 1 });
    expect((await relevance(model, x)).targets).toEqual([0, 0, 0]);
    model.dispose();
  });
});

describe('gradient × attention', () => {
  test('its gradients are those of finite differences, each of its own layer', async () => {
    const model = lively();
    const one = tf.slice(x, [0, 0, 0, 0], [1, 16, 16, 3]);
    const layers: { a: Float32Array; g: Float32Array }[] = [];
    const { combined } = await withAttention(
      model,
      one,
      { gradients: true, target: 3 },
      ({ attentions, gradients, logits }) => {
        attentions.forEach((a, i) =>
          layers.push({
            a: a.dataSync() as Float32Array,
            g: gradients[i]!.dataSync() as Float32Array,
          }),
        );
        return tf.clone(logits);
      },
    );
    combined.dispose();
    const logitWith = (layer: number, place: number, shift: number) =>
      tf.tidy(() => {
        const moved = layers[layer]!.a.slice();
        moved[place]! += shift;
        const intercept = {
          wants: (path: string) => path === `blocks.${layer}.attn_probs`,
          call: (
            { path, inputs }: { path: string; inputs: readonly tf.Tensor[] },
            forward: (...given: tf.Tensor[]) => tf.Tensor,
          ) => {
            const y = forward(...inputs);
            return path === `blocks.${layer}.attn_probs` ? tf.tensor(moved, y.shape) : y;
          },
        };
        return model.forward(one, { intercept }).dataSync()[3]!;
      });
    for (const layer of [0, 1]) {
      for (const place of [0, 7, 18, 31]) {
        const slope = (logitWith(layer, place, 0.02) - logitWith(layer, place, -0.02)) / 0.04;
        // Differences of float32 logits, divided by 0.04.
        expect(Math.abs(slope - layers[layer]!.g[place]!)).toBeLessThan(
          2e-3 + 0.02 * Math.abs(slope),
        );
      }
    }
    model.dispose();
  });

  test('a row of the product is the row of the accumulated matrix', () => {
    const parts = [1, 2, 3].map((seed) =>
      tf.randomUniform<tf.Rank.R3>([2, 5, 5], 0, 1, 'float32', seed),
    );
    const read = tf.tensor3d([0.5, 0.5, 0, 0, 0], [1, 1, 5]);
    const whole = accumulate(parts, 1).arraySync();
    const row = rowOf(parts, 1, read).arraySync();
    for (const b of [0, 1]) {
      const wanted = whole[b]![0]!.map((_, j) => (whole[b]![0]![j]! + whole[b]![1]![j]!) / 2);
      [0.5, 0.5, 0, 0, 0].forEach((began, j) => (wanted[j]! -= began));
      expect(largest(row[b]!, wanted)).toBeLessThan(1e-5);
    }
  });

  test('begins at a layer, from the front or the end', async () => {
    const model = lively();
    const maps = async (startLayer: number) => [
      ...(await relevance(model, x, { startLayer, target: 1 })).maps[0]!.data,
    ];
    expect(await maps(-1)).toEqual(await maps(1));
    expect(largest(await maps(0), await maps(1))).toBeGreaterThan(1e-5);
    await expect(maps(2)).rejects.toThrow(/startLayer/);
    model.dispose();
  });
});

describe('relevance propagation', () => {
  test('each image has the relevance 1 before every block, whatever the batch', async () => {
    const model = lively({ depth: 3 });
    const sums: number[][] = [];
    const pass = relevancePass(model, x, {
      rules: cheferRules(),
      start: 'one',
      target: [2, 0, 1],
      arrive: (path, r) => {
        if (path.startsWith('blocks')) sums.push([...tf.sum(tf.reshape(r, [3, -1]), 1).dataSync()]);
      },
    });
    disposePass(pass);
    expect(sums).toHaveLength(4);
    // Products where every term is negative or zero lose a part; here none do.
    for (const row of sums) for (const sum of row) expect(Math.abs(sum - 1)).toBeLessThan(1e-3);
    model.dispose();
  });

  test('the linear rule conserves, and says what is lost', async () => {
    const model = lively();
    const lost: number[] = [];
    const pass = relevancePass(model, x, {
      rules: cheferRules(),
      start: 'one',
      take: (_path, by, amount) => {
        if (by === 'lost') lost.push(...amount.dataSync());
      },
    });
    disposePass(pass);
    expect(lost.length).toBe(3 * 9);
    expect(spread(lost)).toBeLessThan(1e-4);
    model.dispose();
  });

  test('α changes the map, and unknown layers are named', async () => {
    const model = lively();
    const maps = async (alpha: number) =>
      (await transformerAttribution(model, x, { alpha, target: 1 })).maps[0]!.data;
    expect(largest(await maps(1), await maps(2))).toBeGreaterThan(1e-6);
    await expect(maps(0.5)).rejects.toThrow(/alpha/);
    model.dispose();
  });
});

describe('ledgers', () => {
  test.each(Object.entries(variants))('AttnLRP balances with %s', async (_what, options) => {
    const model = lively({ depth: 3, ...options });
    const [height, width] = model.inputShape;
    const given = images([2, height, width, 3]);
    for (const gamma of [0, 0.1]) {
      const { ledgers, logits, targets } = await attnLrp(model, given, { gamma, ledger: true });
      ledgers!.forEach(({ total, entries, residual, blocks, patches }, b) => {
        expect(total).toBe(logits[b]![targets[b]!]!);
        expect(blocks).toHaveLength(4);
        const size = (list: { value: number }[]) =>
          list.reduce((sum, { value }) => sum + Math.abs(value), 0);
        expect(patches).toHaveLength(model.numPatches);
        expect(Math.abs(residual)).toBeLessThan(1e-5 * size(entries));
        for (const block of blocks) {
          expect(Math.abs(block.residual)).toBeLessThan(1e-5 * size(block.entries));
        }
      });
    }
    model.dispose();
  });

  test('integrated gradients balance, and the quadrature leaves less than a thousandth', async () => {
    const model = lively();
    const { ledgers } = await integratedGradients(model, x);
    for (const { total, entries, patches } of ledgers) {
      expect(entries.map(({ name }) => name)).toEqual(['patches', 'baseline logit', 'quadrature']);
      const sum = entries.reduce((all, { value }) => all + value, 0);
      expect(Math.abs(sum - total)).toBeLessThan(1e-6);
      const size = patches.reduce(
        (all, value) => all + Math.abs(value),
        Math.abs(entries[1]!.value),
      );
      expect(Math.abs(entries[2]!.value)).toBeLessThan(1e-3 * size);
    }
    model.dispose();
  });

  test('the quadrature is exact for polynomials', () => {
    for (const n of [1, 2, 5, 64]) {
      const { points, weights } = gaussLegendre(n);
      for (const degree of [0, 1, 2 * n - 1]) {
        const sum = points.reduce((all, p, i) => all + weights[i]! * p ** degree, 0);
        expect(sum).toBeCloseTo(1 / (degree + 1), 12);
      }
    }
  });
});

describe('rollout of a model', () => {
  test('discards for each image by itself, and shares sum to at most 1', async () => {
    const model = lively();
    for (const discardRatio of [0, 0.5, 0.9]) {
      const { maps } = await rolloutMaps(model, x, { discardRatio, headFusion: 'max' });
      for (const { data } of maps) {
        const sum = data.reduce((all, value) => all + value, 0);
        expect(sum).toBeGreaterThan(0);
        expect(sum).toBeLessThan(1 + 1e-6);
      }
      const one = tf.slice(x, [2, 0, 0, 0], [1, 16, 16, 3]);
      const alone = await rolloutMaps(model, one, { discardRatio, headFusion: 'max' });
      expect(largest(alone.maps[0]!.data, maps[2]!.data)).toBeLessThan(1e-6);
    }
    model.dispose();
  });

  test('without discarding it is the same in tensors and in plain numbers', async () => {
    const model = lively();
    const tiny = Number.MIN_VALUE;
    for (const run of [rolloutMaps, gradRollout]) {
      const a = await run(model, x, { target: 1 });
      const b = await run(model, x, { target: 1, discardRatio: tiny });
      a.maps.forEach(({ data }, i) => expect(largest(data, b.maps[i]!.data)).toBeLessThan(1e-6));
    }
    await expect(rolloutMaps(model, x, { discardRatio: 1 })).rejects.toThrow(/discardRatio/);
    model.dispose();
  });
});

test('images of other channels, and models without classes, are refused in one line', async () => {
  const model = lively();
  const grey = images([1, 16, 16, 1]);
  await expect(relevance(model, grey)).rejects.toThrow(/\[B, H, W, 3\] for images/);
  const features = new VisionTransformer(
    { imageSize: 16, patchSize: 8, embedDim: 12, depth: 1, numHeads: 2, numClasses: 0 },
    quiet,
  );
  await expect(relevance(features, x)).rejects.toThrow(/classifies an image/);
  model.dispose();
  features.dispose();
});

test('a method of another is found by its name', async () => {
  const own = { ...explanationMethod('relevance'), name: 'mine' };
  registerExplanation(own);
  expect(explanationMethod('mine')).toBe(own);
  expect(() => registerExplanation(own)).toThrow(/a name that is free/);
  expect(() => explanationMethod('relevence')).toThrow(/Did you mean relevance\?/);
});

function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const dot = (p: ArrayLike<number>, q: ArrayLike<number>) =>
    Array.from(p, (value, i) => value * q[i]!).reduce((sum, value) => sum + value, 0);
  const scale = Math.sqrt(dot(a, a) * dot(b, b));
  return scale === 0 ? 0 : dot(a, b) / scale;
}
