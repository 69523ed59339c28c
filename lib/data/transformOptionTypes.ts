// The options of the transforms as types. Written by `npm run options` from the tables beside it: change those.

/** The ranges from which the parameters of an affine map are drawn uniformly. */
export interface RandomAffineOptions {
  /** Rotation in ± degrees. A finite number ≥ 0 and ≤ 180. Default 0. */
  degrees?: number;
  /**
   * Shift in ± this fraction of the width and of the height. A finite number ≥ 0 and ≤ 1.
   * Default 0.
   */
  translate?: number;
  /** [lowest, highest] factor of the size. 2 finite numbers ≥ 0.001 and ≤ 1000. Default [1,1]. */
  scale?: readonly [number, number];
  /** Horizontal shear in ± degrees. A finite number ≥ 0 and ≤ 80. Default 0. */
  shear?: number;
  /** Value outside of the image. A finite number ≥ 0 and ≤ 255. Default 0. */
  fill?: number;
}

/** How strongly and how finely an image is distorted. */
export interface RandomElasticOptions {
  /**
   * Control points move by ± this fraction of their spacing, uniformly in x and in y; up to 0.48
   * the map is one-to-one. A finite number ≥ 0 and ≤ 0.48.
   */
  strength: number;
  /**
   * Width and height of the image in spacings of control points. An integer ≥ 1 and ≤ 64.
   * Default 4.
   */
  cells?: number;
  /** Value outside of the image. A finite number ≥ 0 and ≤ 255. Default 0. */
  fill?: number;
}

/** The size to bring an image to, and how. */
export interface FitOptions {
  /** Height of the result. An integer ≥ 1 and ≤ 16384. */
  height: number;
  /** Width of the result. An integer ≥ 1 and ≤ 16384. */
  width: number;
  /**
   * center: the largest centred part of the right proportions is kept; squash: the whole image
   * is, and its proportions are not. Default "center".
   */
  cropMode?: 'center' | 'squash';
  /** Filter of `resizeImage`. Default "bilinear". */
  interpolation?: 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos';
  /**
   * timm's crop_pct: the image is resized to the size over this, then the middle is cut out;
   * without it, the middle is resized. A finite number ≥ 0.01 and ≤ 1.
   */
  cropPct?: number;
}

/** The side to resize, and its length. */
export interface ResizeOptions {
  /** The side in pixels. An integer ≥ 1 and ≤ 16384. */
  size: number;
  /**
   * The side that gets this length; the other follows, with `both` it has the same. Default
   * "shorter".
   */
  side?: 'shorter' | 'longer' | 'both';
  /** Filter of `resizeImage`. Default "bilinear". */
  interpolation?: 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos';
}

/** The size of the middle part. */
export interface CenterCropOptions {
  /** Height of the result. An integer ≥ 1 and ≤ 16384. */
  height: number;
  /** Width of the result. An integer ≥ 1 and ≤ 16384. */
  width: number;
  /**
   * Colour outside of the image, a level for each channel or one for all. A list of finite
   * numbers ≥ 0 and ≤ 255. Default [0].
   */
  fill?: readonly number[];
}

/** The size of the result, and the ranges of the part. */
export interface RandomResizedCropOptions {
  /** Height of the result. An integer ≥ 1 and ≤ 16384. */
  height: number;
  /** Width of the result. An integer ≥ 1 and ≤ 16384. */
  width: number;
  /**
   * [smallest, largest] share of the area. 2 finite numbers ≥ 0.000001 and ≤ 1. Default
   * [0.08,1].
   */
  scale?: readonly [number, number];
  /**
   * [lowest, highest] width / height. 2 finite numbers ≥ 0.001 and ≤ 1000. Default
   * [0.75,1.3333333333333333].
   */
  ratio?: readonly [number, number];
  /**
   * Filter of `resizeImage`; random: bilinear or bicubic, drawn for each image. Default
   * "bilinear".
   */
  interpolation?: 'random' | 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos';
}

/** The size of the part, and the margin before. */
export interface RandomCropOptions {
  /** Height of the result. An integer ≥ 1 and ≤ 16384. */
  height: number;
  /** Width of the result. An integer ≥ 1 and ≤ 16384. */
  width: number;
  /** Margin added on each side first. An integer ≥ 0 and ≤ 16384. Default 0. */
  padding?: number;
  /** constant: the margin is black; reflect: it mirrors the image. Default "constant". */
  paddingMode?: 'constant' | 'reflect';
}

