// Gradients of tfjs that go wrong along some axes, registered anew; they hold for every backend of the process.

import * as tf from '@tensorflow/tfjs';

/** Registers the gradients of running sums, along any axis, and of products, also along axes that are counted from the end. */
export function registerAxisGradients(): void {
  // dx = Σ of dy in the other direction. That of tfjs then moves the axis to the end a second time, and takes none below 0.
  tf.unregisterGradient(tf.Cumsum);
  tf.registerGradient({
    kernelName: tf.Cumsum,
    gradFunc: (dy, _saved, attrs) => {
      const { axis, exclusive, reverse } = attrs as unknown as tf.CumsumAttrs;
      return { x: () => tf.cumsum(dy as tf.Tensor, axis, exclusive, !reverse) };
    },
  });
  const product = tf.getGradient(tf.Prod);
  tf.unregisterGradient(tf.Prod);
  tf.registerGradient({
    ...product,
    gradFunc: (dy, saved, attrs) => {
      const { axis } = attrs as unknown as tf.ProdAttrs;
      return product.gradFunc(dy, saved, {
        ...attrs,
        axis: tf.util.parseAxisParam(axis ?? null!, saved[0]!.shape),
      });
    },
  });
}
