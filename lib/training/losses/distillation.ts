// DeiT's distillation: the class head learns the targets, the distillation head learns from a teacher.

import { assertFields, assertKind } from '../../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../../ops/tensor.ts';
import { assertNumber, assertOneOf, assertShape, assertRank } from '../../core/check.ts';
import { logSoftmax } from '../../ops/softmaxCrossEntropy.ts';
import { softTargetCrossEntropyLoss } from './crossEntropy.ts';
import type { Loss } from './registry.ts';

/**
 * The cross-entropy of the distillation head with the class that the teacher finds most likely.
 *
 * loss = −(1/B) Σ_b log softmax(dist[b,:]) at argmax_k teacher[b,k]
 *
 * @param dist     logits of the distillation head, [B, K]
 * @param teacher  logits of the teacher, [B, K]; no gradient flows to them
 * @returns a scalar
 *
 * Source: Touvron et al. 2021, eq. 3.
 */
export function hardDistillationLoss(dist: tf.Tensor2D, teacher: tf.Tensor2D): tf.Scalar {
  assertRank('dist', dist, 2);
  assertShape('teacher', teacher, dist.shape);
  return t.tidy(() => {
    const targets = t.oneHot(t.argMax(teacher, 1), teacher.shape[1]) as tf.Tensor2D;
    return softTargetCrossEntropyLoss(dist, t.cast(targets, 'float32'));
  });
}

/**
 * The divergence of the distillation head's distribution from the teacher's, both softened by τ.
 *
 * loss = τ²/(BK) Σ_bk p·(log p − log q), p = softmax(teacher/τ), q = softmax(dist/τ)
 *
 * DeiT divides by all elements, B·K, where Hinton et al. 2015 divide by B.
 *
 * @param dist         logits of the distillation head, [B, K]
 * @param teacher      logits of the teacher, [B, K]
 * @param options.tau  temperature τ > 0; default 1
 * @returns a scalar
 *
 * Source: Touvron et al. 2021, eq. 2, as in deit/losses.py.
 */
export function softDistillationLoss(
  dist: tf.Tensor2D,
  teacher: tf.Tensor2D,
  options: { tau?: number } = {},
): tf.Scalar {
  assertRank('dist', dist, 2);
  assertKind('options of softDistillationLoss', options, 'instance');
  const { tau = 1 } = options;
  assertShape('teacher', teacher, dist.shape);
  assertNumber('tau', tau, { min: Number.MIN_VALUE });
  const [batch, classes] = teacher.shape;
  return t.tidy(() => {
    const teacherLog = logSoftmax(t.div(teacher, tau));
    const studentLog = logSoftmax(t.div(dist, tau));
    const divergence = t.sum(t.mul(t.exp(teacherLog), t.sub(teacherLog, studentLog)));
    return t.mul(divergence, (tau * tau) / (batch * classes)) as tf.Scalar;
  });
}

/**
 * How a student learns from a teacher; the defaults are those of DeiT's command line.
 *
 * @property type   hard: the teacher's class is a label; soft: its distribution is the target
 * @property alpha  weight of the teacher's part, 0 … 1; default 0.5
 * @property tau    temperature of soft distillation; default 1
 * @property base   loss of the class head; default `softTargetCrossEntropyLoss`
 */
export interface DistillationOptions {
  type: 'hard' | 'soft';
  alpha?: number;
  tau?: number;
  base?: Loss;
}

/**
 * DeiT's distillation loss: (1 − α)·base(cls, targets) + α·distillation(dist, teacher).
 *
 * @param outputs  logits of the two heads in training, [B, K] each: `VisionTransformer.forwardDistilled`
 * @param targets  [B, K]
 * @param teacher  logits of the teacher for the same images, [B, K]
 * @returns a scalar
 * @throws InputError for a type, alpha or tau that cannot be used; ShapeError if the shapes differ
 *
 * Source: Touvron et al. 2021; deit/losses.py, `DistillationLoss`.
 *
 * @example
 * const loss = () => distillationLoss(student.forwardDistilled(images, {training: true, rng}), targets, teacherLogits, {type: 'hard'});
 * const { value, gradients } = valueAndGrad(student, loss);
 */
export function distillationLoss(
  outputs: { cls: tf.Tensor2D; dist: tf.Tensor2D },
  targets: tf.Tensor2D,
  teacher: tf.Tensor2D,
  options: DistillationOptions,
): tf.Scalar {
  assertKind('the outputs of a distilled model', outputs, 'instance');
  assertFields('distillationLoss', options, { base: 'function?' });
  const { cls, dist } = outputs;
  const { type, alpha = 0.5, tau = 1, base = softTargetCrossEntropyLoss } = options;
  assertRank('cls', cls, 2);
  assertOneOf('type', type, ['hard', 'soft']);
  assertNumber('alpha', alpha, { min: 0, max: 1 });
  assertShape('dist', dist, [cls.shape[0], -1]);
  return t.tidy(() => {
    const learned =
      type === 'hard'
        ? hardDistillationLoss(dist, teacher)
        : softDistillationLoss(dist, teacher, { tau });
    return t.add(t.mul(base(cls, targets), 1 - alpha), t.mul(learned, alpha)) as tf.Scalar;
  });
}
