// bf16 in the models and in training: every product obeys the context, and runs are as reproducible as in fp32.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import {
  nativeBinding,
  nativeUnavailableReason,
  setThreads,
} from '../lib/backends/native/index.ts';
import { Capture } from '../lib/core/capture.ts';
import type { ForwardContext } from '../lib/core/context.ts';
import { InputError, VitError } from '../lib/core/errors.ts';
import { parsePrecision } from '../lib/core/precision.ts';
import { Rng } from '../lib/core/rng.ts';
import { Loader } from '../lib/data/loader.ts';
import { scaledDotProductAttention } from '../lib/ops/attention.ts';
import { linear } from '../lib/ops/linear.ts';
import { matMul } from '../lib/ops/matMul.ts';
import { qkvAttention } from '../lib/ops/qkvAttention.ts';
import { roundBf16 } from '../lib/ops/roundBf16.ts';
import { evaluate } from '../lib/training/evaluate.ts';
import { parseTrainConfig } from '../lib/training/trainConfig.ts';
import { valueAndGrad } from '../lib/training/valueAndGrad.ts';
import { relativeL2 } from './support/compare.ts';
import { bf16 } from './support/exactBf16.ts';
import { isas } from './support/native.ts';
import { runContent } from './support/runContent.ts';
import { MemoryStore, normalize, patterns, runToy, tinyModel } from './support/training.ts';

const native = nativeUnavailableReason() === undefined;

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const places: [backend: string, isa: string][] = [
  ['cpu', ''],
  ['wasm', ''],
  ...isas.map((isa): [string, string] => ['native', isa]),
];
describe.each(places)('rounding on %s %s', (backend, isa) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
    await tf.ready();
    if (isa !== '') nativeBinding().setIsa(isa);
  });
  afterAll(async () => {
    if (isa !== '') nativeBinding().setIsa(isas.at(-1)!);
    await tf.setBackend('cpu');
  });

  test('special values are rounded to the nearest even, as by bit arithmetic', () => {
    const top = 2 ** 127;
    const values = Float32Array.of(
      ...[0, 1, 1 + 2 ** -8, 1 + 3 * 2 ** -8, 1 + 2 ** -8 + 2 ** -23, 1.5, Math.PI, 1e-3, 65_504],
      // The largest bfloat16, the tie above it and the number before, the largest float32, and where scaling begins.
      ...[(2 - 2 ** -7) * top, (2 - 2 ** -8) * top, (2 - 2 ** -8 - 2 ** -23) * top],
      ...[(2 - 2 ** -23) * top, 2 ** 110, 2 ** 110 * (1 + 2 ** -8), 2 ** 111],
      // Subnormal numbers and ties among them.
      ...[
        2 ** -126,
        2 ** -126 - 2 ** -149,
        2 ** -133,
        1.5 * 2 ** -133,
        2 ** -134,
        2 ** -149,
        1e-40,
      ],
      ...[Infinity, NaN],
    );
    for (const sign of [1, -1]) {
      const x = tf.tensor1d(values.map((value) => sign * value));
      const rounded = roundBf16(x).dataSync();
      // The sign of a zero may be lost; adding 0 takes it from both.
      const expected = [...x.dataSync()].map((value) => bf16(value) + 0);
      expect([...rounded].map((value) => value + 0)).toEqual(expected);
    }
  });

  test('random bits are rounded to the nearest even, as by bit arithmetic', () => {
    const rng = new Rng(3);
    const bits = Uint32Array.from({ length: 20_000 }, () => rng.uint32());
    // Half of them in the middle between two values, where ties decide.
    const x = new Float32Array(
      bits.map((u, i) => (i % 2 === 0 ? u : (u & ~0xffff) | 0x8000)).buffer,
    );
    const rounded = roundBf16(tf.tensor1d(x)).dataSync();
    const wrong = x.findIndex((value, i) => !Object.is(bf16(value) + 0, rounded[i]! + 0));
    expect(wrong).toBe(-1);
  });
});

/** The precisions that the kernels with matrix products received while `run` ran, by name. */
function precisionsTold(run: () => void): Map<string, Set<unknown>> {
  const told = new Map<string, Set<unknown>>();
  const engine = tf.engine();
  const original = engine.runKernel.bind(engine);
  const spy = jest.spyOn(engine, 'runKernel').mockImplementation((name, inputs, attrs) => {
    if (/^Vit(Linear|MatMul|Attention|QkvAttention)(Grad)?$|^BatchMatMul$/.test(name)) {
      const inside = engine.state.kernelDepth > 0; // the reference of a kernel that was told
      const precision = (attrs as { precision?: unknown } | undefined)?.precision;
      if (!inside) told.set(name, (told.get(name) ?? new Set()).add(precision));
    }
    return original(name, inputs, attrs);
  });
  try {
    tf.tidy(run);
  } finally {
    spy.mockRestore();
  }
  return told;
}

