// Feature maps of an encoding as pictures.

import type * as tf from '@tensorflow/tfjs';
import type { Grid } from 'tfjs-vit/node';

/** The first `count` channels of a feature map [1, h, w, C] that vary over space, or the first at all. */
export async function channelGrids(map: tf.Tensor4D, count = 64): Promise<Grid[]> {
  const [, height, width, channels] = map.shape;
  const values = await map.data();
  return Array.from({ length: Math.min(count, channels) }, (_, channel) => ({
    width,
    height,
    data: Float32Array.from(
      { length: height * width },
      (_, place) => values[place * channels + channel]!,
    ),
  }));
}

/** The Euclidean norm over the channels of a feature map [1, h, w, C]: where the encoder sees most. */
export async function normGrid(map: tf.Tensor4D): Promise<Grid> {
  const [, height, width, channels] = map.shape;
  const values = await map.data();
  const data = Float32Array.from({ length: height * width }, (_, place) => {
    let sum = 0;
    for (let c = 0; c < channels; c += 1) sum += values[place * channels + c]! ** 2;
    return Math.sqrt(sum);
  });
  return { width, height, data };
}
