// The methods of explanation by name: a table that takes more from outside.

import type * as tf from '@tensorflow/tfjs';
import { assertFields, assertKind, assertMethods } from '../core/kinds.ts';
import { InputError, expected } from '../core/errors.ts';
import { didYouMean } from '../core/nearest.ts';
import type { Model } from '../models/model.ts';
import { attnLrp } from './attnLrp.ts';
import type { ExplainOptions, Explanation } from './explanation.ts';
import { gradCam } from './gradCam.ts';
import { integratedGradients } from './integratedGradients.ts';
import { occlusion, smoothGrad } from './perturbed.ts';
import { relevance } from './relevance.ts';
import { gradRollout, rolloutMaps } from './rolloutMaps.ts';
import { transformerAttribution } from './transformerAttribution.ts';

/** The options that any method may be given; one that has no use for an option leaves it. `startLayer` is the first block that counts. */
export interface MethodOptions extends ExplainOptions {
  startLayer?: number;
}

/**
 * A method of explanation.
 *
 * @property name      the word that chooses it
 * @property describe  one sentence for help and figures
 * @property signed    whether its maps have negative values, which speak against the class
 * @property knowsClass  false: the map is the same for every class
 */
export interface ExplanationMethod {
  readonly name: string;
  readonly describe: string;
  readonly signed: boolean;
  readonly knowsClass: boolean;
  run(model: Model, images: tf.Tensor4D, options: MethodOptions): Promise<Explanation>;
}

const positive = { signed: false, knowsClass: true } as const;
const signed = { signed: true, knowsClass: true } as const;

const own: readonly ExplanationMethod[] = [
  {
    ...positive,
    name: 'relevance',
    describe: 'gradient × attention through all blocks',
    run: relevance,
  },
  {
    ...positive,
    name: 'transformer-attribution',
    describe: 'relevance propagation × gradient at the attention',
    run: transformerAttribution,
  },
  {
    ...positive,
    name: 'rollout',
    describe: 'attention rollout',
    knowsClass: false,
    run: rolloutMaps,
  },
  {
    ...positive,
    name: 'grad-rollout',
    describe: 'attention rollout weighed by gradients',
    run: gradRollout,
  },
  {
    ...positive,
    name: 'attention',
    describe: 'attention of the last block',
    knowsClass: false,
    run: variant('last_layer_attn'),
  },
  {
    ...positive,
    name: 'lrp-rollout',
    describe: 'rollout of relevances, without gradients',
    run: variant('rollout'),
  },
  {
    ...positive,
    name: 'lrp-last-layer',
    describe: 'relevance at the attention of the last block',
    run: variant('last_layer'),
  },
  {
    ...signed,
    name: 'lrp-full',
    describe: 'relevance propagation to the pixels',
    run: variant('full'),
  },
  {
    ...positive,
    name: 'attention-gradcam',
    describe: 'Grad-CAM of the attention of the last block',
    run: variant('attn_gradcam'),
  },
  { ...positive, name: 'grad-cam', describe: 'Grad-CAM of the tokens', run: gradCam },
  {
    ...signed,
    name: 'attn-lrp',
    describe: 'AttnLRP with the ε rule',
    run: (model, images, options) => attnLrp(model, images, options),
  },
  {
    ...signed,
    name: 'attn-lrp-gamma',
    describe: 'AttnLRP with the γ rule',
    run: (model, images, options) =>
      attnLrp(model, images, { ...options, gamma: 0.05, patchGamma: 0.25 }),
  },
  {
    ...signed,
    name: 'integrated-gradients',
    describe: 'integrated gradients',
    run: integratedGradients,
  },
  {
    ...positive,
    name: 'smooth-grad',
    describe: 'size of the gradient over noisy copies',
    run: smoothGrad,
  },
  { ...signed, name: 'occlusion', describe: 'fall of the logit under a cover', run: occlusion },
];

const table = new Map(own.map((method) => [method.name, method]));

/** Every method, the default first. */
export function explanationMethods(): ExplanationMethod[] {
  return [...table.values()];
}

/** The method of a name. @throws InputError with the nearest name */
export function explanationMethod(name: string): ExplanationMethod {
  assertKind('method', name, 'text');
  const found = table.get(name);
  if (found !== undefined) return found;
  const names = [...table.keys()];
  throw new InputError(
    expected(`one of ${names.join(', ')}`, 'method', name, didYouMean(name, names)),
  );
}

/**
 * Makes a method known by its name.
 *
 * @throws InputError if the name is taken
 *
 * @example registerExplanation({ name: 'mine', describe: 'a map of mine', signed: false, knowsClass: true, run });
 */
export function registerExplanation(method: ExplanationMethod): void {
  assertFields('the method', method, { name: 'text', describe: 'text' });
  assertMethods('a method', 'method', method, ['run']);
  if (table.has(method.name)) {
    throw new InputError(expected('a name that is free', 'method.name', method.name));
  }
  table.set(method.name, method);
}

function variant(method: 'last_layer_attn' | 'rollout' | 'last_layer' | 'full' | 'attn_gradcam') {
  return (model: Model, images: tf.Tensor4D, options: MethodOptions): Promise<Explanation> =>
    transformerAttribution(model, images, { ...options, method });
}
