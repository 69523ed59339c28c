// Images and Fourier transforms, with random inputs.

import * as tf from '@tensorflow/tfjs';
import type { MakeFuzzCase } from '../../support/fuzzInputs.ts';

const resize =
  (name: 'resizeBilinear' | 'resizeNearestNeighbor'): MakeFuzzCase =>
  (d) => {
    const shape = d.image();
    const size: [number, number] = [d.int(1, 20), d.int(1, 20)];
    const align = d.chance(0.4),
      half = !align && d.chance(0.5);
    const dtype = d.chance(0.8) ? 'float32' : 'int32';
    return {
      note: `${dtype} [${shape}] → ${size} ${align} ${half}`,
      inputs: [d.tensor(shape, dtype)],
      run: (x) => tf.image[name](x as tf.Tensor4D, size, align, half),
      rtol: 1e-5,
      adjoint: dtype === 'float32' && !half,
    };
  };

const fourier =
  (name: 'fft' | 'ifft'): MakeFuzzCase =>
  (d) => {
    const shape = d.shape(1, 3, 2000, 1);
    return {
      note: `[${shape}]`,
      inputs: [d.tensor(shape), d.tensor(shape)],
      run: (re, im) => {
        const out = tf.spectral[name](tf.complex(re!, im!));
        return tf.stack([tf.real(out), tf.imag(out)]);
      },
      rtol: 1e-4,
    };
  };

export const images: Record<string, MakeFuzzCase> = {
  resizeBilinear: resize('resizeBilinear'),
  resizeNearestNeighbor: resize('resizeNearestNeighbor'),
  cropAndResize: (d) => {
    const shape = d.image(),
      boxes = d.int(1, 6),
      size: [number, number] = [d.int(1, 9), d.int(1, 9)],
      method = d.pick(['bilinear', 'nearest'] as const);
    return {
      note: `[${shape}] ${boxes} → ${size} ${method}`,
      inputs: [
        d.tensor(shape),
        d.of([boxes, 4], () => d.uniform(-0.2, 1.2)),
        d.indices([boxes], shape[0]),
      ],
      run: (x, b, i) =>
        tf.image.cropAndResize(
          x as tf.Tensor4D,
          b as tf.Tensor2D,
          i as tf.Tensor1D,
          size,
          method,
          0.5,
        ),
      rtol: 1e-4,
    };
  },
  flipLeftRight: (d) => {
    const shape = d.image();
    return {
      note: `[${shape}]`,
      inputs: [d.tensor(shape)],
      run: (x) => tf.image.flipLeftRight(x as tf.Tensor4D),
    };
  },
  rotateWithOffset: (d) => {
    const shape = d.image(),
      angle = d.uniform(-4, 4),
      fill = d.chance(0.5) ? 0.3 : ([0.1, 0.2, 0.3] as [number, number, number]);
    if (typeof fill !== 'number') shape[3] = 3;
    return {
      note: `[${shape}] ${angle}`,
      inputs: [d.tensor(shape)],
      run: (x) => tf.image.rotateWithOffset(x as tf.Tensor4D, angle, fill, 0.4),
    };
  },
  nonMaxSuppression: (d) => {
    const n = d.int(1, 60);
    const corners = d.of([n, 4], () => d.uniform(0, 1));
    const most = d.int(1, n),
      iou = d.uniform(0, 1),
      score = d.uniform(-1, 0.5);
    return {
      note: `${n} ${most} ${iou} ${score}`,
      inputs: [corners, d.tensor([n])],
      run: (b, s) =>
        tf.image.nonMaxSuppression(b as tf.Tensor2D, s as tf.Tensor1D, most, iou, score),
    };
  },
  nonMaxSuppressionWithScore: (d) => {
    const n = d.int(1, 60),
      most = d.int(1, n),
      sigma = d.uniform(0, 1);
    return {
      note: `${n} ${most} ${sigma}`,
      inputs: [d.of([n, 4], () => d.uniform(0, 1)), d.tensor([n])],
      run: (b, s) => {
        const { selectedIndices, selectedScores } = tf.image.nonMaxSuppressionWithScore(
          b as tf.Tensor2D,
          s as tf.Tensor1D,
          most,
          0.6,
          -1,
          sigma,
        ) as Record<string, tf.Tensor>;
        return [selectedIndices!, selectedScores!];
      },
      rtol: 1e-5,
    };
  },
  fft: fourier('fft'),
  ifft: fourier('ifft'),
  rfft: (d) => {
    const shape = d.shape(1, 3, 1500, 1);
    const length = d.chance(0.5) ? d.int(1, 60) : undefined;
    return {
      note: `[${shape}] ${length}`,
      inputs: [d.tensor(shape)],
      run: (x) => {
        const out = tf.spectral.rfft(x!, length);
        return tf.stack([tf.real(out), tf.imag(out)]);
      },
      rtol: 1e-4,
    };
  },
  irfft: (d) => {
    const shape = d.shape(1, 2, 900, 2);
    return {
      note: `[${shape}]`,
      inputs: [d.tensor(shape), d.tensor(shape)],
      run: (re, im) => tf.spectral.irfft(tf.complex(re!, im!)),
      rtol: 1e-4,
    };
  },
};
