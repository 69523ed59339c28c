import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import '@tensorflow/tfjs-backend-wasm';
import { VitError } from '../lib/core/errors.ts';
import { Rng } from '../lib/core/rng.ts';
import { adamW } from '../lib/ops/adamW.ts';
import { scaledDotProductAttention } from '../lib/ops/attention.ts';
import { dropPath } from '../lib/ops/dropPath.ts';
import { dropout } from '../lib/ops/dropout.ts';
import { ema } from '../lib/ops/ema.ts';
import { gelu } from '../lib/ops/gelu.ts';
import { grad, isRecording } from '../lib/ops/gradients.ts';
import { globalNorm } from '../lib/ops/globalNorm.ts';
import { hasFastKernel, referenceOf } from '../lib/ops/kernel.ts';
import { layerNorm } from '../lib/ops/layerNorm.ts';
import { linear } from '../lib/ops/linear.ts';
import { patchify, unpatchify } from '../lib/ops/patchify.ts';
import { mergeHeads, qkvAttention, splitHeads } from '../lib/ops/qkvAttention.ts';
import { recordGradient } from '../lib/ops/recordGradient.ts';
import { resampleMatrix } from '../lib/ops/resampleMatrix.ts';
import { resamplePosEmbed } from '../lib/ops/resamplePosEmbed.ts';
import { softmaxCrossEntropy } from '../lib/ops/softmaxCrossEntropy.ts';
import { opCases } from './cases/ops.ts';
import { assertBf16Close, checkBf16 } from './support/checkBf16.ts';
import { assertAllClose, cosine, tolerance } from './support/compare.ts';
import { differentiable, drawInputs, type OpCase } from './support/opCase.ts';
import { exactDirectional, runCase, type CaseResult } from './support/runOpCase.ts';

const native = nativeBackend();
const backends = ['cpu', 'wasm', ...(native.found ? ['native'] : [])];
const references = new Map<string, CaseResult>();

describe.each(backends)('the op table on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
    await tf.ready();
  });

  test.each(opCases.map((opCase) => [opCase.name, opCase] as const))('%s', (name, opCase) => {
    const before = tf.memory().numTensors;
    const result = runCase(opCase);
    expect(tf.memory().numTensors).toBe(before);
    const share = tolerance(opCase.reasons);
    if (backend === 'cpu') {
      references.set(name, result);
      if (opCase.bf16 === undefined) checkAgainstFloat64(opCase, result, share);
      else checkBf16(opCase, result);
      return;
    }
    const reference = references.get(name)!;
    if (opCase.bf16 !== undefined) {
      assertBf16Close(opCase, result.out, reference.out, 'out');
      for (const [input, gradient] of result.gradients)
        assertBf16Close(opCase, gradient, reference.gradients.get(input)!, `d ${input}`);
      return;
    }
    assertAllClose(result.out, reference.out, { name: 'out', ofLargest: share });
    for (const [input, gradient] of result.gradients) {
      const expected = reference.gradients.get(input)!;
      assertAllClose(gradient, expected, { name: `d ${input}`, ofLargest: share });
      expect(cosine(gradient, expected)).toBeGreaterThan(1 - 1e-6);
    }
  });
});

if (!native.found) test.skip(`the op table on native: ${native.reason}`, () => undefined);

// The forward pass element by element, the gradients along directions: one dense (all elements at once) and some axes.
function checkAgainstFloat64(opCase: OpCase, result: CaseResult, share: number): void {
  const inputs = drawInputs(opCase);
  const exact = Object.fromEntries(
    Object.entries(opCase.inputs).map(([name, { shape }]) => [
      name,
      { shape, data: Float64Array.from(inputs.get(name)!) },
    ]),
  );
  assertAllClose(result.out, opCase.exact(exact), { name: 'out', ofLargest: share });
  const rng = new Rng(7).split(opCase.name);
  for (const name of differentiable(opCase)) {
    const gradient = result.gradients.get(name)!;
    const norm = length(gradient);
    const axes = Array.from({ length: opCase.flops > 1e6 ? 0 : 3 }, () => {
      const axis = new Float64Array(gradient.length);
      axis[rng.integer(axis.length)] = 1;
      return axis;
    });
    const dense = Float64Array.from(gradient, () => (rng.bernoulli(0.5) ? 1 : -1));
    for (const direction of [dense, ...axes]) {
      const expected = exactDirectional(opCase, exact, name, direction, result.weights);
      const actual = gradient.reduce((sum, g, i) => sum + g * direction[i]!, 0);
      assertAllClose([actual], [expected], {
        name: `gradient of ${name} along a direction`,
        atol: share * norm * length(direction) + 1e-8,
      });
    }
  }
}

