import * as tf from '@tensorflow/tfjs';
import '@tensorflow/tfjs-backend-cpu';
import { queryAttention, queryRelevance } from '../lib/explain/queryRelevance.ts';
import { parseSafetensors } from '../lib/checkpoints/safetensors.ts';
import type { HostTensor } from '../lib/checkpoints/hostTensor.ts';
import { Capture } from '../lib/core/capture.ts';
import { InputError, ShapeError } from '../lib/core/errors.ts';
import { Rng } from '../lib/core/rng.ts';
import { createModel, modelConfig, parseModelOptions } from '../lib/models/createModel.ts';
import { parseDetrConfig, type DetrOptions } from '../lib/models/detr/config.ts';
import { Detr } from '../lib/models/detr/detr.ts';
import { detr } from '../lib/models/detr/family.ts';
import { detections } from '../lib/models/detr/postProcess.ts';
import { sinePositions } from '../lib/models/detr/positions.ts';
import { countParameters } from '../lib/models/layerTable.ts';
import { loadModel } from '../lib/models/loadModel.ts';
import { modelBytes } from '../lib/models/saveModel.ts';
import { valueAndGrad } from '../lib/training/valueAndGrad.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const tiny = {
  imageSize: 32,
  numClasses: 3,
  backbone: { layers: [1, 1], planes: [4, 8], frozenNorm: true },
  dModel: 8,
  encoderLayers: 1,
  decoderLayers: 2,
  encoderAttentionHeads: 2,
  decoderAttentionHeads: 2,
  encoderFfnDim: 12,
  decoderFfnDim: 12,
  numQueries: 4,
  dropout: 0,
} satisfies DetrOptions;
const values = (tensor: tf.Tensor) => Array.from(tensor.dataSync());
const close = (a: readonly number[], b: readonly number[], digits = 5) => {
  expect(a.length).toBe(b.length);
  a.forEach((value, i) => expect(value).toBeCloseTo(b[i]!, digits));
};
const noise = (shape: [number, number, number, number]) =>
  tf.randomNormal<tf.Rank.R4>(shape, 0, 1, 'float32', 5);

describe('the configuration', () => {
  test('the published sizes have the published number of parameters', () => {
    // The authors' logs say n_parameters 41302368, without the stem and the first stage, which they do not train.
    expect(countParameters({ name: 'detr_resnet50' })).toBe(41_302_368 + 9_408 + 212_992);
    expect(modelConfig('detr_resnet101').backbone.layers).toEqual([3, 4, 23, 3]);
  });

  test('config.json of Hugging Face, today and as it was', () => {
    const old = { model_type: 'detr', d_model: 256, backbone: 'resnet50', use_timm_backbone: true };
    const labels = { 0: 'N/A', 1: 'person', 90: 'toothbrush' };
    expect(parseModelOptions({ ...old, id2label: labels })).toMatchObject({
      family: 'detr',
      numClasses: 91,
      numQueries: 100,
      backbone: { block: 'bottleneck', layers: [3, 4, 6, 3], frozenNorm: true, numClasses: 0 },
    });
    const nested = { model_type: 'timm_backbone', backbone: 'resnet101.a1_in1k' };
    expect(parseModelOptions({ ...old, backbone_config: nested })).toMatchObject({
      backbone: { layers: [3, 4, 23, 3] },
    });
  });

  test.each<[object, RegExp]>([
    [{ width: 3 }, /an option of a DETR for config, received "width"/],
    [{ encoderAttentionHeads: 3 }, /a divisor of dModel 8 for encoderAttentionHeads, received 3/],
    [{ dModel: 6, decoderAttentionHeads: 2 }, /a multiple of 4 for dModel, received 6/],
    [{ backbone: { name: 'vgg' } }, /one of resnet18, .* for backbone.name, received "vgg"/],
    [{ backbone: 5 }, /options of a ResNet for backbone, received 5/],
    [{ numQueries: 0 }, /numQueries/],
    [{ d_model: 16 }, /Give one of the two/],
    [{ model_type: 'detr', dilation: true }, /false for dilation of config.json, received true/],
    [{ model_type: 'detr', position_embedding_type: 'learned' }, /sine/],
    [{ model_type: 'detr', backbone: 'swin_tiny' }, /backbone.name, received "swin_tiny"/],
    [{ model_type: 'detr', id2label: { cat: 'cat' } }, /numbers of classes/],
  ])('%j is refused', (options, message) => {
    const given = 'model_type' in options ? options : { family: 'detr', ...tiny, ...options };
    expect(() => parseModelOptions(given)).toThrow(message);
  });
});

