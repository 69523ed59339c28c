// Generated from native/enums.h by scripts/generateNative.mjs; do not edit.

/** The numbers of `Binary` of native/enums.h. */
export const BINARY = {
  add: 0,
  sub: 1,
  mul: 2,
  div: 3,
  maximum: 4,
  minimum: 5,
  squaredDifference: 6,
  mod: 7,
  pow: 8,
  atan2: 9,
  prelu: 10,
  eluGrad: 11,
  bitwiseAnd: 12,
} as const;

/** The numbers of `Compare` of native/enums.h. */
export const COMPARE = {
  greater: 0,
  greaterEqual: 1,
  less: 2,
  lessEqual: 3,
  equal: 4,
  notEqual: 5,
} as const;

/** The numbers of `Unary` of native/enums.h. */
export const UNARY = {
  neg: 0,
  abs: 1,
  square: 2,
  sqrt: 3,
  rsqrt: 4,
  reciprocal: 5,
  exp: 6,
  log: 7,
  erf: 8,
  tanh: 9,
  sigmoid: 10,
  relu: 11,
  step: 12,
  copy: 13,
  roundBf16: 14,
  floor: 15,
  ceil: 16,
  round: 17,
  sign: 18,
  relu6: 19,
  leakyRelu: 20,
  elu: 21,
  selu: 22,
  softplus: 23,
  log1p: 24,
  expm1: 25,
  sin: 26,
  cos: 27,
  tan: 28,
  asin: 29,
  acos: 30,
  atan: 31,
  sinh: 32,
  cosh: 33,
  asinh: 34,
  acosh: 35,
  atanh: 36,
} as const;

/** The numbers of `Logical` of native/enums.h. */
export const LOGICAL = { and: 0, or: 1 } as const;

/** The numbers of `Test` of native/enums.h. */
export const TEST = { isNan: 0, isInf: 1, isFinite: 2 } as const;

/** The numbers of `Reduce` of native/enums.h. */
export const REDUCE = { sum: 0, mean: 1, max: 2, min: 3 } as const;

/** The numbers of `IntReduce` of native/enums.h. */
export const INT_REDUCE = { sum: 0, max: 1, min: 2, prod: 3 } as const;

/** The activation after a matrix product: none, or a form of gelu (see vector_math.h). */
export const ACTIVATION = { none: -1, erf: 0, tanh: 1, quick: 2 } as const;

/** The precision of the operands of a matrix product; sums are float32 in both. */
export const PRECISION = { fp32: 0, bf16: 1 } as const;

/** A mean is one of the pixels inside the image; without any it is NaN, or 0. */
export const POOL = { max: 0, mean: 1, meanOrZero: 2 } as const;

/** The unit of a position: a pixel of the image, an element of it, or an element of the batch. */
export const POSITION = { pixel: 0, element: 1, elementOfBatch: 2 } as const;

/** The value of a point beyond an image: the fill, its mirror image, that of an image beside it, or the nearest pixel. */
export const BORDER = { constant: 0, reflect: 1, wrap: 2, nearest: 3 } as const;
