// Foreign checkpoints of Vision Transformers: names, heads, position embeddings, the folders of Hugging Face and of timm's hub.

import '@tensorflow/tfjs-backend-cpu';
import * as fs from 'node:fs';
import path from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { hostTensor, toFloat32, type HostTensor } from '../lib/checkpoints/hostTensor.ts';
import { modelTensors } from '../lib/checkpoints/modelState.ts';
import { formatSafetensors } from '../lib/checkpoints/safetensors.ts';
import { CheckpointError, InputError } from '../lib/core/errors.ts';
import { posEmbedFor } from '../lib/layers/posEmbed.ts';
import { buildModel, createModel, modelConfig, modelNames } from '../lib/models/createModel.ts';
import { adapt } from '../lib/models/vit/adapt.ts';
import { parseModelConfig } from '../lib/models/vit/parseConfig.ts';
import type { VisionTransformerConfig } from '../lib/models/vit/config.ts';
import type { VisionTransformer } from '../lib/models/vit/visionTransformer.ts';
import { loadModel } from '../lib/node.ts';
import { runCase } from '../lib/parity/run.ts';
import { vit } from './support/cli.ts';
import { temporaryFolder } from './support/failingDisk.ts';

const small = {
  imageSize: 32,
  patchSize: 8,
  inChannels: 3,
  embedDim: 12,
  depth: 2,
  numHeads: 2,
  numClasses: 5,
};
const place = temporaryFolder();
let model: VisionTransformer;
let own: Map<string, HostTensor>;

beforeAll(async () => {
  await tf.setBackend('cpu');
  model = buildModel(small) as VisionTransformer;
  own = modelTensors(model);
});
afterAll(() => model.dispose());

const renamed = (change: (name: string) => string) =>
  new Map([...own].map(([name, tensor]) => [change(name), tensor]));

describe('names', () => {
  test('timm’s stay as they are, without a copy', () => {
    const adapted = adapt(own, model.config);
    expect([...adapted.keys()]).toEqual([...own.keys()]);
    for (const [name, tensor] of adapted) expect(tensor).toBe(own.get(name));
  });

  test.each(['module.', '_orig_mod.', 'model.', 'module._orig_mod.', 'timm_model.'])(
    'the prefix %s, if all of them have it',
    (prefix) => {
      const wrapped = renamed((name) => prefix + name);
      expect([...adapt(wrapped, model.config).keys()]).toEqual([...own.keys()]);
      wrapped.set('extra', hostTensor([1], Float32Array.of(0)));
      expect(adapt(wrapped, model.config).has(`${prefix}cls_token`)).toBe(true);
    },
  );

  test('a distilled DeiT goes through, and gamma_1 of DeiT III is ls1.gamma', () => {
    const deit = buildModel({ ...small, distilled: true });
    const tensors = modelTensors(deit);
    expect(tensors.has('dist_token') && tensors.has('head_dist.weight')).toBe(true);
    expect(adapt(tensors, deit.config as typeof model.config)).toEqual(tensors);
    deit.dispose();
    const gamma = hostTensor([1], Float32Array.of(2));
    const adapted = adapt(new Map([['blocks.0.gamma_2', gamma]]), model.config);
    expect([...adapted.keys()]).toEqual(['blocks.0.ls2.gamma']);
  });

  test('a patch embedding stored as a matrix gets the shape of the convolution', async () => {
    const flat = new Map(own);
    const weight = own.get('patch_embed.proj.weight')!;
    flat.set('patch_embed.proj.weight', { ...weight, shape: [12, 3 * 8 * 8] });
    const loaded = await loadModel(formatSafetensors(flat), { config: small });
    expect(modelTensors(loaded)).toEqual(own);
    loaded.dispose();
  });
});