describe('the model', () => {
  test('its layer table, its layers for decay, and a stored configuration that leads back', () => {
    const model = new Detr(tiny);
    const names = [...model.namedParameters().keys()];
    expect(new Map(model.layerTable().flatMap((row) => [...row.parameters]))).toEqual(
      new Map([...model.namedParameters()].map(([name, { shape }]) => [name, shape])),
    );
    expect(names.slice(-1)).toEqual(['bbox_predictor.layers.2.bias']);
    expect(new Set(model.layerGroups().values())).toEqual(new Set([0, 1, 2, 3, 4, 5]));
    expect([...model.stateDict().keys()].slice(0, 2)).toEqual([
      'model.backbone.conv_encoder.model.conv1.weight',
      'model.backbone.conv_encoder.model.bn1.weight',
    ]);
    expect(parseDetrConfig(JSON.parse(JSON.stringify(model.config)))).toEqual(model.config);
    model.dispose();
  });

  test('shapes, other sizes than its own down to one pixel, and a classifier of what is there', () => {
    const model = new Detr(tiny);
    const output = model.detect(noise([2, 32, 40, 3]), { auxiliary: true });
    expect([output.logits.shape, output.boxes.shape]).toEqual([
      [2, 4, 4],
      [2, 4, 4],
    ]);
    expect(output.auxiliary.map(({ logits }) => logits.shape)).toEqual([[2, 4, 4]]);
    expect(output.featureMap.shape).toEqual([2, 4, 5, 8]);
    expect(output.tokens.shape).toEqual([2, 20, 8]);
    const boxes = values(output.boxes);
    expect(Math.min(...boxes)).toBeGreaterThan(0);
    expect(Math.max(...boxes)).toBeLessThan(1);
    expect(model.detect(noise([1, 1, 1, 3])).auxiliary).toEqual([]);
    const scores = model.forward(noise([2, 32, 40, 3]));
    const [first] = output.logits.arraySync();
    const best = [0, 1, 2].map((k) => Math.max(...first!.map((row) => row[k]! - row[3]!)));
    close(scores.arraySync()[0]!, best);
    expect(() => model.detect(noise([1, 8, 8, 1]))).toThrow(ShapeError);
    expect(() => model.detect(noise([1, 8, 8, 3]), { mask: tf.ones([1, 9, 8]) })).toThrow('mask');
    expect(() => model.detect(noise([1, 8, 8, 3]), { masks: 1 } as object)).toThrow('masks');
    model.dispose();
  });

  test('padding: nobody looks at it, and the positions of an image do not depend on it', () => {
    const model = new Detr(tiny);
    const image = noise([1, 16, 24, 3]);
    const padded = tf.pad(image, [
      [0, 0],
      [0, 16],
      [0, 8],
      [0, 0],
    ]);
    const mask = tf.pad(tf.ones<tf.Rank.R3>([1, 16, 24]), [
      [0, 0],
      [0, 16],
      [0, 8],
    ]);
    const names = ['model.decoder.layers.*.encoder_attn_probs', 'position_embedding'];
    const capture = new Capture(names);
    const fused = model.detect(padded, { mask });
    const apart = model.detect(padded, { mask, intercept: capture });
    close(values(fused.logits), values(apart.logits), 4);
    const attention = capture.get(names[0]!.replace('*', '1')).arraySync() as number[][][][];
    // The feature map is 4 × 4, the image 2 × 3 of it.
    const inside = (place: number) => place < 8 && place % 4 < 3;
    for (const row of attention[0]!.flat()) {
      row.forEach((share, place) => expect(share > 0).toBe(inside(place)));
      expect(row.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 5);
    }
    const alone = sinePositions(tf.ones([1, 2, 3]), 8).arraySync()[0]!;
    const within = (capture.get('position_embedding').arraySync() as number[][][])[0]!;
    alone.forEach((row, place) => close(row, within[Math.floor(place / 3) * 4 + (place % 3)]!));
    // A batch that is padded further changes what is attended to by nothing: the mask decides.
    const full = model.detect(image, { mask: tf.ones([1, 16, 24]) });
    close(values(full.logits), values(model.detect(image).logits), 4);
    capture.dispose();
    model.dispose();
  });

  test('sine positions follow the formula', () => {
    const [row] = sinePositions(tf.ones([1, 3, 5]), 8).arraySync();
    const y = (2 / 3) * 2 * Math.PI; // the second of three rows
    const x = (4 / 5) * 2 * Math.PI;
    const waves = (at: number) => [
      Math.sin(at),
      Math.cos(at),
      Math.sin(at / 100),
      Math.cos(at / 100),
    ];
    close(row![1 * 5 + 3]!, [...waves(y), ...waves(x)], 5);
  });

  test('every parameter gets a gradient; a dropout draws from the stream', () => {
    const model = new Detr({ ...tiny, dropout: 0.2, backbone: { layers: [1], planes: [4] } });
    const x = noise([2, 16, 16, 3]);
    const loss = (seed: number) => () => {
      const { logits, boxes } = model.detect(x, { training: true, rng: new Rng(seed) });
      return tf.add(tf.mean(tf.square(logits)), tf.mean(tf.square(boxes)));
    };
    const { value, gradients } = valueAndGrad(model, loss(1));
    expect([...gradients.keys()]).toEqual([...model.namedParameters().keys()]);
    const [same, other] = [1, 2].map((seed) => values(valueAndGrad(model, loss(seed)).value));
    expect(same).toEqual(values(value));
    expect(other).not.toEqual(values(value));
    expect(() => model.detect(x, { training: true })).toThrow('random stream');
    model.dispose();
  });
});

