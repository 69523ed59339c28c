// Generated from native/descriptors.h by scripts/generateNative.mjs; do not edit.

/** The number of the addon's interface; one with another number was built from other sources. */
export const INTERFACE = 2;

/** A batch of matrix products c [m, n] = a·b (+ bias); aBatched, bBatched: whether a, b have one matrix for each of the batch. */
export interface GemmDescriptor {
  readonly batch: number;
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly aBatched: boolean;
  readonly bBatched: boolean;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** A number of ACTIVATION. */
  readonly activation: number;
  /** A number of PRECISION. */
  readonly precision: number;
}

/** How many numbers a packed GemmDescriptor has. */
export const GEMM_FIELDS = 10;
const gemmNumbers = new Float64Array(GEMM_FIELDS);
/** Packs a descriptor from element `at` on; by default into an array that the next call of this function overwrites. */
export function gemmDescriptor(
  of: GemmDescriptor,
  into: Float64Array = gemmNumbers,
  at = 0,
): Float64Array {
  into[at + 0] = of.batch;
  into[at + 1] = of.m;
  into[at + 2] = of.n;
  into[at + 3] = of.k;
  into[at + 4] = of.aBatched ? 1 : 0;
  into[at + 5] = of.bBatched ? 1 : 0;
  into[at + 6] = of.transposeA ? 1 : 0;
  into[at + 7] = of.transposeB ? 1 : 0;
  into[at + 8] = of.activation;
  into[at + 9] = of.precision;
  return into;
}

/** Attention; dim is that of a head, scale the factor on q·kᵀ. */
export interface AttentionDescriptor {
  readonly batch: number;
  readonly heads: number;
  readonly queries: number;
  readonly keys: number;
  readonly dim: number;
  readonly scale: number;
}

/** How many numbers a packed AttentionDescriptor has. */
export const ATTENTION_FIELDS = 6;
const attentionNumbers = new Float64Array(ATTENTION_FIELDS);
/** Packs a descriptor from element `at` on; by default into an array that the next call of this function overwrites. */
export function attentionDescriptor(
  of: AttentionDescriptor,
  into: Float64Array = attentionNumbers,
  at = 0,
): Float64Array {
  into[at + 0] = of.batch;
  into[at + 1] = of.heads;
  into[at + 2] = of.queries;
  into[at + 3] = of.keys;
  into[at + 4] = of.dim;
  into[at + 5] = of.scale;
  return into;
}

/** The residual branch of an MLP; packedReady: the memory for the packed weights holds them. */
export interface MlpBranchDescriptor {
  readonly batch: number;
  readonly tokens: number;
  readonly dim: number;
  readonly hidden: number;
  /** A number of PRECISION. */
  readonly precision: number;
  readonly epsilon: number;
  /** A number of ACTIVATION. */
  readonly activation: number;
  readonly packedReady: boolean;
}

/** How many numbers a packed MlpBranchDescriptor has. */
export const MLP_BRANCH_FIELDS = 8;
const mlpBranchNumbers = new Float64Array(MLP_BRANCH_FIELDS);
/** Packs a descriptor from element `at` on; by default into an array that the next call of this function overwrites. */
export function mlpBranchDescriptor(
  of: MlpBranchDescriptor,
  into: Float64Array = mlpBranchNumbers,
  at = 0,
): Float64Array {
  into[at + 0] = of.batch;
  into[at + 1] = of.tokens;
  into[at + 2] = of.dim;
  into[at + 3] = of.hidden;
  into[at + 4] = of.precision;
  into[at + 5] = of.epsilon;
  into[at + 6] = of.activation;
  into[at + 7] = of.packedReady ? 1 : 0;
  return into;
}

/** The residual branch of attention; scale is the factor on q·kᵀ, packedReady as for an MLP. */
export interface AttentionBranchDescriptor {
  readonly batch: number;
  readonly tokens: number;
  readonly dim: number;
  readonly heads: number;
  /** A number of PRECISION. */
  readonly precision: number;
  readonly epsilon: number;
  readonly scale: number;
  readonly packedReady: boolean;
}