describe('Hugging Face', () => {
  test.each(['hf-vit-classifier-safetensors', 'hf-vit-model-no-pooler'])(
    'golden case %s: hidden states, attention and logits',
    async (name) => {
      const folder = path.join(import.meta.dirname, 'goldens', 'hugging-face', name);
      const { verdict, entries } = await runCase(folder);
      expect(entries.filter((entry) => entry.verdict !== 'ok')).toEqual([]);
      expect(verdict).toBe('ok');
    },
  );

  // Our tensors as transformers would have written them.
  const foreign = (tensors: ReadonlyMap<string, HostTensor>, prefix = 'vit.') => {
    const hf = new Map<string, HostTensor>();
    const names: [RegExp, string][] = [
      [/^cls_token/, `${prefix}embeddings.cls_token`],
      [/^(dist|reg)_token/, `${prefix}embeddings.distillation_token`],
      [/^pos_embed/, `${prefix}embeddings.position_embeddings`],
      [/^patch_embed\.proj/, `${prefix}embeddings.patch_embeddings.projection`],
      [/^blocks\.(\d+)\.attn\.proj/, `${prefix}encoder.layer.$1.attention.output.dense`],
      [/^blocks\.(\d+)\.mlp\.fc1/, `${prefix}encoder.layer.$1.intermediate.dense`],
      [/^blocks\.(\d+)\.mlp\.fc2/, `${prefix}encoder.layer.$1.output.dense`],
      [/^blocks\.(\d+)\.norm1/, `${prefix}encoder.layer.$1.layernorm_before`],
      [/^blocks\.(\d+)\.norm2/, `${prefix}encoder.layer.$1.layernorm_after`],
      [/^norm/, `${prefix}layernorm`],
      [/^head_dist/, 'distillation_classifier'],
      [/^head/, prefix === 'deit.' ? 'cls_classifier' : 'classifier'],
    ];
    for (const [name, tensor] of tensors) {
      const [, block, kind] = /^blocks\.(\d+)\.attn\.qkv\.(weight|bias)$/.exec(name) ?? [];
      if (block === undefined) {
        const [pattern, text] = names.find(([one]) => one.test(name))!;
        hf.set(name.replace(pattern, text), tensor);
        continue;
      }
      const values = toFloat32(tensor);
      const third = values.length / 3;
      ['query', 'key', 'value'].forEach((part, i) => {
        const shape = [tensor.shape[0]! / 3, ...tensor.shape.slice(1)];
        const rows = hostTensor(shape, values.slice(i * third, (i + 1) * third));
        hf.set(`${prefix}encoder.layer.${block}.attention.attention.${part}.${kind}`, rows);
      });
    }
    return hf;
  };

  test('queries, keys and values become one qkv; what the logits do not need is left out and said', () => {
    const hf = foreign(own);
    hf.set('vit.pooler.dense.weight', hostTensor([1], Float32Array.of(1)));
    const notes: string[] = [];
    const adapted = adapt(hf, model.config, (text) => notes.push(text));
    expect(new Map([...own].map(([name]) => [name, adapted.get(name)]))).toEqual(own);
    expect(adapted.size).toBe(own.size);
    expect(notes).toEqual(['vit.pooler.dense.weight is left out: the model has no use for it.']);
  });

  test.each(['query', 'key', 'value'])('a missing %s is a CheckpointError', (part) => {
    const hf = foreign(own);
    hf.delete(`vit.encoder.layer.1.attention.attention.${part}.weight`);
    expect(() => adapt(hf, model.config)).toThrow(CheckpointError);
  });

  test('a DeiT with a teacher has two heads, one without a register token', async () => {
    const base = {
      model_type: 'deit',
      image_size: 32,
      patch_size: 8,
      hidden_size: 12,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      intermediate_size: 48,
    };
    const kinds = [
      ['DeiTForImageClassificationWithTeacher', { distilled: true }],
      ['DeiTForImageClassification', { regTokens: 1 }],
    ] as const;
    for (const [architecture, wanted] of kinds) {
      const config = { ...base, architectures: [architecture], num_labels: 5 };
      expect(parseModelConfig(config)).toMatchObject({ ...wanted, numClasses: 5 });
      const deit = buildModel(config);
      const bytes = formatSafetensors(foreign(modelTensors(deit), 'deit.'));
      const loaded = await loadModel(bytes, { config });
      expect(modelTensors(loaded)).toEqual(modelTensors(deit));
      for (const each of [deit, loaded]) each.dispose();
    }
  });

  test('a model without a classifier has no classes, one that names none has two', () => {
    const config = { model_type: 'vit', hidden_size: 768 };
    const classes = (kind: string) =>
      parseModelConfig({ ...config, architectures: [kind] }).numClasses;
    expect(classes('ViTModel')).toBe(0);
    expect(classes('ViTForImageClassification')).toBe(2);
  });
});

