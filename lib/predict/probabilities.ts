// The class probabilities of one image.

import { assertFiniteOutput, sizeOf } from '../core/check.ts';
import { ShapeError, expected } from '../core/errors.ts';
import * as t from '../ops/tensor.ts';
import type { Precision } from '../core/precision.ts';
import type { Model } from '../models/model.ts';

/**
 * The class probabilities of one image of the model's size, [K].
 *
 * @param pixels  [H, W, C], normalised
 * @throws NumericError if one is not finite; ShapeError for pixels of another size than the model's
 */
export async function probabilitiesOf(
  model: Model,
  pixels: Float32Array,
  precision: Precision = 'fp32',
): Promise<Float32Array> {
  const { inputShape } = model;
  if (pixels.length !== sizeOf(inputShape)) {
    const remedy = 'Let imageSize and preprocessing.size of config.json agree.';
    throw new ShapeError(
      expected(
        `${inputShape.join(' × ')} values`,
        'the pixels of the image',
        pixels.length,
        remedy,
      ),
    );
  }
  const output = t.tidy(() =>
    t.softmax(model.forward(t.tensor4d(pixels, [1, ...inputShape]), { precision })),
  );
  try {
    if (output.rank !== 2) {
      const remedy = "It classifies each token (globalPool ''): use model.forward.";
      throw new ShapeError(
        expected('logits [1, K]', 'the output of the model', output.shape, remedy),
      );
    }
    const values = (await output.data()) as Float32Array;
    assertFiniteOutput('the image', values);
    return values;
  } finally {
    output.dispose();
  }
}