/** How many numbers a packed AttentionBranchDescriptor has. */
export const ATTENTION_BRANCH_FIELDS = 8;
const attentionBranchNumbers = new Float64Array(ATTENTION_BRANCH_FIELDS);
/** Packs a descriptor from element `at` on; by default into an array that the next call of this function overwrites. */
export function attentionBranchDescriptor(
  of: AttentionBranchDescriptor,
  into: Float64Array = attentionBranchNumbers,
  at = 0,
): Float64Array {
  into[at + 0] = of.batch;
  into[at + 1] = of.tokens;
  into[at + 2] = of.dim;
  into[at + 3] = of.heads;
  into[at + 4] = of.precision;
  into[at + 5] = of.epsilon;
  into[at + 6] = of.scale;
  into[at + 7] = of.packedReady ? 1 : 0;
  return into;
}

/** Boxes of rows and columns sampled from images; shared: all boxes have the same. */
export interface SampleDescriptor {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly boxes: number;
  readonly nearest: boolean;
  readonly fill: number;
  readonly shared: boolean;
  readonly boxHeight: number;
  readonly boxWidth: number;
}

/** How many numbers a packed SampleDescriptor has. */
export const SAMPLE_FIELDS = 10;
const sampleNumbers = new Float64Array(SAMPLE_FIELDS);
/** Packs a descriptor from element `at` on; by default into an array that the next call of this function overwrites. */
export function sampleDescriptor(
  of: SampleDescriptor,
  into: Float64Array = sampleNumbers,
  at = 0,
): Float64Array {
  into[at + 0] = of.images;
  into[at + 1] = of.height;
  into[at + 2] = of.width;
  into[at + 3] = of.channels;
  into[at + 4] = of.boxes;
  into[at + 5] = of.nearest ? 1 : 0;
  into[at + 6] = of.fill;
  into[at + 7] = of.shared ? 1 : 0;
  into[at + 8] = of.boxHeight;
  into[at + 9] = of.boxWidth;
  return into;
}

/** A projective transform of images; shared: all images have the same map. */
export interface TransformDescriptor {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly bilinear: boolean;
  /** A number of BORDER. */
  readonly border: number;
  readonly fill: number;
  readonly shared: boolean;
}

/** How many numbers a packed TransformDescriptor has. */
export const TRANSFORM_FIELDS = 10;
const transformNumbers = new Float64Array(TRANSFORM_FIELDS);
/** Packs a descriptor from element `at` on; by default into an array that the next call of this function overwrites. */
export function transformDescriptor(
  of: TransformDescriptor,
  into: Float64Array = transformNumbers,
  at = 0,
): Float64Array {
  into[at + 0] = of.batch;
  into[at + 1] = of.height;
  into[at + 2] = of.width;
  into[at + 3] = of.channels;
  into[at + 4] = of.outHeight;
  into[at + 5] = of.outWidth;
  into[at + 6] = of.bilinear ? 1 : 0;
  into[at + 7] = of.border;
  into[at + 8] = of.fill;
  into[at + 9] = of.shared ? 1 : 0;
  return into;
}

/** A search of FractalDB's candidates: `count` of the stream, of which the blocks first, first + step, … of `block` are tested with so many points in a picture of size², of which `wanted` pixels must be filled. */
export interface FractalScanDescriptor {
  readonly count: number;
  readonly first: number;
  readonly step: number;
  readonly block: number;
  readonly points: number;
  readonly size: number;
  readonly pad: number;
  readonly wanted: number;
  readonly limit: number;
}

/** How many numbers a packed FractalScanDescriptor has. */
export const FRACTAL_SCAN_FIELDS = 9;
const fractalScanNumbers = new Float64Array(FRACTAL_SCAN_FIELDS);
/** Packs a descriptor from element `at` on; by default into an array that the next call of this function overwrites. */
export function fractalScanDescriptor(
  of: FractalScanDescriptor,
  into: Float64Array = fractalScanNumbers,
  at = 0,
): Float64Array {
  into[at + 0] = of.count;
  into[at + 1] = of.first;
  into[at + 2] = of.step;
  into[at + 3] = of.block;
  into[at + 4] = of.points;
  into[at + 5] = of.size;
  into[at + 6] = of.pad;
  into[at + 7] = of.wanted;
  into[at + 8] = of.limit;
  return into;
}

/** A picture of FractalDB; patch: a point draws 3 × 3 pixels. */
export interface FractalLayoutDescriptor {
  readonly points: number;
  readonly size: number;
  readonly pad: number;
  readonly patch: boolean;
}

