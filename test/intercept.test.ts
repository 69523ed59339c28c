// Interceptors: every step of a model passes through them, and nothing else changes.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { selectBackend } from '../lib/backends/select.ts';
import { Capture } from '../lib/core/capture.ts';
import { combineInterceptors, type Interceptor } from '../lib/core/intercept.ts';
import type { Module } from '../lib/core/module.ts';
import type { Block } from '../lib/layers/block.ts';
import { Rng } from '../lib/core/rng.ts';
import { attend, attentionTensors } from '../lib/layers/attend.ts';
import { recordGradient } from '../lib/ops/recordGradient.ts';
import { Watcher, logitsOf, replacing } from './support/interceptors.ts';
import { build, gradients, images } from './support/tinyModel.ts';

const everything = /./;
const variants = {
  plain: {},
  'layer scale and drops': {
    layerScaleInit: 0.5,
    dropPathRate: 0.5,
    projDropRate: 0.1,
    attnDropRate: 0.1,
    posDropRate: 0.1,
    dropRate: 0.1,
  },
  'norms of queries, norm before the blocks': { qkNorm: true, preNorm: true },
  'attention pool': { globalPool: 'map', classToken: false },
  'norm after the pool': { globalPool: 'avg', fcNorm: true },
  'two heads': { distilled: true },
  'any image size': { dynamicImageSize: true },
} as const;
const cases = Object.entries(variants) as [string, object][];

/** Every element within tolerance·(1 + the wanted magnitude). */
function expectClose(actual: Numbers, wanted: Numbers, tolerance = 2e-5): void {
  expect(actual.length).toBe(wanted.length);
  let worst = 0;
  for (let i = 0; i < actual.length; i += 1) {
    const error = Math.abs(actual[i]! - wanted[i]!) / (1 + Math.abs(wanted[i]!));
    worst = Number.isNaN(error) ? Infinity : Math.max(worst, error);
  }
  expect(worst).toBeLessThan(tolerance);
}
type Numbers = ArrayLike<number>;

