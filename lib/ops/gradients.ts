// tfjs's differentiation without its leak: when the function throws, tfjs 4.22 never frees the tensors that its finished ops
// saved for the backward pass.

import * as tf from '@tensorflow/tfjs';
import { InputError, ShapeError, expected } from '../core/errors.ts';
import { unmarked, type Phase } from '../core/phase.ts';

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

/** A function's value (a scalar), and what else it computed that the caller wants to see. */
export interface ValueWithOutputs<O extends tf.TensorContainer> {
  value: tf.Scalar;
  outputs: O;
}

/**
 * The value of a function, its gradients with respect to `xs`, and its outputs, with the forward and the backward pass as two phases.
 *
 * It is `tf.variableGrads` for any tensors. A tensor of `xs` that the value does not depend on has the gradient undefined. The
 * caller disposes the value, the gradients and the outputs; after an exception nothing stays allocated.
 *
 * @param f        run once, and recorded
 * @param xs       the tensors to differentiate by, at least one
 * @param phase    runs `forward` and `backward`; default: it only runs them
 * @throws ShapeError if the value is no scalar
 * @throws InputError inside another gradient, and if the value depends on none of `xs`
 */
export function valueAndGrads<O extends tf.TensorContainer>(
  f: () => ValueWithOutputs<O>,
  xs: readonly tf.Tensor[],
  phase: Phase = unmarked,
): ValueWithOutputs<O> & { gradients: (tf.Tensor | undefined)[] } {
  const engine = tf.engine();
  const { state } = engine;
  if (state.gradientDepth > 0) {
    throw new InputError('Expected valueAndGrads outside of a gradient, received it inside one.');
  }
  if (xs.length === 0) {
    throw new InputError(expected('at least one', 'the tensors to differentiate by', 'none'));
  }
  const differentiate = () => {
    let tape: Tape;
    const result = phase('forward', () => {
      state.activeTape = [];
      state.gradientDepth = 1;
      try {
        return tidied('forward', f);
      } finally {
        state.gradientDepth = 0;
        tape = state.activeTape;
      }
    });
    if (result.value.rank !== 0) {
      throw new ShapeError(expected('a scalar', 'the value to differentiate', result.value.shape));
    }
    const record = () => {
      // The pass is done: tfjs, which began a new tape for it, is given the one that was recorded.
      state.activeTape = tape;
      return result.value;
    };
    const { grads } = phase('backward', () => engine.gradients(record, [...xs], undefined, true));
    const gradients = grads.map((gradient) => (gradient as tf.Tensor | null) ?? undefined);
    if (gradients.every((gradient) => gradient === undefined)) {
      throw new InputError(expected('a value that depends on the model', 'the loss', 'a constant'));
    }
    return { ...result, gradients };
  };
  return releasing(() => tidied('gradients', differentiate));
}

/**
 * The gradients of `f` by the tensors `xs`, taken inside a backward pass: zeros where it does not depend on one.
 *
 * tfjs has one tape, and a gradient taken inside a backward pass would drop the outer one. So the outer one is put back.
 */
export function innerGradients(
  f: () => tf.Tensor,
  xs: readonly tf.Tensor[],
  dOut: tf.Tensor,
): tf.Tensor[] {
  const { state } = tf.engine();
  const outerTape = state.activeTape;
  try {
    const { grads: found } = tf.engine().gradients(f, [...xs], dOut, true);
    return xs.map((x, i) => found[i] ?? tf.zerosLike(x));
  } catch (error) {
    // tfjs would never free the tensors that the finished ops of the failed run saved.
    if (state.activeTape !== outerTape) releaseTape(state.activeTape);
    throw error;
  } finally {
    state.activeTape = outerTape;
  }
}

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

// tf.tidy whose types let named tensors through.
function tidied<T>(name: string, f: () => T): T {
  return tf.tidy(name, f as () => tf.TensorContainer) as T;
}
