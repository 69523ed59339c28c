// CLIP of family explain: relevance in both towers, with the weights under Hugging Face's names and under OpenAI's.

import { similarityRelevance } from '../../explain/similarityRelevance.ts';
import { buildLoaded } from '../../models/buildLoaded.ts';
import { clip } from '../../models/clip/family.ts';
import * as t from '../../ops/tensor.ts';
import { outputRule } from '../bf16Rule.ts';
import { Produced } from '../family.ts';
import { GoldenFile } from '../goldenTensors.ts';
import { idsOf } from './encoderClip.ts';
import type { CasePlan } from '../family.ts';
import type { GoldenCase } from '../goldenCase.ts';

const file = 'outputs.safetensors';

/** The plan of a case of CLIP. */
export function planClip(golden: GoldenCase): CasePlan {
  const { vision, text, projection_dim: dim } = golden.config as Record<string, object | number>;
  const config = {
    model_type: 'clip',
    vision_config: vision,
    text_config: text,
    projection_dim: dim,
  };
  const weights = GoldenFile.ifThere(golden, 'hf-weights.safetensors') ?? new GoldenFile(golden, 'openai-weights.safetensors'); // prettier-ignore
  const inputs = new GoldenFile(golden, 'inputs.safetensors');
  return {
    unsupported: ({ kind }) => (kind === 'tensor' ? undefined : 'only tensors are compared'),
    bf16Rule: () => outputRule(golden, { limit: 0.06 }),
    run: async (precision) => {
      const { model } = buildLoaded(config, weights.tensors, { family: clip });
      const produced = new Produced();
      const images = inputs.images('image');
      const ids = idsOf(inputs, 'text');
      try {
        for (const startLayer of [0, 1, -1]) {
          const { maps, texts, logits } = await similarityRelevance(model, images, ids, { startLayer, precision }); // prettier-ignore
          const name = `start${startLayer}`;
          produced.add(file, `${name}/text_relevance`, texts);
          const patches = maps.flatMap(({ data }) => Array.from(data));
          const shape = [ids.length, patches.length / ids.length];
          produced.add(file, `${name}/image_relevance`, {
            shape,
            data: Float32Array.from(patches),
          });
          const square = [ids.length, ids.length];
          produced.add(file, 'logits_per_image', { shape: square, data: logits });
          const turned = Float32Array.from(logits, (_, k) => logits[(k % ids.length) * ids.length + Math.floor(k / ids.length)]!); // prettier-ignore
          produced.add(file, 'logits_per_text', { shape: square, data: turned });
        }
        return produced;
      } finally {
        t.dispose(images);
        model.dispose();
      }
    },
  };
}