describe.each(['cpu', 'native'] as const)('on %s', (backend) => {
  const missing = backend === 'native' ? nativeUnavailableReason() : undefined;
  if (missing !== undefined) {
    test.skip(missing, () => undefined);
    return;
  }
  // Plain JavaScript is slow: where native is there, it runs them all.
  const some =
    backend === 'cpu' && nativeUnavailableReason() === undefined ? cases.slice(0, 2) : cases;
  beforeAll(async () => {
    await selectBackend({ backend });
    // As in a user's program: in test mode tfjs reports the tensors that an op saves for its backward pass as a leak.
    tf.env().set('IS_TEST', false);
  });

  test('steps come in order, with their modules, inputs and results', () => {
    const model = build({ depth: 1, layerScaleInit: 0.5 });
    const x = images();
    const watcher = new Watcher(everything);
    logitsOf(model, x, { intercept: watcher });
    const tokens = [2, 5, 12];
    const heads = [2, 2, 5, 6];
    const square = [2, 2, 5, 5];
    const hidden = [2, 5, 24];
    expect(
      watcher.seen.map(({ path, module, inputs, output }) => [path, module, inputs, output]),
    ).toEqual([
      ['patch_embed.proj', 'PatchProjection', [[2, 4, 192]], [2, 4, 12]],
      ['patch_embed', 'PatchEmbed', [[2, 16, 16, 3]], [2, 4, 12]],
      ['pos_embed.sum', '', [tokens, [1, 5, 12]], tokens],
      ['pos_embed', '', [[2, 4, 12]], tokens],
      ['blocks.input', '', [tokens], tokens],
      ['blocks.0.norm1', 'LayerNorm', [tokens], tokens],
      ['blocks.0.attn.qkv', 'Linear', [tokens], [2, 5, 36]],
      ['blocks.0.attn_logits', '', [heads, heads], square],
      ['blocks.0.attn_probs', '', [square], square],
      ['blocks.0.attn_output', '', [square, heads], heads],
      ['blocks.0.attn.proj', 'Linear', [tokens], tokens],
      ['blocks.0.attn', 'Attention', [tokens], tokens],
      ['blocks.0.ls1', 'LayerScale', [tokens], tokens],
      ['blocks.0.residual1', '', [tokens, tokens], tokens],
      ['blocks.0.norm2', 'LayerNorm', [tokens], tokens],
      ['blocks.0.mlp.fc1', 'Linear', [tokens], hidden],
      ['blocks.0.mlp.act', '', [hidden], hidden],
      ['blocks.0.mlp.fc2', 'Linear', [hidden], tokens],
      ['blocks.0.mlp', 'Mlp', [tokens], tokens],
      ['blocks.0.ls2', 'LayerScale', [tokens], tokens],
      ['blocks.0.residual2', '', [tokens, tokens], tokens],
      ['blocks.0.output', '', [tokens], tokens],
      ['blocks.0', 'Block', [tokens], tokens],
      ['norm', 'LayerNorm', [tokens], tokens],
      ['forward_features', '', [tokens], tokens],
      ['pool', '', [tokens], [2, 12]],
      ['pre_logits', '', [[2, 12]], [2, 12]],
      ['head', 'Linear', [[2, 12]], [2, 5]],
      ['logits', '', [[2, 5]], [2, 5]],
    ]);
    model.dispose();
    x.dispose();
  });

  test.each(cases)(
    '%s: every module with a forward pass is a step, under its name',
    (_name, options) => {
      const model = build(options);
      const x = images();
      const watcher = new Watcher(everything);
      logitsOf(model, x, { intercept: watcher, training: true, rng: new Rng(1) });
      const wanted = [...modulesOf(model)].filter(([, module]) => {
        // A dropout that does not act is no step.
        return 'forward' in module && !('rate' in module && module.rate === 0);
      });
      const seen = new Map(watcher.seen.map(({ path, module }) => [path, module]));
      expect(wanted.length).toBeGreaterThan(10);
      for (const [path, module] of wanted)
        expect([path, seen.get(path)]).toEqual([path, module.constructor.name]);
      model.dispose();
      x.dispose();
    },
  );

  test.each(some)(
    '%s: a pass with an interceptor gives what it gives without',
    (_name, options) => {
      const model = build(options);
      const x = images();
      for (const training of [false, true]) {
        const context = { training, rng: new Rng(3) };
        const intercept = new Watcher(everything);
        expectClose(logitsOf(model, x, { ...context, intercept }), logitsOf(model, x, context));
        const wanted = gradients(model, x, context);
        for (const [name, gradient] of gradients(model, x, { ...context, intercept })) {
          const size =
            1 + wanted.get(name)!.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
          const scaled = (values: Float32Array) => values.map((value) => value / size);
          expectClose(scaled(gradient), scaled(wanted.get(name)!), 1e-5);
        }
      }
      model.dispose();
      x.dispose();
    },
  );

  test.each(some)(
    '%s: each step can be captured alone, with the value it has among all',
    (_name, options) => {
      const model = build(options);
      const x = images();
      const context = { training: true, rng: new Rng(4) };
      const all = new Capture(['**']);
      logitsOf(model, x, { ...context, intercept: all });
      expect(all.entries().size).toBeGreaterThan(40);
      for (const [name, tensor] of all.entries()) {
        const alone = new Capture([name]);
        logitsOf(model, x, { ...context, intercept: alone });
        expect([name, [...alone.entries().keys()]]).toEqual([name, [name]]);
        expectClose(Array.from(alone.get(name).dataSync()), Array.from(tensor.dataSync()));
        alone.dispose();
      }
      all.dispose();
      model.dispose();
      x.dispose();
    },
  );

  test('a replaced result goes on, and gradients come through it', () => {
    const model = build();
    const x = images();
    const double = replacing('blocks.1.mlp', (y) => tf.mul(y, 2));
    const wanted = tf.tidy(() => {
      const last = (model.blocks.items[1] as Block).mlp.fc2;
      const kept = [last.weight, last.bias!].map((parameter) => tf.clone(parameter));
      [last.weight, last.bias!].forEach((parameter) => parameter.assign(tf.mul(parameter, 2)));
      const values = { logits: logitsOf(model, x), grads: gradients(model, x) };
      [last.weight, last.bias!].forEach((parameter, i) => parameter.assign(kept[i]!));
      return values as never;
    }) as unknown as { logits: number[]; grads: Map<string, Float32Array> };
    expectClose(logitsOf(model, x, { intercept: double }), wanted.logits);
    const found = gradients(model, x, { intercept: double });
    for (const [name, gradient] of wanted.grads) {
      // The wanted gradient is with respect to the doubled weights; with respect to the weights themselves it is twice that.
      const factor = /^blocks\.1\.mlp\.fc2/.test(name) ? 2 : 1;
      expectClose(
        Array.from(found.get(name)!),
        Array.from(gradient, (value) => factor * value),
        1e-4,
      );
    }
    model.dispose();
    x.dispose();
  });

  test('a step runs on other inputs, or not at all', () => {
    const model = build();
    const x = images();
    // Without attention the class token does not depend on the image.
    const blind: Interceptor = {
      wants: (path) => path.endsWith('.attn'),
      call: ({ path, inputs }, forward) =>
        path.endsWith('.attn') ? tf.zerosLike(inputs[0]!) : forward(...inputs),
    };
    const other = tf.tidy(() => tf.keep(tf.mul<tf.Tensor4D>(x, -3)));
    expect(logitsOf(model, x, { intercept: blind })).toEqual(
      logitsOf(model, other, { intercept: blind }),
    );
    expect(logitsOf(model, x)).not.toEqual(logitsOf(model, other));
    const negated: Interceptor = {
      wants: () => false,
      call: ({ path, inputs }, forward) =>
        path === 'patch_embed' ? forward(tf.mul(inputs[0]!, -3)) : forward(...inputs),
    };
    expectClose(logitsOf(model, x, { intercept: negated }), logitsOf(model, other));
    model.dispose();
    tf.dispose([x, other]);
  });

  test('the gradient with respect to the probabilities is a step whose result goes on', () => {
    const model = build();
    const x = images();
    const stopped = replacing('blocks.0.attn_grad', (dOut) => tf.zerosLike(dOut));
    const packed = gradients(model, x, { intercept: stopped }).get('blocks.0.attn.qkv.weight')!;
    // Queries and keys act through the probabilities alone.
    expect(packed.subarray(0, 2 * 12 * 12).every((value) => value === 0)).toBe(true);
    expect(packed.subarray(2 * 12 * 12).every((value) => value !== 0)).toBe(true);
    model.dispose();
    x.dispose();
  });

  test('several interceptors stand around each other, the first outermost', () => {
    const model = build();
    const x = images();
    const capture = new Capture(['blocks.1.mlp']);
    const inner = new Capture(['blocks.1.mlp', 'blocks.0.norm1']);
    const double = replacing('blocks.1.mlp', (y) => tf.mul(y, 2));
    logitsOf(model, x, { intercept: combineInterceptors(capture, double, inner) });
    const [outside, inside] = [capture, inner].map((one) =>
      Array.from(one.get('blocks.1.mlp').dataSync()),
    );
    expect(outside).toEqual(inside!.map((value) => 2 * value));
    expect(inner.get('blocks.0.norm1').shape).toEqual([2, 5, 12]);
    capture.dispose();
    inner.dispose();
    model.dispose();
    x.dispose();
  });

  test('memory is flat: what an interceptor makes and does not return is freed, with recomputed blocks too', () => {
    const model = build({ dropPathRate: 0.5 });
    const x = images();
    const wasteful: Interceptor = {
      wants: () => true,
      call: (step, forward) => {
        tf.exp(step.inputs[0]!);
        return tf.mul(forward(...step.inputs), 1);
      },
    };
    const before = tf.memory().numTensors;
    logitsOf(model, x, { intercept: wasteful });
    expect(tf.memory().numTensors).toBe(before);
    for (const recompute of [false, true]) {
      gradients(model, x, { intercept: wasteful, recompute, training: true, rng: new Rng(1) });
      expect(tf.memory().numTensors).toBe(before);
    }
    const failing = replacing('blocks.1.mlp.act', () => {
      throw new RangeError('no');
    });
    expect(() => logitsOf(model, x, { intercept: failing })).toThrow('no');
    expect(tf.memory().numTensors).toBe(before);
    model.dispose();
    x.dispose();
  });
});

