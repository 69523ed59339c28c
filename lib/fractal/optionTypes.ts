// The options of a FractalDB as a type. Written by `npm run options` from the tables beside it: change those.

/** Everything that decides the pictures of a FractalDB, as plain data. */
export interface FractalOptions {
  /**
   * Categories, each a system whose points fill a fifth of a picture. An integer ≥ 1 and ≤
   * 100000. Default 1000. Flag `--categories`.
   */
  categories?: number;
  /**
   * Pictures of a category: 25 weights, 4 flips, then other patches; default 1000, of points
   * 100. An integer ≥ 1 and ≤ 1000000. Flag `--instances`.
   */
  instances?: number;
  /** Side of a picture in pixels. An integer ≥ 16 and ≤ 4096. Default 362. Flag `--size`. */
  size?: number;
  /**
   * Pixels that stay empty at the edges; a patch reaches 3 into them. An integer ≥ 4 and ≤ 1024.
   * Default 6. Flag `--pad`.
   */
  pad?: number;
  /** Points of a picture. An integer ≥ 2 and ≤ 20000000. Default 200000. Flag `--points`. */
  points?: number;
  /**
   * Random patches of 3 × 3 pixels or single points, in one grey or in 128 hues. Default
   * "patch_gray". Flag `--draw`.
   */
  draw?: 'patch_gray' | 'patch_color' | 'point_gray' | 'point_color';
  /**
   * Width w of the weight table: 1 − 2w, 1 − w, 1 + w, 1 + 2w on each of a … f. A finite number
   * > 0 and ≤ 0.5. Default 0.4. Flag `--weights`.
   */
  weights?: number;
  /**
   * Seed of the random patches; the categories do not depend on it. An integer ≥ 0. Default 1.
   * Flag `--seed`.
   */
  seed?: number;
  /**
   * Categories are perturbations of this one category of the search, from 0 (1p-frac); null:
   * they are searched. An integer ≥ 0 and ≤ 99999. Default null. Flag `--single-fractal`.
   */
  single?: number | null;
  /**
   * Width of the perturbation, uniform in ± half of it on each of a … f. A finite number > 0 and
   * ≤ 1. Default 0.1. Flag `--delta`.
   */
  delta?: number;
}
