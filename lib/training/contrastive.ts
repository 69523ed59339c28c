// The task of CLIP: images and captions that belong together lie near each other.

import type * as tf from '@tensorflow/tfjs';
import { InputError, NumericError, expected } from '../core/errors.ts';
import { firstNonFinite } from '../core/finite.ts';
import { assertFields, assertListOf, assertMethods } from '../core/kinds.ts';
import type { ForwardContext } from '../core/context.ts';
import type { Batch } from '../data/batch.ts';
import { matMul } from '../ops/matMul.ts';
import { normalizeRows } from '../ops/normalizeRows.ts';
import * as t from '../ops/tensor.ts';
import { crossEntropyLoss, softTargetCrossEntropyLoss } from './losses/crossEntropy.ts';
import { countCorrect } from './metrics.ts';
import type { Evaluator, MetricValues, Task } from './task.ts';
import type { TrainableModel } from './trainableModel.ts';

/** Texts as rows of numbers of tokens, all of one length. */
type Rows = readonly (readonly number[])[];

/** A model that brings images and texts into one space, as `Clip` does. */
export interface ContrastiveModel extends TrainableModel {
  /** The logarithm of the factor on cosines. */
  readonly logitScale: tf.Variable;
  encodeImages(images: tf.Tensor4D, context?: ForwardContext): tf.Tensor2D;
  encodeTexts(ids: Rows, context?: ForwardContext): tf.Tensor2D;
}

/**
 * The options of `contrastive`.
 *
 * @property encode   texts as rows of tokens of one length: a tokenizer's `encodeAll`
 * @property prompts  the texts that stand for each class of the data set in an evaluation, [K][…]: the class of an image is that whose mean
 *                    vector is nearest
 */
export interface ContrastiveOptions {
  encode: (texts: readonly string[]) => Rows;
  prompts: readonly (readonly string[])[];
}

/** The result of an evaluation without examples of the classes: the loss over the classes' prompts, and the share of right ones. */
export interface ZeroShotEvaluation {
  loss: number;
  top1: number;
  images: number;
}

// CLIP's factor never grows beyond 100.
const largestScale = Math.log(100);

/**
 * The task of bringing images and their captions together: the mean of the cross-entropy of each image over the captions of its batch, and of
 * each caption over the images. The best model has the highest zero-shot top-1 and, among equals, the lowest loss.
 *
 * A caption that several images of a batch have counts as one text, which belongs to all of them: no image is told that its own caption is
 * wrong. The data set gives captions by `Dataset.caption`.
 *
 * Source: Radford et al. 2021, figure 3; the shared captions are ours.
 *
 * @example
 * const encode = (texts: readonly string[]) => tokenizer.encodeAll(texts, { length: 16 });
 * const task = contrastive({ encode, prompts: kinds.map((kind) => [`a red ${kind}`, `a blue ${kind}`]) });
 */
export function contrastive(options: ContrastiveOptions): Task<ZeroShotEvaluation> {
  assertFields('contrastive', options, { encode: 'function', prompts: 'list' });
  const { encode, prompts } = options;
  prompts.forEach((texts, k) => {
    assertListOf(`prompts[${k}]`, texts, 'text');
    if (texts.length === 0) throw new InputError(expected('a text', `prompts[${k}]`, 'none'));
  });
  return {
    name: 'contrastive',
    trainMetrics: ['matched'],
    evalMetrics: ['loss', 'top1'],
    loss: (model, batch, context) => {
      const { texts, own } = captionsOf(batch);
      const images = normalizeRows(contrasting(model).encodeImages(imagesOf(batch), context));
      const captions = normalizeRows(contrasting(model).encodeTexts(encode(texts), context));
      const logits = scaled(contrasting(model), images, captions, context);
      const loss = t.mul(t.add(ofImages(logits, own), ofTexts(logits, own)), 0.5);
      return { loss: loss as tf.Scalar, outputs: { logits } };
    },
    count: async ({ logits }, batch) => ({
      matched: countCorrect((await logits!.data()) as Float32Array, captionsOf(batch).own),
    }),
    trainingMetrics: ({ matched }, images) => ({ matched: matched! / images }),
    evaluator: () => new ZeroShotEvaluator(options),
    metrics: ({ loss, top1 }) => ({ loss, top1 }),
    isBetter,
    assertFits: (model, { config: { dataset, outputShape } }, context) => {
      if (dataset.caption === undefined) {
        throw new InputError(expected('a data set with captions', 'the task contrastive', 'one without')); // prettier-ignore
      }
      if (prompts.length !== dataset.numClasses) {
        throw new InputError(expected(`${dataset.numClasses} lists, one a class`, 'prompts', prompts.length)); // prettier-ignore
      }
      t.tidy(() => {
        const one = contrasting(model);
        const images = one.encodeImages(t.zeros([1, ...outputShape]), context);
        const texts = one.encodeTexts(encode([prompts[0]![0]!]), context);
        if (images.shape[1] === texts.shape[1]) return;
        throw new InputError(expected('one space for images and texts', 'the model', [images.shape, texts.shape])); // prettier-ignore
      });
    },
  };
}

