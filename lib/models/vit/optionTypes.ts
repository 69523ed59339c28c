// The configuration of a Vision Transformer as a type. Written by `npm run options` from the tables beside it: change those.

/**
 * Everything that decides a VisionTransformer, complete: what is stored beside its weights.
 * `parseModelConfig` makes one from any of the vocabularies in use.
 */
export interface VisionTransformerConfig {
  /**
   * [height, width] of the images in pixels; what makes no whole patch of `patchSize` below and
   * on the right is not seen. 2 integers ≥ 1 and ≤ 65536. Default [224,224].
   */
  readonly imageSize: readonly [number, number];
  /** [height, width] of a patch in pixels. 2 integers ≥ 1 and ≤ 65536. Default [16,16]. */
  readonly patchSize: readonly [number, number];
  /** Channels of the images. An integer ≥ 1 and ≤ 65536. Default 3. */
  readonly inChannels: number;
  /**
   * Classes; 0: no head, the logits are the pooled features. An integer ≥ 0 and ≤ 65536. Default
   * 1000.
   */
  readonly numClasses: number;
  /** Channels of a token. An integer ≥ 1 and ≤ 65536. Default 768. */
  readonly embedDim: number;
  /** Number of blocks. An integer ≥ 1 and ≤ 1024. Default 12. */
  readonly depth: number;
  /** Heads of attention; divides `embedDim`. An integer ≥ 1 and ≤ 65536. Default 12. */
  readonly numHeads: number;
  /** Hidden width of the MLPs over `embedDim`. A finite number > 0 and ≤ 64. Default 4. */
  readonly mlpRatio: number;
  /** true: queries, keys and values have a bias. Default true. */
  readonly qkvBias: boolean;
  /** true: queries and keys are layer-normalised over the head dimension. Default false. */
  readonly qkNorm: boolean;
  /** false: neither the projection of attention nor the MLPs have a bias. Default true. */
  readonly projBias?: boolean;
  /** true: a norm before the projection of attention, as in BEiT-3 and EVA-02. Default false. */
  readonly scaleAttnNorm?: boolean;
  /** true: a norm before the last layer of the MLPs, as in BEiT-3 and EVA-02. Default false. */
  readonly scaleMlpNorm?: boolean;
  /** Initial value of the layer scales; null: none. A finite number. Default null. */
  readonly layerScaleInit: number | null;
  /** true: there is a class token. Default true. */
  readonly classToken: boolean;
  /** Number of register tokens. An integer ≥ 0 and ≤ 65536. Default 0. */
  readonly regTokens: number;
  /** true: DeiT's distillation token and second head. Default false. */
  readonly distilled: boolean;
  /**
   * true: prefix tokens have no position embedding. Default false. Only with `posEmbed` learned
   * or sincos2d or sincos1d.
   */
  readonly noEmbedClass: boolean;
  /**
   * true: a norm before the blocks and no bias in the patch projection, as in CLIP. Default
   * false.
   */
  readonly preNorm: boolean;
  /** Norm in the patch embedding; null: none. Default null. */
  readonly embedNormLayer?: 'LayerNorm' | 'RmsNorm' | null;
  /** false: no norm after the blocks, neither before the pooling nor after it. Default true. */
  readonly finalNorm?: boolean;
  /**
   * How the tokens become one vector: class token, mean, mean and maximum, maximum, attention by
   * a learned query, or not at all. Default "token".
   */
  readonly globalPool: 'token' | 'avg' | 'avgmax' | 'max' | 'map' | '';
  /**
   * true: pooling also sees the prefix tokens. Default false. Only with `globalPool` avg or
   * avgmax or max or map.
   */
  readonly poolIncludePrefix: boolean;
  /**
   * true: the last norm stands after the pooling (`fc_norm`), not before it (`norm`); follows
   * `globalPool` unless it is given.
   */
  readonly fcNorm: boolean;
  /** ε of the norms. A finite number ≥ 0 and ≤ 1. Default 0.000001. */
  readonly normEps: number;
  /** Kind of all norms: with mean and offset, or by the root mean square. Default "LayerNorm". */
  readonly normLayer?: 'LayerNorm' | 'RmsNorm';
  /**
   * Kind of the blocks by the name of timm's class: norms before the branches, norms after them,
   * attention and MLP in parallel, or two attentions and then two MLPs in parallel. Default
   * "Block".
   */
  readonly blockFn?: 'Block' | 'ResPostBlock' | 'ParallelScalingBlock' | 'ParallelThingsBlock';
  /**
   * Kind of the MLPs by timm's name: plain, gated in one layer of width `mlpRatio · embedDim`,
   * or gated in two layers of that width each. Default "Mlp".
   */
  readonly mlpLayer?: 'Mlp' | 'SwiGLUPacked' | 'SwiGLU';
  /**
   * Non-linearity of the MLPs by timm's name: GELU exact, in tanh or sigmoid approximation, or
   * silu. Default "gelu".
   */
  readonly activation: 'gelu' | 'gelu_tanh' | 'quick_gelu' | 'silu';
  /** Position embedding. Default "learned". */
  readonly posEmbed: 'learned' | 'sincos2d' | 'sincos1d' | 'none';
  /**
   * true: any image size that is a multiple of `patchSize`; the position embedding is resized in
   * the forward pass. Default false.
   */
  readonly dynamicImageSize: boolean;
  /** Dropout before the head. A finite number ≥ 0 and ≤ 0.999. Default 0. Flag `--drop`. */
  readonly dropRate: number;
  /**
   * Share of the patches of each image that training leaves out after the position embedding. A
   * finite number ≥ 0 and ≤ 0.999. Default 0. Flag `--patch-drop-rate`.
   */
  readonly patchDropRate?: number;
  /**
   * Each training batch keeps a number of patches drawn from none to all, other patches of each
   * image; the class token is classified. Default false. Flag `--patch-subsets`.
   */
  readonly patchSubsets?: boolean;
  /** Dropout after the position embedding. A finite number ≥ 0 and ≤ 0.999. Default 0. */
  readonly posDropRate: number;
  /** Dropout after each projection of a block. A finite number ≥ 0 and ≤ 0.999. Default 0. */
  readonly projDropRate: number;
  /**
   * Dropout of the attention probabilities. A finite number ≥ 0 and ≤ 0.999. Default 0. Flag
   * `--attn-drop-rate`.
   */
  readonly attnDropRate: number;
  /**
   * Stochastic depth of the last block; the first has 0. A finite number ≥ 0 and ≤ 0.999.
   * Default 0. Flag `--drop-path`.
   */
  readonly dropPathRate: number;
  /** Distribution of the initial weights. Default "timm". */
  readonly weightInit: 'timm' | 'jax';
  /** Seed of the initial weights. An integer ≥ 0. Default 0. */
  readonly seed: number;
}