/** How often an image is mirrored. */
export interface RandomFlipOptions {
  /** How likely the image is mirrored. A finite number ≥ 0 and ≤ 1. Default 0.5. */
  p?: number;
}

/** How far colours may change. */
export interface ColorJitterOptions {
  /** Factor in 1 ± this. A finite number ≥ 0 and ≤ 10. Default 0. */
  brightness?: number;
  /** Factor in 1 ± this. A finite number ≥ 0 and ≤ 10. Default 0. */
  contrast?: number;
  /** Factor in 1 ± this. A finite number ≥ 0 and ≤ 10. Default 0. */
  saturation?: number;
  /** Shift in ± this share of the colour circle. A finite number ≥ 0 and ≤ 0.5. Default 0. */
  hue?: number;
}

/** The policy, and how its operations fill and interpolate. */
export interface AutoAugmentOptions {
  /** original, originalr, v0, v0r, 3a or rand-m#-n#-mstd#-inc#-p#, as in timm. */
  policy: string;
  /**
   * Filter of rotations, shears and shifts; random: bilinear or bicubic, drawn each time.
   * Default "random".
   */
  interpolation?: 'random' | 'nearest' | 'bilinear' | 'bicubic';
  /**
   * Colour outside of the image, a level for each channel or one for all. A list of finite
   * numbers ≥ 0 and ≤ 255. Default [128].
   */
  fill?: readonly number[];
  /**
   * Largest shift of TranslateX and TranslateY in pixels. A finite number ≥ 0 and ≤ 16384.
   * Default 250.
   */
  translateConst?: number;
  /**
   * Largest shift of TranslateXRel and TranslateYRel as a share of the side. A finite number ≥ 0
   * and ≤ 1. Default 0.45.
   */
  translatePct?: number;
}

/** How often, how much and with what an image is erased. */
export interface RandomErasingOptions {
  /** How likely an image is erased in. A finite number ≥ 0 and ≤ 1. Default 0.25. */
  p?: number;
  /** const: 0; rand: one normal colour a box; pixel: a normal colour each pixel. Default "pixel". */
  mode?: 'const' | 'rand' | 'pixel';
  /** Smallest share of the image. A finite number ≥ 0 and ≤ 1. Default 0.02. */
  minArea?: number;
  /** Largest share of the image. A finite number ≥ 0 and ≤ 1. Default 0.3333333333333333. */
  maxArea?: number;
  /**
   * Lowest height / width; the highest is 1 / minAspect. A finite number ≥ 0.001 and ≤ 1.
   * Default 0.3.
   */
  minAspect?: number;
  /** Boxes an image. An integer ≥ 1 and ≤ 100. Default 1. */
  count?: number;
  /**
   * Fewest boxes of an image, whose number is then drawn up to `count`; without it `count`. An
   * integer ≥ 1 and ≤ 100.
   */
  minCount?: number;
}

/** How samples of a batch are mixed. */
export interface MixupOptions {
  /**
   * α of the Beta distribution of mixup; 0: no mixup. A finite number ≥ 0 and ≤ 100. Default
   * 0.8.
   */
  mixup?: number;
  /**
   * α of the Beta distribution of cutmix; 0: no cutmix. A finite number ≥ 0 and ≤ 100. Default
   * 1.
   */
  cutmix?: number;
  /**
   * [smallest, largest] side of the box as a share of the image, in place of the α of cutmix. 2
   * finite numbers ≥ 0 and ≤ 1.
   */
  cutmixMinmax?: readonly [number, number];
  /** How likely a batch, pair or element is mixed. A finite number ≥ 0 and ≤ 1. Default 1. */
  prob?: number;
  /** How likely cutmix is taken where both are on. A finite number ≥ 0 and ≤ 1. Default 0.5. */
  switchProb?: number;
  /** How many images share one draw: the whole batch, a pair, or one. Default "batch". */
  mode?: 'batch' | 'pair' | 'elem';
  /**
   * λ of cutmix is the area that really stays, where the box is clipped at the edge. Default
   * true.
   */
  correctLam?: boolean;
  /** First epoch without mixing, from 0; 0: never off. An integer ≥ 0. Default 0. */
  offEpoch?: number;
}
