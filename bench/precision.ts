// What a work's products are computed in.

/** fp32; or bf16: operands of products rounded to bfloat16, sums, weights, norms, softmax and loss in float32. */
export const precisionNames = ['fp32', 'bf16'] as const;
export type Precision = (typeof precisionNames)[number];
