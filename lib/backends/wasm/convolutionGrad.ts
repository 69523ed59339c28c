// The gradient of a convolution by its kernels for `wasm`, which has none, so that convolutional networks can be trained there.

import * as tf from '@tensorflow/tfjs';

/**
 * Registers Conv2DBackpropFilter for `wasm`, where tfjs does not.
 *
 * dW[r, c] = x[:, r::stride, c::stride]ᵀ·dOut: one matrix product for each place of the kernel.
 */
export function registerConvolutionGrad(): void {
  if (tf.getKernel('Conv2DBackpropFilter', 'wasm') != null) return;
  tf.registerKernel({
    kernelName: 'Conv2DBackpropFilter',
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs }) => {
      const { x, dy } = inputs as { x: tf.Tensor4D; dy: tf.Tensor4D };
      return tf.tidy(() => filterGradient(x, dy, attrs as unknown as Attrs));
    },
  });
}

interface Attrs {
  strides: [number, number] | number;
  pad: 'valid' | 'same' | number;
  dataFormat: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
  filterShape: [number, number, number, number];
}

function filterGradient(given: tf.Tensor4D, dOut: tf.Tensor4D, attrs: Attrs): tf.Tensor4D {
  const { strides, pad, dataFormat, dimRoundingMode, filterShape } = attrs;
  const last = <T extends tf.Tensor>(y: T) =>
    dataFormat === 'NCHW' ? tf.transpose(y, [0, 2, 3, 1]) : y;
  const [x, dy] = [last(given), last(dOut)];
  const info = tf.backend_util.computeConv2DInfo(
    x.shape,
    filterShape,
    strides,
    1,
    pad as number,
    dimRoundingMode,
  );
  const { top, bottom, left, right } = info.padInfo;
  const padded = tf.pad(x, [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]);
  const [batch, , , inChannels] = x.shape;
  const { outHeight, outWidth, strideHeight, strideWidth, outChannels } = info;
  const flat = tf.reshape<tf.Rank.R2>(dy, [batch * outHeight * outWidth, outChannels]);
  const products: tf.Tensor2D[] = [];
  for (let r = 0; r < info.filterHeight; r += 1) {
    for (let c = 0; c < info.filterWidth; c += 1) {
      const end = [r + (outHeight - 1) * strideHeight + 1, c + (outWidth - 1) * strideWidth + 1];
      const seen = tf.stridedSlice(
        padded,
        [0, r, c, 0],
        [batch, end[0]!, end[1]!, inChannels],
        [1, strideHeight, strideWidth, 1],
      );
      const rows = tf.reshape<tf.Rank.R2>(seen, [flat.shape[0], inChannels]);
      products.push(tf.matMul(rows, flat, true, false));
    }
  }
  return tf.reshape(tf.stack(products), filterShape);
}