describe('attention by steps', () => {
  beforeAll(() => selectBackend({ backend: 'cpu' }));

  test('an interceptor of the probabilities sees the softmax, and its result meets the values', () => {
    const rng = new Rng(1);
    const random = () =>
      tf.tensor4d(
        Float32Array.from({ length: 12 }, () => rng.normal()),
        [1, 1, 3, 4],
      );
    const [q, k, v] = [random(), random(), random()];
    const seen: number[][] = [];
    const intercept = replacing('a_probs', (p) =>
      recordGradient(tf.mul(p, 2), (d) => seen.push([...d.dataSync()])),
    );
    const options = { names: attentionTensors('a'), scale: 0.5 };
    const loss = (queries: tf.Tensor, values: tf.Tensor): tf.Scalar =>
      tf.sum(attend(queries as tf.Tensor4D, k, values as tf.Tensor4D, options, { intercept }));
    const [, dV] = tf.grads(loss)([q, v]);
    // dP = 1·vᵀ; the column sums of 2·p reach the values, and all of p sums to the three rows.
    const rowSums = Array.from(tf.sum(v, 3).dataSync());
    expect(seen.length).toBe(1);
    expectClose(seen[0]!, [...rowSums, ...rowSums, ...rowSums], 1e-6);
    expect(tf.sum(dV!).dataSync()[0]).toBeCloseTo(2 * 3 * 4, 4);
    tf.dispose([q, k, v, dV!]);
  });
});

