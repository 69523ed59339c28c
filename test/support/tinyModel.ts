import * as tf from '@tensorflow/tfjs';
import { Rng } from '../../lib/core/rng.ts';
import type { VisionTransformerOptions } from '../../lib/models/vit/parseConfig.ts';
import { VisionTransformer } from '../../lib/models/vit/visionTransformer.ts';

/** A model of two narrow blocks on 16 × 16 pixels. */
export const tiny = {
  imageSize: 16,
  patchSize: 8,
  inChannels: 3,
  numClasses: 5,
  embedDim: 12,
  depth: 2,
  numHeads: 2,
  mlpRatio: 2,
} satisfies VisionTransformerOptions;
/** Build options that silence warnings. */
export const quiet = { onWarning: () => {} };
/** Builds the tiny model with other options. */
export const build = (options: VisionTransformerOptions = {}) =>
  new VisionTransformer({ ...tiny, ...options }, quiet);

/** Images of normal numbers. */
export function images(
  shape: [number, number, number, number] = [2, 16, 16, 3],
  seed = 1,
): tf.Tensor4D {
  const rng = new Rng(seed);
  const size = shape.reduce((product, length) => product * length);
  return tf.tensor4d(
    Float32Array.from({ length: size }, () => rng.normal()),
    shape,
  );
}

/** The gradients of a model by name, under the context. */
export function gradients(
  model: VisionTransformer,
  x: tf.Tensor4D,
  context: Parameters<VisionTransformer['forward']>[1] = {},
): Map<string, Float32Array> {
  const found = new Map<string, Float32Array>();
  const parameters = [...model.namedParameters()];
  const weighted = (y: tf.Tensor) =>
    tf.sum(tf.mul(y, tf.cos(tf.reshape(tf.range(0, y.size), y.shape))));
  const loss = () => {
    const logits = model.config.distilled
      ? Object.values(model.forwardDistilled(x, context))
      : [model.forward(x, context)];
    return tf.addN(logits.map(weighted));
  };
  tf.tidy(() => {
    const variables = parameters.map(([, parameter]) => parameter);
    const { grads } = tf.engine().gradients(loss, variables, undefined, true);
    parameters.forEach(([name, { size }], i) => {
      found.set(name, grads[i] ? (grads[i].dataSync() as Float32Array) : new Float32Array(size));
    });
  });
  return found;
}
