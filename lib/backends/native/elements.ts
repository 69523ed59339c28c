// The typed arrays that native kernels take.

/** Elements of a tensor, as the kernels that move them take them. */
export type Elements = Float32Array | Int32Array | Uint8Array;

/** Elements of a tensor of numbers, which is what `isNumeric` (kernels/kernel.ts) says of it. */
export type Numbers = Float32Array | Int32Array;
