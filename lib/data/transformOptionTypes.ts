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
  interpolation?: 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos';
}
