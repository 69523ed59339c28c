// The first convolution of a checkpoint for images of another number of channels.

import { sizeOf } from '../core/check.ts';
import { toFloat32, type HostTensor } from './hostTensor.ts';

/**
 * The weight of a convolution of the images, [O, I, h, w], for `channels` channels.
 *
 * One channel: the sum over the I channels, so that a grey image gives what it gave as I equal channels. More: the channels repeated in
 * turn and scaled by I/channels, so that equal channels give what they gave before.
 *
 * Source: timm/models/_manipulate.py, `adapt_input_conv`, which does so for I = 3; other I follow the same rule.
 *
 * @param name  how errors call the tensor
 *
 * @example adaptInputChannels(weight, 1).shape;   // [192, 3, 16, 16] → [192, 1, 16, 16]
 */
export function adaptInputChannels(
  tensor: HostTensor,
  channels: number,
  name = 'the first convolution',
): HostTensor {
  const [out = 0, own = 0, ...kernel] = tensor.shape;
  if (own === channels || own === 0) return tensor;
  const values = toFloat32(tensor, name);
  const size = sizeOf(kernel);
  const shape = [out, channels, ...kernel];
  const data = new Float32Array(sizeOf(shape));
  for (let row = 0; row < out; row += 1) {
    const from = (channel: number) => (row * own + channel) * size;
    for (let i = 0; i < size; i += 1) {
      if (channels === 1) {
        let sum = 0;
        for (let channel = 0; channel < own; channel += 1) sum += values[from(channel) + i]!;
        data[row * size + i] = sum;
      } else {
        const scale = own / channels;
        for (let channel = 0; channel < channels; channel += 1) {
          data[(row * channels + channel) * size + i] = values[from(channel % own) + i]! * scale;
        }
      }
    }
  }
  return { dtype: 'F32', shape, data };
}
