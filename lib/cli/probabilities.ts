import * as t from '../ops/tensor.ts';
import type { VisionTransformer } from '../models/visionTransformer.ts';

/** The class probabilities of one image of the model's size, [K]. `pixels`: [H, W, C], normalised. */
export async function probabilitiesOf(
  model: VisionTransformer,
  pixels: Float32Array,
): Promise<Float32Array> {
  const { imageSize, inChannels } = model.config;
  const output = t.tidy(() => model.predict(t.tensor4d(pixels, [1, ...imageSize, inChannels])));
  try {
    return (await output.data()) as Float32Array;
  } finally {
    output.dispose();
  }
}
