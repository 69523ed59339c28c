/** Elements of a tensor, as the kernels that move them take them. */
export type Elements = Float32Array | Int32Array | Uint8Array;
