// The named sizes of ViT, DeiT and DeiT III: timm's names and what each differs in from the defaults.

import type { VisionTransformerOptions } from './parseConfig.ts';

type Sizes = Readonly<Record<string, VisionTransformerOptions>>;

// Width, depth and heads by the word of a name.
const shapes: Sizes = {
  wee: { embedDim: 256, depth: 14, numHeads: 4, mlpRatio: 5 },
  little: { embedDim: 320, depth: 14, numHeads: 5, mlpRatio: 5.6 },
  tiny: { embedDim: 192, depth: 12, numHeads: 3 },
  xsmall: { embedDim: 256, depth: 10, numHeads: 4 },
  small: { embedDim: 384, depth: 12, numHeads: 6 },
  medium: { embedDim: 512, depth: 12, numHeads: 8 },
  mediumd: { embedDim: 512, depth: 20, numHeads: 8 },
  betwixt: { embedDim: 640, depth: 12, numHeads: 10 },
  base: { embedDim: 768, depth: 12, numHeads: 12 },
  base_plus: { embedDim: 896, depth: 12, numHeads: 14 },
  large: { embedDim: 1024, depth: 24, numHeads: 16 },
  huge: { embedDim: 1280, depth: 32, numHeads: 16 },
  giant: { embedDim: 1408, depth: 40, numHeads: 16, mlpRatio: 48 / 11 },
  gigantic: { embedDim: 1664, depth: 48, numHeads: 16, mlpRatio: 64 / 13 },
  giantopt: { embedDim: 1536, depth: 40, numHeads: 16 },
  so150m: { embedDim: 896, depth: 18, numHeads: 14, mlpRatio: 2.572 },
  so150m2: { embedDim: 832, depth: 21, numHeads: 13, mlpRatio: 34 / 13 },
  so400m: { embedDim: 1152, depth: 27, numHeads: 16, mlpRatio: 3.7362 },
};

// A norm before the blocks, as OpenAI's CLIP has.
const clip = { preNorm: true, normEps: 1e-5 };
const quick = { ...clip, activation: 'quick_gelu' } as const;
// Image towers without a classifier.
const features = { numClasses: 0 };
const siglip = { classToken: false, globalPool: 'map', ...features } as const;
const mean = { classToken: false, globalPool: 'avg' } as const;
const siglipMean = { ...mean, fcNorm: false, ...features };
const tanh = { activation: 'gelu_tanh' } as const;
const scaled = { layerScaleInit: 1e-5 };
const registers = (count: number) => ({ ...mean, noEmbedClass: true, regTokens: count, ...scaled });
const unplaced = { ...mean, qkvBias: false, fcNorm: false, layerScaleInit: 1e-6 };
const square = { imageSize: 518, ...scaled, ...features };
const dinoRegisters = { ...square, regTokens: 4, noEmbedClass: true };
const tips = { imageSize: 448, layerScaleInit: 1, regTokens: 1, noEmbedClass: true, ...features };
// DINOv2's giant: a gated MLP of 4096 channels, in one layer of twice as many.
const giant = { embedDim: 1536, numHeads: 24, mlpRatio: 2.66667 * 2, mlpLayer: 'SwiGLUPacked', activation: 'silu' } as const; // prettier-ignore
// AIMv2: no biases but that of the patches, norms by the root mean square.
const aim = {
  ...siglipMean,
  depth: 24,
  mlpRatio: 2.75,
  qkvBias: false,
  projBias: false,
  normLayer: 'RmsNorm',
  embedNormLayer: 'RmsNorm',
  normEps: 1e-5,
  mlpLayer: 'SwiGLU',
  activation: 'silu',
} as const;
const beit3 = {
  scaleAttnNorm: true,
  scaleMlpNorm: true,
  globalPool: 'avg',
  normEps: 1e-5,
} as const;
const parallel = { blockFn: 'ParallelScalingBlock' } as const;
const things = { depth: 18, blockFn: 'ParallelThingsBlock', ...scaled } as const;
const radio = (count: number) => ({ imageSize: 512, regTokens: count, noEmbedClass: true, finalNorm: false, ...features }); // prettier-ignore
const xp = { ...parallel, preNorm: true, noEmbedClass: true, normLayer: 'RmsNorm', qkvBias: false, qkNorm: true } as const; // prettier-ignore
const deit3 = { noEmbedClass: true, layerScaleInit: 1e-6 };

/**
 * The named models: timm's name → what differs from `defaultConfig`.
 *
 * A name without classes (`dinov2`, `siglip`) stands for weights that have no classifier; every other has timm's 1000.
 *
 * ViT: Dosovitskiy et al. 2021 and Steiner et al. 2022; DeiT: Touvron et al. 2021; DeiT III: Touvron et al. 2022; CLIP: Radford et al.
 * 2021; DINOv2: Oquab et al. 2023; SigLIP: Zhai et al. 2023. Source: vision_transformer.py and deit.py of timm 1.0.31. The
 * test models are timm's, trained at 160 pixels.
 */
