// Differentiation as tfjs does it, but an exception in the function leaves nothing behind: tfjs keeps what the finished ops
// saved for a backward pass that then never comes (seen in 4.22).

import * as tf from '@tensorflow/tfjs';

/** `tf.grad`: x ↦ df/dx, for a function of one tensor; with dy the gradient of its result. */
export const grad: typeof tf.grad = (f) => {
  const run = tf.grad(f);
  return (x, dy) => releasing(() => run(x, dy));
};

/** `tf.grads`: the gradients with respect to each argument. */
export const grads: typeof tf.grads = (f) => {
  const run = tf.grads(f);
  return (args, dy) => releasing(() => run(args, dy));
};

/** `tf.valueAndGrad`: the value too. */
export const valueAndGrad: typeof tf.valueAndGrad = (f) => {
  const run = tf.valueAndGrad(f);
  return (x, dy) => releasing(() => run(x, dy));
};

/** `tf.valueAndGrads`: the value too, and the gradients with respect to each argument. */
export const valueAndGrads: typeof tf.valueAndGrads = (f) => {
  const run = tf.valueAndGrads(f);
  return (args, dy) => releasing(() => run(args, dy));
};

/** `tf.variableGrads`: the value, and the gradients by variable name. */
export const variableGrads: typeof tf.variableGrads = (f, variables) =>
  releasing(() => tf.variableGrads(f, variables));

/** Whether ops run now are recorded for a backward pass. */
export function isRecording(): boolean {
  const { gradientDepth, kernelDepth } = tf.engine().state;
  return gradientDepth > 0 && kernelDepth === 0;
}

function releasing<T>(differentiate: () => T): T {
  try {
    return differentiate();
  } catch (error) {
    const { state } = tf.engine();
    if (state.gradientDepth === 0) {
      for (const step of state.activeTape ?? []) step.saved?.forEach((tensor) => tensor.dispose());
      state.activeTape = [];
    }
    throw error;
  }
}
