// An image as a heat map of a model's attention, in one call.

import { Capture } from '../core/capture.ts';
import { assertInteger } from '../core/check.ts';
import type { RgbImage } from '../core/image.ts';
import { assertKind } from '../core/kinds.ts';
import { preprocessImage } from '../data/preprocessing.ts';
import type { Grid } from '../figures/grid.ts';
import type { Model } from '../models/model.ts';
import * as t from '../ops/tensor.ts';
import { imageOf, type ImageInput } from '../predict/imageInput.ts';
import { preparationFor, type PredictOptions } from '../predict/predict.ts';
import { readAttention, type AttentionArray } from './attentionArray.ts';
import { attentionMaps, layoutOf, patchGrid, queryTokens } from './attentionMaps.ts';
import { assertAttentionModel, queryOf } from './attentionModel.ts';
import { attentionRollout, type RolloutOptions } from './rollout.ts';

/**
 * The options of `imgToAttention`; preprocessing and adaptation as for `predict`.
 *
 * @property layer         attention of this block alone, its heads averaged; negative numbers count from the last, −1. Default:
 *                         the rollout through all blocks
 * @property headFusion    how a rollout joins heads; default mean
 * @property discardRatio  share of the smallest entries that a rollout leaves out; default 0
 */
export interface ImgToAttentionOptions
  extends
    Pick<PredictOptions, 'preprocessing' | 'adaptImage' | 'precision' | 'onNote'>,
    Pick<RolloutOptions, 'headFusion' | 'discardRatio'> {
  layer?: number;
}

/**
 * The result of `imgToAttention`.
 *
 * @property map    a share for each patch, [rows, columns]; what is missing to 1 went to the prefix tokens
 * @property image  the picture that the model saw, at its size: `overlay({image, grid: map})` lays the map over it
 */
export interface AttentionOfImage {
  map: Grid<Float64Array>;
  image: RgbImage;
}

/**
 * The patches that a model attends to in an image: the attention of the class token, or of the mean over all patches where the
 * classifier reads that, rolled out through all blocks or of one.
 *
 * The image is adapted, brought to the model's size and normalised as is stored with the model.
 *
 * @param image  of any kind that `predict` takes
 * @throws InputError if the model has no attention over patches, or names what cannot be used
 *
 * @example
 * const {map, image} = await imgToAttention(await loadModel('checkpoints/mnist-vit'), 'digit.jpg');
 * await writeFile('attention.png', await overlay({image, grid: map}));
 */
export async function imgToAttention(
  model: Model,
  image: ImageInput,
  options: ImgToAttentionOptions = {},
): Promise<AttentionOfImage> {
  assertKind('the options of imgToAttention', options, 'object');
  assertAttentionModel(model);
  const { layer, precision = 'fp32', onNote = () => undefined, headFusion, discardRatio } = options;
  if (layer !== undefined) assertInteger('layer', layer);
  const { preprocessing, adaptImage } = preparationFor(model, options);
  const [, , channels] = model.inputShape;
  const plain = await imageOf(image, channels === 1 ? 1 : 3);
  const adapted = adaptImage === undefined ? { image: plain } : adaptImage(plain);
  if (adapted.note !== undefined) onNote(adapted.note);
  const { picture, pixels } = preprocessImage(adapted.image, preprocessing);
  const capture = new Capture(['blocks.*.attn_probs']);
  let attentions: AttentionArray[];
  try {
    t.tidy(() => {
      const images = t.tensor4d(pixels, [1, picture.height, picture.width, picture.channels]);
      model.forward(images, { intercept: capture, precision });
    });
    attentions = await readAttention(capture);
  } finally {
    capture.dispose();
  }
  const layout = layoutOf(attentions[0]!, model);
  const query = queryOf(model);
  if (layer !== undefined) {
    return { map: layerMap(attentions, layer, { ...layout, query }), image: picture };
  }
  const rows = attentionRollout(attentions, {
    queries: queryTokens(query, attentions[0]!.shape[2]!, layout),
    ...(headFusion !== undefined && { headFusion }),
    ...(discardRatio !== undefined && { discardRatio }),
  });
  return { map: patchGrid(rows, layout), image: picture };
}

// The mean over the heads of one block.
function layerMap(
  attentions: readonly AttentionArray[],
  layer: number,
  options: Parameters<typeof attentionMaps>[1],
): Grid<Float64Array> {
  const { length } = attentions;
  assertInteger('layer', layer, { min: -length, max: length - 1 });
  const heads = attentionMaps(attentions, options).at(layer)!;
  const { height, width } = heads[0]!;
  const mean = (_: unknown, i: number) =>
    heads.reduce((sum, { data }) => sum + data[i]!, 0) / heads.length;
  return { height, width, data: Float64Array.from({ length: height * width }, mean) };
}
