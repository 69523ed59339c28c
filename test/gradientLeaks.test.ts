// Gradients of tfjs through our ops leave no tensor behind: for a batch of none, and on a backend that was set after the forward pass.

import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { nativeUnavailableReason } from '../lib/backends/native/index.ts';
import { loadWasm } from '../lib/backends/wasm/load.ts';
import { VisionTransformer } from '../lib/models/vit/visionTransformer.ts';
import { assertAllClose } from './support/compare.ts';

const backends = ['cpu', 'wasm', ...(nativeUnavailableReason() === undefined ? ['native'] : [])];
beforeAll(async () => {
  await loadWasm(undefined);
  // In a test tfjs takes data that a kernel's inputs brought from another backend for a leak of the kernel.
  tf.env().set('IS_TEST', false);
});

function makeModel(): VisionTransformer {
  return new VisionTransformer({
    ...{ imageSize: 8, patchSize: 4, embedDim: 12, depth: 2, numHeads: 3, numClasses: 3 },
  });
}

/** The gradients of the sum of the logits by every parameter; `after` runs between the passes. */
function gradients(model: VisionTransformer, batch: number, after = () => undefined as unknown) {
  const images = tf.fill([batch, 8, 8, 3], 0.3) as tf.Tensor4D;
  const { value, grads } = tf.variableGrads(() => {
    const sum = tf.sum(model.forward(images, { training: true })) as tf.Scalar;
    after();
    return sum;
  });
  const numbers = Object.values(grads).map((grad) => grad.dataSync().slice());
  tf.dispose([images, value, Object.values(grads)]);
  return numbers;
}

test.each(backends)('a batch of none has gradients of zero on %s', async (backend) => {
  await tf.setBackend(backend);
  const model = makeModel();
  const before = tf.memory().numTensors;
  const numbers = gradients(model, 0);
  expect(numbers.length).toBeGreaterThan(20);
  expect(numbers.flatMap((values) => Array.from(values)).every((value) => value === 0)).toBe(true);
  expect(tf.memory().numTensors).toBe(before);
  model.dispose();
});

const pairs = backends.flatMap((from) =>
  backends.filter((to) => to !== from).map((to) => [from, to] as const),
);
test.each(pairs)('forward on %s and backward on %s', async (from, to) => {
  await tf.setBackend(from);
  const model = makeModel();
  const before = tf.memory().numTensors;
  const wanted = gradients(model, 2);
  const got = gradients(model, 2, () => void tf.setBackend(to));
  expect(tf.memory().numTensors).toBe(before);
  wanted.forEach((values, i) =>
    assertAllClose(got[i]!, values, { name: `gradient ${i}`, rtol: 1e-4, ofLargest: 1e-4 }),
  );
  model.dispose();
});