/** How many numbers a packed FractalLayoutDescriptor has. */
export const FRACTAL_LAYOUT_FIELDS = 4;
const fractalLayoutNumbers = new Float64Array(FRACTAL_LAYOUT_FIELDS);
/** Packs a descriptor from element `at` on; by default into an array that the next call of this function overwrites. */
export function fractalLayoutDescriptor(
  of: FractalLayoutDescriptor,
  into: Float64Array = fractalLayoutNumbers,
  at = 0,
): Float64Array {
  into[at + 0] = of.points;
  into[at + 1] = of.size;
  into[at + 2] = of.pad;
  into[at + 3] = of.patch ? 1 : 0;
  return into;
}

/** Pillow's resampling of rows: [height, width, channels] to [height, count, channels] by `taps` pixels each. */
export interface ResampleRowsDescriptor {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly count: number;
  readonly taps: number;
}

/** How many numbers a packed ResampleRowsDescriptor has. */
export const RESAMPLE_ROWS_FIELDS = 5;
const resampleRowsNumbers = new Float64Array(RESAMPLE_ROWS_FIELDS);
/** Packs a descriptor from element `at` on; by default into an array that the next call of this function overwrites. */
export function resampleRowsDescriptor(
  of: ResampleRowsDescriptor,
  into: Float64Array = resampleRowsNumbers,
  at = 0,
): Float64Array {
  into[at + 0] = of.height;
  into[at + 1] = of.width;
  into[at + 2] = of.channels;
  into[at + 3] = of.count;
  into[at + 4] = of.taps;
  return into;
}

/** Pillow's resampling of columns: [height, stride] to [count, stride] by `taps` pixels each. */
export interface ResampleColumnsDescriptor {
  readonly height: number;
  readonly stride: number;
  readonly count: number;
  readonly taps: number;
}

/** How many numbers a packed ResampleColumnsDescriptor has. */
export const RESAMPLE_COLUMNS_FIELDS = 4;
const resampleColumnsNumbers = new Float64Array(RESAMPLE_COLUMNS_FIELDS);
/** Packs a descriptor from element `at` on; by default into an array that the next call of this function overwrites. */
export function resampleColumnsDescriptor(
  of: ResampleColumnsDescriptor,
  into: Float64Array = resampleColumnsNumbers,
  at = 0,
): Float64Array {
  into[at + 0] = of.height;
  into[at + 1] = of.stride;
  into[at + 2] = of.count;
  into[at + 3] = of.taps;
  return into;
}

/** Pillow's affine map: output (x, y) shows the input at (a·x + b·y + c, d·x + e·y + f). */
export interface MapPixelsDescriptor {
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  readonly bicubic: boolean;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  readonly e: number;
  readonly f: number;
}

/** How many numbers a packed MapPixelsDescriptor has. */
export const MAP_PIXELS_FIELDS = 10;
const mapPixelsNumbers = new Float64Array(MAP_PIXELS_FIELDS);
/** Packs a descriptor from element `at` on; by default into an array that the next call of this function overwrites. */
export function mapPixelsDescriptor(
  of: MapPixelsDescriptor,
  into: Float64Array = mapPixelsNumbers,
  at = 0,
): Float64Array {
  into[at + 0] = of.width;
  into[at + 1] = of.height;
  into[at + 2] = of.channels;
  into[at + 3] = of.bicubic ? 1 : 0;
  into[at + 4] = of.a;
  into[at + 5] = of.b;
  into[at + 6] = of.c;
  into[at + 7] = of.d;
  into[at + 8] = of.e;
  into[at + 9] = of.f;
  return into;
}

/** The numbers of an AdamW step that all parameters share. */
export interface AdamWDescriptor {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly inverseRootCorrection2: number;
}

/** How many numbers a packed AdamWDescriptor has. */
export const ADAM_W_FIELDS = 4;
const adamWNumbers = new Float64Array(ADAM_W_FIELDS);
/** Packs a descriptor from element `at` on; by default into an array that the next call of this function overwrites. */
export function adamWDescriptor(
  of: AdamWDescriptor,
  into: Float64Array = adamWNumbers,
  at = 0,
): Float64Array {
  into[at + 0] = of.beta1;
  into[at + 1] = of.beta2;
  into[at + 2] = of.epsilon;
  into[at + 3] = of.inverseRootCorrection2;
  return into;
}