describe.each(backends)('edges on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
    await tf.ready();
  });

  test('an empty batch passes forward and backward', () => {
    const [gamma, beta] = [tf.ones([6]), tf.zeros([6])] as [tf.Tensor1D, tf.Tensor1D];
    const forward = (images: tf.Tensor): tf.Tensor => {
      const patches = patchify(images as tf.Tensor4D, { patchHeight: 2, patchWidth: 3 });
      const hidden = linear(layerNorm(patches, gamma, beta), tf.ones([18, 6]), undefined, {
        activation: 'erf',
      });
      const logits = tf.reshape<tf.Rank.R2>(
        qkvAttention(hidden as tf.Tensor3D, { numHeads: 2 }),
        [0, 6],
      );
      return tf.sum(softmaxCrossEntropy(logits, tf.zeros([0, 6])));
    };
    const d = tf.grad(forward)(tf.zeros([0, 4, 6, 1]));
    expect(d.shape).toEqual([0, 4, 6, 1]);
    expect(d.dataSync()).toHaveLength(0);
  });

  test('integer targets, pixels and masks are read as numbers', () => {
    const logits = tf.tensor2d([[1, 2, 3]]);
    const oneHot = tf.oneHot(tf.tensor1d([2], 'int32'), 3) as tf.Tensor2D;
    const before = tf.memory().numTensors;
    const loss = softmaxCrossEntropy(logits, oneHot);
    expect(loss.dataSync()[0]).toBeCloseTo(0.4076059, 6);
    const pixels = tf.tensor4d([1, 2, 3, 4], [1, 2, 2, 1], 'int32');
    const patches = patchify(pixels, { patchHeight: 2, patchWidth: 1 });
    expect([...patches.dataSync()]).toEqual([1, 3, 2, 4]);
    const dropped = dropPath(tf.tensor2d([[3], [5]]), tf.tensor1d([1, 0], 'int32'), 0.5);
    expect([...dropped.dataSync()]).toEqual([6, 0]);
    expect(() => gelu(tf.tensor(['a']))).toThrow(VitError);
    expect(tf.memory().numTensors).toBe(before + 7);
  });

  test('a hundred passes forward and backward leave no tensor and no bytes', () => {
    const [x, weight] = [random([5, 6], 1), random([18, 6], 2)] as [tf.Tensor2D, tf.Tensor2D];
    const step = (): void =>
      tf.tidy(() => {
        tf.grads((input, w) => {
          const qkv = linear(gelu(input), w as tf.Tensor2D, undefined, { activation: 'quick' });
          return tf.sum(qkvAttention(tf.reshape(qkv, [1, 5, 18]), { numHeads: 3 }));
        })([x, weight]);
      });
    step();
    const { numTensors, numDataBuffers, numBytes } = tf.memory();
    for (let i = 0; i < 100; i += 1) step();
    expect(tf.memory()).toMatchObject({ numTensors, numDataBuffers, numBytes });
  });
});