/**
 * The vectors of classes by the prompts that stand for them: of each class the mean of its prompts' vectors, brought to length 1, [K, P].
 *
 * Source: CLIP, Prompt_Engineering_for_ImageNet.ipynb.
 */
export function classVectors(
  model: Pick<ContrastiveModel, 'encodeTexts'>,
  options: ContrastiveOptions,
  context: ForwardContext = {},
): tf.Tensor2D {
  assertMethods('a model that encodes texts', 'model', model, ['encodeTexts']);
  assertFields('classVectors', options, { encode: 'function', prompts: 'list' });
  const { encode, prompts } = options;
  return t.tidy(() =>
    t.stack(
      prompts.map((texts) => {
        const vectors = normalizeRows(model.encodeTexts(encode(texts), context));
        const mean: tf.Tensor2D = t.reshape(t.mean(vectors, 0), [1, vectors.shape[1]]);
        return t.reshape(normalizeRows(mean), [vectors.shape[1]]);
      }),
    ),
  ) as tf.Tensor2D;
}

// The different captions of a batch, and the number of each image's own.
function captionsOf({ captions }: Batch): { texts: string[]; own: number[] } {
  if (captions === undefined) {
    throw new InputError(expected('a batch with captions', 'the task contrastive', 'one without'));
  }
  const texts = [...new Set(captions)];
  const numbers = new Map(texts.map((text, i) => [text, i]));
  return { texts, own: captions.map((text) => numbers.get(text)!) };
}

function scaled(
  { logitScale }: ContrastiveModel,
  images: tf.Tensor2D,
  texts: tf.Tensor2D,
  { precision }: ForwardContext,
): tf.Tensor2D {
  const cosines = matMul(images, texts, { transposeB: true, precision });
  return t.mul(cosines, t.exp(t.minimum(logitScale as tf.Tensor, largestScale)));
}

// [B, U]: the cross-entropy of each image over the texts.
function ofImages(logits: tf.Tensor2D, own: readonly number[]): tf.Scalar {
  return crossEntropyLoss(logits, own);
}

// [B, U]: the cross-entropy of each text over the images, its own sharing the target.
function ofTexts(logits: tf.Tensor2D, own: readonly number[]): tf.Scalar {
  const [images, texts] = logits.shape;
  const counts = new Float32Array(texts);
  own.forEach((text) => (counts[text]! += 1));
  const targets = new Float32Array(texts * images);
  own.forEach((text, image) => (targets[text * images + image] = 1 / counts[text]!));
  return softTargetCrossEntropyLoss(t.transpose(logits), t.tensor2d(targets, [texts, images]));
}

// Comparisons with NaN are false, so an evaluation with NaN never becomes the best.
function isBetter(a: MetricValues, b: MetricValues | null): boolean {
  if (b === null) return Number.isFinite(a['loss']) && Number.isFinite(a['top1']);
  return a['top1']! > b['top1']! || (a['top1'] === b['top1'] && a['loss']! < b['loss']!);
}

class ZeroShotEvaluator implements Evaluator<ZeroShotEvaluation> {
  private readonly options: ContrastiveOptions;
  private classes: { data: Float32Array; shape: [number, number] } | undefined;
  private loss = 0;
  private correct = 0;
  private images = 0;

  constructor(options: ContrastiveOptions) {
    this.options = options;
  }

  async add(model: TrainableModel, batch: Batch, context: ForwardContext): Promise<void> {
    const one = contrasting(model);
    this.classes ??= await this.encoded(one, context);
    const { data, shape } = this.classes;
    const { logits, loss } = t.tidy(() => {
      const images = normalizeRows(one.encodeImages(imagesOf(batch), context));
      const own = scaled(one, images, t.tensor2d(data, shape), context);
      return { logits: own, loss: crossEntropyLoss(own, batch.labels) };
    });
    try {
      const [values, [mean = NaN]] = [await logits.data(), await loss.data()];
      if (firstNonFinite(values) >= 0) {
        const what =
          'Expected finite similarities of images and prompts, received NaN or infinity.';
        throw new NumericError(`${what} Look at the images and the weights.`);
      }
      this.loss += mean * batch.size;
      this.correct += countCorrect(values as Float32Array, batch.labels);
      this.images += batch.size;
    } finally {
      t.dispose([logits, loss]);
    }
  }

  result(): ZeroShotEvaluation {
    const { loss, correct, images } = this;
    if (images === 0) throw new InputError(expected('an image', 'the evaluation', 'none'));
    return { loss: loss / images, top1: correct / images, images };
  }

  private async encoded(model: ContrastiveModel, context: ForwardContext) {
    const vectors = classVectors(model, this.options, context);
    const data = (await vectors.data()) as Float32Array;
    vectors.dispose();
    return { data, shape: vectors.shape };
  }
}

function contrasting(model: TrainableModel): ContrastiveModel {
  const methods = ['encodeImages', 'encodeTexts'];
  assertMethods('a model of images and texts', 'the task contrastive', model, methods);
  return model as ContrastiveModel;
}

function imagesOf({ images, size, imageShape }: Batch): tf.Tensor4D {
  return t.tensor4d(images, [size, ...imageShape]);
}
