// Scaled dot-product attention inside a layer, as one op or in the steps that an interceptor asks for.

import type * as tf from '@tensorflow/tfjs';
import { attentionLogits, scaledDotProductAttention } from '../ops/attention.ts';
import { matMul } from '../ops/matMul.ts';
import { mapGradient } from '../ops/recordGradient.ts';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import { namedTensor, step, wantsAny } from '../core/intercept.ts';
import type { Dropout } from './drop.ts';

/** The tensors inside an attention layer that an interceptor can ask for, by the end of their name. */
const innerTensors = ['_logits', '_probs', '_grad', '_output'] as const;

/** The names of the tensors inside the attention layer of this path: `blocks.3.attn_probs` and so on. */
export function attentionTensors(path: string): readonly string[] {
  return innerTensors.map((ending) => path + ending);
}

/** How `attend` runs; `names` are those of `attentionTensors`. */
export interface AttendOptions {
  names: readonly string[];
  scale: number;
  dropout?: Dropout | undefined;
}

/** Whether the probabilities have to exist as a tensor: for an interceptor, a mask, or the dropout that acts on them. */
export function needsProbabilities(
  { names, dropout }: Pick<AttendOptions, 'names' | 'dropout'>,
  context: ForwardContext,
): boolean {
  const { attnMask } = context;
  return attnMask !== undefined || dropout?.acts(context) === true || wantsAny(context, names);
}

/**
 * softmax(scale·q·kᵀ)·v over all heads, [B, h, N, D].
 *
 * It is one op that never holds the [B, h, N, M] probabilities, unless they are needed. Then it is these steps: `<path>_logits`
 * from q and k, `<path>_probs` from the logits, dropout, `<path>_output` from the probabilities and v. In a backward pass
 * `<path>_grad` is a step on the gradient with respect to the probabilities before dropout, and its result goes on.
 */
export function attend(
  q: tf.Tensor4D,
  k: tf.Tensor4D,
  v: tf.Tensor4D,
  { names, scale, dropout }: AttendOptions,
  context: ForwardContext,
): tf.Tensor4D {
  const { precision } = context;
  if (!needsProbabilities({ names, dropout }, context)) {
    return scaledDotProductAttention(q, k, v, { scale, precision }).out;
  }
  const [logitsName, probsName, gradName, outputName] = names as [string, string, string, string];
  const logits = step(logitsName, [q, k] as const, context, (queries, keys) =>
    masked(attentionLogits(queries, keys, { scale, precision }), context),
  );
  const softmax = step(probsName, [logits] as const, context, (given) => t.softmax(given));
  const probs = wantsAny(context, [gradName])
    ? mapGradient(softmax, (dOut) => namedTensor(gradName, dOut, context))
    : softmax;
  const kept = dropout?.forward(probs, context) ?? probs;
  return step(outputName, [kept, v] as const, context, (weights, values) =>
    matMul(weights, values, { precision }),
  );
}

function masked(logits: tf.Tensor4D, { attnMask }: ForwardContext): tf.Tensor4D {
  return attnMask === undefined ? logits : t.add(logits, attnMask);
}
