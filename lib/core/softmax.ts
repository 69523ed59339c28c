// The softmax of a row of logits on the host.

/** The index of the largest value, the first of equal ones; 0 of an empty row. */
export function argmax(values: ArrayLike<number>): number {
  let best = 0;
  for (let k = 1; k < values.length; k += 1) if (values[k]! > values[best]!) best = k;
  return best;
}

/** p_k = exp(z_k − max z) / Σ_j exp(z_j − max z) of a row of logits z, in float64: [K] → [K]. */
export function softmax(logits: ArrayLike<number>): Float64Array {
  const top = logits[argmax(logits)]!;
  const powers = Float64Array.from(logits, (value) => Math.exp(value - top));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
}
