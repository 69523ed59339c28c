// A model's blocks as one op on the native backend give the same bytes as block by block, and run unfused where an interceptor
// wants a step between them.

import * as tf from '@tensorflow/tfjs';
import { nativeBinding, nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { Capture } from '../lib/core/capture.ts';
import type { ForwardContext } from '../lib/core/context.ts';
import { BranchChain } from '../lib/core/kernels.ts';
import { Rng } from '../lib/core/rng.ts';
import type { VisionTransformer } from '../lib/models/vit/visionTransformer.ts';
import { isas } from './support/native.ts';
import { build, images } from './support/tinyModel.ts';

if (isas.length === 0) {
  test.skip(`a model's blocks as one op: ${nativeUnavailableReason()}`, () => undefined);
} else {
  let model: VisionTransformer;
  let batch: tf.Tensor4D;
  let calls = 0;
  let original: tf.KernelConfig;

  beforeAll(async () => {
    await tf.setBackend('native');
    original = tf.getKernel(BranchChain, 'native') as tf.KernelConfig;
    model = build({ patchSize: 4, depth: 4, layerScaleInit: 0.5, dropPathRate: 0.5 });
    batch = images();
  });
  beforeEach(() => {
    calls = 0;
    const kernelFunc: tf.KernelFunc = (call) => {
      calls += 1;
      return original.kernelFunc(call);
    };
    tf.unregisterKernel(BranchChain, 'native');
    tf.registerKernel({ ...original, kernelFunc });
  });
  afterEach(() => {
    tf.unregisterKernel(BranchChain, 'native');
    tf.registerKernel(original);
  });
  afterAll(() => {
    model.dispose();
    batch.dispose();
  });

  function logits(context: ForwardContext = {}): tf.TypedArray {
    return tf.tidy(() => model.forward(batch, context).dataSync());
  }
  function blockByBlock(context: ForwardContext = {}): tf.TypedArray {
    tf.unregisterKernel(BranchChain, 'native');
    const values = logits(context);
    tf.registerKernel(original);
    return values;
  }

  test.each(['fp32', 'bf16'] as const)('gives the bytes of block by block in %s', (precision) => {
    expect(logits({ precision })).toEqual(blockByBlock({ precision }));
    expect(calls).toBe(1);
  });

  test('draws the same stochastic depth as block by block', () => {
    const context = { training: true, rng: new Rng(1) };
    expect(logits(context)).toEqual(blockByBlock(context));
    expect(calls).toBe(1);
  });

  test.each([
    ['blocks.*.output', 0],
    ['blocks.1.output', 2],
    ['blocks.2.attn_probs', 2],
    ['blocks.3.output', 1],
    ['patch_embed', 1],
    ['blocks.0.*', 1],
  ])('a capture of %s is served, with %i calls for the rest', (name, count) => {
    const capture = new Capture([name]);
    const seen = logits({ intercept: capture });
    const captured = [...capture.entries()].map(([key, tensor]) => [key, tensor.dataSync()]);
    capture.dispose();
    expect(calls).toBe(count);
    expect(captured.length).toBeGreaterThan(0);
    const apart = new Capture([name]);
    const wanted = blockByBlock({ intercept: apart });
    expect(seen).toEqual(wanted);
    expect(captured).toEqual([...apart.entries()].map(([key, t]) => [key, t.dataSync()]));
    apart.dispose();
  });

  test('intermediates come between chains', () => {
    const values = () =>
      tf.tidy(() => {
        const { features, intermediates } = model.forwardIntermediates(batch, {
          indices: [0, -2],
        });
        return [features, ...intermediates].map((tensor) => tensor.dataSync());
      });
    const joined = values();
    expect(calls).toBe(3);
    tf.unregisterKernel(BranchChain, 'native');
    expect(values()).toEqual(joined);
    tf.registerKernel(original);
  });

  test('a gradient runs it unfused, with recomputed blocks or without', () => {
    for (const recompute of [false, true]) {
      const context = { training: true, rng: new Rng(1), recompute };
      const grads = tf.variableGrads(() => tf.mean(model.forward(batch, context)) as tf.Scalar);
      tf.dispose(grads.grads);
      tf.dispose(grads.value);
    }
    expect(calls).toBe(0);
  });

  test('its cache follows the batch, the precision, the instruction set and the weights', () => {
    const binding = nativeBinding();
    const more = images([3, 16, 16, 3], 2);
    const inner = [...model.namedParameters()].filter(([name]) => name.startsWith('blocks.'));
    const kept = inner.map(([, parameter]) => parameter.clone());
    const held = (context: ForwardContext = {}) =>
      expect(logits(context)).toEqual(blockByBlock(context));
    for (const isa of [...isas, ...isas]) {
      binding.setIsa(isa);
      for (const precision of ['fp32', 'bf16', 'fp32'] as const) held({ precision });
      const two = batch;
      batch = more;
      held();
      batch = two;
      held();
      for (const [, parameter] of inner) tf.tidy(() => parameter.assign(tf.mul(parameter, 1.25)));
      held();
    }
    inner.forEach(([, parameter], i) => parameter.assign(kept[i]!));
    tf.dispose([more, ...kept]);
  });

  test('leaves no tensor behind', () => {
    logits();
    const before = tf.memory().numTensors;
    for (let i = 0; i < 3; i += 1) logits();
    expect(tf.memory().numTensors).toBe(before);
  });
}
