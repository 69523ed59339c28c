// The public surface as plain JavaScript calls it: values of the wrong kind give our errors, never those of the engine.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import { messageOf } from '../lib/core/errors.ts';
import * as browserDoor from '../lib/index.ts';
import * as door from '../lib/node.ts';
import { tinyModel } from './support/training.ts';

beforeEach(async () => {
  await tf.setBackend('cpu');
});

const as = <T>(value: unknown) => value as T;
type Call = (...args: unknown[]) => unknown;

/** The error that a call throws or rejects with; undefined if it does neither. */
async function errorOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error;
  }
}

describe('every export, called with what it cannot use', () => {
  const kinds: unknown[] = [undefined, null, 5, 'x', {}, [], NaN];
  // {} means every default to these, and nothing at all to the last: 86, 11 and 41 million weights, a thousand fractals.
  const defaults: Record<string, unknown[]> = {
    VisionTransformer: [{}],
    ResNet: [{}],
    Detr: [{}],
    Clip: [{}],
    buildModel: [{}],
    fractalDataset: [{}, undefined],
  };
  const isDefault = (name: string, kind: unknown) =>
    defaults[name]?.some((one) => JSON.stringify(one) === JSON.stringify(kind)) === true;
  // It runs a command line: it prints its errors and sets the exit code.
  const exceptions = ['runMain'];
  const functions = Object.entries(door).filter(
    ([name, value]) =>
      typeof value === 'function' && !/Error$/.test(name) && !exceptions.includes(name),
  ) as unknown as [string, Call & (new (...args: unknown[]) => object)][];

  test('the doors have functions', () => {
    expect(functions.length).toBeGreaterThan(120);
    for (const name of Object.keys(browserDoor)) expect(door).toHaveProperty(name);
  });

  test.each(functions)('%s', async (name, value) => {
    const isClass = /^class\b/.test(Function.prototype.toString.call(value));
    const wrong: string[] = [];
    for (const kind of kinds) {
      if (isDefault(name, kind)) continue;
      for (const args of [[kind], [kind, kind], [kind, kind, kind]]) {
        const error = await errorOf(() => (isClass ? new value(...args) : value(...args)));
        if (error === undefined) continue;
        const ours =
          error instanceof door.VitError && /^(Expected|Cannot) .*\.$/s.test(error.message);
        if (!ours)
          wrong.push(
            `${name}(${args.map((arg) => JSON.stringify(arg)).join()}): ${messageOf(error)}`,
          );
      }
    }
    expect(wrong).toEqual([]);
  });
});

