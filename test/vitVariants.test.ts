// Vision Transformers with other norms, feed-forward layers and blocks: timm's outputs and gradients, files, explanations.

import '@tensorflow/tfjs-backend-cpu';
import * as fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { modelTensors } from '../lib/checkpoints/modelState.ts';
import { Capture } from '../lib/core/capture.ts';
import { attnLrp } from '../lib/explain/attnLrp.ts';
import { transformerAttribution } from '../lib/explain/transformerAttribution.ts';
import {
  huggingFaceFolder,
  timmFolder,
  vitConfigOf,
  vitOptions,
} from '../lib/models/familyWeights.ts';
import { loadModel } from '../lib/models/loadModel.ts';
import { modelBytes } from '../lib/models/saveModel.ts';
import { sumMacs, sumParameters } from '../lib/models/layerRow.ts';
import type { VisionTransformerOptions } from '../lib/models/vit/parseConfig.ts';
import { parseModelConfig } from '../lib/models/vit/parseConfig.ts';
import type { VisionTransformer } from '../lib/models/vit/visionTransformer.ts';
import { runCase } from '../lib/parity/run.ts';
import { build, images } from './support/tinyModel.ts';

const root = path.join(import.meta.dirname, 'goldens', 'vit-variants');

beforeAll(async () => {
  await tf.setBackend('cpu');
});

test.each(fs.readdirSync(root))(
  'golden case %s: outputs, attention, every gradient',
  async (name) => {
    const { verdict, entries } = await runCase(path.join(root, name));
    expect(entries.filter((entry) => entry.verdict !== 'ok')).toEqual([]);
    expect(verdict).toBe('ok');
  },
);

const variants: Record<string, VisionTransformerOptions> = {
  'no final norm': { finalNorm: false },
  'RmsNorm, SwiGLUPacked': { normLayer: 'RmsNorm', mlpLayer: 'SwiGLUPacked', activation: 'silu', qkNorm: true },
  'SwiGLU, scale norms': { mlpLayer: 'SwiGLU', activation: 'silu', scaleAttnNorm: true, scaleMlpNorm: true },
  'no biases': { projBias: false, qkvBias: false, embedNormLayer: 'RmsNorm', normLayer: 'RmsNorm' },
  ResPostBlock: { blockFn: 'ResPostBlock', globalPool: 'avg' },
  ParallelScalingBlock: { blockFn: 'ParallelScalingBlock', layerScaleInit: 0.5 },
  'ParallelScalingBlock, bias apart': { blockFn: 'ParallelScalingBlock', qkvBias: false },
  ParallelThingsBlock: { blockFn: 'ParallelThingsBlock', layerScaleInit: 0.5 },
}; // prettier-ignore

describe.each(Object.entries(variants))('%s', (_name, options) => {
  let model: VisionTransformer;
  beforeAll(() => {
    model = build({ ...options, seed: 3, weightInit: 'jax' });
    // Weights of a size at which relevance does not vanish.
    for (const [name, parameter] of model.namedParameters()) {
      if (/bias|token|pos_embed|^head/.test(name)) {
        tf.tidy(() => parameter.assign(tf.randomNormal(parameter.shape, 0, 0.3, 'float32', 5)));
      }
    }
  });
  afterAll(() => model.dispose());

  test('is saved and loaded to the bit, and its file tells what it is', async () => {
    const loaded = await loadModel(await modelBytes(model));
    expect(loaded.config).toEqual(model.config);
    expect(modelTensors(loaded)).toEqual(modelTensors(model));
    loaded.dispose();
    const told = vitOptions(modelTensors(model))!;
    const { imageSize, patchSize, inChannels, numClasses, numHeads, layerScaleInit } = model.config;
    const given = { imageSize, patchSize, inChannels, numClasses, numHeads, layerScaleInit };
    const { seed, weightInit, ...wanted } = model.config;
    expect(vitConfigOf({ ...told, ...given })).toMatchObject(wanted);
    expect(seed).toBe(3);
    expect(weightInit).toBe('jax');
  });

  test('summary and FLOPs count its layers', () => {
    const rows = model.layerTable();
    const own = [...model.namedParameters().values()].reduce((sum, { size }) => sum + size, 0);
    expect(sumParameters(rows)).toBe(own);
    const { embedDim: dim } = model.config;
    const tokens = model.numPatches + 1;
    expect(sumMacs(rows)).toBeGreaterThan(2 * tokens * dim * dim * 4);
    expect(model.summary()).toMatch(/blocks\.1/);
  });

  test('relevance propagation conserves the logit', async () => {
    const x = images();
    const { ledgers } = await attnLrp(model, x, { ledger: true });
    for (const { total, residual } of ledgers!) {
      expect(Math.abs(residual)).toBeLessThan(1e-4 * Math.max(1, Math.abs(total)));
    }
    x.dispose();
  });

  test('attention is found by class relevance, or refused by name', async () => {
    const x = images();
    const run = () => transformerAttribution(model, x);
    if (options.blockFn === 'ParallelThingsBlock') {
      await expect(run()).rejects.toThrow(/blocks\.<i>\.attn_probs/);
    } else {
      const { maps } = await run();
      expect(maps[0]!.data.every(Number.isFinite)).toBe(true);
      const capture = new Capture(['blocks.*.attn_probs']);
      tf.tidy(() => model.forward(x, { intercept: capture }));
      expect([...capture.entries().keys()]).toEqual(['blocks.0.attn_probs', 'blocks.1.attn_probs']);
      const rows = tf.tidy(() => tf.sum([...capture.entries().values()][1]!, 3).dataSync());
      rows.forEach((sum) => expect(sum).toBeCloseTo(1, 5));
      capture.dispose();
    }
    x.dispose();
  });
});

