// The golden case of a DETR's explanations: the relevance of an image for object queries, and the plain maps beside it.

import path from 'node:path';
import { assertListOf } from '../../core/kinds.ts';
import { attentionRelevance, crossAttentionRelevance } from '../../explain/attentionRelevance.ts';
import {
  disposeQueryAttention,
  queryAttention,
  type QueryAttention,
} from '../../explain/queryRelevance.ts';
import type { Precision } from '../../core/precision.ts';
import type { Detr } from '../../models/detr/detr.ts';
import { matMul } from '../../ops/matMul.ts';
import * as t from '../../ops/tensor.ts';
import { outputRule } from '../bf16Rule.ts';
import { Produced } from '../family.ts';
import { readJson } from '../goldenCase.ts';
import { GoldenFile } from '../goldenTensors.ts';
import { goldenDetr } from './encoderDetr.ts';
import type * as tf from '@tensorflow/tfjs';
import type { CasePlan } from '../family.ts';
import type { GoldenCase } from '../goldenCase.ts';

const file = 'outputs.safetensors';

/** The plan of a case of DETR in the family explain. */
export function planDetr(golden: GoldenCase): CasePlan {
  const { queries } = readJson(path.join(golden.folder, 'case.json')) as { queries?: unknown };
  assertListOf(`queries of ${golden.name}`, queries, 'integer');
  const inputs = new GoldenFile(golden, 'input.safetensors');
  return {
    unsupported: ({ kind }) =>
      kind === 'tensor' ? undefined : 'only tensors are part of this family',
    bf16Rule: () => outputRule(golden, { limit: 0.2 }),
    run: async (precision) => {
      const model = goldenDetr(golden);
      const image = inputs.images('pixel_values');
      const produced = new Produced();
      try {
        for (const query of queries as number[]) {
          await explain(model, image, { query, precision, produced });
        }
        return produced;
      } finally {
        image.dispose();
        model.dispose();
      }
    },
  };
}

async function explain(
  model: Detr,
  image: tf.Tensor4D,
  about: { query: number; precision: Precision; produced: Produced },
): Promise<void> {
  const { query, precision, produced } = about;
  const pass = queryAttention(model, image, { query, precision });
  const add = (name: string, tensor: tf.Tensor) =>
    produced.take(file, `query${query}/${name}`, tensor);
  const row = (matrix: () => tf.Tensor3D) =>
    t.tidy(() => t.reshape(t.slice(matrix(), [0, query, 0], [1, 1, -1]), [1, 1, 1, -1]));
  const matrix = (of: () => tf.Tensor3D) =>
    t.tidy(() => {
      const all = of();
      return t.reshape(all, all.shape.slice(1));
    });
  for (const normalize of [true, false]) {
    const name = `ours_no_lrp.normalize${normalize ? 'True' : 'False'}`;
    await add(
      name,
      row(() => crossAttentionRelevance(pass, { normalize })),
    );
  }
  await add(
    'R_i_i',
    matrix(() => attentionRelevance(pass.encoder)),
  );
  await add(
    'R_q_q',
    matrix(() => attentionRelevance(pass.decoderSelf)),
  );
  await add(
    'raw_attn',
    row(() => meanOfHeads(pass.decoderCross.at(-1)!.attention)),
  );
  await add(
    'rollout',
    row(() => rollout(pass)),
  );
  await add(
    'attn_gradcam',
    row(() => gradCam(pass)),
  );
  await produced.take(file, 'logits', t.clone(pass.logits));
  disposeQueryAttention(pass);
}

function meanOfHeads(attention: tf.Tensor4D): tf.Tensor3D {
  return t.mean(attention, 1);
}

// R_qqᵀ · the last cross-attention · R_ii, both of plain rollouts: A + I, rows divided by their sums.
function rollout({ encoder, decoderSelf, decoderCross }: QueryAttention): tf.Tensor3D {
  const joint = (layers: QueryAttention['encoder']) =>
    layers
      .map(({ attention }) => {
        const mean = meanOfHeads(attention);
        const [, tokens] = mean.shape;
        const sum = t.add<tf.Tensor3D>(mean, t.reshape(t.eye(tokens), [1, tokens, tokens]));
        return t.div<tf.Tensor3D>(sum, t.sum(sum, 2, true));
      })
      .reduce((all, one) => matMul(one, all));
  const seen = matMul(meanOfHeads(decoderCross.at(-1)!.attention), joint(encoder));
  return matMul(joint(decoderSelf), seen, { transposeA: true });
}

function gradCam({ decoderCross }: QueryAttention): tf.Tensor3D {
  const { attention, gradient } = decoderCross.at(-1)!;
  const weights = t.mean(gradient, [2, 3], true);
  return t.relu(t.mean<tf.Tensor3D>(t.mul(attention, weights), 1));
}
