// I16-13 … I16-16, I16-20 … I16-22, I16-37, I16-38: the library called from plain JavaScript, where nothing checks types before.

import * as tf from '@tensorflow/tfjs';
import * as library from '../../lib/node.ts';
import { nativeUnavailableReason } from '../../lib/backends/native/index.ts';
import { gives, refusalOf, throws } from '../suites/inProcess.ts';
import { Skipped, cases, must } from '../suites/row.ts';
import type { Row } from '../suites/row.ts';

const {
  Capture,
  VisionTransformer,
  createModel,
  decodeImage,
  makeOptimizer,
  loadModel,
  saveModel,
  MemoryDataset,
} = library;
const options = {
  imageSize: 16,
  patchSize: 8,
  inChannels: 3,
  numClasses: 5,
  embedDim: 12,
  depth: 2,
  numHeads: 2,
};

/** Calls with a model; what stays allocated is a fault. */
async function withModel<T>(
  work: (model: InstanceType<typeof VisionTransformer>) => T | Promise<T>,
): Promise<T> {
  await tf.setBackend('cpu');
  const before = tf.memory().numTensors;
  const model = new VisionTransformer(options, { onWarning: () => undefined });
  try {
    return await work(model);
  } finally {
    model.dispose();
    must(tf.memory().numTensors === before, `${tf.memory().numTensors - before} tensors left`);
  }
}

/** A forward pass of something that is no batch of images. */
const forward = (what: string, message: RegExp, make: () => unknown) =>
  throws(`forward of ${what}`, message, () =>
    withModel((model) => {
      const x = make();
      try {
        model.forward(x as never).dispose();
      } finally {
        if (x instanceof tf.Tensor && !x.isDisposed) x.dispose();
      }
    }),
  );

async function onNative(): Promise<void> {
  const reason = nativeUnavailableReason();
  if (reason !== undefined) throw new Skipped(`the native backend is not here: ${reason}`);
  await tf.setBackend('native');
}

/** The values of a computation on native and on cpu have to be the same, signs of zeros too. */
const sameOnNative = (what: string, compute: () => tf.Tensor) =>
  gives(what, 'as on cpu', async () => {
    const values: number[][] = [];
    for (const backend of ['native', 'cpu'] as const) {
      if (backend === 'native') await onNative();
      else await tf.setBackend('cpu');
      const y = tf.tidy(compute);
      values.push(Array.from(await y.data()));
      y.dispose();
    }
    const [native = [], cpu = []] = values;
    must(
      native.length === cpu.length &&
        native.every((v, i) => Object.is(v, cpu[i]) || Math.abs(v - cpu[i]!) <= 1e-6 * Math.abs(v)),
      `native ${native.join(' ')}, cpu ${cpu.join(' ')}`,
    );
    return native.map((v) => (Object.is(v, -0) ? '-0' : String(v))).join(' ');
  });

const wrongValues: [string, unknown][] = [
  ['undefined', undefined],
  ['null', null],
  ['a number', 5],
  ['an empty object', {}],
  ['a function', () => 1],
  ['a symbol', Symbol('x')],
];