test('the relevance of an image for a query, for its best class or another', async () => {
  const model = new Detr(tiny);
  const x = noise([1, 16, 24, 3]);
  const { map } = await queryRelevance(model, x, { query: 1 });
  expect([map.height, map.width, map.data.length]).toEqual([2, 3, 6]);
  expect(Math.max(...map.data)).toBeGreaterThan(0);
  const [one, two] = [0, 1].map((classIndex) => queryRelevance(model, x, { query: 1, classIndex }));
  expect((await one!).map.data).not.toEqual((await two!).map.data);
  expect(() => queryAttention(model, x, { query: 4 })).toThrow(/query/);
  expect(() => queryAttention(model, x, { query: 0, classIndex: 3 })).toThrow(/classIndex/);
  model.dispose();
});

describe('checkpoints', () => {
  test("the names of the authors' hub, queries, keys and values in one", async () => {
    const model = new Detr({ ...tiny, seed: 2 });
    const { tensors } = parseSafetensors(await modelBytes(model));
    const hub = hubNames(tensors);
    expect([...hub.keys()]).toEqual(
      expect.arrayContaining([
        'backbone.0.body.layer1.0.conv1.weight',
        'transformer.decoder.layers.1.multihead_attn.in_proj_weight',
        'transformer.decoder.norm.weight',
        'query_embed.weight',
      ]),
    );
    const source = { tensors: hub, metadata: new Map(), source: 'hub', format: 'x' } as never;
    const loaded = await loadModel(source, { config: { family: 'detr', ...tiny }, family: detr });
    const x = noise([1, 32, 32, 3]);
    expect(values(loaded.detect(x).logits)).toEqual(values(model.detect(x).logits));
    expect(detr.optionsOf!(hub)).toMatchObject({
      numQueries: 4,
      numClasses: 3,
      dModel: 8,
      encoderLayers: 1,
      decoderLayers: 2,
      backbone: { block: 'basic', layers: [1, 1], planes: [4, 8], frozenNorm: true },
    });
    hub.set('transformer.encoder.layers.0.self_attn.in_proj_weight', {
      dtype: 'F32',
      shape: [5, 8],
      data: new Float32Array(40),
    });
    await expect(loadModel(source, { config: { family: 'detr', ...tiny } })).rejects.toThrow(
      /rows in threes/,
    );
    model.dispose();
    loaded.dispose();
  });
});

