import { InputError } from '../lib/core/errors.ts';
import { configWarnings } from '../lib/models/vit/config.ts';
import { modelConfig, modelNames, parseModelOptions } from '../lib/models/createModel.ts';
import { countParameters, gigaMacs, parameterShapes, summarize } from '../lib/models/layerTable.ts';
import { parseModelConfig } from '../lib/models/vit/parseConfig.ts';

describe('parseModelConfig', () => {
  test('nothing given is timm’s default, ViT-B/16', () => {
    const config = parseModelConfig({});
    expect(config).toMatchObject({ imageSize: [224, 224], embedDim: 768, depth: 12, numHeads: 12 });
    expect(countParameters(config)).toBe(86_567_656);
  });

  test('the names hiddenDim, numLayers, numChannels, numPatches, dropout', () => {
    const config = parseModelConfig({
      embedDim: 768,
      hiddenDim: 768 * 4,
      numHeads: 8,
      numLayers: 12,
      patchSize: 16,
      numChannels: 3,
      numPatches: 196,
      numClasses: 1000,
      dropout: 0.2,
    });
    expect(config).toEqual({
      ...parseModelConfig({}),
      numHeads: 8,
      posDropRate: 0.2,
      projDropRate: 0.2,
    });
  });

  test('timm, Hugging Face, DeiT and our names say the same', () => {
    const ours = {
      imageSize: [48, 32],
      patchSize: [16, 8],
      inChannels: 1,
      numClasses: 7,
      embedDim: 48,
      depth: 3,
      numHeads: 4,
      mlpRatio: 2,
      normEps: 1e-5,
      activation: 'quick_gelu',
      attnDropRate: 0.1,
    } as const;
    const wanted = parseModelConfig(ours);
    const timm = {
      img_size: [48, 32],
      patch_size: [16, 8],
      in_chans: 1,
      num_classes: 7,
      embed_dim: 48,
      depth: 3,
      num_heads: 4,
      mlp_ratio: 2,
      norm_eps: 1e-5,
      act_layer: 'quick_gelu',
      attn_drop_rate: 0.1,
      fc_norm: null,
      init_values: null,
      pos_embed: 'learn',
    };
    const face = {
      model_type: 'vit',
      architectures: ['ViTForImageClassification'],
      image_size: [48, 32],
      patch_size: [16, 8],
      num_channels: 1,
      num_labels: 7,
      hidden_size: 48,
      num_hidden_layers: 3,
      num_attention_heads: 4,
      intermediate_size: 96,
      hidden_act: 'quick_gelu',
      hidden_dropout_prob: 0,
      attention_probs_dropout_prob: 0.1,
      layer_norm_eps: 1e-5,
    };
    expect(parseModelConfig(timm)).toEqual(wanted);
    expect(parseModelConfig(face)).toEqual(wanted);
    const deit = { 'input-size': 32, 'nb-classes': 5, drop: 0.1, 'drop-path': 0.2 };
    expect(parseModelConfig(deit)).toMatchObject({
      imageSize: [32, 32],
      numClasses: 5,
      dropRate: 0.1,
      dropPathRate: 0.2,
    });
  });

  test('Hugging Face counts classes by their names', () => {
    const id2label = { 0: 'cat', 1: 'dog', 2: 'owl' };
    expect(parseModelConfig({ hidden_size: 768, id2label }).numClasses).toBe(3);
    expect(parseModelConfig({ id2label, num_labels: 5 }).numClasses).toBe(5);
  });

  test('Hugging Face’s epsilon is 1e-12 where its config leaves it out', () => {
    expect(parseModelConfig({ hidden_size: 768 }).normEps).toBe(1e-12);
    expect(parseModelConfig({ embed_dim: 768 }).normEps).toBe(1e-6);
  });

  test('a parsed configuration parses to itself, also through JSON', () => {
    for (const name of modelNames()) {
      const config = modelConfig(name);
      expect(parseModelOptions(config)).toEqual(config);
      expect(parseModelOptions(JSON.parse(JSON.stringify(config)))).toEqual(config);
    }
    const odd = parseModelConfig({ embedDim: 192, hiddenDim: 500, numHeads: 3 });
    expect(parseModelConfig(odd)).toEqual(odd);
    expect(parameterShapes(odd).get('blocks.0.mlp.fc1.weight')).toEqual([500, 192]);
  });

  test('fcNorm follows the pooling unless it is given', () => {
    expect(parseModelConfig({ globalPool: 'avg' }).fcNorm).toBe(true);
    expect(parseModelConfig({ globalPool: 'avg', fcNorm: false }).fcNorm).toBe(false);
    expect(parseModelConfig({ globalPool: 'token' }).fcNorm).toBe(false);
  });

  test.each([
    [{ embeddDim: 3 }, /received "embeddDim". Did you mean embedDim\?/],
    [{ embeddDim: null }, /received "embeddDim"/],
    [{ mlpratios: 3 }, /"mlpratios". Did you mean mlpRatio\?/],
    [{ constructor: 3 }, /received "constructor"/],
    [
      { embed_dim: 192, hidden_size: 96 },
      /same value as embed_dim 192 for hidden_size, received 96/,
    ],
    [
      { numPatches: 100, imageSize: 224 },
      /196, which follows from imageSize 224×224 and patchSize 16×16, for numPatches, received 100/,
    ],
    [{ numPatches: 10 }, /a square number for numPatches, received 10/],
    [{ hiddenDim: 5, mlp_ratio: 2 }, /embedDim 768 · mlp_ratio 2 for hiddenDim, received 5/],
    [
      { dropout: 0.1, pos_drop_rate: 0.2 },
      /0\.1, as dropout says, for pos_drop_rate, received 0\.2/,
    ],
    [{ imageSize: 15 }, /at least patchSize 16 for imageSize, received 15. Use 16/],
    [{ imageSize: [224, 8] }, /imageSize, received 8. Use 16/],
    [{ imageSize: [1, 2, 3] }, /a number or \[height, width\] for imageSize/],
    [{ embedDim: 100, numHeads: 7 }, /multiple of numHeads 7 for embedDim, received 100/],
    [{ numHeads: 0 }, /≥ 1.* for numHeads, received 0/],
    [{ depth: '12' }, /an integer.* for depth, received "12"/],
    [{ depth: 1e9 }, /≤ 1024 for depth/],
    [{ embedDim: 65_536, numHeads: 1, depth: 1000 }, /at most 2³³ parameters/],
    [{ qkvBias: 'no' }, /true or false for qkvBias, received "no"/],
    [
      { activation: 'relu' },
      /one of gelu, gelu_tanh, quick_gelu, silu for activation, received "relu"/,
    ],
    [{ activation: 'constructor' }, /for activation, received "constructor"/],
    [{ globalPool: 'mean' }, /for globalPool, received "mean"/],
    [{ classToken: false }, /with classToken false for globalPool, received "token"/],
    [{ globalPool: 'avg', distilled: true }, /"token" with distilled true for globalPool/],
    [{ regTokens: 2, distilled: true }, /0 with distilled true for regTokens, received 2/],
    [{ dropPathRate: 1 }, /dropPathRate, received 1/],
    [{ dropout: Number.NaN }, /dropout, received NaN/],
    [{ posEmbed: 'sincos2d', embedDim: 6, numHeads: 1 }, /multiple of 4.* embedDim, received 6/],
    [{ seed: -1 }, /seed, received -1/],
    [null, /an object of model options for config, received null/],
    ['vit', /an object of model options/],
    [[], /an object of model options/],
  ])('%p is one clear line', (options, message) => {
    expect(() => parseModelConfig(options)).toThrow(InputError);
    expect(() => parseModelConfig(options)).toThrow(message);
  });

  test('an embedDim that is no multiple of 3·numHeads is a warning', () => {
    expect(configWarnings({ embedDim: 512, numHeads: 8 })).toEqual([
      expect.stringMatching(/^embedDim 512 is not a multiple of 3·numHeads = 24/),
    ]);
    expect(configWarnings({ embedDim: 384, numHeads: 8 })).toEqual([]);
  });
});