/** A part of a configuration, in our names; the rest has the defaults of timm. */
export interface VisionTransformerOptions {
  /**
   * [height, width] of the images in pixels; what makes no whole patch of `patchSize` below and
   * on the right is not seen. 2 integers ≥ 1 and ≤ 65536. Default [224,224].
   */
  readonly imageSize?: number | readonly [number, number];
  /** [height, width] of a patch in pixels. 2 integers ≥ 1 and ≤ 65536. Default [16,16]. */
  readonly patchSize?: number | readonly [number, number];
  /** Channels of the images. An integer ≥ 1 and ≤ 65536. Default 3. */
  readonly inChannels?: number;
  /** As `inChannels`. */
  readonly numChannels?: number;
  /**
   * Classes; 0: no head, the logits are the pooled features. An integer ≥ 0 and ≤ 65536. Default
   * 1000.
   */
  readonly numClasses?: number;
  /** Channels of a token. An integer ≥ 1 and ≤ 65536. Default 768. */
  readonly embedDim?: number;
  /** Number of blocks. An integer ≥ 1 and ≤ 1024. Default 12. */
  readonly depth?: number;
  /** As `depth`. */
  readonly numLayers?: number;
  /** Heads of attention; divides `embedDim`. An integer ≥ 1 and ≤ 65536. Default 12. */
  readonly numHeads?: number;
  /** Hidden width of the MLPs over `embedDim`. A finite number > 0 and ≤ 64. Default 4. */
  readonly mlpRatio?: number;
  /** true: queries, keys and values have a bias. Default true. */
  readonly qkvBias?: boolean;
  /** true: queries and keys are layer-normalised over the head dimension. Default false. */
  readonly qkNorm?: boolean;
  /** false: neither the projection of attention nor the MLPs have a bias. Default true. */
  readonly projBias?: boolean;
  /** true: a norm before the projection of attention, as in BEiT-3 and EVA-02. Default false. */
  readonly scaleAttnNorm?: boolean;
  /** true: a norm before the last layer of the MLPs, as in BEiT-3 and EVA-02. Default false. */
  readonly scaleMlpNorm?: boolean;
  /** Initial value of the layer scales; null: none. A finite number. Default null. */
  readonly layerScaleInit?: number | null;
  /** true: there is a class token. Default true. */
  readonly classToken?: boolean;
  /** Number of register tokens. An integer ≥ 0 and ≤ 65536. Default 0. */
  readonly regTokens?: number;
  /** true: DeiT's distillation token and second head. Default false. */
  readonly distilled?: boolean;
  /**
   * true: prefix tokens have no position embedding. Default false. Only with `posEmbed` learned
   * or sincos2d or sincos1d.
   */
  readonly noEmbedClass?: boolean;
  /**
   * true: a norm before the blocks and no bias in the patch projection, as in CLIP. Default
   * false.
   */
  readonly preNorm?: boolean;
  /** Norm in the patch embedding; null: none. Default null. */
  readonly embedNormLayer?: 'LayerNorm' | 'RmsNorm' | null;
  /** false: no norm after the blocks, neither before the pooling nor after it. Default true. */
  readonly finalNorm?: boolean;
  /**
   * How the tokens become one vector: class token, mean, mean and maximum, maximum, attention by
   * a learned query, or not at all. Default "token".
   */
  readonly globalPool?: 'token' | 'avg' | 'avgmax' | 'max' | 'map' | '';
  /**
   * true: pooling also sees the prefix tokens. Default false. Only with `globalPool` avg or
   * avgmax or max or map.
   */
  readonly poolIncludePrefix?: boolean;
  /**
   * true: the last norm stands after the pooling (`fc_norm`), not before it (`norm`); follows
   * `globalPool` unless it is given.
   */
  readonly fcNorm?: boolean | null;
  /** ε of the norms. A finite number ≥ 0 and ≤ 1. Default 0.000001. */
  readonly normEps?: number;
  /** Kind of all norms: with mean and offset, or by the root mean square. Default "LayerNorm". */
  readonly normLayer?: 'LayerNorm' | 'RmsNorm';
  /**
   * Kind of the blocks by the name of timm's class: norms before the branches, norms after them,
   * attention and MLP in parallel, or two attentions and then two MLPs in parallel. Default
   * "Block".
   */
  readonly blockFn?: 'Block' | 'ResPostBlock' | 'ParallelScalingBlock' | 'ParallelThingsBlock';
  /**
   * Kind of the MLPs by timm's name: plain, gated in one layer of width `mlpRatio · embedDim`,
   * or gated in two layers of that width each. Default "Mlp".
   */
  readonly mlpLayer?: 'Mlp' | 'SwiGLUPacked' | 'SwiGLU';
  /**
   * Non-linearity of the MLPs by timm's name: GELU exact, in tanh or sigmoid approximation, or
   * silu. Default "gelu".
   */
  readonly activation?: 'gelu' | 'gelu_tanh' | 'quick_gelu' | 'silu';
  /** Position embedding. Default "learned". */
  readonly posEmbed?: 'learned' | 'sincos2d' | 'sincos1d' | 'none';
  /**
   * true: any image size that is a multiple of `patchSize`; the position embedding is resized in
   * the forward pass. Default false.
   */
  readonly dynamicImageSize?: boolean;
  /** Dropout before the head. A finite number ≥ 0 and ≤ 0.999. Default 0. Flag `--drop`. */
  readonly dropRate?: number;
  /**
   * Share of the patches of each image that training leaves out after the position embedding. A
   * finite number ≥ 0 and ≤ 0.999. Default 0. Flag `--patch-drop-rate`.
   */
  readonly patchDropRate?: number;
  /**
   * Each training batch keeps a number of patches drawn from none to all, other patches of each
   * image; the class token is classified. Default false. Flag `--patch-subsets`.
   */
  readonly patchSubsets?: boolean;
  /** Dropout after the position embedding. A finite number ≥ 0 and ≤ 0.999. Default 0. */
  readonly posDropRate?: number;
  /** Dropout after each projection of a block. A finite number ≥ 0 and ≤ 0.999. Default 0. */
  readonly projDropRate?: number;
  /**
   * Dropout of the attention probabilities. A finite number ≥ 0 and ≤ 0.999. Default 0. Flag
   * `--attn-drop-rate`.
   */
  readonly attnDropRate?: number;
  /**
   * Stochastic depth of the last block; the first has 0. A finite number ≥ 0 and ≤ 0.999.
   * Default 0. Flag `--drop-path`.
   */
  readonly dropPathRate?: number;
  /** Distribution of the initial weights. Default "timm". */
  readonly weightInit?: 'timm' | 'jax';
  /** Seed of the initial weights. An integer ≥ 0. Default 0. */
  readonly seed?: number;
  /** Hidden width of the MLPs, instead of `mlpRatio`. An integer ≥ 1 and ≤ 1048576. */
  readonly hiddenDim?: number;
  /** Patches of a square image, instead of `imageSize`. An integer ≥ 1 and ≤ 16777216. */
  readonly numPatches?: number;
  /**
   * `posDropRate` and `projDropRate` in one, the dropout of the ViT paper. A finite number ≥ 0
   * and ≤ 0.999.
   */
  readonly dropout?: number;
}