describe('in a model', () => {
  const rng = new Rng(1);
  const images = () =>
    tf.tensor4d(
      Float32Array.from({ length: 2 * 64 }, () => rng.normal()),
      [2, 8, 8, 1],
    );
  const seeded: Record<string, unknown> = { weightInit: 'jax' };

  const attention = new Capture(['blocks.*.attn_probs']);
  test.each([
    ['plain', {}, {}],
    ['with captured attention', {}, { intercept: attention }],
    ['with dropouts', {}, { training: true }],
    ['with recomputed blocks', {}, { recompute: true }],
    ['with norms of queries', { qkNorm: true }, {}],
    ['pooled by attention', { globalPool: 'map', classToken: false }, {}],
    ['with two heads', { distilled: true }, {}],
  ] as [string, object, ForwardContext][])('%s, every product is told', (_name, options, more) => {
    const model = tinyModel({ ...seeded, ...options });
    const context: ForwardContext = { ...more, rng: new Rng(2) };
    for (const precision of ['bf16', 'fp32'] as const) {
      const told = precisionsTold(() => {
        const x = images();
        const loss = () => tf.sum(tf.square(model.forward(x, { ...context, precision })));
        valueAndGrad(model, loss);
      });
      expect(told.has('VitLinear')).toBe(true);
      // Gradients in fp32 are plain matrix products, which bf16 does not use.
      const plain = precision === 'fp32' ? [precision, undefined] : [precision];
      for (const [name, seen] of told)
        expect([name, plain]).toEqual([name, expect.arrayContaining([...seen])]);
      expect(told.has('BatchMatMul')).toBe(precision === 'fp32');
    }
    attention.dispose();
    model.dispose();
  });

  test('the logits are near those of fp32, and not the same; fp32 is the default', () => {
    const model = tinyModel();
    const x = images();
    const logits = (context?: ForwardContext) =>
      tf.tidy(() => model.forward(x, context).dataSync());
    const [plain, full, rounded] = [
      logits(),
      logits({ precision: 'fp32' }),
      logits({ precision: 'bf16' }),
    ];
    expect(full).toEqual(plain);
    const distance = relativeL2(rounded, plain);
    expect(distance).toBeGreaterThan(1e-4);
    expect(distance).toBeLessThan(3e-2);
    expect([...tf.tidy(() => model.predict(x, { precision: 'bf16' }).dataSync())]).toEqual([
      ...tf.tidy(() => tf.softmax(model.forward(x, { precision: 'bf16' })).dataSync()),
    ]);
    model.dispose();
    x.dispose();
  });
});

test('products of any transposition have the gradient of their formula', () => {
  const shapes = {
    plain: [
      [2, 3],
      [3, 4],
    ],
    turned: [
      [3, 2],
      [4, 3],
    ],
  } as const;
  const values = (shape: readonly number[], seed: number) =>
    roundBf16(tf.randomNormal([2, ...shape], 0, 1, 'float32', seed));
  for (const transposeA of [false, true]) {
    for (const transposeB of [false, true]) {
      const a = values(shapes[transposeA ? 'turned' : 'plain'][0], 1);
      const b = values(shapes[transposeB ? 'turned' : 'plain'][1], 2);
      const dOut = values([2, 4], 3);
      const of = (precision: 'fp32' | 'bf16') =>
        tf
          .grads((x, y) => matMul(x, y, { transposeA, transposeB, precision }))([a, b], dOut)
          .map((gradient) => [...gradient.dataSync()]);
      // The inputs are rounded already, so both precisions multiply the same numbers.
      expect(of('bf16')).toEqual(of('fp32'));
    }
  }
});