describe('named models', () => {
  // timm's table of results, in millions; those with commas are known to the last one.
  test.each([
    ['vit_tiny_patch16_224', 5_717_416],
    ['vit_tiny_patch16_384', 5.79],
    ['vit_small_patch16_224', 22_050_664],
    ['vit_small_patch16_384', 22.2],
    ['vit_small_patch32_224', 22.88],
    ['vit_small_patch32_384', 22.92],
    ['vit_base_patch8_224', 86.58],
    ['vit_base_patch16_224', 86_567_656],
    ['vit_base_patch16_384', 86.86],
    ['vit_base_patch32_224', 88.22],
    ['vit_base_patch32_384', 88.3],
    ['vit_large_patch14_224', 304.2],
    ['vit_large_patch16_224', 304_326_632],
    ['vit_large_patch16_384', 304.72],
    ['vit_large_patch32_384', 306.63],
    ['deit_tiny_patch16_224', 5_717_416],
    ['deit_small_patch16_224', 22_050_664],
    ['deit_base_patch16_224', 86_567_656],
    ['deit_base_patch16_384', 86.86],
    ['deit_tiny_distilled_patch16_224', 5.91],
    ['deit_small_distilled_patch16_224', 22.44],
    ['deit_base_distilled_patch16_224', 87.34],
    ['deit_base_distilled_patch16_384', 87.63],
    ['deit3_small_patch16_224', 22.06],
    ['deit3_small_patch16_384', 22.21],
    ['deit3_medium_patch16_224', 38.85],
    ['deit3_base_patch16_224', 86.59],
    ['deit3_base_patch16_384', 86.88],
    ['deit3_large_patch16_224', 304.37],
    ['deit3_large_patch16_384', 304.76],
    ['test_vit', 0.37],
    ['test_vit2', 0.46],
    ['test_vit3', 0.93],
  ])('%s has the published number of parameters', (name, published) => {
    const count = countParameters(modelConfig(name));
    if (published > 1000) expect(count).toBe(published);
    else expect(Math.round(count / 1e4) / 100).toBe(published);
  });

  test.each([
    ['vit_tiny_patch16_224', 1.26],
    ['vit_small_patch16_224', 4.61],
    ['vit_base_patch16_224', 17.58],
    ['deit3_medium_patch16_224', 8.0],
    ['vit_large_patch16_224', 61.6],
  ])('%s has the published GMACs within a percent', (name, published) => {
    expect(Math.abs(gigaMacs(modelConfig(name)) / published - 1)).toBeLessThan(0.01);
  });

  test('tiny, small, base and large, patches of 8, 14, 16 and 32, at 224 and 384', () => {
    const names = modelNames();
    for (const size of ['tiny', 'small', 'base', 'large']) {
      for (const patch of [8, 14, 16, 32]) expect(names).toContain(`vit_${size}_patch${patch}_224`);
      for (const patch of [8, 16, 32]) expect(names).toContain(`vit_${size}_patch${patch}_384`);
    }
  });

  test('the short form is the same model', () => {
    expect(modelConfig('vit_tiny_16_224')).toEqual(modelConfig('vit_tiny_patch16_224'));
    expect(modelConfig('deit_tiny_distilled_16_224').distilled).toBe(true);
  });

  test('overrides in any vocabulary replace what the name says', () => {
    const config = modelConfig('test_vit', { num_classes: 3, img_size: 32, hiddenDim: 128 });
    expect(config).toMatchObject({ numClasses: 3, imageSize: [32, 32], mlpRatio: 2, depth: 6 });
    expect(modelConfig('deit3_small_patch16_224', { init_values: 0 }).layerScaleInit).toBeNull();
    expect(modelConfig('deit3_small_patch16_224', { layerScaleInit: null }).layerScaleInit).toBe(
      null,
    );
    expect(modelConfig('vit_tiny_patch16_224', { numPatches: 4 }).imageSize).toEqual([32, 32]);
  });

  test('an unknown name gets the nearest one', () => {
    const run = () => modelConfig('vit_tinny_patch16_224');
    expect(run).toThrow(InputError);
    expect(run).toThrow(/received "vit_tinny_patch16_224". Did you mean vit_tiny_patch16_224\?/);
    expect(() => modelConfig('toString')).toThrow(InputError);
  });
});

