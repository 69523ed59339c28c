// CLIP as a model: its towers, names of checkpoints, configuration; `parity` holds the numbers against Hugging Face's.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import fs from 'node:fs';
import path from 'node:path';
import { loadModelTensors, modelTensors } from '../lib/checkpoints/modelState.ts';
import { parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import { Capture } from '../lib/core/capture.ts';
import { VitError } from '../lib/core/errors.ts';
import { disposeEncoding, modelEncoder } from '../lib/encoders/encoder.ts';
import { buildLoaded } from '../lib/models/buildLoaded.ts';
import { createModel, modelConfig, parseModelOptions } from '../lib/models/createModel.ts';
import { parameterShapes } from '../lib/models/layerTable.ts';
import { Clip } from '../lib/models/clip/clip.ts';
import { clip } from '../lib/models/clip/family.ts';
import { embedding } from '../lib/ops/embedding.ts';
import { normalizeRows } from '../lib/ops/normalizeRows.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const tiny = {
  vision: { imageSize: 16, patchSize: 8, embedDim: 12, depth: 3, numHeads: 2 },
  text: { vocabSize: 20, contextLength: 6, embedDim: 8, depth: 2, numHeads: 2, eosTokenId: 19 },
  projectionDim: 5,
};
const texts = [
  [18, 1, 2, 19, 0, 0],
  [18, 3, 19, 0, 0, 0],
];

describe('a tiny CLIP', () => {
  let model: Clip;
  beforeAll(() => (model = new Clip(tiny)));
  afterAll(() => model.dispose());

  test('has the parameters of its layer table, in groups without gaps', () => {
    const shapes = [...model.namedParameters()].map(([name, { shape }]) => [name, shape]);
    expect([...parameterShapes(model.config)]).toEqual(shapes);
    const groups = model.layerGroups();
    expect([...groups.keys()]).toEqual(shapes.map(([name]) => name));
    expect(new Set(groups.values())).toEqual(new Set([0, 1, 2, 3, 4]));
    expect(groups.get('text.blocks.1.norm1.weight')).toBe(
      groups.get('visual.blocks.2.norm1.weight'),
    );
  });

  test('gives cosines times exp(logit_scale)', () => {
    const before = tf.memory().numTensors;
    const images = tf.randomUniform([3, 16, 16, 3], -1, 1, 'float32', 4);
    const { logitsPerImage, imageEmbeds, textEmbeds } = model.similarity(images, texts);
    const wanted = tf.tidy(() => tf.matMul(imageEmbeds, textEmbeds, false, true).mul(Math.exp(2.6592)).arraySync()); // prettier-ignore
    expect(logitsPerImage.arraySync()).toEqual((wanted as number[][]).map((row) => row.map((x): unknown => expect.closeTo(x, 4)))); // prettier-ignore
    imageEmbeds.square().sum(1).dataSync().forEach((norm) => expect(norm).toBeCloseTo(1, 5)); // prettier-ignore
    tf.dispose([images, logitsPerImage, imageEmbeds, textEmbeds]);
    expect(tf.memory().numTensors - before).toBeLessThanOrEqual(2);
  });

  test('reads a text up to its end, and no token sees those behind it', () => {
    const vectors = (ids: number[][]) => tf.tidy(() => model.encodeTexts(ids).arraySync())[0]!;
    expect(vectors([[18, 1, 19, 0, 0, 0]])).toEqual(vectors([[18, 1, 19, 7, 8, 9]]));
    expect(vectors([[18, 1, 19]])).toEqual(vectors([[18, 1, 19, 0, 0, 0]]));
    expect(vectors([[18, 1, 19]])).not.toEqual(vectors([[18, 2, 19]]));
    const capture = new Capture(['text.blocks.*.attn_probs']);
    tf.tidy(() => void model.encodeTexts(texts, { intercept: capture }));
    const probs = capture.get('text.blocks.1.attn_probs').arraySync() as number[][][][];
    probs.flat().forEach((rows) => rows.forEach((row, i) => expect(row.slice(i + 1).every((p) => p === 0)).toBe(true))); // prettier-ignore
    capture.dispose();
  });

  test('a hidden token is not seen', () => {
    const seen = (id: number, attentionMask?: number[][]) =>
      tf.tidy(() => model.encodeTexts([[18, id, 19]], { attentionMask }).arraySync())[0];
    expect(seen(1, [[1, 0, 1]])).toEqual(seen(2, [[1, 0, 1]]));
    expect(seen(1)).not.toEqual(seen(2));
  });

  test('pools at the largest number where the end is 2, as old configurations say', () => {
    const old = new Clip({ ...tiny, text: { ...tiny.text, eosTokenId: 2 } });
    loadModelTensors(old, modelTensors(model));
    expect(old.text.endOf([18, 2, 19, 1])).toBe(2);
    expect(model.text.endOf([18, 19, 19])).toBe(1);
    const [a, b] = [old, model].map((one) => tf.tidy(() => [...one.encodeTexts(texts).dataSync()]));
    expect(a).toEqual(b);
    old.dispose();
  });

  test('is an encoder whose vector lies in the common space, and its tower can be observed', () => {
    const encoder = modelEncoder(model, { preparation: { filter: 'bilinear', normalize: { mean: [0, 0, 0], std: [1, 1, 1] } } }); // prettier-ignore
    expect(encoder.describe()).toMatchObject({ family: 'clip', vectorSize: 5, layers: ['blocks.0', 'blocks.1', 'blocks.2'] }); // prettier-ignore
    const images = tf.ones<tf.Rank.R4>([1, 16, 16, 3]);
    const capture = new Capture(['visual.blocks.0.attn_probs', 'image_features']);
    const encoding = encoder.encode(images, { layers: ['blocks.2'], intercept: capture });
    expect(encoding.pooled.shape).toEqual([1, 5]);
    expect(encoding.logits).toBeUndefined();
    expect(encoding.features['blocks.2']!.shape).toEqual([1, 2, 2, 12]);
    expect(capture.get('visual.blocks.0.attn_probs').shape).toEqual([1, 2, 5, 5]);
    const direct = model.forward(images);
    expect(direct.arraySync()).toEqual(encoding.pooled.arraySync());
    disposeEncoding(encoding);
    capture.dispose();
    tf.dispose([images, direct]);
  });

  test.each<[string, (one: Clip) => unknown, RegExp]>([
    ['no text', (one) => one.encodeTexts([]), /at least one text/],
    ['too long a text', (one) => one.encodeTexts([[1, 2, 3, 4, 5, 6, 7]]), /1 to 6 tokens/],
    ['texts of two lengths', (one) => one.encodeTexts([[1, 2], [1]]), /2 tokens, as the first has/],
    ['a token that is none', (one) => one.encodeTexts([[20]]), /a token of text 0/],
    ['another mask', (one) => one.encodeTexts([[1]], { attentionMask: [[1, 1]] }), /attentionMask/],
    ['other images', (one) => one.forward(tf.ones([1, 8, 8, 3])), /images/],
  ])('%s is refused in one sentence', (_, call, message) => {
    expect(() => tf.tidy(() => call(model) as never)).toThrow(message);
    expect(() => tf.tidy(() => call(model) as never)).toThrow(VitError);
  });

  test('differentiates through both towers', () => {
    const images = tf.ones<tf.Rank.R4>([2, 16, 16, 3]);
    const { grads } = tf.variableGrads(() => {
      const { logitsPerImage } = model.similarity(images, texts);
      return tf.mean(tf.square(logitsPerImage)).asScalar();
    });
    expect(Object.keys(grads)).toHaveLength(model.namedParameters().size);
    expect(Object.values(grads).flatMap((one) => [...one.dataSync()]).every(Number.isFinite)).toBe(true); // prettier-ignore
    tf.dispose([images, grads]);
  });
});