describe('post-processing', () => {
  // Four queries of one image: sure of class 1, sure of nothing, unsure, and out of the image.
  const logits = tf.tensor3d([
    [
      [0, 9, 0, 0],
      [0, 0, 0, 9],
      [1, 0, 0, 0],
      [8, 0, 0, 0],
    ],
  ]);
  const boxes = tf.tensor3d([
    [
      [0.5, 0.5, 0.2, 0.4],
      [0.5, 0.5, 0.2, 0.4],
      [0.5, 0.5, 1, 1],
      [0, 0, 0.5, 0.5],
    ],
  ]);
  const sizes = [[100, 200]] as const;

  test('scores, labels and boxes in pixels, in the order of the queries', async () => {
    const [found] = await detections({ logits, boxes }, { sizes, threshold: 0.7 });
    expect(found!.map(({ query, label }) => [query, label])).toEqual([
      [0, 1],
      [3, 0],
    ]);
    expect(found![0]!.score).toBeCloseTo(Math.exp(9) / (Math.exp(9) + 3), 6);
    close(found![0]!.box, [80, 30, 120, 70], 4);
    close(found![1]!.box, [-50, -25, 50, 25], 4);
    expect((await detections({ logits, boxes }, { sizes, threshold: 0 }))[0]).toHaveLength(4);
    expect((await detections({ logits, boxes }, { sizes, threshold: 1 }))[0]).toEqual([]);
  });

  test.each([-1, 2, NaN, Infinity, '0.7'])('a threshold of %p is refused', async (threshold) => {
    const options = { sizes, threshold: threshold as number };
    await expect(detections({ logits, boxes }, options)).rejects.toThrow(InputError);
    await expect(detections({ logits, boxes }, options)).rejects.toThrow(/threshold, received/);
  });

  test('what is not finite is no object, and sizes are counted', async () => {
    const wrong = tf.tensor3d([
      [
        [NaN, 0.5, 0.2, 0.4],
        [0.5, 0.5, 0.2, 0.4],
        [0.5, Infinity, 1, 1],
        [0, 0, 0.5, 0.5],
      ],
    ]);
    const [found] = await detections({ logits, boxes: wrong }, { sizes });
    expect(found!.map(({ query }) => query)).toEqual([3]);
    await expect(detections({ logits, boxes }, { sizes: [] })).rejects.toThrow(
      /one for each image/,
    );
  });
});

test('the registry knows DETR by its sizes', () => {
  expect(() => createModel('detr_resnet50', { numHeads: 3 })).toThrow(/an option of a DETR/);
});

// Our names as the authors' hub has them, with packed projections.
function hubNames(tensors: ReadonlyMap<string, HostTensor>): Map<string, HostTensor> {
  const hub = new Map<string, HostTensor>();
  for (const [name, tensor] of tensors) {
    const decoder = name.includes('.decoder.');
    const given = name
      .replace('model.backbone.conv_encoder.model.', 'backbone.0.body.')
      .replace(/^model\.(encoder|decoder)\./, 'transformer.$1.')
      .replace('model.query_position_embeddings.', 'query_embed.')
      .replace('model.input_projection.', 'input_proj.')
      .replace('class_labels_classifier.', 'class_embed.')
      .replace('bbox_predictor.', 'bbox_embed.')
      .replace('decoder.layernorm.', 'decoder.norm.')
      .replace('.self_attn_layer_norm.', '.norm1.')
      .replace('.encoder_attn_layer_norm.', '.norm2.')
      .replace('.final_layer_norm.', decoder ? '.norm3.' : '.norm2.')
      .replace('.encoder_attn.', '.multihead_attn.')
      .replace(/\.fc([12])\./, '.linear$1.');
    const [, path, part, kind] = /^(.*)\.([qkv])_proj\.(weight|bias)$/.exec(given) ?? [];
    if (path === undefined) hub.set(given, tensor);
    else if (part === 'q') {
      const parts = ['q', 'k', 'v'].map((one) =>
        tensors.get(name.replace('q_proj', `${one}_proj`))!,
      );
      const data = Float32Array.from(parts.flatMap((one) => [...(one.data as Float32Array)]));
      const [rows, ...rest] = tensor.shape;
      hub.set(`${path}.in_proj_${kind}`, { dtype: 'F32', shape: [3 * rows!, ...rest], data });
    }
  }
  return hub;
}
