// Multinomial, with the random numbers of tfjs.

import * as tf from '@tensorflow/tfjs';
import { replaceKernel } from './kernel.ts';

// An argument of the addon that is a list has at most so many elements.
const mostSamples = 2 ** 20;

/** Registers Multinomial with the random numbers of tfjs: each row uses the numbers of the same seed. */
export function registerMultinomial(): void {
  replaceKernel<{ logits: tf.TensorInfo }, tf.MultinomialAttrs>(
    tf.Multinomial,
    ({ inputs: { logits }, attrs: { numSamples, seed, normalized }, backend }) => {
      const [rows = 0, cols = 0] = logits.shape;
      const fits = numSamples <= mostSamples && cols > 0 && cols < 2 ** 31;
      if (logits.dtype !== 'float32' || !fits) return undefined;
      const own = normalized ? undefined : backend.output(logits.shape);
      const values = own?.values ?? backend.floats(logits);
      if (own !== undefined)
        backend.binding.softmax(rows, cols, backend.floats(logits), false, own.values);
      const next = alea(seed.toString());
      const random = Array.from({ length: numSamples }, next);
      const out = backend.intOutput([rows, numSamples]);
      backend.binding.draw(rows, cols, values, random, out.values);
      if (own !== undefined) backend.disposeIntermediateTensorInfo(own.info);
      return out.info;
    },
  );
}

/**
 * Baagøe's generator Alea, which tfjs draws with: a multiply-with-carry of three fractions of 32 bits, seeded by the hash of a
 * text.
 */
function alea(seed: string): () => number {
  const bit32 = 2 ** -32;
  let state = 0xefc8249d;
  const hash = (text: string): number => {
    for (let i = 0; i < text.length; i += 1) {
      state += text.charCodeAt(i);
      const scaled = 0.02519603282416938 * state;
      const whole = scaled >>> 0;
      const scaledUp = (scaled - whole) * whole;
      const low = scaledUp >>> 0;
      state = low + (scaledUp - low) * 2 ** 32;
    }
    return (state >>> 0) * bit32;
  };
  const fractions = [hash(' '), hash(' '), hash(' ')] as [number, number, number];
  for (const i of fractions.keys()) {
    const left = fractions[i]! - hash(seed);
    fractions[i] = left < 0 ? left + 1 : left;
  }
  let [oldest, middle, newest] = fractions;
  let carry = 1;
  return () => {
    const sum = 2091639 * oldest + carry * bit32;
    carry = Math.trunc(sum);
    [oldest, middle, newest] = [middle, newest, sum - carry];
    return newest;
  };
}
