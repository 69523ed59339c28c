// The task of a classifier that learns from a teacher beside the labels.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { InputError, expected } from '../core/errors.ts';
import { assertFields, assertMethods } from '../core/kinds.ts';
import { classification } from './classification.ts';
import { distillationLoss } from './losses/distillation.ts';
import { lossNamed } from './losses/lossNamed.ts';
import type { Evaluation } from './metrics.ts';
import type { Task } from './task.ts';
import type { Teacher } from './teacher.ts';
import type { TrainableModel } from './trainableModel.ts';

/**
 * The options of `distilledClassification`.
 *
 * @property teacher  gives the logits that are learnt from
 * @property type     hard or soft: see `distillationLoss`
 * @property alpha    weight of the teacher's part, 0 … 1; default 0.5
 * @property tau      temperature of soft distillation; default 1
 * @property loss     the loss of the labels by name; default softmax
 */
export interface DistilledClassificationOptions {
  teacher: Teacher;
  type: 'hard' | 'soft';
  alpha?: number;
  tau?: number;
  loss?: string;
}

/**
 * `classification` with DeiT's distillation: a distilled model learns the labels with its class head and the teacher with its other head;
 * any other model learns both with the one head it has, as in Hinton et al. 2015.
 *
 * The teacher sees the images as they were augmented and mixed. Evaluation and the choice of the best epoch are those of
 * `classification`.
 *
 * Source: Touvron et al. 2021; deit/losses.py, which refuses models with one head.
 *
 * @example train(config, {...env, task: distilledClassification({teacher: modelTeacher(teacher), type: 'soft', tau: 3})});
 */
export function distilledClassification(options: DistilledClassificationOptions): Task<Evaluation> {
  assertFields('distilledClassification', options, { teacher: 'instance', loss: 'text?' });
  const { teacher, loss = 'softmax', ...how } = options;
  assertMethods('a teacher', 'teacher', teacher, ['logits', 'assertFits']);
  const plain = classification({ loss });
  const base = lossNamed(loss);
  return {
    ...plain,
    name: 'distilled classification',
    prepare: async (batch, at, context) => ({
      ...batch,
      teacherLogits: await teacher.logits(batch, at, context),
    }),
    loss: (model, batch, context) => {
      const { images, imageShape, targets, teacherLogits, size } = batch;
      if (teacherLogits === undefined) {
        throw new InputError(expected('logits of the teacher', 'a batch', undefined));
      }
      const x = t.tensor4d(images, [size, ...imageShape]);
      const [wanted, taught] = [targets, teacherLogits].map((values) =>
        t.tensor2d(values, [size, values.length / size]),
      );
      const { cls, dist, logits } = headsOf(model, x, context);
      const value = distillationLoss({ cls, dist }, wanted!, taught!, { ...how, base });
      return { loss: value, outputs: { logits } };
    },
    assertFits: (model, loader, context) => {
      plain.assertFits(model, loader, context);
      if (loader.config.training) teacher.assertFits(loader);
    },
  };
}

// The logits of the two heads and their mean, which evaluation uses; a model with one head has it in all three places.
function headsOf(
  model: TrainableModel,
  images: tf.Tensor4D,
  context: Parameters<TrainableModel['forward']>[1],
): Record<'cls' | 'dist' | 'logits', tf.Tensor2D> {
  const { distilled } = (model.config ?? {}) as { distilled?: unknown };
  const heads = distilled === true ? model.forwardDistilled?.(images, context) : undefined;
  if (heads !== undefined) {
    return { ...heads, logits: t.mul(t.add(heads.cls, heads.dist), 0.5) };
  }
  const logits = model.forward(images, context);
  return { cls: logits, dist: logits, logits };
}