describe('forward', () => {
  const model = tinyModel();
  afterAll(() => model.dispose());
  const images = () => tf.ones([2, 8, 8, 1]);
  const methods = ['forward', 'forwardFeatures', 'forwardIntermediates', 'predict'] as const;

  test.each(methods)('%s takes a tensor of any type whose shape fits', (method) => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      const input: tf.Tensor = tf.cast(images(), 'int32');
      expect(model[method](input)).toBeDefined();
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  const inputs: [string, () => unknown, RegExp][] = [
    ['undefined', () => undefined, /a tensor for images, received undefined/],
    ['null', () => null, /a tensor for images/],
    ['a list', () => [1, 2], /a tensor for images/],
    ['a number', () => 5, /a tensor for images/],
    ['a text', () => 'x', /a tensor for images/],
    [
      'another rank',
      () => tf.ones([8, 8, 1]),
      /shape \[any, 8, 8, 1\] for images, received \[8, 8, 1\]/,
    ],
    ['another size', () => tf.ones([1, 9, 8, 1]), /shape \[any, 8, 8, 1\] for images/],
    ['texts', () => tf.fill([1, 8, 8, 1], 'a' as unknown as number), /real numbers.*"string"/],
    ['complex numbers', () => tf.complex(images(), images()), /real numbers.*"complex64"/],
    [
      'a disposed tensor',
      () => {
        const tensor = images();
        tensor.dispose();
        return tensor;
      },
      /not disposed for images/,
    ],
  ];

  test.each(inputs)('of %s is our error, with nothing left', (_, input, message) => {
    for (const method of methods) {
      const before = tf.memory().numTensors;
      const run = () => tf.tidy(() => void model[method](as<tf.Tensor>(input())));
      expect(run).toThrow(message);
      expect(run).toThrow(door.VitError);
      expect(tf.memory().numTensors).toBe(before);
    }
  });

  test.each([
    [null, /an object for context/],
    [5, /an object for context/],
    [{ training: 'yes' }, /true or false for training of context/],
    [{ precision: 'fp16' }, /one of fp32, bf16 for context\.precision/],
    [{ intercept: {} }, /an interceptor, with wants and call,/],
    [{ intercept: 5 }, /an interceptor/],
    [{ rng: 3 }, /an Rng for context\.rng/],
    [{ keepMask: 1 }, /a function for keepMask/],
  ])('in the context %p is an InputError', (context, message) => {
    for (const method of methods) {
      const run = () => tf.tidy(() => void model[method](images(), as(context)));
      expect(run).toThrow(message);
      expect(run).toThrow(door.InputError);
    }
  });

  test('by a disposed model is an InputError', async () => {
    const gone = tinyModel();
    gone.dispose();
    const loader = as<door.Loader>({ batch: () => undefined });
    const calls: (() => unknown)[] = [
      () => gone.forward(images()),
      () => gone.predict(images()),
      () => gone.resetClassifier(3),
      () => door.modelTensors(gone),
      () => door.modelBytes(gone),
      () => door.evaluate(gone, loader),
      () => door.makeOptimizer(gone, { learningRate: 1 }),
      () => door.valueAndGrad(gone, () => tf.scalar(1)),
    ];
    for (const call of calls) {
      const error = await errorOf(call);
      expect(error).toBeInstanceOf(door.InputError);
      expect(String(error)).toMatch(/a model that is not disposed/);
    }
  });

  test('an interceptor that changes the dtype is refused by the name of the step', () => {
    const intercept: door.Interceptor = {
      wants: () => true,
      call: ({ path, inputs }, forward) => {
        const y = forward(...inputs);
        return path === 'blocks.0.mlp' ? tf.cast(y, 'int32') : y;
      },
    };
    const run = () => tf.tidy(() => model.forward(images(), { intercept }));
    expect(run).toThrow(/a tensor of float32 .* for blocks\.0\.mlp, received "int32"/);
    expect(run).toThrow(door.ShapeError);
  });
});

describe('by name', () => {
  test.each(['x', 5, null, [1], [null]])('Capture(%p)', (names) => {
    expect(() => new door.Capture(as(names))).toThrow(door.InputError);
  });

  test.each([5, null, undefined, {}, NaN])('createModel(%p)', (name) => {
    expect(() => door.createModel(as<string>(name))).toThrow(/a model name for name/);
  });

  test.each([5, null, 'x'])('createModel with options or build options %p', (options) => {
    expect(() => door.createModel('test_vit', as(options))).toThrow(door.InputError);
    expect(() => door.createModel('test_vit', {}, as(options))).toThrow(door.InputError);
  });

  test.each(['class', 5, null, {}, [1.5], ['0'], [NaN]])('rollout queries %p', (queries) => {
    const attention = [{ shape: [1, 1, 2, 2], data: new Float32Array(4).fill(0.5) }];
    const run = () => door.attentionRollout(as(attention), { queries: as(queries) });
    expect(run).toThrow(door.InputError);
    expect(run).toThrow(/queries/);
  });

  const dataset = new door.MemoryDataset({
    images: new Uint8Array(4),
    labels: [0, 1, 0, 1],
    imageShape: [1, 1, 1],
    classNames: ['a', 'b'],
  });
  const normalize = { mean: [0], std: [1] };

  test.each([
    ['dropLast', 'false'],
    ['dropLast', null],
    ['training', 'no'],
    ['seed', '1'],
    ['seed', null],
    ['batchSize', '2'],
    ['dataset', null],
    ['normalize', null],
    ['normalize', { mean: 0.5, std: 1 }],
    ['trainTransforms', null],
    ['trainTransforms', [5]],
    ['batchTransforms', 'smooth'],
    ['outputShape', null],
    ['shard', null],
    ['shard', 5],
    ['samples', {}],
  ])('Loader with %s %p', (field, value) => {
    const config = { dataset, batchSize: 2, normalize, [field]: value };
    const error = (() => {
      try {
        new door.Loader(as(config));
        return undefined;
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(door.InputError);
  });

  test.each([
    ['betas', 0.9],
    ['betas', null],
    ['nesterov', 'no'],
    ['layerDecay', null],
    ['learningRate', '1'],
    ['opt', null],
  ])('makeOptimizer with %s %p', (field, value) => {
    const model = tinyModel();
    const config = { learningRate: 1, [field]: value };
    expect(() => door.makeOptimizer(model, as(config))).toThrow(door.InputError);
    expect(() => door.makeOptimizer(model, as(config))).toThrow(new RegExp(`optimizer\\.${field}`));
    model.dispose();
  });

  test.each([
    [{ scale: null }, /scale/],
    [{ degrees: '10' }, /degrees/],
    [null, /./],
  ])('randomAffine(%p)', (options, message) => {
    expect(() => door.randomAffine(as(options))).toThrow(door.InputError);
    expect(() => door.randomAffine(as(options))).toThrow(message);
  });

  test.each([
    ['sched', 'cos'],
    ['numEpochs', '5'],
    ['warmupPrefix', 'no'],
    ['cycleLimit', 1.5],
  ])('makeSchedule with %s %p', (field, value) => {
    const config = { numEpochs: 5, [field]: value };
    expect(() => door.makeSchedule(1, as(config))).toThrow(door.InputError);
  });

  test.each([
    ['task', null],
    ['precision', 'half'],
    ['onBatch', 5],
  ])('evaluate with %s %p', async (field, value) => {
    const model = tinyModel();
    const loader = new door.Loader({ dataset, batchSize: 2, normalize });
    const options = as<door.EvaluateOptions<door.Evaluation>>({ [field]: value });
    const run = door.evaluate(model, loader, options);
    await expect(run).rejects.toThrow(door.InputError);
    model.dispose();
  });
});

describe('arguments that say what they are', () => {
  test.each<[unknown, string]>([
    [new Set(['a']), 'Set'],
    [new Float64Array(3), 'Float64Array(3)'],
    [7n, '7n'],
    [/x/, 'RegExp'],
  ])('%p', async (value, shown) => {
    const error = await errorOf(() => new door.Capture(as(value)));
    expect(String(error)).toContain(`received ${shown}.`);
  });

  test('a tensor by its shape, a model by its class', async () => {
    const tensor = tf.zeros([2, 3]);
    const model = tinyModel();
    expect(String(await errorOf(() => door.attentionMaps(as(tensor))))).toContain(
      'for attentions, received Tensor [2, 3].',
    );
    expect(String(await errorOf(() => door.attentionMaps(as(model))))).toContain(
      'for attentions, received VisionTransformer.',
    );
    tensor.dispose();
    model.dispose();
  });
});

describe('options without effect and of another kind', () => {
  test('an unknown option of a forward pass is refused', async () => {
    const model = tinyModel();
    const [height, width, channels] = model.inputShape;
    const images = tf.zeros([1, height, width, channels]);
    const context = { capture: new door.Capture(['head']) };
    expect(await errorOf(() => model.forward(images, as(context)))).toMatchObject({
      name: 'InputError',
      message: expect.stringMatching(
        /^Expected one of training, .* received "capture"\.$/,
      ) as string,
    });
    images.dispose();
    model.dispose();
  });

  test('fit checks its options when it is made', async () => {
    expect(await errorOf(() => door.fit(as({ height: 8 })))).toBeInstanceOf(door.InputError);
    expect(await errorOf(() => door.fit(as(undefined)))).toBeInstanceOf(door.InputError);
  });

  test.each<[string, object]>([
    ['classNames', { classNames: ['a', null, 3] }],
    ['classNames', { classNames: ['a'] }],
    ['label', { label: 4000 }],
    ['label', { label: '1' }],
    ['label', { label: 1.5 }],
    ['contrast', { contrast: 'x' }],
    ['source', { source: 5 }],
    ['checkpoint', { checkpoint: {} }],
  ])('visualizeAttention refuses %s %p', async (name, options) => {
    const model = tinyModel();
    const [height, width, channels] = model.inputShape;
    const picture = door.makeImage(width, height, 1, new Uint8Array(height * width));
    const pixels = new Float32Array(height * width * channels);
    const error = await errorOf(() =>
      door.visualizeAttention({ model, pixels, picture, ...options }),
    );
    expect(error).toBeInstanceOf(door.InputError);
    expect(String(error)).toContain(name);
    model.dispose();
  });

  test.each<[string, () => unknown]>([
    ['bars', () => door.barChartSvg({ bars: [{ label: as(null), value: 1 }] })],
    ['bars', () => door.barChartSvg({ bars: [as(null)] })],
    ['series', () => door.lineChartSvg({ series: [as({ name: 5, points: [] })] })],
    ['series', () => door.lineChartSvg({ series: [as({ name: 'a', points: 5 })] })],
    ['tiles', () => door.contactSheetSvg({ tiles: [as(null)] })],
    ['minArea', () => door.randomErasing({ minArea: 0.5, maxArea: 0.1 })],
    ['image', () => door.randomHorizontalFlip()(as(null), new door.Rng(1))],
    ['image', () => door.randomVerticalFlip({ p: 1 })(as('x'), new door.Rng(1))],
    [
      'rng',
      () => door.randomHorizontalFlip()(door.makeImage(1, 1, 1, new Uint8Array(1)), as(undefined)),
    ],
  ])('%s inside of what is given is checked too (%#)', async (name, call) => {
    const error = await errorOf(call);
    expect(error).toBeInstanceOf(door.InputError);
    expect(String(error)).toMatch(new RegExp(`Expected .*${name}.*, received`));
  });

  test('predict refuses names that are no texts, and logits of each token', async () => {
    const preprocessing = { normalize: { mean: [0], std: [1] } };
    const [model, tokens] = [tinyModel(), tinyModel({ globalPool: '' })];
    const [height, width] = model.inputShape;
    const image = door.makeImage(width, height, 1, new Uint8Array(height * width));
    const classNames = as<string[]>(Array.from({ length: model.numClasses }, () => 3));
    expect(
      await errorOf(() => door.predict(model, image, { preprocessing, classNames })),
    ).toBeInstanceOf(door.InputError);
    expect(String(await errorOf(() => door.predict(tokens, image, { preprocessing })))).toMatch(
      /Expected logits \[1, K\].*use model\.forward/,
    );
    model.dispose();
    tokens.dispose();
  });
});
