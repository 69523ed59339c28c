// The class probabilities of one image.

import { assertFiniteOutput } from '../core/check.ts';
import * as t from '../ops/tensor.ts';
import type { Precision } from '../core/precision.ts';
import type { Model } from '../models/model.ts';

/**
 * The class probabilities of one image of the model's size, [K].
 *
 * @param pixels  [H, W, C], normalised
 * @throws NumericError if one is not finite
 */
export async function probabilitiesOf(
  model: Model,
  pixels: Float32Array,
  precision: Precision = 'fp32',
): Promise<Float32Array> {
  const output = t.tidy(() =>
    t.softmax(model.forward(t.tensor4d(pixels, [1, ...model.inputShape]), { precision })),
  );
  try {
    const values = (await output.data()) as Float32Array;
    assertFiniteOutput('the image', values);
    return values;
  } finally {
    output.dispose();
  }
}
