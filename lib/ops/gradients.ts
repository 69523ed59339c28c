// tfjs's differentiation without its leak: when the function throws, tfjs 4.22 never frees the tensors that its finished ops
// saved for the backward pass.

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

/** `tf.variableGrads`: the value, and the gradients by variable name. */
export const variableGrads: typeof tf.variableGrads = (f, variables) =>
  releasing(() => tf.variableGrads(f, variables));

/** Whether ops run now are recorded for a backward pass. */
export function isRecording(): boolean {
  const { gradientDepth, kernelDepth } = tf.engine().state;
  return gradientDepth > 0 && kernelDepth === 0;
}

/**
 * Frees the tensors that the steps of a tape saved for their backward pass, for a tape that will not be run.
 *
 * @param tape  undefined where nothing was recorded
 */
export function releaseTape(tape: Tape | undefined): void {
  for (const step of tape ?? []) step.saved?.forEach((tensor) => tensor.dispose());
}

type Tape = ReturnType<typeof tf.engine>['state']['activeTape'];

function releasing<T>(differentiate: () => T): T {
  try {
    return differentiate();
  } catch (error) {
    const { state } = tf.engine();
    if (state.gradientDepth === 0) {
      releaseTape(state.activeTape);
      state.activeTape = [];
    }
    throw error;
  }
}
