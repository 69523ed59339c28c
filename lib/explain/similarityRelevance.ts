// Relevance in both towers of CLIP: which patches and which words make an image and a text alike.

import type * as tf from '@tensorflow/tfjs';
import { Capture } from '../core/capture.ts';
import type { ForwardContext } from '../core/context.ts';
import { combineInterceptors, type Interceptor } from '../core/intercept.ts';
import { InputError, expected } from '../core/errors.ts';
import { assertFields, assertListOf } from '../core/kinds.ts';
import { assertModule, type Module } from '../core/module.ts';
import type { Precision } from '../core/precision.ts';
import type { Grid } from '../figures/grid.ts';
import * as t from '../ops/tensor.ts';
import { attentionRelevance, type GradedAttention } from './attentionRelevance.ts';

/** Texts as rows of numbers of tokens. */
type Rows = readonly (readonly number[])[];

/** A model of images and texts whose towers stand behind `visual.` and `text.`, as `Clip` does. */
export interface TwoTowers extends Module {
  readonly visual: {
    readonly numPrefixTokens: number;
    readonly gridSize: readonly [number, number];
  };
  readonly text: { endOf(ids: readonly number[]): number };
  similarity(
    images: tf.Tensor,
    ids: Rows,
    context?: ForwardContext,
  ): { logitsPerImage: tf.Tensor2D; imageEmbeds: tf.Tensor2D; textEmbeds: tf.Tensor2D };
}

/**
 * The relevance of each pair of an image and a text.
 *
 * @property maps    one grid of patches a pair: the row of the class token
 * @property tokens  one list a pair: the relevance of each token of the text, the row of its end; start, end and what is behind are 0
 * @property texts   [T, N, N] as numbers, the whole relevance among the tokens of each text
 * @property logits  [T, T], images by texts, as numbers
 */
export interface SimilarityRelevance {
  maps: Grid[];
  tokens: Float32Array[];
  texts: { shape: [number, number, number]; data: Float32Array };
  logits: Float32Array;
}

/** The options of `similarityRelevance`: the first block that counts in both towers, negative from the end; default −1, the last alone. */
export interface SimilarityRelevanceOptions {
  startLayer?: number;
  precision?: Precision;
}

/**
 * The relevance of patches and words for the similarity of images and texts, pair by pair.
 *
 * The gradient is that of Σ_i logits[i, i]; in each tower R = I, R ← R + Ā·R from `startLayer` on. With early blocks the maps fill with
 * what every image has; the authors take the last block alone.
 *
 * @param images  [T, H, W, C], or [1, H, W, C] for one image with several texts
 * @param ids     [T, N], from the tokenizer
 * @throws InputError if there are other images than texts, or the model has no such towers
 *
 * Source: Chefer et al. 2021, ICCV, and its notebook CLIP_explainability.
 *
 * @example const { maps, tokens } = await similarityRelevance(clip, image, tokenizer.encodeAll(['a red circle']));
 */
export async function similarityRelevance(
  model: TwoTowers,
  images: tf.Tensor4D,
  ids: Rows,
  options: SimilarityRelevanceOptions = {},
): Promise<SimilarityRelevance> {
  assertModule(model, ['similarity']);
  assertListOf('ids', ids, 'list');
  assertFields('options', options, { startLayer: 'integer?' });
  const { startLayer = -1, precision = 'fp32' } = options;
  const shape = (images as tf.Tensor4D | null)?.shape ?? [];
  if (shape.length !== 4 || (shape[0] !== 1 && shape[0] !== ids.length)) {
    throw new InputError(expected(`one image, or ${ids.length}, [B, H, W, C],`, 'images', shape));
  }
  const capture = new Capture(
    ['visual', 'text'].flatMap((tower) => ['attn_probs', 'attn_grad'].map((kind) => `${tower}.blocks.*.${kind}`)), // prettier-ignore
    { onWarning: () => undefined },
  );
  const batch = t.tidy(() => t.concat(Array<tf.Tensor4D>(shape[0] === 1 ? ids.length : 1).fill(images), 0)); // prettier-ignore
  try {
    const { value, outputs, gradients } = t.valueAndGrads(() => {
      const intercept = combineInterceptors(capture, apart);
      const { logitsPerImage: logits } = model.similarity(batch, ids, { intercept, precision });
      const pairs = t.mul(logits, t.eye(ids.length));
      return { value: t.sum<tf.Scalar>(pairs), outputs: { logits } };
    }, [batch, ...model.namedParameters().values()]);
    t.dispose([value, ...gradients.filter((one) => one !== undefined)]);
    const [image, text] = t.tidy(() =>
      ['visual', 'text'].map((tower) =>
        attentionRelevance(layersOf(capture, tower), { startLayer }),
      ),
    ) as [tf.Tensor3D, tf.Tensor3D];
    const [ofImages, ofTexts, logits] = [await image.data(), await text.data(), await outputs.logits.data()]; // prettier-ignore
    const result = {
      maps: ids.map((_, i) => gridOf(model, ofImages as Float32Array, image.shape, i)),
      tokens: ids.map((row, i) => wordsOf(ofTexts as Float32Array, text.shape, i, model.text.endOf(row))), // prettier-ignore
      texts: { shape: text.shape, data: ofTexts as Float32Array },
      logits: logits as Float32Array,
    };
    t.dispose([image, text, outputs.logits]);
    return result;
  } finally {
    capture.dispose();
    batch.dispose();
  }
}

// Takes the feed-forward part apart, whose fused backward pass would also compute gradients of weights that nobody asks for.
const apart: Interceptor = {
  wants: (path) => path.endsWith('.mlp.act'),
  call: ({ inputs }, forward) => forward(...inputs),
};

function layersOf(capture: Capture, tower: string): GradedAttention[] {
  const depth = [...capture.entries().keys()].filter((name) => name.startsWith(`${tower}.`) && name.endsWith('attn_probs')).length; // prettier-ignore
  return Array.from({ length: depth }, (_, i) => ({
    attention: capture.get(`${tower}.blocks.${i}.attn_probs`) as tf.Tensor4D,
    gradient: capture.get(`${tower}.blocks.${i}.attn_grad`) as tf.Tensor4D,
  }));
}

// The row of the class token without the tokens before the patches.
function gridOf(
  { visual }: TwoTowers,
  data: Float32Array,
  [, tokens]: readonly number[],
  pair: number,
): Grid {
  const [height, width] = visual.gridSize;
  const from = pair * tokens! * tokens! + visual.numPrefixTokens;
  return { height, width, data: data.slice(from, from + height * width) };
}

function wordsOf(
  data: Float32Array,
  [, tokens]: readonly number[],
  pair: number,
  end: number,
): Float32Array {
  const from = (pair * tokens! + end) * tokens!;
  return data.slice(from, from + tokens!).map((value, i) => (i >= 1 && i < end ? value : 0));
}