describe('heads and position embeddings', () => {
  test('a model without classes leaves the head out', async () => {
    const notes: string[] = [];
    const config = { ...small, numClasses: 0 };
    const bytes = formatSafetensors(own);
    const loaded = await loadModel(bytes, { config, onAdapt: (text) => notes.push(text) });
    expect(notes.map((text) => text.split(' ')[0])).toEqual(['head.weight', 'head.bias']);
    loaded.dispose();
  });

  test('a head for other classes is refused, and starts anew where that is allowed', async () => {
    const config = { ...small, numClasses: 7 };
    const bytes = formatSafetensors(own);
    await expect(loadModel(bytes, { config })).rejects.toThrow(
      /head\.weight is \[5, 12\], not \[7/,
    );
    const loaded = await loadModel(bytes, { config, strict: false });
    expect(modelTensors(loaded).get('norm.weight')).toEqual(own.get('norm.weight'));
    expect(toFloat32(modelTensors(loaded).get('head.weight')!).some((value) => value !== 0)).toBe(
      true,
    );
    loaded.dispose();
  });

  test.each([64, [32, 48], 16] as const)(
    'the grid of %p pixels, as the forward pass resizes it',
    (imageSize) => {
      const config = parseModelConfig({ ...small, imageSize });
      const notes: string[] = [];
      const adapted = adapt(own, config, (text) => notes.push(text)).get('pos_embed')!;
      const to = [config.imageSize[0] / 8, config.imageSize[1] / 8] as const;
      const reference = tf.tidy(() => {
        const { shape, data } = own.get('pos_embed')!;
        const learned = tf.tensor3d(data as Float32Array, shape as [number, number, number]);
        return posEmbedFor(learned, { prefix: 1, from: [4, 4], to }).dataSync();
      });
      expect(adapted.shape).toEqual([1, 1 + to[0] * to[1], 12]);
      toFloat32(adapted).forEach((value, i) => expect(value).toBeCloseTo(reference[i]!, 6));
      expect(notes).toEqual([`pos_embed is resampled from 4×4 to ${to.join('×')} patches.`]);
    },
  );

  test('one that is no square grid is left for the loader to refuse', async () => {
    const wide = buildModel({ ...small, imageSize: [16, 32] });
    const bytes = formatSafetensors(modelTensors(wide));
    await expect(loadModel(bytes, { config: small })).rejects.toThrow(/pos_embed is \[1, 9, 12\]/);
    wide.dispose();
  });
});

interface TimmNames {
  names: Record<string, Record<string, unknown>>;
  not_built: string[];
  differential: string[];
  modules: Record<string, string[]>;
}
const timm = JSON.parse(
  fs.readFileSync(path.join(import.meta.dirname, 'goldens', 'timm-names.json'), 'utf8'),
) as TimmNames;

describe('timm’s names', () => {
  test.each(Object.entries(timm.names))('%s has timm’s options', (name, options) => {
    const { num_classes: classes, ...rest } = options;
    // The classes of CLIP's and of unreleased weights are not part of a name; no classifier at all is.
    const { numClasses } = modelConfig(name) as VisionTransformerConfig;
    expect([classes, 1000]).toContain(numClasses);
    expect(modelConfig(name)).toEqual(parseModelConfig({ ...rest, num_classes: numClasses }));
  });

  test('of the names in vision_transformer.py and deit.py, all but three with differential attention', () => {
    const { eva, ...modules } = timm.modules;
    const names = Object.values(modules).flat();
    expect(names.length).toBe(179);
    expect(names.filter((name) => !modelNames().includes(name))).toEqual(timm.differential);
    expect(eva!.length).toBeGreaterThan(60);
  });

  test('the others are said to be not built yet, without another name', () => {
    const others = timm.not_built;
    expect(others.length).toBeGreaterThan(50);
    for (const name of others) {
      expect(() => modelConfig(name)).toThrow(/not built yet/);
      expect(() => modelConfig(`${name}.tag`)).not.toThrow(/Did you mean/);
    }
  });

  test('a tag of weights stands for the same architecture', () => {
    expect(modelConfig('vit_tiny_patch16_224.augreg_in21k_ft_in1k')).toEqual(
      modelConfig('vit_tiny_patch16_224'),
    );
    expect(modelConfig('vit_base_patch16_clip_224.openai').preNorm).toBe(true);
    expect(() => modelConfig('vit_tny_patch16_224.a.b')).toThrow(
      /Did you mean vit_tiny_patch16_224\?/,
    );
  });

  test('createModel takes a tagged name', () => {
    const tagged = createModel('test_vit.r160_in1k', { numClasses: 3 });
    expect(tagged.numClasses).toBe(3);
    tagged.dispose();
  });
});

describe('folders of timm’s hub', () => {
  const pretrained = {
    tag: 'r160_in1k',
    input_size: [3, 160, 160],
    fixed_input_size: true,
    interpolation: 'bicubic',
    crop_pct: 0.95,
    crop_mode: 'center',
    mean: [0.5, 0.4, 0.3],
    std: [0.2, 0.3, 0.4],
    num_classes: 3,
    first_conv: 'patch_embed.proj',
    classifier: 'head',
  };
  const config = {
    architecture: 'test_vit',
    num_classes: 3,
    num_features: 64,
    global_pool: 'token',
    label_names: ['n1', 'n2', 'n3'],
    label_descriptions: { n1: 'ant', n2: 'bee' },
    pretrained_cfg: pretrained,
  };
  const older = { ...pretrained, architecture: 'test_vit', num_features: 64 };

  const write = (name: string, record: object, overrides: object = {}) => {
    const folder = path.join(place(), name);
    fs.mkdirSync(folder);
    const built = createModel('test_vit', { numClasses: 3, ...overrides });
    fs.writeFileSync(
      path.join(folder, 'model.safetensors'),
      formatSafetensors(modelTensors(built), { format: 'pt' }),
    );
    built.dispose();
    fs.writeFileSync(path.join(folder, 'config.json'), JSON.stringify(record));
    return folder;
  };

  test.each([
    ['config.json of today', config],
    ['the older form', older],
    ['a tagged architecture', { ...config, architecture: 'test_vit.r160_in1k' }],
  ])('%s is read', async (name, record) => {
    const loaded = await loadModel(write(name.replaceAll(/\W/g, ''), record));
    expect(loaded.config).toEqual(modelConfig('test_vit', { numClasses: 3 }));
    loaded.dispose();
  });

  test('model_args come before pretrained_cfg', async () => {
    const args = { model_args: { img_size: 64, depth: 2, global_pool: 'avg' } };
    const folder = write(
      'args',
      { ...config, ...args },
      { imageSize: 64, depth: 2, globalPool: 'avg' },
    );
    const loaded = await loadModel(folder);
    expect(loaded.config).toMatchObject({ imageSize: [64, 64], depth: 2, globalPool: 'avg' });
    loaded.dispose();
  });

  test('predict uses its mean, deviation and labels', async () => {
    const args = { img_size: 32, depth: 1 };
    const record = { ...config, model_args: args };
    const folder = write('predict', record, { imageSize: 32, depth: 1 });
    const image = path.join(import.meta.dirname, '..', 'docs', 'images', 'mnist_attention.png');
    const answers = async () => {
      const words = ['predict', '--image', image, '--checkpoint', folder, '--json'];
      const { out, code } = await vit(...words, '--topk', '3', '--backend', 'cpu');
      expect(code).toBe(0);
      return (JSON.parse(out) as { predictions: { name: string; probability: number }[] })
        .predictions;
    };
    const first = await answers();
    expect(first.map(({ name }) => name).sort()).toEqual(['ant', 'bee', 'n3']);
    const other = { ...record, pretrained_cfg: { ...pretrained, mean: [0, 0, 0] } };
    fs.writeFileSync(path.join(folder, 'config.json'), JSON.stringify(other));
    expect(await answers()).not.toEqual(first);
  });

  test.each([
    [{ architecture: 'resnext50_32x4d' }, /not built yet/],
    [{ architecture: 'vit_base_patch16_rope_224' }, /architecture.*parts that are not built yet/],
    [{ pretrained_cfg: { ...pretrained, input_size: [3] } }, /input_size of config\.json/],
    [{ pretrained_cfg: 5 }, /an object for pretrained_cfg/],
    [{ model_args: { block_fn: 'NoBlock' } }, /one of Block, .* for blockFn/],
  ])('%p is one clear line', (change, message) => {
    const run = () => buildModel({ ...config, ...change });
    expect(run).toThrow(message);
    expect(run).not.toThrow(TypeError);
  });

  test('an architecture that is not known is an InputError', () => {
    expect(() => buildModel({ ...config, architecture: 'convnext_tiny' })).toThrow(InputError);
  });
});
