// The one call that explains an image: what the model sees in it, and where.

import { classLabel } from '../core/format.ts';
import type { RgbImage } from '../core/image.ts';
import { assertFields } from '../core/kinds.ts';
import { argmax, softmax } from '../core/softmax.ts';
import { preprocessImage } from '../data/preprocessing.ts';
import type { Grid } from '../figures/grid.ts';
import type { Model } from '../models/model.ts';
import * as t from '../ops/tensor.ts';
import { imageOf, type ImageInput } from '../predict/imageInput.ts';
import { preparationFor, type PredictOptions } from '../predict/predict.ts';
import { stretchMap } from './attentionMaps.ts';
import { assertAttentionModel } from './attentionModel.ts';
import type { Explanation } from './explanation.ts';
import { explanationMethod, type MethodOptions } from './methods.ts';
import type { ClassTarget } from './target.ts';

/**
 * The options of `explain`; preprocessing, adaptation and notes as for `predict`.
 *
 * @property method      the name of a method (`explanationMethods`); default relevance
 * @property target      the class that is explained, by number or name; default: the predicted one
 * @property startLayer  the first block that counts, for methods that go through blocks
 */
export interface ExplainImageOptions
  extends
    Pick<PredictOptions, 'preprocessing' | 'classNames' | 'adaptImage' | 'precision' | 'onNote'>,
    Pick<MethodOptions, 'startLayer'> {
  method?: string;
  target?: ClassTarget;
}

/**
 * The explanation of one image.
 *
 * @property label        the predicted class
 * @property index        its number
 * @property probability  its probability, 0 … 1
 * @property target       the class that is explained, with its logit and probability
 * @property heatmap      the map from 0 to 1 on the grid of patches; all 0 where it is constant
 * @property constant     whether the map says the same of all patches
 * @property map          the values as the method gives them
 * @property image        the picture that the model saw: `overlay({image, grid: heatmap})` lays the map over it
 * @property probabilities  of all classes, [K]
 */
export interface ImageExplanation {
  label: string;
  index: number;
  probability: number;
  target: { label: string; index: number; logit: number; probability: number };
  heatmap: Grid<Float64Array>;
  constant: boolean;
  map: Grid<Float32Array>;
  image: RgbImage;
  probabilities: Float64Array;
}

/**
 * Explains one image: the predicted class, and how much each patch matters for it or for another class.
 *
 * The image is adapted, brought to the model's size and normalised as is stored with the model.
 *
 * @param image  of any kind that `predict` takes
 * @throws InputError if the model has no attention over patches, or a class or method cannot be used
 *
 * @example
 * const { label, heatmap } = await explain(await loadModel('checkpoints/mnist-vit'), 'digit.jpg');
 */
export async function explain(
  model: Model,
  image: ImageInput,
  options: ExplainImageOptions = {},
): Promise<ImageExplanation> {
  assertFields('the options of explain', options, { method: 'text?', classNames: 'list?' });
  assertAttentionModel(model);
  const { method = 'relevance', onNote = () => undefined, ...rest } = options;
  const chosen = explanationMethod(method);
  const { preprocessing, classNames, adaptImage } = preparationFor(model, options);
  const plain = await imageOf(image, model.inputShape[2] === 1 ? 1 : 3);
  const adapted = adaptImage === undefined ? { image: plain } : adaptImage(plain);
  if (adapted.note !== undefined) onNote(adapted.note);
  const { picture, pixels } = preprocessImage(adapted.image, preprocessing);
  const images = t.tensor4d(pixels, [1, picture.height, picture.width, picture.channels]);
  try {
    const { target, startLayer, precision } = rest;
    const explanation = await chosen.run(model, images, {
      target,
      classNames,
      ...(startLayer !== undefined && { startLayer }),
      ...(precision !== undefined && { precision }),
    });
    return { ...described(explanation, classNames), image: picture };
  } finally {
    images.dispose();
  }
}

/** The first explanation of a batch in words: classes, probabilities, and the map from 0 to 1. */
export function described(
  { maps, targets, logits }: Explanation,
  classNames: readonly string[] | undefined,
): Omit<ImageExplanation, 'image'> {
  const row = logits[0]!;
  const index = argmax(row);
  const probabilities = softmax(row);
  const target = targets[0]!;
  const { constant, ...heatmap } = stretchMap(maps[0]!);
  return {
    label: classLabel(index, classNames),
    index,
    probability: probabilities[index]!,
    target: {
      label: classLabel(target, classNames),
      index: target,
      logit: row[target]!,
      probability: probabilities[target]!,
    },
    heatmap,
    constant,
    map: maps[0]!,
    probabilities,
  };
}
