// The pixel loops that take the time, behind an interface: TypeScript beside each operation, or faster ones that give the same bytes.

/**
 * The weights of each target pixel.
 *
 * @property count    target pixels
 * @property taps     source pixels of each, at most as many as there are
 * @property firsts   [count], the first of them
 * @property weights  [count, taps], with 22 fractional bits; 0 beside the filter
 */
export interface ResamplePlan {
  readonly count: number;
  readonly taps: number;
  readonly firsts: Int32Array;
  readonly weights: Int32Array;
}

/** An affine map of pixels that is interpolated. @property matrix  as `affine` takes it */
export interface SmoothMap {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly bicubic: boolean;
  readonly matrix: readonly number[];
}

/** Routines that replace those in TypeScript. Each gives their bytes. */
export interface PixelKernels {
  readonly name: string;
  /** Rows of `width` pixels become rows of as many as the plan has: [height, width, channels] → [height, plan, channels]. */
  resampleRows(
    data: Uint8Array,
    sizes: { readonly height: number; readonly width: number; readonly channels: number },
    plan: ResamplePlan,
    out: Uint8Array,
  ): void;
  /** [height, stride] → [plan, stride]. */
  resampleColumns(
    data: Uint8Array,
    sizes: { readonly height: number; readonly stride: number },
    plan: ResamplePlan,
    out: Uint8Array,
  ): void;
  /** Writes the pixels of a map to `out`, whose pixels that lie outside of the image stay as they are. */
  mapSmooth(data: Uint8Array, map: SmoothMap, out: Uint8Array): void;
}

let inUse: PixelKernels | undefined;

/** The routines in use for images of 1 or 3 channels; undefined: those in TypeScript. */
export function pixelKernels(channels: number): PixelKernels | undefined {
  return channels === 1 || channels === 3 ? inUse : undefined;
}

/** Puts routines to use in this thread; undefined: those in TypeScript again. @returns those before */
export function usePixelKernels(kernels: PixelKernels | undefined): PixelKernels | undefined {
  const before = inUse;
  inUse = kernels;
  return before;
}
