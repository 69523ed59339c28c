// Integrated gradients, with the ledger of each image.

import type * as tf from '@tensorflow/tfjs';
import { assertInteger, assertNumber } from '../core/check.ts';
import { assertKind } from '../core/kinds.ts';
import { gaussLegendre } from '../core/quadrature.ts';
import type { Model } from '../models/model.ts';
import * as t from '../ops/tensor.ts';
import { logitRows, pixelMaps, type ExplainOptions, type Explanation } from './explanation.ts';
import { inputGradient, passSize, predictTargets, targetLogits } from './inputGradients.ts';
import type { Ledger } from './lrp/ledger.ts';

/**
 * The options of `integratedGradients`.
 *
 * @property steps     points of the quadrature; default 64
 * @property baseline  the pixel value, normalised, that stands for nothing; default 0, the mean of the training images
 */
export interface IntegratedGradientsOptions extends ExplainOptions {
  steps?: number;
  baseline?: number;
}

/** An explanation of `integratedGradients` with the ledger of each image: patches, baseline logit, quadrature residual. */
export interface IntegratedExplanation extends Explanation {
  ledgers: Ledger[];
}

/**
 * Integrated gradients: the difference between the logits of an image and of a baseline, shared out among its pixels.
 *
 * IG_i = (x_i − x'_i) ∫₀¹ ∂logit(x' + α (x − x')) / ∂x_i dα, by Gauss-Legendre quadrature; pixels are summed over their patches. The
 * quadrature's residual is an entry of the ledger. It costs `steps` forward and backward passes.
 *
 * @throws InputError if a class, number or image cannot be used
 *
 * Source: Sundararajan et al. 2017, "Axiomatic attribution for deep networks".
 *
 * @example const { maps, ledgers } = await integratedGradients(model, images);
 */
export async function integratedGradients(
  model: Model,
  images: tf.Tensor4D,
  options: IntegratedGradientsOptions = {},
): Promise<IntegratedExplanation> {
  assertKind('options of integratedGradients', options, 'object');
  const { steps = 64, baseline = 0 } = options;
  assertInteger('steps', steps, { min: 1, max: 4096 });
  assertNumber('baseline', baseline);
  const { logits, targets, layout } = await predictTargets(model, images, options);
  const [batch, ...shape] = images.shape;
  const rule = gaussLegendre(steps);
  const integrals: tf.Tensor[] = [];
  try {
    for (let b = 0; b < batch; b += 1) {
      integrals.push(integral(model, images, { b, target: targets[b]!, rule, baseline, options }));
    }
    const maps = await pixelMaps(
      t.tidy(() => t.stack(integrals)),
      layout,
    );
    const empty = t.fill([1, ...shape], baseline) as tf.Tensor4D;
    const rows = logitRows(logits, batch);
    try {
      const base = new Map<number, number>();
      for (const target of new Set(targets)) {
        base.set(target, (await targetLogits(model, empty, target, options))[0]!);
      }
      const ledgers = maps.map(({ data }, b) =>
        ledger([...data], rows[b]![targets[b]!]!, base.get(targets[b]!)!),
      );
      return { maps, targets, logits: rows, layout, ledgers };
    } finally {
      empty.dispose();
    }
  } finally {
    t.dispose(integrals);
  }
}

function integral(
  model: Model,
  images: tf.Tensor4D,
  about: {
    b: number;
    target: number;
    rule: ReturnType<typeof gaussLegendre>;
    baseline: number;
    options: ExplainOptions;
  },
): tf.Tensor {
  const { b, target, rule, baseline, options } = about;
  const [, height, width, channels] = images.shape;
  const { points, weights } = rule;
  return t.tidy(() => {
    const image = t.slice(images, [b, 0, 0, 0], [1, height, width, channels]);
    const difference = t.sub(image, baseline);
    let sum: tf.Tensor = t.zeros([height, width, channels]);
    for (let from = 0; from < points.length; from += passSize) {
      const part = points.slice(from, from + passSize);
      const column = (values: readonly number[]) =>
        t.tensor4d([...values], [values.length, 1, 1, 1]);
      const path = t.add<tf.Tensor4D>(t.mul(column(part), difference), baseline);
      const slopes = inputGradient(
        model,
        path,
        part.map(() => target),
        options,
      );
      sum = t.add(sum, t.sum(t.mul(slopes, column(weights.slice(from, from + passSize))), 0));
    }
    return t.mul(sum, t.reshape(difference, [height, width, channels]));
  });
}

function ledger(patches: number[], total: number, baseLogit: number): Ledger {
  const value = patches.reduce((sum, share) => sum + share, 0);
  const entries = [
    { name: 'patches', value },
    { name: 'baseline logit', value: baseLogit },
    { name: 'quadrature', value: total - baseLogit - value },
  ];
  return { total, entries, patches, residual: 0, blocks: [] };
}
