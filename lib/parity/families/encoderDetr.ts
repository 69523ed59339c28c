// The golden cases of Hugging Face's DETR: a padded batch, attention, and post-processing at several thresholds.

import path from 'node:path';
import { Capture } from '../../core/capture.ts';
import { isRecord } from '../../core/check.ts';
import { InputError, expected } from '../../core/errors.ts';
import type { Precision } from '../../core/precision.ts';
import { buildLoaded } from '../../models/buildLoaded.ts';
import { backboneOf } from '../../models/detr/backbone.ts';
import type { Detr, DetrOutput } from '../../models/detr/detr.ts';
import { detr } from '../../models/detr/family.ts';
import { backbonePrefix, detrNames } from '../../models/detr/names.ts';
import { detections } from '../../models/detr/postProcess.ts';
import * as t from '../../ops/tensor.ts';
import { outputRule } from '../bf16Rule.ts';
import { Produced } from '../family.ts';
import { readJson } from '../goldenCase.ts';
import { GoldenFile } from '../goldenTensors.ts';
import type { CasePlan } from '../family.ts';
import type { GoldenCase } from '../goldenCase.ts';
import type { EncoderRunner } from './encoderRunner.ts';

/** Hugging Face's DetrForObjectDetection with its own ResNet or with timm's. */
export const encoderDetr: EncoderRunner = {
  matches: (config) => 'd_model' in config,
  plan,
};

const file = 'outputs.safetensors';

function plan(golden: GoldenCase): CasePlan {
  const { target_sizes_hw: sizes } = readJson(path.join(golden.folder, 'case.json')) as {
    target_sizes_hw?: unknown;
  };
  if (!isSizes(sizes)) {
    throw new InputError(expected('[h, w] of each image', `sizes of ${golden.name}`, sizes));
  }
  const inputs = new GoldenFile(golden, 'inputs.safetensors');
  return {
    unsupported: ({ kind }) =>
      kind === 'tensor' ? undefined : 'only tensors are part of this kind',
    bf16Rule: (entry) =>
      // Rounding decides which query is above a threshold, and the places of its box.
      outputRule(golden, {
        limit: entry.kind === 'tensor' && /labels$/.test(entry.tensor) ? 1 : 0.1,
      }),
    run: async (precision) => {
      const model = goldenDetr(golden);
      const images = inputs.images('pixel_values');
      const mask = inputs.float32('pixel_mask') as ReturnType<typeof t.tensor3d>;
      const produced = new Produced();
      try {
        const output = await forward(model, { images, mask, precision, produced });
        for (const entry of golden.compare) {
          const threshold =
            entry.kind === 'tensor'
              ? /^post\.threshold([\d.]+)\.image0\.scores$/.exec(entry.tensor)
              : null;
          if (threshold !== null) await post(output, { sizes, threshold: threshold[1]!, produced });
        }
        t.dispose(output as unknown as ReturnType<typeof t.tensor3d>[]);
        return produced;
      } finally {
        t.dispose([images, mask]);
        model.dispose();
      }
    },
  };
}

/** The DETR of a golden case, in the folder `hf`. timm's backbone is of no published size, so the tensors tell it. */
export function goldenDetr(golden: GoldenCase): Detr {
  const { tensors } = new GoldenFile(golden, 'hf/model.safetensors');
  const config = readJson(path.join(golden.folder, 'hf', 'config.json'));
  if (!isRecord(config)) throw new InputError(expected('an object', 'hf/config.json', config));
  const { backbone_config: body } = config;
  const isTimm = isRecord(body) && body['model_type'] === 'timm_backbone';
  const told = isTimm ? backboneOf(detrNames(tensors), backbonePrefix) : undefined;
  const given = told === undefined ? config : { ...config, backbone_config: told };
  return buildLoaded({ ...given, family: 'detr' }, tensors, { family: detr }).model;
}

interface Run {
  images: ReturnType<typeof t.tensor4d>;
  mask: ReturnType<typeof t.tensor3d>;
  precision: Precision;
  produced: Produced;
}

async function forward(
  model: Detr,
  { images, mask, precision, produced }: Run,
): Promise<DetrOutput> {
  const names = ['backbone_*', 'position_embedding', '*_last_hidden_state', 'pred_boxes', 'logits'];
  const capture = new Capture([...names, 'model.*coder.layers.*.*_attn_probs']);
  const output = model.detect(images, { mask, intercept: capture, precision });
  const [batch, height, width] = output.featureMap.shape;
  for (const [name, tensor] of capture.entries()) {
    const attention = /^model\.(en|de)coder\.layers\.(\d+)\.(self|encoder)_attn_probs$/.exec(name);
    if (attention !== null) {
      const [, part, layer, kind] = attention;
      const group = kind === 'encoder' ? 'cross' : `${part}coder`;
      await produced.take(file, `${group}_attentions.${layer}`, t.clone(tensor));
    } else if (name === 'backbone_feature') {
      await produced.take(file, name, t.transpose(tensor, [0, 3, 1, 2]));
    } else if (name === 'position_embedding') {
      const grid = t.tidy(() =>
        t.transpose(t.reshape(tensor, [batch, height, width, -1]), [0, 3, 1, 2]),
      );
      await produced.take(file, name, grid);
    } else if (name === 'backbone_mask') {
      const data = Uint8Array.from(await tensor.data());
      produced.add(file, name, { dtype: 'U8', shape: tensor.shape, data });
    } else await produced.take(file, name, t.clone(tensor));
  }
  capture.dispose();
  return output;
}

async function post(
  output: DetrOutput,
  about: { sizes: [number, number][]; threshold: string; produced: Produced },
): Promise<void> {
  const { sizes, threshold, produced } = about;
  const found = await detections(output, { sizes, threshold: Number(threshold) });
  found.forEach((objects, i) => {
    const name = `post.threshold${threshold}.image${i}`;
    const count = objects.length;
    const add = (key: string, shape: number[], data: Float32Array | BigInt64Array) =>
      produced.add(file, `${name}.${key}`, {
        dtype: data instanceof BigInt64Array ? 'I64' : 'F32',
        shape,
        data,
      });
    add(
      'scores',
      [count],
      Float32Array.from(objects, ({ score }) => score),
    );
    add(
      'labels',
      [count],
      BigInt64Array.from(objects, ({ label }) => BigInt(label)),
    );
    add('boxes', [count, 4], Float32Array.from(objects.flatMap(({ box }) => [...box])));
  });
}

function isSizes(value: unknown): value is [number, number][] {
  const isPair = (one: unknown) =>
    Array.isArray(one) && one.length === 2 && one.every(Number.isFinite);
  return Array.isArray(value) && value.every(isPair);
}