describe('properties', () => {
  beforeAll(async () => {
    await tf.setBackend('cpu');
  });

  test('attention with and without probabilities agree, and rows sum to 1', () => {
    const [q, k, v] = [1, 2, 3].map((seed) => random([3, 2, 17, 8], seed)) as Three;
    const fused = scaledDotProductAttention(q, k, v);
    const open = scaledDotProductAttention(q, k, v, { probabilities: true });
    expect(fused.probabilities).toBeUndefined();
    assertAllClose(open.out, fused.out, { ofLargest: tolerance({ terms: 17 }) });
    const sums = tf.sum(open.probabilities!, 3);
    assertAllClose(sums, new Float32Array(sums.size).fill(1), { atol: tolerance({ terms: 17 }) });
  });

  test('qkvAttention equals split, attention, merge, with its gradient', () => {
    const qkv = random([3, 17, 36], 4) as tf.Tensor3D;
    const packed = tf.valueAndGrad((x) =>
      tf.sum(tf.square(qkvAttention(x as tf.Tensor3D, { numHeads: 3 }))),
    );
    const split = tf.valueAndGrad((x) => {
      const [q, k, v] = splitHeads(x as tf.Tensor3D, 3);
      const { out } = scaledDotProductAttention(q, k, v, { probabilities: true });
      return tf.sum(tf.square(mergeHeads(out)));
    });
    const [a, b] = [packed(qkv), split(qkv)];
    assertAllClose(a.value, b.value, { rtol: tolerance({ terms: 17 }) });
    assertAllClose(a.grad, b.grad, { ofLargest: tolerance({ terms: 17 }) });
  });

  test('recordGradient is the identity and hands out the gradient once', () => {
    const x = tf.tensor1d([1, -2, 3]);
    const seen: number[][] = [];
    const gradient = tf.grad((input) => {
      const same = recordGradient(input, (dOut) => seen.push([...dOut.dataSync()]));
      return tf.sum(tf.mul(same, tf.square(same)));
    })(x);
    expect(seen).toEqual([[3, 12, 27]]);
    expect([...gradient.dataSync()]).toEqual([3, 12, 27]);
  });

  test('the gradient of a loss row sums to 0 when targets sum to 1, at logits of ±1e4 too', () => {
    const logits = tf.tensor2d([
      [1e4, -1e4, 0],
      [3, 2, 1],
    ]);
    const targets = tf.tensor2d([
      [0, 1, 0],
      [0.2, 0.3, 0.5],
    ]);
    expect(softmaxCrossEntropy(logits, targets).dataSync()[0]).toBe(2e4);
    const d = tf.grad((z) => tf.sum(softmaxCrossEntropy(z as tf.Tensor2D, targets)))(logits);
    assertAllClose(tf.sum(d, 1), [0, 0], { atol: tolerance() });
  });

  test('resampling keeps a constant, and the same grid keeps every bit', () => {
    const x = random([1, 12, 5], 9) as tf.Tensor3D;
    const same = resamplePosEmbed(x, { from: [3, 4], to: [3, 4] });
    expect([...same.dataSync()]).toEqual([...x.dataSync()]);
    for (const method of ['bicubic', 'bilinear'] as const) {
      for (const antialias of [true, false]) {
        const out = resamplePosEmbed(tf.ones([1, 12, 2]), {
          from: [3, 4],
          to: [5, 2],
          method,
          antialias,
        });
        assertAllClose(out, new Float32Array(20).fill(1), { atol: tolerance({ terms: 4 }) });
        expect(resampleMatrix(4, 4, { method, antialias })).toEqual(Float32Array.from(identity(4)));
      }
    }
  });

  test('unpatchify undoes patchify; dropPath at rate 1 gives zeros; no tensors give a norm of 0', () => {
    const x = random([2, 6, 4, 3], 11) as tf.Tensor4D;
    const patch = { patchHeight: 3, patchWidth: 2 };
    const back = unpatchify(patchify(x, patch), { ...patch, imageHeight: 6, imageWidth: 4 });
    expect([...back.dataSync()]).toEqual([...x.dataSync()]);
    expect(tf.sum(tf.abs(dropPath(x, tf.zeros([2]), 1))).dataSync()[0]).toBe(0);
    expect(globalNorm([]).dataSync()[0]).toBe(0);
    expect(ema([], [], { decay: 0.5 })).toEqual([]);
  });

  test('cpu has no kernels of ours: it runs the references', () => {
    gelu(tf.scalar(1));
    expect(hasFastKernel('VitGelu')).toBe(false);
    const [y] = referenceOf('VitGelu')({ x: tf.scalar(1) }, { form: 'erf' });
    expect(y!.dataSync()[0]).toBeCloseTo(0.8413447, 6);
  });

  test('a step that throws leaks nothing', () => {
    const x = random([2, 3], 1) as tf.Tensor2D;
    const [gamma, beta, weight] = [tf.ones([3]), tf.zeros([3]), tf.ones([2, 3])] as const;
    const broken = (): tf.Tensor =>
      grad((input) => {
        linear(
          layerNorm(input as tf.Tensor2D, gamma as tf.Tensor1D, beta as tf.Tensor1D),
          weight as tf.Tensor2D,
          undefined,
          { activation: 'erf' },
        );
        throw new RangeError('on purpose');
      })(x);
    const before = tf.memory().numTensors;
    expect(broken).toThrow('on purpose');
    expect(() => linear(x, beta as never)).toThrow(VitError);
    expect(tf.memory().numTensors).toBe(before);
  });

  test('a fused product and activation equals the two apart, which a recorded pass runs', () => {
    const [x, weight] = [random([5, 7], 1), random([3, 7], 2)] as [tf.Tensor2D, tf.Tensor2D];
    const fused = linear(x, weight, undefined, { activation: 'tanh' });
    const apart = gelu(linear(x, weight), { form: 'tanh' });
    assertAllClose(fused, apart, { ofLargest: tolerance({ terms: 7 }) });
    expect(isRecording()).toBe(false);
  });
});

