// The seam through which a forward pass is observed and changed: steps with a path, and interceptors that stand around them.

import { assertKind, assertMethods } from './kinds.ts';
import * as tf from '@tensorflow/tfjs';
import { assertShape } from './check.ts';
import { ShapeError, expected } from './errors.ts';
import type { Module } from './module.ts';
import type { TokenLayout } from './tokenLayout.ts';

/**
 * One step of a forward pass.
 *
 * @property path    its full name: that of a module as in the state dict (`blocks.3.attn.qkv`), or that of an inner tensor
 *                   (`blocks.3.attn_probs`, `pre_logits`)
 * @property module  the module whose forward pass the step is; undefined for an inner tensor
 * @property inputs  the tensors that the step reads; for a tensor that only has a name, the tensor itself
 * @property layout  at the tokens before the first block (`blocks.input`): the places of the patches among them in this pass
 */
export interface Step {
  readonly path: string;
  readonly module: Module | undefined;
  readonly inputs: readonly tf.Tensor[];
  readonly layout?: TokenLayout | undefined;
}

/** Runs a step on its inputs, or on others of the same shapes. */
export type StepForward = (...inputs: tf.Tensor[]) => tf.Tensor;

/**
 * Stands around the steps of a forward pass: it can look at inputs, module and result, measure time, run a step on other inputs,
 * run it twice, or give another result. The result may carry a gradient of its own (`tf.customGrad`).
 *
 * `call` receives every step that runs by itself, wanted or not. A step inside a fused op runs by itself only if it is wanted:
 * `wants(path)` unfuses the ops around that step and no others. So an interceptor that wants nothing measures the fused path.
 *
 * @example
 * const doubled: Interceptor = {
 *   wants: (path) => path === 'blocks.0.mlp',
 *   call: ({ path, inputs }, forward) => {
 *     const y = forward(...inputs);
 *     return path === 'blocks.0.mlp' ? tf.mul(y, 2) : y;
 *   },
 * };
 * const logits = model.forward(images, { intercept: doubled });
 */
export interface Interceptor {
  /** Whether the step of this path has to run by itself. It is asked often, and its answer must stay the same during a pass. */
  wants(path: string): boolean;
  /**
   * Returns the result of a step, which `forward` computes, or another tensor of its shape and dtype. Tensors made in here and not returned
   * are freed. What is no tensor, or has another shape or dtype than `forward` gave, is a ShapeError.
   */
  call(step: Step, forward: StepForward): tf.Tensor;
  /** Called when the whole forward pass of a model is done. */
  endPass?(): void;
}

/** The part of a forward context that this seam reads. */
export interface Intercepted {
  intercept?: Interceptor | undefined;
}

/** Several interceptors as one; the first is the outermost. */
export function combineInterceptors(...interceptors: readonly Interceptor[]): Interceptor {
  interceptors.forEach(assertInterceptor);
  return {
    // Each is asked: a capture learns the names of a model from the questions.
    wants: (path) => interceptors.filter((interceptor) => interceptor.wants(path)).length > 0,
    call: (step, forward) => {
      const run = interceptors.reduceRight<StepForward>(
        (next, interceptor) =>
          (...inputs) =>
            interceptor.call({ ...step, inputs }, next),
        forward,
      );
      return run(...step.inputs);
    },
    endPass: () => interceptors.forEach((interceptor) => interceptor.endPass?.()),
  };
}

/** Runs a step that has no module: the tensor that an op inside a layer computes. */
export function step<I extends readonly tf.Tensor[], Y extends tf.Tensor>(
  path: string,
  inputs: I,
  context: Intercepted,
  forward: (...inputs: I) => Y,
): Y {
  if (context.intercept === undefined) return forward(...inputs);
  return intercepted({ path, module: undefined, inputs }, context.intercept, forward);
}

/** Runs the forward pass of a module as a step. */
export function moduleStep<X extends tf.Tensor, Y extends tf.Tensor>(
  module: Module & { readonly path: string },
  x: X,
  context: Intercepted,
  forward: (x: X) => Y,
): Y {
  if (typeof forward !== 'function' || context == null) assertStep(context, forward);
  if (context.intercept === undefined) return forward(x);
  const { path } = module;
  return intercepted<[X], Y>({ path, module, inputs: [x] }, context.intercept, forward);
}

/** Gives a tensor a name, under which an interceptor can see or replace it. `layout`: as in `Step`. */
export function namedTensor<T extends tf.Tensor>(
  path: string,
  x: T,
  context: Intercepted,
  layout?: TokenLayout,
): T {
  if (context == null) assertStep(context, same);
  if (context.intercept === undefined) return x;
  const about = { path, module: undefined, inputs: [x], ...(layout && { layout }) } as const;
  return intercepted<[T], T>(about as Step & { inputs: [T] }, context.intercept, same);
}

/** Whether an interceptor wants one of these steps, so that no op may run several of them in one. */
export function wantsAny({ intercept }: Intercepted, paths: readonly string[]): boolean {
  return intercept !== undefined && paths.filter((path) => intercept.wants(path)).length > 0;
}

/** Throws an InputError unless a value can stand around the steps of a pass. */
export function assertInterceptor(value: unknown): asserts value is Interceptor {
  const what = 'an interceptor, with wants and call,';
  assertMethods(what, 'context.intercept', value, ['wants', 'call']);
}

function assertStep(context: unknown, forward: unknown): void {
  assertKind('context', context, 'instance');
  assertKind('forward', forward, 'function');
}

function intercepted<I extends readonly tf.Tensor[], Y extends tf.Tensor>(
  about: Step & { inputs: I },
  intercept: Interceptor,
  forward: (...inputs: I) => Y,
): Y {
  return tf.tidy(() => {
    let own: tf.Tensor | undefined;
    const result: unknown = intercept.call(about, (...inputs) => {
      const y = forward(...(inputs as unknown as I));
      own = y;
      return y;
    });
    if (!(result instanceof tf.Tensor)) {
      throw new ShapeError(expected('a tensor from the interceptor', about.path, result));
    }
    if (own !== undefined) {
      assertShape(about.path, result, own.shape);
      if (result.dtype !== own.dtype) {
        const what = `a tensor of ${own.dtype} from the interceptor`;
        throw new ShapeError(expected(what, about.path, result.dtype));
      }
    }
    return result as Y;
  });
}

function same<T>(x: T): T {
  return x;
}