export const modelSizes: Sizes = {
  ...named('vit_{}', 'tiny|small|base|large/8|14|16|32@224|384'),
  ...named('vit_{}', 'huge|giant|gigantic/14@224'),
  ...named('vit_{}_miil', 'base/16@224', { qkvBias: false }),
  ...named('vit_{}', 'base/32_plus@256 base/16_plus@240', { ...shapes['base_plus'], ...scaled }),
  ...named('vit_{}', 'small/16_36x1@224', { depth: 36, ...scaled }),
  ...named('vit_{}', 'medium/16_gap@240|256|384 betwixt/16_gap@256', unplaced),
  ...named('vit_{}', 'base/16_gap@224', { ...mean, fcNorm: false, numHeads: 16 }),
  ...named('vit_{}', 'huge/14_gap@224 huge/16_gap@448 giant/16_gap@224', siglipMean),
  ...named('vit_{}', 'wee|little/16_reg1_gap@256 medium|betwixt/16_reg1_gap@256', registers(1)),
  ...named('vit_{}', 'little/16_reg4_gap@256 medium|mediumd|betwixt/16_reg4_gap@256', registers(4)),
  ...named('vit_{}', 'mediumd|betwixt/16_reg4_gap@384', registers(4)),
  ...named('vit_{}', 'base/16_reg4_gap@256', { ...registers(4), layerScaleInit: null }),
  ...named('vit_{}', 'so150m/16_reg4_map@256', { classToken: false, regTokens: 4, globalPool: 'map' }),
  ...named('vit_{}', 'so150m/16_reg4_gap@256|384', { ...mean, regTokens: 4, fcNorm: false }),
  ...named('vit_{}', 'so150m2/16_reg1_gap@256|384|448', { ...mean, regTokens: 1, qkvBias: false, ...scaled }),
  ...named('vit_{}', 'xsmall|medium|base/16_clip@224 medium|betwixt/32_clip@224', clip),
  ...named('vit_{}', 'base/32_clip@224|256|384|448 base/16_clip@384 large/14_clip@224|336', clip),
  ...named('vit_{}', 'huge/14_clip@224|336|378 giant/14_clip@224 gigantic/14_clip@224|378', clip),
  ...named('vit_{}', 'base/16_plus_clip@240', { ...shapes['base_plus'], ...clip }),
  ...named('vit_{}', 'base/16|32_clip_quickgelu@224 large/14_clip_quickgelu@224|336', quick),
  ...named('vit_{}', 'huge/14_clip_quickgelu@224|378 gigantic/14_clip_quickgelu@224', quick),
  ...named('vit_{}_dinov2', 'small|base|large/14', square),
  ...named('vit_{}_reg4_dinov2', 'small|base|large/14', dinoRegisters),
  ...named('vit_{}_reg1_tipsv2', 'base|large/14', tips),
  ...named('vit_{}_reg1_tipsv2', 'so400m/14', { ...tips, mlpRatio: 4304 / 1152 }),
  ...named('vit_{}_dinov2', 'giant/14', { ...giant, ...square }),
  ...named('vit_{}_reg4_dinov2', 'giant/14', { ...giant, ...dinoRegisters }),
  ...named('vit_{}_reg1_tipsv2', 'giant/14', { ...giant, ...tips }),
  ...named('vit_{}_radio_v3', 'base|large/16', { ...radio(7), ...scaled }),
  ...named('vit_{}_radio_v3', 'huge/16', radio(7)),
  ...named('vit_{}_radio_v3', 'giant/16', { ...radio(7), embedDim: 1536, numHeads: 24, mlpRatio: 4 }),
  ...named('vit_{}_radio_v4', 'huge/16', radio(9)),
  ...named('vit_{}_radio_v4', 'so400m/16', { ...radio(9), mlpRatio: 4304 / 1152 }),
  ...named('vit_{}', 'small|base/16_18x2@224', things),
  ...named('vit_{}', 'base/16_rpn@224', { ...mean, blockFn: 'ResPostBlock', qkvBias: false, ...scaled }),
  ...named('vit_{}', 'base/16_xp@224 large|huge/14_xp@224', xp),
  vit_pwee_patch16_reg1_gap_256: { ...shapes['wee'], imageSize: 256, depth: 16, ...registers(1), ...parallel },
  vit_intern300m_patch14_448: {
    ...shapes['large'], imageSize: 448, patchSize: 14, layerScaleInit: 0.1, finalNorm: false, dynamicImageSize: true, ...features,
  },
  ...named('aimv2_{}', 'large/14@224|336|448', { ...aim, numHeads: 8 }),
  ...named('aimv2_{}', 'huge/14@224|336|448', { ...aim, embedDim: 1536, numHeads: 12, mlpRatio: 2.6667 }),
  ...named('aimv2_{}', '1b/14@224|336|448', { ...aim, embedDim: 2048, numHeads: 16 }),
  ...named('aimv2_{}', '3b/14@224|336|448', { ...aim, embedDim: 3072, numHeads: 24, mlpRatio: 2.6667 }),
  ...named('beit3_{}', 'base|large/16@224', beit3),
  ...named('beit3_{}', 'giant/14@224|336', { ...beit3, mlpRatio: 4.3637 }),
  ...named('vit_{}', 'base/16_siglip@224|256|384|512 large/16_siglip@256|384', siglip),
  ...named('vit_{}', 'so400m/14_siglip@224|378', siglip),
  ...named('vit_{}', 'base/32_siglip@256 large/16_siglip@512', { ...siglip, ...tanh }),
  ...named('vit_{}', 'so400m/16_siglip@256|384|512 giantopt/16_siglip@256|384', { ...siglip, ...tanh }),
  ...named('vit_{}', 'base/16_siglip_gap@224|256|384|512 large/16_siglip_gap@256|384', siglipMean),
  ...named('vit_{}', 'so400m/14_siglip_gap@224|378|448|896', siglipMean),
  ...named('vit_{}', 'base/32_siglip_gap@256 large/16_siglip_gap@512', { ...siglipMean, ...tanh }),
  ...named('vit_{}', 'so400m/16_siglip_gap@256|384|512 giantopt/16_siglip_gap@256|384', { ...siglipMean, ...tanh }),
  // 384 is no multiple of 14: the last six pixels are not seen.
  vit_so400m_patch14_siglip_384: { ...shapes['so400m'], imageSize: 384, patchSize: 14, ...siglip },
  vit_so400m_patch14_siglip_gap_384: { ...shapes['so400m'], imageSize: 384, patchSize: 14, ...siglipMean },
  ...named('eva_{}', 'large/14@196|336', { globalPool: 'avg' }),
  ...named('flexivit_{}', 'small|base|large', { imageSize: 240, noEmbedClass: true }),
  ...named('deit_{}', 'tiny|small|base/16@224 base/16@384'),
  ...named('deit_{}', 'tiny|small|base_distilled/16@224 base_distilled/16@384', { distilled: true }),
  ...named('deit3_{}', 'small|medium|base|large/16@224 small|medium|base|large/16@384 huge/14@224', deit3),
  test_vit: {
    imageSize: 160, patchSize: 16, embedDim: 64, depth: 6, numHeads: 2, mlpRatio: 3, dynamicImageSize: true,
  },
  test_vit2: {
    imageSize: 160, patchSize: 16, embedDim: 64, depth: 8, numHeads: 2, mlpRatio: 3, classToken: false, regTokens: 1,
    globalPool: 'avg', layerScaleInit: 1e-5, dynamicImageSize: true,
  },
  test_vit3: {
    imageSize: 160, patchSize: 16, embedDim: 96, depth: 9, numHeads: 3, mlpRatio: 2, classToken: false, regTokens: 1,
    globalPool: 'map', poolIncludePrefix: true, layerScaleInit: 1e-5,
  },
  test_vit4: {
    imageSize: 160, patchSize: 16, embedDim: 96, depth: 9, numHeads: 3, mlpRatio: 3, classToken: false, regTokens: 1,
    globalPool: 'avg', layerScaleInit: 1e-5, dynamicImageSize: true, normLayer: 'RmsNorm',
  },
}; // prettier-ignore