const preparation = { mean: [0.5], std: [0.5], interpolation: 'bicubic', cropMode: 'center', cropPct: 1, classNames: undefined }; // prettier-ignore

describe('folders of other programs', () => {
  const folder = (options: VisionTransformerOptions, notes: string[] = []) =>
    timmFolder(parseModelConfig(options), preparation, (text) => notes.push(text));

  test.each([
    [{ blockFn: 'ResPostBlock' }, 'vit_base_patch16_rpn_224', {}],
    [{ blockFn: 'ParallelScalingBlock' }, 'vit_base_patch16_xp_224', { norm_layer: 'layernorm', qk_norm: false }],
    [{ blockFn: 'ParallelThingsBlock' }, 'vit_small_patch16_18x2_224', { init_values: 0 }],
    [{ mlpLayer: 'SwiGLUPacked', activation: 'silu' }, 'vit_giant_patch14_dinov2', { init_values: 0, act_layer: 'silu' }],
    [{ normLayer: 'RmsNorm' }, 'vit_base_patch16_224', { norm_layer: 'rmsnorm' }],
    [{ finalNorm: false, projBias: false }, 'vit_base_patch16_224', { final_norm: false, proj_bias: false }],
  ] as const)('%p is %s of timm', (options, architecture, args) => {
    expect(folder(options)).toMatchObject({ architecture, model_args: args });
  }); // prettier-ignore

  test('what timm or Hugging Face has not is refused by name', () => {
    expect(() => folder({ embedNormLayer: 'LayerNorm' })).toThrow(/embedNormLayer/);
    expect(() => folder({ mlpLayer: 'SwiGLU', blockFn: 'ResPostBlock' })).toThrow(/mlpLayer/);
    const notes: string[] = [];
    folder({ normLayer: 'RmsNorm', normEps: 1e-5 }, notes);
    expect(notes).toEqual([expect.stringMatching(/ε 1e-6/)]);
    for (const option of [{ finalNorm: false }, { normLayer: 'RmsNorm' }, { blockFn: 'ResPostBlock' }] as const) {
      expect(() => huggingFaceFolder(new Map(), parseModelConfig(option), preparation)).toThrow(
        Object.keys(option)[0]!,
      );
    } // prettier-ignore
  });
});

test('parts that do not go together are refused', () => {
  const parallel = { blockFn: 'ParallelScalingBlock' } as const;
  expect(() => parseModelConfig({ ...parallel, scaleAttnNorm: true })).toThrow(/scaleAttnNorm/);
  expect(() => parseModelConfig({ ...parallel, mlpLayer: 'SwiGLU' })).toThrow(/mlpLayer/);
  const odd = { embedDim: 10, numHeads: 2, mlpRatio: 1.5, mlpLayer: 'SwiGLUPacked' };
  expect(() => parseModelConfig(odd)).toThrow(/an even embedDim · mlpRatio/);
});

test('DINOv2 giant of Hugging Face has a gated MLP of 4096 channels', () => {
  const giant = { model_type: 'dinov2', hidden_size: 1536, num_attention_heads: 24, num_hidden_layers: 40, mlp_ratio: 4, use_swiglu_ffn: true, hidden_act: 'gelu', image_size: 518, patch_size: 14 }; // prettier-ignore
  const config = parseModelConfig(giant);
  expect(config).toMatchObject({ mlpLayer: 'SwiGLUPacked', activation: 'silu' });
  expect(config.embedDim * config.mlpRatio).toBe(8192);
});
