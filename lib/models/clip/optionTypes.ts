// The configuration of CLIP but for its image tower, as types. Written by `npm run options` from the tables beside it: change those.

/** Everything that decides the text tower. */
export interface ClipTextFields {
  /** Tokens of the vocabulary. An integer ≥ 1 and ≤ 1048576. Default 49408. */
  readonly vocabSize: number;
  /** The most tokens of a text, start and end among them. An integer ≥ 2 and ≤ 4096. Default 77. */
  readonly contextLength: number;
  /** Channels of a token. An integer ≥ 1 and ≤ 65536. Default 512. */
  readonly embedDim: number;
  /** Number of blocks. An integer ≥ 1 and ≤ 1024. Default 12. */
  readonly depth: number;
  /** Heads of attention; divides `embedDim`. An integer ≥ 1 and ≤ 65536. Default 8. */
  readonly numHeads: number;
  /** Hidden width of the MLPs; absent: 4 · `embedDim`. An integer ≥ 1 and ≤ 1048576. */
  readonly hiddenDim: number;
  /** Non-linearity of the MLPs by timm's name. Default "quick_gelu". */
  readonly activation: 'gelu' | 'gelu_tanh' | 'quick_gelu';
  /** ε of the norms. A finite number ≥ 0 and ≤ 1. Default 0.00001. */
  readonly normEps: number;
  /**
   * The token at whose first place a text is pooled; 2, as old configurations have it: the place
   * of the largest number. An integer ≥ 0 and ≤ 1048575. Default 49407.
   */
  readonly eosTokenId: number;
  /** Distribution of the initial weights. Default "timm". */
  readonly weightInit: 'timm' | 'jax';
}

/** A part of the text tower's configuration. */
export interface ClipTextOptions {
  /** Tokens of the vocabulary. An integer ≥ 1 and ≤ 1048576. Default 49408. */
  readonly vocabSize?: number;
  /** The most tokens of a text, start and end among them. An integer ≥ 2 and ≤ 4096. Default 77. */
  readonly contextLength?: number;
  /** Channels of a token. An integer ≥ 1 and ≤ 65536. Default 512. */
  readonly embedDim?: number;
  /** Number of blocks. An integer ≥ 1 and ≤ 1024. Default 12. */
  readonly depth?: number;
  /** Heads of attention; divides `embedDim`. An integer ≥ 1 and ≤ 65536. Default 8. */
  readonly numHeads?: number;
  /** Hidden width of the MLPs; absent: 4 · `embedDim`. An integer ≥ 1 and ≤ 1048576. */
  readonly hiddenDim?: number;
  /** Non-linearity of the MLPs by timm's name. Default "quick_gelu". */
  readonly activation?: 'gelu' | 'gelu_tanh' | 'quick_gelu';
  /** ε of the norms. A finite number ≥ 0 and ≤ 1. Default 0.00001. */
  readonly normEps?: number;
  /**
   * The token at whose first place a text is pooled; 2, as old configurations have it: the place
   * of the largest number. An integer ≥ 0 and ≤ 1048575. Default 49407.
   */
  readonly eosTokenId?: number;
  /** Distribution of the initial weights. Default "timm". */
  readonly weightInit?: 'timm' | 'jax';
}

/** Everything that joins both towers. */
export interface ClipJointFields {
  /** Channels of the space of images and texts. An integer ≥ 1 and ≤ 65536. Default 512. */
  readonly projectionDim: number;
  /**
   * The logarithm of the factor on cosines, at first. A finite number ≥ -10 and ≤ 10. Default
   * 2.6592.
   */
  readonly logitScale: number;
  /** Seed of the initial weights. An integer ≥ 0. Default 0. */
  readonly seed: number;
}

/** A part of what joins both towers. */
export interface ClipJointOptions {
  /** Channels of the space of images and texts. An integer ≥ 1 and ≤ 65536. Default 512. */
  readonly projectionDim?: number;
  /**
   * The logarithm of the factor on cosines, at first. A finite number ≥ -10 and ≤ 10. Default
   * 2.6592.
   */
  readonly logitScale?: number;
  /** Seed of the initial weights. An integer ≥ 0. Default 0. */
  readonly seed?: number;
}