describe('training in bf16', () => {
  // The fastest backend that is available, because plain JavaScript takes a minute.
  beforeAll(async () => {
    await tf.setBackend(native ? 'native' : 'wasm');
    await tf.ready();
  });
  const train = async (changes: object = {}, more: object = {}) => {
    const model = tinyModel({ weightInit: 'jax' });
    const ran = await runToy({ epochs: 2, ema: null, ...changes }, { model, ...more });
    model.dispose();
    return ran;
  };

  test('lowers the loss, gives the same bytes each time, and others than fp32', async () => {
    const quick = { epochs: 6, precision: 'bf16' as const };
    const still = {
      dropRate: 0,
      posDropRate: 0,
      projDropRate: 0,
      attnDropRate: 0,
      dropPathRate: 0,
    };
    const model = tinyModel({ weightInit: 'jax', ...still });
    const first = await runToy({ ...quick, ema: null }, { model });
    model.dispose();
    const losses = first.epochs.map(({ trainLoss }) => trainLoss);
    expect(losses.at(-1)!).toBeLessThan(0.8 * losses[0]!);

    const [a, b, full] = [
      await train({ precision: 'bf16' }),
      await train({ precision: 'bf16' }),
      await train(),
    ];
    expect(runContent(b.store)).toEqual(runContent(a.store));
    expect(runContent(full.store)['weights']).not.toEqual(runContent(a.store)['weights']);
    expect(JSON.parse(a.store.text('config.json'))).toMatchObject({ precision: 'bf16' });
  });

  test('evaluates in bf16 too', async () => {
    const { result, store } = await train({ precision: 'bf16', epochs: 1 });
    const model = tinyModel({ weightInit: 'jax' });
    const { loadModelTensors } = await import('../lib/checkpoints/modelState.ts');
    const { parseSafetensors } = await import('../lib/checkpoints/safetensors.ts');
    loadModelTensors(model, parseSafetensors(store.files.get('checkpoint.safetensors')!).tensors);
    const loader = new Loader({ dataset: patterns(20, 2), batchSize: 8, normalize });
    const loss = async (precision: 'fp32' | 'bf16') =>
      (await evaluate(model, loader, { precision })).loss;
    expect(result!.evaluation!.loss).toBe(await loss('bf16'));
    expect(await loss('fp32')).not.toBe(await loss('bf16'));
    model.dispose();
  });

  test('resuming in another precision is refused, either way', async () => {
    for (const [before, after] of [
      ['fp32', 'bf16'],
      ['bf16', 'fp32'],
    ] as const) {
      const { store } = await runToy({ precision: before, maxSteps: 2 });
      const files = new Map(store.files);
      const { error } = await runToy({ precision: after }, { resume: store, store });
      expect(error).toBeInstanceOf(InputError);
      expect(error!.message).toContain(`precision: "${before}" → "${after}"`);
      expect(store.files).toEqual(files);
      const allowed = await runToy(
        { precision: after },
        { resume: store, store, allowChanges: true },
      );
      expect(allowed.result?.reason).toBe('finished');
    }
  });

  test('goes on from a run that has written torch’s name of the type', async () => {
    const store = new MemoryStore();
    await runToy({ maxSteps: 2 }, { store });
    const name = 'checkpoint.state.safetensors';
    const { formatSafetensors, parseSafetensors } =
      await import('../lib/checkpoints/safetensors.ts');
    const { tensors, metadata } = parseSafetensors(store.files.get(name)!);
    const config = metadata.get('config')!.replace('"fp32"', '"float32"');
    expect(config).toContain('float32');
    store.files.set(name, formatSafetensors(tensors, { ...Object.fromEntries(metadata), config }));
    const { result } = await runToy({}, { resume: store, store });
    expect(result?.reason).toBe('finished');
  });

  (native ? test : test.skip)('gives the same bytes on one thread and on two', async () => {
    try {
      const contents = [];
      for (const threads of [1, 2]) {
        setThreads(threads);
        const { store } = await train({ precision: 'bf16' });
        contents.push(runContent(store));
      }
      expect(contents[1]).toEqual(contents[0]);
    } finally {
      setThreads(1);
    }
  });
});

test('names of precisions', () => {
  expect(['fp32', 'bf16', 'float32', 'bfloat16'].map(parsePrecision)).toEqual([
    'fp32',
    'bf16',
    'fp32',
    'bf16',
  ]);
  const settings = { epochs: 1, batchSize: 1, learningRate: 1 };
  expect(parseTrainConfig(settings).precision).toBe('fp32');
  expect(() => parseTrainConfig({ ...settings, precision: 'fp16' as never })).toThrow(
    /one of fp32, bf16 for precision, received "fp16"/,
  );
  const ones = (...shape: number[]): never => tf.ones(shape) as never;
  const options = { precision: 'int8' as never, numHeads: 1 };
  expect(() => linear(ones(2, 3), ones(4, 3), undefined, options)).toThrow(VitError);
  expect(() => qkvAttention(ones(1, 2, 3), options)).toThrow(VitError);
  const q = ones(1, 1, 2, 3);
  expect(() => scaledDotProductAttention(q, q, q, options)).toThrow(/precision, received "int8"/);
});