describe('names of checkpoints', () => {
  const folder = path.join(import.meta.dirname, 'goldens/encoders/clip-zero-shot/hf');
  const config = JSON.parse(fs.readFileSync(path.join(folder, 'config.json'), 'utf8')) as object;
  const { tensors } = parseSafetensors(fs.readFileSync(path.join(folder, 'model.safetensors')), 'golden'); // prettier-ignore

  test("Hugging Face's, OpenAI's and ours give one model", () => {
    const { model } = buildLoaded(config, tensors, { family: clip });
    const own = modelTensors(model);
    const again = buildLoaded(model.config, own).model;
    const open = openAiNames(own);
    const ofOpenAi = buildLoaded(model.config, open).model;
    for (const other of [again, ofOpenAi]) {
      const found = modelTensors(other);
      for (const [name, { data }] of own) expect([name, ...found.get(name)!.data]).toEqual([name, ...data]); // prettier-ignore
    }
    [model, again, ofOpenAi].forEach((one) => one.dispose());
  });

  test('of SigLIP are refused by name', () => {
    const siglip = new Map([...tensors, ['logit_bias', { dtype: 'F32' as const, shape: [1], data: new Float32Array(1) }]]); // prettier-ignore
    expect(() => buildLoaded(config, siglip)).toThrow(/SigLIP/);
  });

  type Tensors = ReturnType<typeof modelTensors>;
  // The inverse of what `adaptClip` does.
  function openAiNames(own: Tensors): Tensors {
    const rules: [RegExp, string][] = [
      [/^text\.token_embedding$/, 'token_embedding.weight'],
      [/^text\.positional_embedding$/, 'positional_embedding'],
      [/^text\.norm\./, 'ln_final.'],
      [/^text\.blocks\./, 'transformer.resblocks.'],
      [/^visual\.blocks\./, 'visual.transformer.resblocks.'],
      [/^visual\.cls_token$/, 'visual.class_embedding'],
      [/^visual\.pos_embed$/, 'visual.positional_embedding'],
      [/^visual\.patch_embed\.proj\./, 'visual.conv1.'],
      [/^visual\.norm_pre\./, 'visual.ln_pre.'],
      [/^visual\.norm\./, 'visual.ln_post.'],
      [/\.norm([12])\./, '.ln_$1.'],
      [/\.attn\.qkv\./, '.attn.in_proj_'],
      [/\.attn\.proj\./, '.attn.out_proj.'],
      [/\.mlp\.fc1\./, '.mlp.c_fc.'],
      [/\.mlp\.fc2\./, '.mlp.c_proj.'],
      [/^visual_projection\.weight$/, 'visual.proj'],
      [/^text_projection\.weight$/, 'text_projection'],
    ];
    return new Map(
      [...own].map(([name, tensor]) => {
        const open = rules.reduce((text, [from, to]) => text.replace(from, to), name);
        const isTurned = open.endsWith('proj') || open === 'text_projection';
        const flat = /class_embedding|visual\.positional/.test(open);
        if (flat) return [open, { ...tensor, shape: tensor.shape.slice(open.includes('class') ? 2 : 1) }]; // prettier-ignore
        if (!isTurned) return [open, tensor];
        const turned = tf.tidy(() => tf.transpose(tf.tensor2d(tensor.data as Float32Array, tensor.shape as [number, number]))); // prettier-ignore
        return [open, { dtype: 'F32' as const, shape: turned.shape, data: turned.dataSync() as Float32Array }]; // prettier-ignore
      }),
    );
  }
});