describe('Capture', () => {
  beforeAll(() => selectBackend({ backend: 'cpu' }));

  test('knows the names of a pass and says which patterns stand for none', () => {
    const model = build();
    const x = images();
    const names = ['blocks.*.atn_probs', 'blocks.*.attn_probs', '**.fc1', 'block.0', 'blocks.2.*'];
    const said: string[] = [];
    const capture = new Capture(names, { onWarning: (text) => said.push(text) });
    expect(capture.unmatched()).toEqual(names);
    logitsOf(model, x, { intercept: capture });
    expect(capture.unmatched()).toEqual(['blocks.*.atn_probs', 'block.0', 'blocks.2.*']);
    // Said at once, and once.
    logitsOf(model, x, { intercept: combineInterceptors(capture, new Capture(['*'])) });
    expect(said).toHaveLength(1);
    expect(said[0]).toContain('"blocks.*.atn_probs" (Did you mean blocks.*.attn_probs?)');
    expect(said[0]).toContain('"block.0"');
    expect(said[0]).not.toContain('fc1');
    expect(capture.knownNames()).toEqual(
      expect.arrayContaining(['patch_embed', 'blocks.1.mlp.fc2', 'blocks.0.attn_grad', 'logits']),
    );
    expect([...capture.entries().keys()]).toEqual([
      'blocks.0.attn_probs',
      'blocks.0.mlp.fc1',
      'blocks.1.attn_probs',
      'blocks.1.mlp.fc1',
    ]);
    capture.dispose();
    model.dispose();
    x.dispose();
  });

  test('one star stays within a name, two cross dots', () => {
    const wants = (pattern: string, name: string) => new Capture([pattern]).wants(name);
    expect(wants('blocks.*', 'blocks.0.attn')).toBe(false);
    expect(wants('blocks.**', 'blocks.0.attn')).toBe(true);
    expect(wants('*', 'norm')).toBe(true);
    expect(wants('blocks.*.n?rm1', 'blocks.0.norm1')).toBe(false);
  });
});

function* modulesOf(module: Module, prefix = ''): Generator<[string, Module]> {
  for (const [name, child] of module.children()) {
    yield [prefix + name, child];
    yield* modulesOf(child, `${prefix}${name}.`);
  }
}
