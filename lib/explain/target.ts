// The classes that an explanation is asked for: by number or name, one for all images or one for each.

import type * as tf from '@tensorflow/tfjs';
import { assertInteger } from '../core/check.ts';
import { InputError, ShapeError, expected } from '../core/errors.ts';
import { isRecord } from '../core/check.ts';
import { recordOfModel } from '../core/modelRecord.ts';
import { didYouMean } from '../core/nearest.ts';
import type { Model } from '../models/model.ts';
import * as t from '../ops/tensor.ts';

/** A class by its number, from 0, or by its name. */
export type ClassTarget = number | string;

/** The part of a method's options that says which classes are explained. */
export interface TargetOptions {
  /** One class for all images, or one for each; default: the class that the model predicts for the image. */
  target?: ClassTarget | readonly ClassTarget[] | undefined;
  /** The names that `target` may use; default those that are stored with the model. */
  classNames?: readonly string[] | undefined;
}

/**
 * The number of the class that is meant, 0 … K − 1.
 *
 * A name counts if it is written exactly, or differs from one name in capitals alone.
 *
 * @param name  how the error calls it
 * @throws InputError for a number out of range, and for an unknown name, with the nearest one
 */
export function classIndex(
  target: ClassTarget,
  numClasses: number,
  classNames: readonly string[] | undefined,
  name = 'target',
): number {
  if (typeof target === 'number') {
    assertInteger(name, target, { min: 0, max: numClasses - 1 });
    return target;
  }
  if (typeof target !== 'string') {
    throw new InputError(expected('the number or the name of a class', name, target));
  }
  const exact = (classNames ?? []).indexOf(target);
  if (exact >= 0) return exact;
  const folded = (classNames ?? []).flatMap((one, k) =>
    one.toLowerCase() === target.toLowerCase() ? [k] : [],
  );
  if (folded.length === 1) return folded[0]!;
  if (/^\d+$/.test(target)) return classIndex(Number(target), numClasses, undefined, name);
  const range = `a number from 0 to ${numClasses - 1}`;
  const what = classNames === undefined ? range : `the name of a class, or ${range}`;
  throw new InputError(expected(what, name, target, didYouMean(target, classNames ?? [])));
}

/**
 * The classes that are asked for, one an image; undefined where the model's own predictions are.
 *
 * @throws InputError as `classIndex`, and if there is not one for each image
 */
export function targetClasses(
  model: Model,
  batch: number,
  { target, classNames }: TargetOptions,
): number[] | undefined {
  if (target === undefined) return undefined;
  const stored = recordOfModel(model)['classNames'];
  const names = classNames ?? (Array.isArray(stored) ? stored.map(String) : undefined);
  if (names !== undefined && names.length !== model.numClasses) {
    throw new InputError(expected(`${model.numClasses} names`, 'classNames', names));
  }
  if (!Array.isArray(target)) {
    const one = classIndex(target as ClassTarget, model.numClasses, names);
    return Array.from({ length: batch }, () => one);
  }
  if (target.length !== batch) {
    throw new InputError(expected(`${batch} classes, one an image`, 'target', target));
  }
  return target.map((one: ClassTarget, i) =>
    classIndex(one, model.numClasses, names, `target[${i}]`),
  );
}

/** Throws unless a value is a batch of images for a model of classes. @throws ShapeError, InputError */
export function assertExplained(model: Model, images: tf.Tensor): void {
  if (!isRecord(images) || !Array.isArray((images as Partial<tf.Tensor>).shape)) {
    throw new InputError(expected('a tensor [B, H, W, C]', 'images', images));
  }
  const channels = model.inputShape[2];
  if (images.rank !== 4 || images.shape[0] === 0 || images.shape[3] !== channels) {
    const remedy = `The model takes images of ${channels} channel${channels === 1 ? '' : 's'}.`;
    throw new ShapeError(expected(`[B, H, W, ${channels}]`, 'images', images.shape, remedy));
  }
  const pooled = (model as { globalPool?: unknown }).globalPool !== '';
  if (model.numClasses > 0 && pooled) return;
  const received = pooled ? 'numClasses 0' : "globalPool ''";
  const remedy = 'There is no logit of a class to explain.';
  throw new InputError(expected('a model that classifies an image', 'model', received, remedy));
}

/**
 * Σ_b logits[b, target_b], whose gradient with respect to the logits is one at the targets, and zero elsewhere.
 *
 * @param targets  one class an image; undefined: the class with the largest logit
 * @param options.start  logit: the gradient is the logit itself at the targets, with which relevance that is conserved begins
 */
export function targetSum(
  logits: tf.Tensor2D,
  targets: readonly number[] | undefined,
  { start = 'one' }: { start?: 'one' | 'logit' } = {},
): tf.Scalar {
  const mask = targetMask(logits, targets);
  const pick = t.customGrad((x, given, save) => {
    (save as tf.GradSaveFunc)([x as tf.Tensor, given as tf.Tensor]);
    return {
      value: t.sum(t.mul(x as tf.Tensor, given as tf.Tensor)) as tf.Tensor,
      gradFunc: (dOut: tf.Tensor, [values, saved]: tf.Tensor[]) => [
        t.mul(start === 'one' ? saved! : t.mul(values!, saved!), dOut),
        t.zerosLike(saved!),
      ],
    };
  });
  return pick(logits, mask) as tf.Scalar;
}

function targetMask(logits: tf.Tensor2D, targets: readonly number[] | undefined): tf.Tensor {
  const [batch, classes] = logits.shape;
  // tfjs knows no oneHot of a single class.
  if (classes === 1) return t.ones([batch, 1]);
  const chosen = targets === undefined ? t.argMax(logits, 1) : t.tensor1d([...targets], 'int32');
  return t.cast(t.oneHot(chosen as tf.Tensor1D, classes), 'float32');
}

/** The classes that were explained: those that were asked for, or the first of the largest logits of each row. */
export function explainedClasses(
  logits: Float32Array,
  batch: number,
  targets: readonly number[] | undefined,
): number[] {
  if (targets !== undefined) return [...targets];
  const classes = logits.length / batch;
  return Array.from({ length: batch }, (_, b) => {
    const row = logits.subarray(b * classes, (b + 1) * classes);
    return row.reduce((best, value, k) => (value > row[best]! ? k : best), 0);
  });
}
