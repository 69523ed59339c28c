// Relevance of pixels and patches by AttnLRP, with its ledger.

import type * as tf from '@tensorflow/tfjs';
import { assertNumber } from '../core/check.ts';
import { assertFields } from '../core/kinds.ts';
import type { Model } from '../models/model.ts';
import { attnLrpRules, type AttnLrpRuleOptions } from './lrp/attnLrpRules.ts';
import { LedgerBook, type Ledger } from './lrp/ledger.ts';
import {
  readRelevance,
  relevancePass,
  type LrpOptions,
  type PixelExplanation,
} from './lrp/relevancePass.ts';
import { targetClasses } from './target.ts';

/** The options of `attnLrp`; `ledger` true: the result says where all relevance went. */
export interface AttnLrpOptions extends LrpOptions, AttnLrpRuleOptions {
  ledger?: boolean;
}

/** An explanation of `attnLrp`; `ledgers` has one an image, where they were asked for. */
export interface AttnLrpExplanation extends PixelExplanation {
  ledgers?: Ledger[];
}

/**
 * Relevance by AttnLRP: the logit of a class shared out among pixels, tokens, position embeddings and biases by `attnLrpRules`.
 *
 * It costs one forward and one backward pass. Maps have a sign: what is negative speaks against the class. With the ε rule alone deep
 * models give noisy maps; γ makes them calmer.
 *
 * LRP is a patented technology in some countries, free for research; `relevance` does without it.
 *
 * @throws UnsupportedError naming a layer that has no rule; InputError as `relevance`
 *
 * Source: Achtibat et al. 2024, "AttnLRP: attention-aware layer-wise relevance propagation for transformers", ICML.
 *
 * @example const { maps, ledgers } = await attnLrp(model, images, { gamma: 0.05, ledger: true });
 */
export async function attnLrp(
  model: Model,
  images: tf.Tensor4D,
  options: AttnLrpOptions = {},
): Promise<AttnLrpExplanation> {
  assertFields('attnLrp', options, { ledger: 'boolean?' });
  const { epsilon = 1e-6, gamma = 0, patchGamma = gamma, ledger = false, ...rest } = options;
  assertNumber('epsilon', epsilon, { min: Number.MIN_VALUE, max: 1 });
  assertNumber('gamma', gamma, { min: 0, max: 1e6 });
  assertNumber('patchGamma', patchGamma, { min: 0, max: 1e6 });
  const book = ledger ? new LedgerBook(model) : undefined;
  try {
    const pass = relevancePass(model, images, {
      ...rest,
      rules: attnLrpRules({ epsilon, gamma, patchGamma }),
      start: 'logit',
      take: book?.take,
      arrive: book?.arrive,
    });
    const targets = targetClasses(model, images.shape[0], options);
    const explanation = await readRelevance(pass, { targets });
    if (book === undefined) return explanation;
    return { ...explanation, ledgers: await book.read(explanation) };
  } finally {
    book?.dispose();
  }
}