describe('summarize', () => {
  const config = modelConfig('deit_tiny_distilled_patch16_224');

  test('has a line for every layer, equal blocks once, and totals that add up', () => {
    const text = summarize(config);
    const lines = text.split('\n');
    expect(lines[0]).toMatch(/^layer +kind +output +parameters +FLOPs$/);
    expect(text).toMatch(/^patch_embed\.proj +PatchEmbed +\[B, 196, 192\] +147,648 +57\.80 M$/m);
    expect(text).toMatch(/^blocks\.1 … blocks\.11 +as blocks\.0 +\[B, 198, 192\] +4,893,504 /m);
    expect(text).toMatch(/^head_dist +Linear +\[B, 1000\] +193,000 /m);
    expect(text).toMatch(/^total +5,910,800 +2\.52 G$/m);
    const counts = lines
      .slice(2, lines.findIndex((line) => line.startsWith('total')) - 1)
      .map((line) => Number(/ ([\d,]+) +[\d.]+( [kMG])?$/.exec(line)![1]!.replaceAll(',', '')));
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(countParameters(config));
  });

  test('models of one and two blocks', () => {
    const small = { embedDim: 12, numHeads: 2, imageSize: 32 };
    expect(summarize(parseModelConfig({ ...small, depth: 1 }))).not.toMatch(/as blocks/);
    expect(summarize(parseModelConfig({ ...small, depth: 2 }))).toMatch(
      /^blocks\.1 +as blocks\.0/m,
    );
  });
});