describe('bad input', () => {
  const ones = (...shape: number[]): never => tf.ones(shape) as never;
  test.each<[string, () => unknown, RegExp]>([
    ['linear', () => linear(ones(2, 3), ones(4, 5)), /for x, received \[2, 3\]/],
    ['linear', () => linear(ones(2, 3), ones(4, 3), ones(3)), /shape \[4\] for bias/],
    [
      'linear',
      () => linear(ones(2, 3), ones(4, 3), undefined, { activation: 'relu' as never }),
      /activation/,
    ],
    ['layerNorm', () => layerNorm(ones(2, 3), ones(4), ones(4)), /size of gamma/],
    ['layerNorm', () => layerNorm(ones(2, 3), ones(3), ones(3), { epsilon: -1 }), /epsilon/],
    ['gelu', () => gelu(ones(2), { form: 'exact' as never }), /one of erf, tanh, quick/],
    [
      'attention',
      () => scaledDotProductAttention(ones(1, 2, 3, 4), ones(1, 2, 3, 5), ones(1, 2, 3, 5)),
      /for k/,
    ],
    [
      'attention',
      () => scaledDotProductAttention(ones(1, 2, 3, 4), ones(1, 2, 5, 4), ones(1, 2, 3, 4)),
      /for v/,
    ],
    [
      'qkvAttention',
      () => qkvAttention(ones(1, 2, 10), { numHeads: 3 }),
      /divisible by 3·numHeads = 9/,
    ],
    ['softmaxCrossEntropy', () => softmaxCrossEntropy(ones(2, 3), ones(2, 4)), /for targets/],
    [
      'patchify',
      () => patchify(ones(1, 9, 8, 3), { patchHeight: 4, patchWidth: 4 }),
      /patch size 4×4/,
    ],
    [
      'patchify',
      () => patchify(ones(1, 8, 8, 3), { patchHeight: 0, patchWidth: 4 }),
      /patchHeight/,
    ],
    ['dropPath', () => dropPath(ones(3, 2), ones(2), 0.1), /shape \[3\] for keep/],
    ['dropPath', () => dropPath(ones(3, 2), ones(3), 1.5), /for rate, received 1.5/],
    ['dropout', () => dropout(ones(3, 2), ones(3, 3), 0.5), /for keepMask/],
    [
      'resamplePosEmbed',
      () => resamplePosEmbed(ones(1, 9, 2), { from: [3, 4], to: [2, 2] }),
      /posEmbed/,
    ],
    [
      'resamplePosEmbed',
      () => resamplePosEmbed(ones(1, 9, 2), { from: [3, 3], to: [0, 2] }),
      /grid size/,
    ],
    ['ema', () => ema([ones(2)], [], { decay: 0.9 }), /values/],
    ['ema', () => ema([ones(2)], [ones(2)], { decay: 2 }), /decay/],
    ['adamW', () => adamWOf({ step: 0 }), /for step, received 0/],
    ['adamW', () => adamWOf({ learningRate: [1, 2] }), /learningRate, received 2/],
    ['adamW', () => adamWOf({ learningRate: NaN }), /learningRate, received NaN/],
  ])('%s says what is wrong: case %#', (_op, call, message) => {
    expect(call).toThrow(VitError);
    expect(call).toThrow(message);
  });

  function adamWOf(options: object): unknown {
    const one = [tf.ones([2])];
    const tensors = { parameters: one, gradients: one, firstMoments: one, secondMoments: one };
    return adamW(tensors, { learningRate: 0.1, step: 1, ...options });
  }
});

function length(vector: Iterable<number>): number {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return Math.sqrt(sum);
}

type Three = [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D];

function random(shape: number[], seed: number): tf.Tensor {
  const rng = new Rng(seed);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => rng.normal()),
    shape,
  );
}

function identity(size: number): number[] {
  return Array.from({ length: size * size }, (_, i) => (i % (size + 1) === 0 ? 1 : 0));
}

// The native backend registers itself when its compiled part is there.
function nativeBackend(): { found: boolean; reason: string } {
  try {
    jest.requireActual('../lib/backends/native/index.ts');
    const found = tf.findBackend('native') != null;
    return { found, reason: found ? '' : 'it is not built' };
  } catch (error) {
    return { found: false, reason: String(error).split('\n')[0]! };
  }
}