/**
 * The sizes of a pattern, `vit_{}_dinov2`. Each word of the list is `widths/patches_kind@images`: `small|base/16_clip@224|384` is
 * small_patch16_clip_224 and three more. A size of images that is no multiple of the patch is left out.
 */
function named(pattern: string, list: string, options: VisionTransformerOptions = {}): Sizes {
  const models: Record<string, VisionTransformerOptions> = {};
  for (const word of list.split(' ')) {
    const [, widths = '', ending = '', patches, kind = '', images] =
      /^([a-z0-9|]+)([a-z_]*)(?:\/([\d|]+)(\w*))?(?:@([\d|]+))?$/.exec(word) ?? [];
    for (const width of widths.split('|')) {
      for (const patch of patches?.split('|') ?? [undefined]) {
        for (const image of images?.split('|') ?? [undefined]) {
          const patchSize = Number(patch ?? 16);
          if (image !== undefined && Number(image) % patchSize !== 0) continue;
          const at = patch === undefined ? '' : `_patch${patch}`;
          const size = `${width}${ending}${at}${kind}${image === undefined ? '' : `_${image}`}`;
          models[pattern.replace('{}', size)] = {
            ...shapes[width],
            ...(image !== undefined && { imageSize: Number(image) }),
            patchSize,
            ...options,
          };
        }
      }
    }
  }
  return models;
}

// Names of timm whose models have parts that are not built: differential or grouped attention, rotary or relative positions,
// convolutional stems.
const notBuilt = [
  /^(beit|beitv2|eva02|eva_giant|hieradet|naflexvit|sam2|samvit|tiny_vit|vitamin)(_|$)/,
  /_(rope|dinov3|mci)(_|$)/,
  /^vit_(relpos|srelpos|pe|dwee|dpwee|dlittle|\w+_r\d*_s\d+|\w+_resnet\d+d)_/,
];

/** Whether timm has a model of this name that is made of parts which this library does not build yet. */
export function isNotBuilt(name: string): boolean {
  return notBuilt.some((pattern) => pattern.test(name));
}
