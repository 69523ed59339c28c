import * as t from '../ops/tensor.ts';
import type { Precision } from '../core/precision.ts';
import type { VisionTransformer } from '../models/vit/visionTransformer.ts';

/** The class probabilities of one image of the model's size, [K]. `pixels`: [H, W, C], normalised. */
export async function probabilitiesOf(
  model: VisionTransformer,
  pixels: Float32Array,
  precision: Precision = 'fp32',
): Promise<Float32Array> {
  const { imageSize, inChannels } = model.config;
  const output = t.tidy(() =>
    model.predict(t.tensor4d(pixels, [1, ...imageSize, inChannels]), { precision }),
  );
  try {
    return (await output.data()) as Float32Array;
  } finally {
    output.dispose();
  }
}
