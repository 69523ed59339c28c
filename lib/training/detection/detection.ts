// The task of a detector: the classes and boxes of the objects of an image.

import type * as tf from '@tensorflow/tfjs';
import { assertKind, assertMethods } from '../../core/kinds.ts';
import { InputError, NumericError, expected } from '../../core/errors.ts';
import { firstNonFinite } from '../../core/finite.ts';
import type { ForwardContext } from '../../core/context.ts';
import type { Batch } from '../../data/batch.ts';
import { toCorners, type CentreBox, type LabelledBox } from '../../data/objects.ts';
import * as t from '../../ops/tensor.ts';
import type { Evaluator, MetricValues, Task } from '../task.ts';
import type { TrainableModel } from '../trainableModel.ts';
import { averagePrecision, type DetectedImage } from './averagePrecision.ts';
import { setLoss, type SetLossOptions, type SetPredictions } from './setLoss.ts';

/** A model that finds objects: the predictions of its queries, and those after earlier layers of its decoder. */
export interface DetectingModel extends TrainableModel {
  detect(
    images: tf.Tensor4D,
    options: ForwardContext & { auxiliary?: boolean },
  ): SetPredictions & { auxiliary: readonly SetPredictions[] };
}

/**
 * The result of an evaluation of a detector.
 *
 * @property loss     the mean loss of the last layer
 * @property ap50     the mean average precision at an IoU of 0.5
 * @property ap75     the same at 0.75
 * @property objects  the objects of the images
 */
export interface DetectionEvaluation {
  loss: number;
  ap50: number;
  ap75: number;
  images: number;
  objects: number;
}

/**
 * The task of finding the objects of an image: Hungarian matching, then DETR's loss, after each layer of the decoder. The best model has the
 * highest AP50 and, among equals, the lowest loss.
 *
 * The data set gives the objects of an image (`Dataset.objects`); transforms of its images would leave the boxes behind and are refused.
 *
 * Source: Carion et al. 2020.
 *
 * @example await train(config, { model, train: scenesDataset(), normalize, store, task: detection() });
 */
export function detection(options: SetLossOptions = {}): Task<DetectionEvaluation> {
  assertKind('the options of detection', options, 'object');
  return {
    name: 'detection',
    trainMetrics: ['lastLoss'],
    evalMetrics: ['loss', 'ap50', 'ap75'],
    loss: (model, batch, context) => {
      const output = detecting(model).detect(imagesOf(batch), { ...context, auxiliary: true });
      const objects = objectsOf(batch);
      const own = setLoss(output, objects, options);
      const loss = output.auxiliary.reduce<tf.Scalar>(
        (sum, one) => t.add(sum, setLoss(one, objects, options)),
        own,
      );
      return { loss, outputs: { own } };
    },
    count: async ({ own }, { size }) => ({ lastLoss: (await own!.data())[0]! * size }),
    trainingMetrics: ({ lastLoss }, images) => ({ lastLoss: lastLoss! / images }),
    evaluator: () => new DetectionEvaluator(options),
    metrics: ({ loss, ap50, ap75 }) => ({ loss, ap50, ap75 }),
    isBetter,
    assertFits: (model, { config }, context) => {
      const { dataset, outputShape, trainTransforms, evalTransforms, batchTransforms } = config;
      const transforms = [...trainTransforms, ...evalTransforms, ...batchTransforms].length;
      if (transforms > 0) {
        const why = 'They would leave the boxes behind.';
        throw new InputError(expected('no transforms', 'the task detection', transforms, why));
      }
      if (dataset.objects === undefined) {
        const what = 'a data set with the objects of its images';
        throw new InputError(expected(what, 'the task detection', 'one without'));
      }
      t.tidy(() => {
        const { logits } = detecting(model).detect(t.zeros([1, ...outputShape]), context);
        const outputs = logits.shape[2];
        if (outputs === dataset.numClasses + 1) return;
        const what = `${dataset.numClasses} classes, as the data set has,`;
        throw new InputError(expected(what, 'the model', outputs - 1));
      });
    },
  };
}

// Comparisons with NaN are false, so an evaluation with NaN never becomes the best.
function isBetter(a: MetricValues, b: MetricValues | null): boolean {
  if (b === null) return Number.isFinite(a['loss']) && Number.isFinite(a['ap50']);
  return a['ap50']! > b['ap50']! || (a['ap50'] === b['ap50'] && a['loss']! < b['loss']!);
}

class DetectionEvaluator implements Evaluator<DetectionEvaluation> {
  private readonly options: SetLossOptions;
  private readonly seen: DetectedImage[] = [];
  private loss = 0;

  constructor(options: SetLossOptions) {
    this.options = options;
  }

  async add(model: TrainableModel, batch: Batch, context: ForwardContext): Promise<void> {
    const objects = objectsOf(batch);
    const { probabilities, boxes, loss } = t.tidy(() => {
      const output = detecting(model).detect(imagesOf(batch), context);
      return {
        probabilities: t.softmax(output.logits as tf.Tensor),
        boxes: output.boxes,
        loss: setLoss(output, objects, this.options),
      };
    });
    try {
      const [scores, places, [mean = NaN]] = [
        await probabilities.data(),
        await boxes.data(),
        await loss.data(),
      ];
      const bad = Math.max(firstNonFinite(scores), firstNonFinite(places));
      if (bad >= 0) {
        const what = 'Expected finite predictions of the objects, received NaN or infinity.';
        throw new NumericError(`${what} Look at the images and the weights.`);
      }
      this.loss += mean * batch.size;
      const [, queries = 0, outputs = 0] = probabilities.shape;
      objects.forEach((own, image) => {
        const found = foundIn({ scores, places, queries, outputs }, image);
        this.seen.push({
          found,
          objects: own.map(({ label, box }) => ({ label, box: toCorners(box) })),
        });
      });
    } finally {
      t.dispose([probabilities, boxes, loss]);
    }
  }

  result(): DetectionEvaluation {
    const images = this.seen.length;
    if (images === 0) throw new InputError(expected('an image', 'the evaluation', 'none'));
    return {
      loss: this.loss / images,
      ap50: averagePrecision(this.seen),
      ap75: averagePrecision(this.seen, { threshold: 0.75 }),
      images,
      objects: this.seen.reduce((sum, { objects }) => sum + objects.length, 0),
    };
  }
}

// Every query's best class, whatever its score: the curve of precision needs the weak ones too.
function foundIn(
  about: {
    scores: ArrayLike<number>;
    places: ArrayLike<number>;
    queries: number;
    outputs: number;
  },
  image: number,
) {
  const { scores, places, queries, outputs } = about;
  return Array.from({ length: queries }, (_, query) => {
    const row = (image * queries + query) * outputs;
    let label = 0;
    for (let k = 1; k < outputs - 1; k += 1) if (scores[row + k]! > scores[row + label]!) label = k;
    const at = (image * queries + query) * 4;
    const box = [0, 1, 2, 3].map((i) => places[at + i]!) as unknown as CentreBox;
    return { label, score: scores[row + label]!, box: toCorners(box) };
  });
}

function detecting(model: TrainableModel): DetectingModel {
  assertMethods('a model that detects objects', 'the task detection', model, ['detect']);
  return model as DetectingModel;
}

function objectsOf({ objects }: Batch): readonly (readonly LabelledBox[])[] {
  if (objects !== undefined) return objects;
  throw new InputError(expected('a batch with objects', 'the task detection', 'one without'));
}

function imagesOf({ images, size, imageShape }: Batch): tf.Tensor4D {
  return t.tensor4d(images, [size, ...imageShape]);
}
