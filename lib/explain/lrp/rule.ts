// Layer-wise relevance propagation as an interceptor: each step of a forward pass gets a rule in the place of its gradient.

import type * as tf from '@tensorflow/tfjs';
import { UnsupportedError, expected } from '../../core/errors.ts';
import type { Interceptor, Step, StepForward } from '../../core/intercept.ts';
import type { Module } from '../../core/module.ts';
import { LayerNorm } from '../../layers/layerNorm.ts';
import { RmsNorm } from '../../layers/rmsNorm.ts';
import { LayerScale } from '../../layers/layerScale.ts';
import { Linear } from '../../layers/linear.ts';
import { PatchProjection } from '../../layers/patchEmbed.ts';
import * as t from '../../ops/tensor.ts';

/**
 * The kinds of steps that relevance is carried through by a rule.
 *
 * patches: the projection of pixels · scores: q·kᵀ · mix: probabilities times values · sum: a residual sum · position: tokens plus
 * position embedding · bias: a bias that belongs to no linear layer · gate: the product of a gate and what it lets through · mean: the mean of two heads' logits · pool: tokens to one vector
 */
export type StepKind =
  | 'patches'
  | 'linear'
  | 'norm'
  | 'scale'
  | 'activation'
  | 'softmax'
  | 'scores'
  | 'mix'
  | 'sum'
  | 'position'
  | 'bias'
  | 'gate'
  | 'mean'
  | 'pool';

/** The entries of a ledger beside patches and tokens: where relevance goes that no input of a step receives. */
export type TakenBy = 'bias' | 'softmax' | 'epsilon' | 'position' | 'query' | 'lost';

/**
 * One step of the pass backward.
 *
 * @property relevance  of the step's result, in its shape
 * @property output     the step's result
 * @property forward    computes it again from inputs
 * @property take       notes what no input receives, [B]; undefined where nobody keeps a ledger
 */
export interface RuleCall {
  relevance: tf.Tensor;
  inputs: readonly tf.Tensor[];
  output: tf.Tensor;
  module: Module | undefined;
  forward: StepForward;
  take: ((by: TakenBy, amount: tf.Tensor) => void) | undefined;
}

/** The relevance of each input of a step, in its shape. */
export type Rule = (call: RuleCall) => tf.Tensor[];

/** A rule for each kind of step. */
export type RuleTable = Readonly<Record<StepKind, Rule>>;

/** Notes relevance that no input of a step receives. */
export type Take = (path: string, by: TakenBy, amount: tf.Tensor) => void;

const endings: readonly (readonly [RegExp, StepKind])[] = [
  [/(?<!^pre)_logits$/, 'scores'],
  [/_probs$/, 'softmax'],
  [/_output$/, 'mix'],
  [/[._]act$/, 'activation'],
  [/\.gate$/, 'gate'],
  [/\.mlp_bias$/, 'bias'],
  [/\.residual\d*$/, 'sum'],
  [/^pos_embed\.sum$/, 'position'],
  [/^pool$/, 'pool'],
];

/** The kind of a step; undefined for one that others make up, or that only has a name. @throws UnsupportedError for a layer without rule */
export function kindOf({ path, module, inputs }: Step): StepKind | undefined {
  if (module instanceof PatchProjection) return 'patches';
  if (module instanceof Linear) return 'linear';
  if (module instanceof LayerNorm || module instanceof RmsNorm) return 'norm';
  if (module instanceof LayerScale) return 'scale';
  if (module !== undefined) {
    if (module.children().size > 0 || module.namedParameters().size === 0) return undefined;
    const what = 'layers that relevance has a rule for (Linear, LayerNorm, RmsNorm, LayerScale)';
    const remedy = 'relevance, integratedGradients and occlusion take any layer.';
    throw new UnsupportedError(expected(what, path, module.constructor.name, remedy));
  }
  if (path === 'logits' && inputs.length === 2) return 'mean';
  return endings.find(([ending]) => ending.test(path))?.[1];
}

/**
 * The interceptor whose backward pass carries relevance instead of a gradient.
 *
 * Where a tensor is read twice its relevances add up, as gradients do. Steps without a rule rearrange tensors, and relevance goes with
 * their elements.
 *
 * @param options.skip  kinds that are left to the steps inside them: `pool` for pooling by attention
 */
export function relevanceInterceptor(
  rules: RuleTable,
  { take, skip }: { take?: Take | undefined; skip?: StepKind | undefined } = {},
): Interceptor {
  return {
    wants: () => true,
    call(step, forward) {
      const kind = kindOf(step);
      if (kind === undefined || kind === skip) return forward(...step.inputs);
      const count = step.inputs.length;
      const op = t.customGrad((...args) => {
        const inputs = args.slice(0, count) as tf.Tensor[];
        const output = forward(...inputs);
        (args[count] as tf.GradSaveFunc)([...inputs, output]);
        return {
          value: output,
          gradFunc: (relevance: tf.Tensor, saved: tf.Tensor[]) => {
            const parts = rules[kind]({
              relevance,
              inputs: saved.slice(0, count),
              output: saved[count]!,
              module: step.module,
              forward,
              take: take && ((by, amount) => take(step.path, by, amount)),
            });
            // The query of pooling by attention is a parameter, so relevance ends there.
            if (step.path === 'attn_pool_logits') take?.(step.path, 'query', perSample(parts[0]!));
            return parts;
          },
        };
      });
      return op(...step.inputs);
    },
  };
}

/** Σ over all axes but the first: [B, …] → [B]. */
export function perSample(x: tf.Tensor): tf.Tensor1D {
  return t.sum<tf.Tensor1D>(t.reshape(x, [x.shape[0]!, -1]), 1);
}

/** Half the relevance for each of two factors of a product. */
export const halves: Rule = ({ relevance }) => [t.mul(0.5, relevance), t.mul(0.5, relevance)];

/** The same relevance for the one input, as identity rules have it. */
export const pass: Rule = ({ relevance }) => [t.clone(relevance)];
