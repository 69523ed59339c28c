// The options of augmentation as a type. Written by `npm run options` from the tables beside it: change those.

/** Augmentation in the words of timm and DeiT, as plain data. */
export interface AugmentOptions {
  /**
   * true: training images are only resized and cropped in the middle, and not erased. Default
   * false. Flag `--no-aug`.
   */
  noAug?: boolean;
  /**
   * Policy of AutoAugment or RandAugment: original, originalr, v0, v0r, 3a or
   * rand-m#-n#-mstd#-inc#-p#; none. Default null. Only with `noAug` false. Only with
   * `threeAugment` false. Flag `--aa`.
   */
  aa?: string | null;
  /**
   * DeiT III's 3-Augment: grey, solarized or blurred, then colour jitter; no policy, no erasing.
   * Default false. Only with `noAug` false. Flag `--ThreeAugment`.
   */
  threeAugment?: boolean;
  /**
   * DeiT III's simple random crop in place of the random resized crop: the shorter side resized,
   * then a crop with a mirrored margin of 4. Default false. Only with `noAug` false. Flag
   * `--src`.
   */
  src?: boolean;
  /**
   * [smallest, largest] share of the area. 2 finite numbers ≥ 0.000001 and ≤ 1. Default
   * [0.08,1]. Only with `noAug` false. Only with `src` false. Flag `--scale`.
   */
  scale?: readonly [number, number];
  /**
   * [lowest, highest] width / height. 2 finite numbers ≥ 0.001 and ≤ 1000. Default
   * [0.75,1.3333333333333333]. Only with `noAug` false. Only with `src` false. Flag `--ratio`.
   */
  ratio?: readonly [number, number];
  /**
   * Filter of training images, also of the maps of a policy; random: bilinear or bicubic, drawn
   * for each image. Default "random". Flag `--train-interpolation`.
   */
  trainInterpolation?:
    'random' | 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos';
  /**
   * How likely an image is mirrored. A finite number ≥ 0 and ≤ 1. Default 0.5. Only with `noAug`
   * false. Flag `--hflip`.
   */
  hflip?: number;
  /**
   * How likely an image is turned upside down. A finite number ≥ 0 and ≤ 1. Default 0. Only with
   * `noAug` false. Flag `--vflip`.
   */
  vflip?: number;
  /**
   * Brightness, contrast and saturation change by factors in 1 ± this; only without a policy, or
   * with 3a or 3-Augment. A finite number ≥ 0 and ≤ 10. Default 0.4. Only with `noAug` false.
   * Flag `--color-jitter`.
   */
  colorJitter?: number;
  /**
   * Random erasing: how likely a box of an image is erased, after normalisation. A finite number
   * ≥ 0 and ≤ 1. Default 0. Only with `noAug` false. Only with `threeAugment` false. Flag
   * `--reprob`.
   */
  reprob?: number;
  /**
   * const: 0; rand: one normal colour a box; pixel: a normal colour each pixel. Default "const".
   * Only with `noAug` false. Only with `threeAugment` false. Only with `reprob` above 0. Flag
   * `--remode`.
   */
  remode?: 'const' | 'rand' | 'pixel';
  /**
   * Boxes an erased image has at most; their number is drawn. An integer ≥ 1 and ≤ 100. Default
   * 1. Only with `noAug` false. Only with `threeAugment` false. Only with `reprob` above 0. Flag
   * `--recount`.
   */
  recount?: number;
  /**
   * α of the Beta distribution of mixup; 0: no mixup. A finite number ≥ 0 and ≤ 100. Default 0.
   * Flag `--mixup`.
   */
  mixup?: number;
  /**
   * α of the Beta distribution of cutmix; 0: no cutmix. A finite number ≥ 0 and ≤ 100. Default
   * 0. Flag `--cutmix`.
   */
  cutmix?: number;
  /**
   * [smallest, largest] side of the box as a share of the image, in place of the α of cutmix. 2
   * finite numbers ≥ 0 and ≤ 1. Default null. Flag `--cutmix-minmax`.
   */
  cutmixMinmax?: readonly [number, number] | null;
  /**
   * How likely a batch, pair or element is mixed. A finite number ≥ 0 and ≤ 1. Default 1. Flag
   * `--mixup-prob`.
   */
  mixupProb?: number;
  /**
   * How likely cutmix is taken where both are on. A finite number ≥ 0 and ≤ 1. Default 0.5. Flag
   * `--mixup-switch-prob`.
   */
  mixupSwitchProb?: number;
  /**
   * How many images share one draw: the whole batch, a pair, or one. Default "batch". Flag
   * `--mixup-mode`.
   */
  mixupMode?: 'batch' | 'pair' | 'elem';
  /**
   * First epoch without mixing, from 0; 0: never off. An integer ≥ 0. Default 0. Flag
   * `--mixup-off-epoch`.
   */
  mixupOffEpoch?: number;
  /**
   * Copies of an image in a row, each augmented anew: DeiT's repeated augmentation has 3; an
   * epoch then sees as many samples, of a share 1 / copies of the images. An integer ≥ 1 and ≤
   * 1024. Default 1. Flag `--aug-repeats`.
   */
  augRepeats?: number;
  /**
   * Validation and test: side of the crop in the middle over the shorter side of the resized
   * image; inputs of at most 32 pixels are not cropped. A finite number ≥ 0.01 and ≤ 1. Default
   * 0.875. Flag `--eval-crop-ratio`.
   */
  evalCropRatio?: number;
}
