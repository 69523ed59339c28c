// Relevance from attention and its gradients alone, for models of any shape: encoders, two towers, decoders with cross-attention.

import type * as tf from '@tensorflow/tfjs';
import { ShapeError, expected } from '../core/errors.ts';
import { assertFields, assertKind } from '../core/kinds.ts';
import { matMul } from '../ops/matMul.ts';
import * as t from '../ops/tensor.ts';
import { accumulate, positiveMean, startOf } from './relevance.ts';

/** The attention of one layer and the gradient of what is explained with respect to it, both [B, h, N, M]. */
export interface GradedAttention {
  attention: tf.Tensor4D;
  gradient: tf.Tensor4D;
}

/**
 * The relevance of each token for each token through layers of self-attention, [B, N, N]: R = I, R ← R + Ā·R, Ā the mean over heads of
 * max(0, gradient ⊙ attention).
 *
 * A tower of CLIP, text or image, is explained by the gradient of the similarity; with many layers the last ones alone (`startLayer: −1`)
 * give clearer maps. Source: Chefer et al. 2021, ICCV, eq. 5 and 6.
 *
 * @param options.startLayer  the first layer that counts, from 0, negative from the end; default 0
 */
export function attentionRelevance(
  layers: readonly GradedAttention[],
  options: { startLayer?: number } = {},
): tf.Tensor3D {
  assertFields('the options of attentionRelevance', options, { startLayer: 'integer?' });
  const { startLayer } = options;
  assertLayers('layers', layers);
  return t.tidy(() => accumulate(layers.map(partOf), startOf(startLayer, layers.length)));
}

/** The layers of an encoder and a decoder that reads it, first layer first. */
export interface EncoderDecoder {
  encoder: readonly GradedAttention[];
  /** Attention of the queries among each other, [B, h, Q, Q]. */
  decoderSelf: readonly GradedAttention[];
  /** Attention of the queries to the tokens of the encoder, [B, h, Q, N]. */
  decoderCross: readonly GradedAttention[];
}

/**
 * The relevance of the tokens of an encoder for each query of a decoder, [B, Q, N].
 *
 * R_ii as `attentionRelevance` of the encoder; then for each layer of the decoder, from R_qq = I and R_qi = 0: both ← + Ā_self·R, and
 * R_qi ← R_qi + N(R_qq)ᵀ·Ā_cross·N(R_ii), N(R) = I + (R − I) / row sums of R − I.
 *
 * @param options.normalize  false: without N; default true. A row of R − I that sums to 0 stays 0
 *
 * Source: Chefer et al. 2021, ICCV, eq. 6 to 11, as its code has it for DETR.
 */
export function crossAttentionRelevance(
  layers: EncoderDecoder,
  options: { normalize?: boolean } = {},
): tf.Tensor3D {
  const kinds = { encoder: 'list', decoderSelf: 'list', decoderCross: 'list' } as const;
  assertFields('the layers', layers, kinds);
  assertFields('the options of crossAttentionRelevance', options, { normalize: 'boolean?' });
  const { encoder, decoderSelf, decoderCross } = layers;
  const { normalize = true } = options;
  assertLayers('encoder', encoder);
  assertLayers('decoderSelf', decoderSelf);
  if (decoderCross.length !== decoderSelf.length) {
    throw new ShapeError(
      expected(`${decoderSelf.length} layers`, 'decoderCross', decoderCross.length),
    );
  }
  return t.tidy(() => {
    const image = attentionRelevance(encoder);
    const [batch, tokens] = image.shape;
    const queries = decoderSelf[0]!.attention.shape[2];
    let among = accumulate([t.zeros([batch, queries, queries])]);
    let toImage: tf.Tensor3D = t.zeros([batch, queries, tokens]);
    const ready = normalize ? normalized(image) : image;
    decoderSelf.forEach((layer, i) => {
      const self = partOf(layer);
      const [nextAmong, nextToImage] = [
        t.add<tf.Tensor3D>(among, matMul(self, among)),
        t.add<tf.Tensor3D>(toImage, matMul(self, toImage)),
      ];
      among = nextAmong;
      const mixed = matMul(normalize ? normalized(among) : among, partOf(decoderCross[i]!), {
        transposeA: true,
      });
      toImage = t.add(nextToImage, matMul(mixed, ready));
    });
    return toImage;
  });
}

function partOf({ attention, gradient }: GradedAttention): tf.Tensor3D {
  return positiveMean(t.mul(attention, gradient));
}

// I + (R − I) with the rows of R − I divided by their sums.
function normalized(relevance: tf.Tensor3D): tf.Tensor3D {
  const [, tokens] = relevance.shape;
  const identity = t.reshape<tf.Rank.R3>(t.eye(tokens), [1, tokens, tokens]);
  const rest = t.sub(relevance, identity);
  const sums = t.sum(rest, 2, true);
  const safe = t.where(t.equal(sums, 0), t.ones(sums.shape), sums);
  return t.add(identity, t.div(rest, safe));
}

function assertLayers(name: string, layers: readonly GradedAttention[]): void {
  assertKind(name, layers, 'list');
  if (layers.length === 0) throw new ShapeError(expected('at least one layer', name, 0));
}