/** The rows on calls of the library. */
export const libraryRows: readonly Row[] = [
  ...cases('I16-14', [
    throws('a Capture pattern that matches nothing', /pattern|match|blocks/, () =>
      withModel((model) => {
        const capture = new Capture(['blokcs.*.attn_probs']);
        const x = tf.zeros([1, 16, 16, 3]) as tf.Tensor4D;
        try {
          model.forward(x, { intercept: capture }).dispose();
          (capture as { get?: (name: string) => unknown }).get?.('blokcs.0.attn_probs');
        } finally {
          capture.dispose();
          x.dispose();
        }
      }),
    ),
  ]),
  ...cases('I16-15', [
    gives(
      'makeOptimizer(model, {layerDecay}).step() before setRate',
      'the first layer moves less than the head, or our error',
      () =>
        withModel(async (model) => {
          const optimizer = makeOptimizer(model, { learningRate: 0.1, layerDecay: 0.5 });
          const gradients = new Map(
            [...model.namedParameters()].map(([name, { shape }]) => [name, tf.ones(shape)]),
          );
          const moved = () => ['patch_embed.proj.bias', 'head.bias'].map(valueOf);
          const valueOf = (name: string) =>
            (model.namedParameters().get(name) as tf.Variable).dataSync()[0]!;
          const before = moved();
          try {
            const message = await refusalOf(() => optimizer.step(gradients));
            if (message !== undefined) return message;
            const [first = 0, head = 0] = moved().map((value, i) => Math.abs(value - before[i]!));
            must(first < head / 2, `both move by ${first}`);
            return `${first.toFixed(4)} and ${head.toFixed(4)}`;
          } finally {
            optimizer.dispose();
            tf.dispose([...gradients.values()]);
          }
        }),
    ),
  ]),
  ...cases('I16-16', [
    gives(
      'predict(model, image), with stored normalisation and class names',
      'it is exported',
      () => {
        must(typeof (library as Record<string, unknown>)['predict'] === 'function', 'no predict');
        return 'a function';
      },
    ),
  ]),
  ...cases('I16-20', [
    ...(['ceil', 'round'] as const).map((rounding) =>
      gives(`maxPool with '${rounding}' on wasm`, 'as cpu, or a clear error', async () => {
        const { selectBackend } = await import('../../lib/backends/select.ts');
        await selectBackend({ backend: 'wasm' });
        const pool = () =>
          tf.tidy(() =>
            tf.maxPool(tf.reshape(tf.range(0, 25), [1, 5, 5, 1]) as tf.Tensor4D, 2, 2, 0, rounding),
          );
        let wasm: tf.Tensor;
        try {
          wasm = pool();
        } catch (error) {
          return (error as Error).message;
        }
        const seen = [...wasm.dataSync()].join(' ');
        wasm.dispose();
        await tf.setBackend('cpu');
        const right = [...pool().dataSync()].join(' ');
        must(seen === right, `${seen}, on cpu ${right}`);
        return seen;
      }),
    ),
    gives(
      'a pooling window larger than its input on wasm',
      'a clear error, and later calls work',
      async () => {
        const { selectBackend } = await import('../../lib/backends/select.ts');
        await selectBackend({ backend: 'wasm' });
        let message = 'a result';
        try {
          tf.tidy(() =>
            tf.maxPool(tf.zeros([1, 2, 2, 1]) as tf.Tensor4D, 5, 1, 'valid').dataSync(),
          );
        } catch (error) {
          message = (error as Error).message;
        }
        must(!/memory access|unreachable|RuntimeError/.test(message), message);
        must(tf.tidy(() => tf.add(1, 2).dataSync()[0]) === 3, 'later calls fail');
        await tf.setBackend('cpu');
        return message;
      },
    ),
  ]),
  ...cases('I16-21', [
    sameOnNative('tf.stack with axis −1', () =>
      tf.stack([tf.tensor1d([1, 2]), tf.tensor1d([3, 4])], -1),
    ),
    sameOnNative('the gradient of tf.unstack with axis −1', () =>
      tf.grad((x: tf.Tensor) => tf.unstack(x, -1)[0]!.sum())(tf.ones([2, 3])),
    ),
    sameOnNative('concat, split, reverse, gather with axis −1', () =>
      tf.concat(
        [
          tf.reverse(tf.tensor2d([[1, 2]]), -1),
          tf.gather(tf.tensor2d([[1, 2]]), [0], -1),
          tf.split(tf.tensor2d([[1, 2]]), 2, -1)[0]!,
        ],
        -1,
      ),
    ),
  ]),
  ...cases('I16-22', [
    ...(
      [
        'sin',
        'tan',
        'tanh',
        'asin',
        'atan',
        'sinh',
        'expm1',
        'sqrt',
        'sign',
        'floor',
        'round',
      ] as const
    ).map((op) => sameOnNative(`${op} of −0`, () => tf[op](tf.tensor1d([-0, 0])))),
    sameOnNative('ceil of −0.8', () => tf.ceil(tf.tensor1d([-0.8, -0]))),
    sameOnNative('infinite weights at zero padding', () =>
      tf.conv2d(
        tf.ones([1, 2, 2, 1]) as tf.Tensor4D,
        tf.fill([3, 3, 1, 1], Infinity) as tf.Tensor4D,
        1,
        'same',
      ),
    ),
    gives('negative ids of sparse segments on native', 'a true message', async () => {
      await onNative();
      try {
        tf.tidy(() =>
          tf.sparse.sparseSegmentSum(
            tf.ones([3, 2]) as tf.Tensor2D,
            tf.tensor1d([0, 1], 'int32'),
            tf.tensor1d([-1, 0], 'int32'),
          ),
        );
      } catch (error) {
        await tf.setBackend('cpu');
        return (error as Error).message;
      }
      return must(false, 'accepted');
    }),
  ]),
  ...cases('I16-37', [
    ...wrongValues.map(([name, value]) => forward(name, /Expected/, () => value)),
    forward('an array of numbers', /Expected/, () => [1, 2, 3]),
    forward('a disposed tensor', /dispose/i, () => {
      const x = tf.zeros([1, 16, 16, 3]);
      x.dispose();
      return x;
    }),
    forward('a tensor of rank 3', /rank|shape/, () => tf.zeros([16, 16, 3])),
    forward('a tensor of strings', /string|dtype/, () => tf.fill([1, 16, 16, 3], 'x')),
    forward('a tensor of complex64', /complex64|dtype/, () =>
      tf.tidy(() => tf.complex(tf.zeros([1, 16, 16, 3]), tf.zeros([1, 16, 16, 3]))),
    ),
    forward('other sizes', /16/, () => tf.zeros([1, 8, 8, 3])),
    forward('other channels', /3/, () => tf.zeros([1, 16, 16, 1])),
    throws('forward by a disposed model', /dispose/i, async () => {
      await tf.setBackend('cpu');
      const model = new VisionTransformer(options);
      model.dispose();
      const x = tf.zeros([1, 16, 16, 3]) as tf.Tensor4D;
      try {
        model.forward(x);
      } finally {
        x.dispose();
      }
    }),
    throws("Capture('x')", /Capture|patterns/, () => new Capture('x' as never)),
    ...wrongValues.map(([name, value]) =>
      throws(`createModel(${name})`, /Expected/, () => createModel(value as never)),
    ),
    ...wrongValues.map(([name, value]) =>
      throws(`decodeImage(${name})`, /Expected/, () => decodeImage(value as never)),
    ),
    ...wrongValues.map(([name, value]) =>
      throws(`loadModel(${name})`, /Expected/, () => loadModel(value as never)),
    ),
    throws('createModel of options that are text', /Expected/, () =>
      createModel('vit_tiny_patch16_224', 'x' as never),
    ),
    throws('saveModel of undefined', /Expected/, (place) =>
      saveModel(undefined as never, place.path('m')),
    ),
    throws('new VisionTransformer(null)', /Expected/, () => new VisionTransformer(null as never)),
    throws('new MemoryDataset(undefined)', /Expected/, () => new MemoryDataset(undefined as never)),
  ]),
  ...cases('I16-38', [
    gives('a gradient of a batch of 0', 'our error or gradients, no tensor left', () =>
      withModel((model) => {
        const before = tf.memory().numTensors;
        const x = tf.zeros([0, 16, 16, 3]) as tf.Tensor4D;
        let seen = 'gradients';
        try {
          const { value, grads } = tf.variableGrads(() => model.forward(x).sum() as tf.Scalar);
          tf.dispose([value, ...Object.values(grads)]);
        } catch (error) {
          seen = (error as Error).message;
        }
        x.dispose();
        must(
          tf.memory().numTensors === before,
          `${tf.memory().numTensors - before} tensors left: ${seen}`,
        );
        return seen;
      }),
    ),
  ]),
];
