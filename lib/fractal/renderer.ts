// Renders the pictures of a FractalDB: each is a pure function of its category's system, its place and the options.

import { Rng } from '../core/rng.ts';
import { choicesOf, randomNumbers, type RandomNumbers } from './choices.ts';
import { weighted, type Ifs } from './ifs.ts';
import { makeLayout } from './layout.ts';
import { Mt19937 } from './mt19937.ts';
import { drawMasks, flipped, paint, pointMasks } from './paint.ts';
import { paletteOf } from './palette.ts';
import { weightTable } from './weights.ts';
import type { RgbImage } from '../core/image.ts';
import type { FractalKernels } from './kernels.ts';
import type { FullFractalOptions } from './options.ts';
import type { Place } from './places.ts';

/** The seed of the one random stream by which all systems choose their maps; the published renderer sets it anew each time. */
export const choiceSeed = 100;

/** The options that a picture depends on. */
export type PictureOptions = Pick<
  FullFractalOptions,
  'size' | 'pad' | 'points' | 'draw' | 'weights' | 'seed'
>;

/**
 * A picture as indices of a palette.
 *
 * @property indices  [size, size], rows from the top
 * @property palette  the colours as bytes, three each; index 0 is black
 */
export interface FractalPicture {
  readonly size: number;
  readonly indices: Uint8Array;
  readonly palette: Uint8Array;
}

/**
 * Renders pictures one after the other. What a picture shares with the one before is kept: the choices of a category, the layout
 * of a system, which serves all patch patterns, and the patches of a pattern, which serve four flips.
 */
export class FractalRenderer {
  private readonly options: PictureOptions;
  private readonly kernels: FractalKernels;
  private readonly random: RandomNumbers;
  private readonly weights: number[][];
  private readonly palette: Uint8Array;
  private readonly layout;
  private readonly masks: Uint16Array;
  private readonly painted: Uint8Array;
  private choices: { ifs: Ifs; maps: Uint8Array } | undefined;
  private laidOut = '';
  private drawn = '';

  constructor(options: PictureOptions, kernels: FractalKernels) {
    const { points, size, draw, weights } = options;
    this.options = options;
    this.kernels = kernels;
    this.random = randomNumbers(new Mt19937(choiceSeed), points - 1);
    this.weights = weightTable(weights);
    this.palette = paletteOf(draw.endsWith('color'));
    this.layout = makeLayout(size);
    this.masks = new Uint16Array(size * size);
    this.painted = new Uint8Array(size * size);
  }

  /** The picture of a system of a category at a place. @throws InputError for points without an extent */
  picture(ifs: Ifs, { category, weight, pattern, flip }: Place): FractalPicture {
    const { size, pad, draw, seed } = this.options;
    const patch = draw.startsWith('patch');
    if (this.choices?.ifs !== ifs) {
      this.choices = { ifs, maps: choicesOf(this.random, ifs) };
      this.laidOut = '';
    }
    const system = `${category} ${weight}`;
    if (this.laidOut !== system) {
      const varied = weighted(ifs, this.weights[weight]!);
      this.laidOut = '';
      this.drawn = '';
      this.kernels.layOut(varied, this.choices.maps, { size, pad }, patch, this.layout);
      this.laidOut = system;
    }
    const drawing = patch ? `${system} ${pattern}` : system;
    if (this.drawn !== drawing) {
      const { layout, masks, painted } = this;
      if (patch) {
        const rng = new Rng(seed).split('fractaldb', category, weight, pattern);
        drawMasks(rng, layout.count, masks);
      } else pointMasks(layout, masks);
      paint(layout, masks, draw.endsWith('color'), painted);
      this.drawn = drawing;
    }
    return { size, indices: flipped(this.painted, size, flip), palette: this.palette };
  }
}

/** A picture as an image of 3 channels, or of 1, which has the first channel of the palette. */
export function pictureImage(
  { size, indices, palette }: FractalPicture,
  channels: 1 | 3,
): RgbImage {
  const data = new Uint8Array(indices.length * channels);
  for (let i = 0; i < indices.length; i += 1) {
    const from = 3 * indices[i]!;
    for (let c = 0; c < channels; c += 1) data[i * channels + c] = palette[from + c]!;
  }
  return { width: size, height: size, channels, data };
}
