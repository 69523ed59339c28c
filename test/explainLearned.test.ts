import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { principalComponents, project } from '../lib/core/principalComponents.ts';
import { Rng } from '../lib/core/rng.ts';
import {
  attentionDistance,
  correspondence,
  featureColors,
  headEntropy,
  logitLens,
  patchFeatures,
  patchFilters,
  tokenNorms,
} from '../lib/explain/learned.ts';
import { lively, variants } from './support/livelyModel.ts';
import { replacing } from './support/interceptors.ts';
import { images } from './support/tinyModel.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const layout = { numPrefixTokens: 1, gridSize: [2, 3] as const };

/** One layer of two heads over 7 tokens: the first looks at itself alone, the second at all alike. */
function twoHeads() {
  const data = new Float32Array(2 * 49);
  for (let n = 0; n < 7; n += 1) data[n * 7 + n] = 1;
  data.fill(1 / 7, 49);
  return [{ shape: [1, 2, 7, 7], data }];
}

test('a head that looks at itself has distance and entropy 0, one that looks everywhere the mean and ln N', () => {
  const [[near, far]] = attentionDistance(twoHeads(), layout) as [[number, number]];
  expect(near).toBe(0);
  let mean = 0;
  for (let q = 0; q < 6; q += 1) {
    for (let k = 0; k < 6; k += 1) {
      mean += Math.hypot(Math.floor(q / 3) - Math.floor(k / 3), (q % 3) - (k % 3)) / 36;
    }
  }
  expect(far).toBeCloseTo(mean, 6);
  const [[sharp, flat]] = headEntropy(twoHeads()) as [[number, number]];
  expect(sharp).toBe(0);
  expect(flat).toBeCloseTo(Math.log(7), 6);
});

test('principal components of rows on a plane: its directions, their variances, fixed signs', () => {
  const rng = new Rng(1);
  const [u, v] = [
    [0.6, -0.8, 0],
    [0, 0, 1],
  ] as const;
  const rows = Array.from({ length: 300 }, () => [3 * rng.normal(), rng.normal()] as const);
  const flat = rows.flatMap(([a, b]) => [0, 1, 2].map((d) => 5 + a * u[d]! + b * v[d]!));
  const found = principalComponents(flat, 3, 3);
  // The samples of the two directions correlate a little.
  expect(found.components[0]![1]).toBeCloseTo(0.8, 1);
  expect(found.components[0]![0]).toBeCloseTo(-0.6, 1);
  expect(found.variances[2]).toBeLessThan(1e-9);
  expect(found.variances.reduce((a, b) => a + b)).toBeCloseTo(found.total, 6);
  const turned = principalComponents(
    flat.map((value) => -value),
    3,
    2,
  );
  turned.components.forEach((c, k) => {
    c.forEach((value, d) => expect(value).toBeCloseTo(found.components[k]![d]!, 6));
  });
  const along = project(flat, found);
  const square = (k: number) => {
    let sum = 0;
    for (let i = k; i < along.length; i += 3) sum += along[i]! ** 2;
    return sum / 300;
  };
  expect(square(0)).toBeCloseTo(found.variances[0]!, 6);
});

test('patch filters are pictures of a patch, the strongest first', async () => {
  const model = lively();
  const filters = await patchFilters(model, 5);
  expect(filters.map(({ image }) => [image.width, image.height, image.channels])).toEqual(
    Array.from({ length: 5 }, () => [8, 8, 3]),
  );
  const shares = filters.map(({ share }) => share);
  expect(shares).toEqual([...shares].sort((a, b) => b - a));
  expect(shares.reduce((a, b) => a + b)).toBeLessThanOrEqual(1 + 1e-9);
  model.dispose();
});

test('features: an image corresponds to itself, and has the same colours in any batch twice', async () => {
  const model = lively();
  const x = images([1, 16, 16, 3]);
  const two = tf.concat([x, x]);
  const features = await patchFeatures(model, two);
  expect(correspondence(features).map(({ patch }) => patch)).toEqual([0, 1, 2, 3]);
  expect(correspondence(features)[0]!.cosine).toBeCloseTo(1, 5);
  const [a, b] = featureColors(features);
  expect([a!.width, a!.height]).toEqual([2, 2]);
  expect(a!.data).toEqual(b!.data);
  await expect(patchFeatures(model, x, { layer: 2 })).rejects.toThrow(/layer/);
  model.dispose();
});

test.each(Object.entries(variants))(
  'the logit lens of a model with %s ends with its logits',
  async (what, options) => {
    const model = lively(options);
    const [height, width] = model.inputShape;
    const x = images([2, height, width, 3]);
    const layers = await logitLens(model, x);
    expect(layers.map(({ shape }) => shape[2])).toEqual([5, 5]);
    if (model.globalPool === 'token' && !model.config.distilled) {
      const logits = tf.tidy(() => model.forward(x).dataSync());
      const { data, shape } = layers[1]!;
      for (let b = 0; b < 2; b += 1) {
        for (let k = 0; k < 5; k += 1) {
          expect(data[b * shape[1] * 5 + k]).toBeCloseTo(logits[b * 5 + k]!, 4);
        }
      }
    }
    expect(what).not.toBe('');
    model.dispose();
  },
);

test('a planted outlier is reported, and nothing else', async () => {
  const model = lively({ imageSize: 32 });
  const x = images([1, 32, 32, 3]);
  expect((await tokenNorms(model, x, { ratio: 20 })).artefacts).toEqual([]);
  const mask = tf.tensor3d(
    Array.from({ length: 17 }, (_, n) => (n === 6 ? 100 : 1)),
    [1, 17, 1],
  );
  const planted = replacing('blocks.1.residual2', (y) => tf.mul(y, mask));
  const forward = model.forward.bind(model);
  model.forward = (given, context = {}) => {
    const { intercept: capture } = context;
    return forward(given, {
      ...context,
      intercept: {
        wants: (path) => planted.wants(path) || capture!.wants(path),
        call: (step, run) =>
          capture!.call(step, (...inputs) => planted.call({ ...step, inputs }, run)),
      },
    });
  };
  const { artefacts, norms } = await tokenNorms(model, x, { ratio: 20 });
  expect(artefacts.map(({ image, patch }) => [image, patch])).toEqual([[0, 5]]);
  expect(artefacts[0]!.norm).toBeCloseTo(norms[1]!.data[6]!, 3);
  model.dispose();
});