describe('the configuration', () => {
  test.each(['ViT-B/32', 'ViT-B-32-quickgelu', 'openai/clip-vit-base-patch32', 'clip_vit_base_patch32'])('%s is one size', (name) => {
    expect(modelConfig(name)).toEqual(modelConfig('clip_vit_base_patch32'));
  }); // prettier-ignore

  test("OpenCLIP's plain names have the exact GELU, and 336 pixels are in the name", () => {
    expect(modelConfig('ViT-B-32')).toMatchObject({ vision: { activation: 'gelu' }, text: { activation: 'gelu' } }); // prettier-ignore
    expect(modelConfig('ViT-L/14@336px')).toMatchObject({ projectionDim: 768, vision: { imageSize: [336, 336], depth: 24, numHeads: 16 }, text: { embedDim: 768, numHeads: 12 } }); // prettier-ignore
  });

  test('has 151 million parameters for ViT-B/32, as published', () => {
    const sizes = [...parameterShapes(modelConfig('clip_vit_base_patch32')).values()];
    expect(sizes.reduce((sum, shape) => sum + shape.reduce((a, b) => a * b, 1), 0)).toBe(
      151_277_313,
    );
  });

  test.each([
    [{ text: { embedDim: 9, numHeads: 2 } }, /a multiple of numHeads 2 for text\.embedDim/],
    [{ text: { wat: 1 } }, /an option of CLIP for text/],
    [{ wat: 1 }, /an option of CLIP for config/],
    [{ vision: 5 }, /an object for vision/],
    [{ vision: { globalPool: '' } }, /one vector/],
    [{ projectionDim: 0 }, /projectionDim/],
    [{ text: { vocabSize: 1e12 } }, /vocabSize/],
  ])('%j is refused', (options, message) => {
    expect(() => parseModelOptions({ family: 'clip', ...options })).toThrow(message);
  });

  test('a size takes options of its towers', () => {
    const model = createModel('clip_vit_base_patch32', { ...tiny, imageSize: 32 }, { initialize: false }); // prettier-ignore
    expect(model.config.vision).toMatchObject({ imageSize: [32, 32], embedDim: 12, preNorm: true });
    model.dispose();
  });
});

describe('ops', () => {
  test('embedding sums the gradients of a number that comes twice', () => {
    const table = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
    const ids = [2, 0, 2];
    expect(embedding(table, ids).arraySync()).toEqual([[5, 6], [1, 2], [5, 6]]); // prettier-ignore
    const weights = tf.tensor2d([1, 10, 2, 20, 3, 30], [3, 2]);
    const gradient = tf.grad((x) => tf.sum(tf.mul(embedding(x as tf.Tensor2D, ids), weights)))(
      table,
    );
    expect(gradient.arraySync()).toEqual([[2, 20], [0, 0], [4, 40]]); // prettier-ignore
    expect(embedding(table, []).shape).toEqual([0, 2]);
    expect(() => embedding(table, [3])).toThrow(/an id/);
  });

  test('a row of zeros stays, with a finite gradient', () => {
    const x = tf.tensor2d([3, 4, 0, 0], [2, 2]);
    expect(normalizeRows(x).arraySync()).toEqual([[expect.closeTo(0.6, 6), expect.closeTo(0.8, 6)], [0, 0]]); // prettier-ignore
    const gradient = tf.grad((y) => tf.sum(normalizeRows(y as tf.Tensor2D)))(x);
    expect([...gradient.dataSync()].every(Number.isFinite)).toBe(true);
  });
});
