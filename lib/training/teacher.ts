// The teacher of a distillation: logits for the very images of a batch.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import { InputError, expected } from '../core/errors.ts';
import { assertFields } from '../core/kinds.ts';
import { assertModule } from '../core/module.ts';
import type { Precision } from '../core/precision.ts';
import type { Batch } from '../data/batch.ts';
import type { BatchPlace } from '../data/batchTransform.ts';
import type { Loader } from '../data/loader.ts';
import type { Normalization } from '../data/normalize.ts';
import { assertNormalization } from '../data/normalize.ts';
import type { TrainableModel } from './trainableModel.ts';

/**
 * The source of a teacher's logits.
 *
 * @property fingerprint  identifies the teacher; a run is resumed with no other
 */
export interface Teacher {
  readonly fingerprint: string;
  /** Refuses a teacher that does not fit the images or the classes of a loader. @throws InputError, ShapeError */
  assertFits(loader: Loader): void;
  /**
   * The logits for the images of a batch as they were augmented and mixed, [B, K].
   *
   * @param at  where the batch stands in the training
   */
  logits(batch: Batch, at: BatchPlace, options: { precision: Precision }): Promise<Float32Array>;
}

/**
 * The options of `modelTeacher`.
 *
 * @property fingerprint  identifies its weights, for example the SHA-256 of their file; default none
 * @property size         [H, W] of the images that it takes; default: those of the student
 * @property normalize    the normalisation that it was trained with; default: that of the student
 */
export interface ModelTeacherOptions {
  fingerprint?: string;
  size?: readonly [number, number];
  normalize?: Normalization;
}

/**
 * A model as a teacher. It sees the student's images, with its own normalisation, resized to its own size (bilinear), and a grey image in
 * as many channels as it takes.
 *
 * The model stays the caller's. Nothing of it is recorded for the student's gradient.
 *
 * @example
 * await train({...config, distillation: {type: 'hard'}}, {...env, teacher: modelTeacher(await loadModel('runs/teacher'))});
 */
export function modelTeacher(model: TrainableModel, options: ModelTeacherOptions = {}): Teacher {
  assertModule(model, ['forward']);
  assertFields('modelTeacher', options, {
    fingerprint: 'text?',
    size: 'list?',
    normalize: 'instance?',
  });
  const { fingerprint = '', size, normalize } = options;
  let student: Normalization | undefined;
  const look = (images: tf.Tensor4D): tf.Tensor4D => {
    let x = images;
    const channels = normalize?.mean.length ?? x.shape[3];
    if (x.shape[3] === 1 && channels > 1)
      x = t.concat(
        Array.from({ length: channels }, () => x),
        3,
      );
    if (normalize !== undefined && student !== undefined) x = renormalized(x, student, normalize);
    const [, height, width] = x.shape;
    const fits = size === undefined || (size[0] === height && size[1] === width);
    return fits ? x : t.image.resizeBilinear(x, [...size], false, true);
  };
  return {
    fingerprint,
    assertFits({ config: { dataset, outputShape, normalize: own } }) {
      student = own;
      if (normalize !== undefined) assertNormalization(normalize, normalize.mean.length);
      const classes = t.tidy(() => {
        const logits: tf.Tensor = model.forward(look(t.zeros([1, ...outputShape])), {});
        return logits.rank === 2 ? logits.shape[1] : undefined;
      });
      if (classes === dataset.numClasses) return;
      const what = `${dataset.numClasses} classes, those of the data,`;
      throw new InputError(expected(what, 'the teacher', classes ?? 'no logits of classes'));
    },
    async logits({ images, size: count, imageShape }, _at, { precision }) {
      const logits = t.tidy(() =>
        model.forward(look(t.tensor4d(images, [count, ...imageShape])), { precision }),
      );
      try {
        return Float32Array.from(await logits.data());
      } finally {
        logits.dispose();
      }
    },
  };
}

// Images of one normalisation in another: x·σ/σ' + (μ − μ')/σ'.
function renormalized(x: tf.Tensor4D, from: Normalization, to: Normalization): tf.Tensor4D {
  const at = (values: readonly number[], k: number) => values[values.length === 1 ? 0 : k]!;
  const scale = to.std.map((std, k) => at(from.std, k) / std);
  const shift = to.std.map((std, k) => (at(from.mean, k) - to.mean[k]!) / std);
  if (scale.every((one) => one === 1) && shift.every((one) => one === 0)) return x;
  return t.add(t.mul(x, t.tensor(scale)), t.tensor(shift));
}
