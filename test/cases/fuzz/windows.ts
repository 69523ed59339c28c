// Windows over images and volumes: convolutions, pooling, dilation; with random inputs.

import * as tf from '@tensorflow/tfjs';
import type { MakeFuzzCase, FuzzInputs } from '../../support/fuzzInputs.ts';

const activations = ['linear', 'relu', 'relu6', 'elu', 'sigmoid', 'leakyrelu'] as const;

/** Strides, dilations (one of them 1) and a padding. */
function window<T extends number[]>(d: FuzzInputs, filter: T, size: readonly number[]) {
  const dilated = d.chance(0.3);
  const strides = filter.map(() => (dilated ? 1 : d.int(1, 3)));
  const dilations = filter.map(() => (dilated ? d.int(1, 3) : 1));
  const fits = filter.every((f, i) => (f - 1) * dilations[i]! + 1 <= size[i]!);
  const pad = fits && d.chance(0.5) ? ('valid' as const) : ('same' as const);
  return { strides: strides as T, dilations: dilations as T, pad };
}

type Pads = [[number, number], [number, number], [number, number], [number, number]];
function explicitPads(d: FuzzInputs): Pads {
  return [
    [0, 0],
    [d.int(0, 4), d.int(3, 6)],
    [d.int(0, 4), d.int(3, 6)],
    [0, 0],
  ];
}

function drawPool(name: 'maxPool' | 'avgPool'): MakeFuzzCase {
  return (d) => {
    const shape = d.image();
    const filter: [number, number] = [d.int(1, 4), d.int(1, 4)];
    const { strides, pad } = window(d, filter, [shape[1], shape[2]]);
    const x = d.of(shape, () => d.int(-50, 50) / 8);
    return {
      note: `[${shape}] ${filter} ${strides} ${pad}`,
      inputs: [x],
      run: (v) => tf[name](v as tf.Tensor4D, filter, strides, pad),
      rtol: 1e-5,
      grad: true,
    };
  };
}

function drawPool3d(name: 'maxPool3d' | 'avgPool3d'): MakeFuzzCase {
  return (d) => {
    const shape: [number, number, number, number, number] = [
      d.int(1, 2),
      d.int(1, 7),
      d.int(1, 7),
      d.int(1, 7),
      d.length(18, 1),
    ];
    const side = d.int(1, 3);
    const filter: [number, number, number] = [side, side, side];
    const { strides, pad } = window(d, filter, shape.slice(1, 4));
    return {
      note: `[${shape}] ${filter} ${strides} ${pad}`,
      inputs: [d.tensor(shape)],
      run: (v) => tf[name](v as tf.Tensor5D, filter, strides, pad),
      rtol: 1e-5,
      grad: true,
    };
  };
}

function drawConvolution(d: FuzzInputs, depthwise: boolean) {
  const shape = d.image();
  const filter: [number, number] = [d.int(1, 5), d.int(1, 5)];
  const { strides, dilations, pad } = window(d, filter, [shape[1], shape[2]]);
  const kernel = [...filter, shape[3], depthwise ? d.int(1, 3) : d.length(24, 1)] as [
    number,
    number,
    number,
    number,
  ];
  const how = d.chance(0.3) ? explicitPads(d) : pad;
  return {
    shape,
    kernel,
    strides,
    dilations,
    how,
    note: `[${shape}] ∗ [${kernel}] ${strides} ${dilations} ${JSON.stringify(how)}`,
  };
}

export const windows: Record<string, MakeFuzzCase> = {
  conv2d: (d) => {
    const c = drawConvolution(d, false);
    return {
      note: c.note,
      inputs: [d.tensor(c.shape), d.tensor(c.kernel)],
      run: (x, w) =>
        tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, c.strides, c.how, 'NHWC', c.dilations),
      rtol: 2e-5,
      grad: c.dilations.every((i) => i === 1),
    };
  },
  conv2dChannelsFirst: (d) => {
    const c = drawConvolution(d, false);
    const [b, h, w, k] = c.shape;
    const pad = typeof c.how === 'string' ? c.how : 'same';
    return {
      note: c.note,
      inputs: [d.tensor([b, k, h, w]), d.tensor(c.kernel)],
      run: (x, f) =>
        tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, c.strides, pad, 'NCHW', c.dilations),
      rtol: 2e-5,
    };
  },
  fusedConv2d: (d) => {
    const c = drawConvolution(d, false);
    const activation = d.pick(activations),
      n = c.kernel[3];
    return {
      note: `${activation} ${c.note}`,
      inputs: [d.tensor(c.shape), d.tensor(c.kernel), d.tensor([n])],
      run: (x, w, bias) =>
        tf.fused.conv2d({
          x: x as tf.Tensor4D,
          filter: w as tf.Tensor4D,
          strides: c.strides,
          pad: c.how,
          dilations: c.dilations,
          bias: bias!,
          activation,
          leakyreluAlpha: 0.2,
        }),
      rtol: 2e-5,
    };
  },
  depthwiseConv2d: (d) => {
    const c = drawConvolution(d, true);
    const stride = c.strides[0];
    return {
      note: c.note,
      inputs: [d.tensor(c.shape), d.tensor(c.kernel)],
      run: (x, w) =>
        tf.depthwiseConv2d(x as tf.Tensor4D, w as tf.Tensor4D, stride, c.how, 'NHWC', c.dilations),
      rtol: 2e-5,
      grad: c.dilations.every((i) => i === 1),
    };
  },
  separableConv2d: (d) => {
    const c = drawConvolution(d, true);
    const out = d.int(1, 20);
    return {
      note: `${c.note} → ${out}`,
      inputs: [
        d.tensor(c.shape),
        d.tensor(c.kernel),
        d.tensor([1, 1, c.kernel[2] * c.kernel[3], out]),
      ],
      run: (x, w, p) =>
        tf.separableConv2d(
          x as tf.Tensor4D,
          w as tf.Tensor4D,
          p as tf.Tensor4D,
          c.strides[0],
          'same',
          c.dilations,
        ),
      rtol: 2e-5,
    };
  },
  conv2dTranspose: (d) => {
    const [b, h, w, k] = d.image();
    const filter = [d.int(1, 4), d.int(1, 4)],
      stride = d.int(1, 3),
      out = d.int(1, 20);
    const valid = d.chance(0.4) && filter.every((f) => f >= stride);
    const size = (length: number, f: number) =>
      valid ? (length - 1) * stride + f : length * stride;
    const shape: [number, number, number, number] = [
      b,
      size(h, filter[0]!),
      size(w, filter[1]!),
      out,
    ];
    return {
      note: `[${b}, ${h}, ${w}, ${k}] ${filter} ${stride} → [${shape}] ${valid}`,
      inputs: [d.tensor([b, h, w, k]), d.tensor([filter[0]!, filter[1]!, out, k])],
      run: (x, f) =>
        tf.conv2dTranspose(
          x as tf.Tensor4D,
          f as tf.Tensor4D,
          shape,
          stride,
          valid ? 'valid' : 'same',
        ),
      rtol: 2e-5,
      grad: true,
    };
  },
  conv1d: (d) => {
    const shape = [d.int(1, 3), d.int(5, 40), d.length(20, 1)],
      f = d.int(1, 5),
      out = d.length(20, 1),
      stride = d.int(1, 3);
    return {
      note: `[${shape}] ${f} → ${out} ${stride}`,
      inputs: [d.tensor(shape), d.tensor([f, shape[2]!, out])],
      run: (x, w) => tf.conv1d(x as tf.Tensor3D, w as tf.Tensor3D, stride, 'same'),
      rtol: 2e-5,
      grad: true,
    };
  },
  conv3d: (d) => {
    const shape = [d.int(1, 2), d.int(1, 6), d.int(1, 6), d.int(1, 6), d.length(9, 1)];
    const filter: [number, number, number] = [d.int(1, 3), d.int(1, 3), d.int(1, 3)];
    const { strides, pad } = window(d, filter, shape.slice(1, 4));
    const kernel = [...filter, shape[4]!, d.length(9, 1)];
    return {
      note: `[${shape}] ∗ [${kernel}] ${strides} ${pad}`,
      inputs: [d.tensor(shape), d.tensor(kernel)],
      run: (x, w) => tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, strides, pad),
      rtol: 2e-5,
      grad: true,
    };
  },
  conv3dTranspose: (d) => {
    const [b, c, out, stride] = [d.int(1, 2), d.length(9, 1), d.int(1, 6), d.int(1, 2)];
    const size = [d.int(1, 4), d.int(1, 4), d.int(1, 4)];
    const shape = [b, ...size.map((s) => s * stride), out] as [
      number,
      number,
      number,
      number,
      number,
    ];
    return {
      note: `[${b}, ${size}, ${c}] → [${shape}] ${stride}`,
      inputs: [d.tensor([b, ...size, c]), d.tensor([3, 2, 3, out, c])],
      run: (x, f) => tf.conv3dTranspose(x as tf.Tensor5D, f as tf.Tensor5D, shape, stride, 'same'),
      rtol: 2e-5,
    };
  },
  maxPool: drawPool('maxPool'),
  avgPool: drawPool('avgPool'),
  maxPool3d: drawPool3d('maxPool3d'),
  avgPool3d: drawPool3d('avgPool3d'),
  maxPoolWithArgmax: (d) => {
    const shape = d.image(),
      filter: [number, number] = [d.int(1, 3), d.int(1, 3)],
      strides: [number, number] = [d.int(1, 3), d.int(1, 3)],
      batched = d.chance(0.5);
    return {
      note: `[${shape}] ${filter} ${strides} ${batched}`,
      inputs: [d.tensor(shape)],
      run: (x) => {
        const { result, indexes } = tf.maxPoolWithArgmax(
          x as tf.Tensor4D,
          filter,
          strides,
          'same',
          batched,
        );
        return [result!, indexes!];
      },
    };
  },
  dilation2d: (d) => {
    const shape = d.image(),
      sides: [number, number] = [d.int(1, 4), d.int(1, 4)],
      filter = [...sides, shape[3]];
    const { strides, dilations } = window(d, sides, [shape[1], shape[2]]);
    return {
      note: `[${shape}] [${filter}] ${strides} ${dilations}`,
      inputs: [d.tensor(shape), d.tensor(filter)],
      run: (x, f) => tf.dilation2d(x as tf.Tensor4D, f as tf.Tensor3D, strides, 'same', dilations),
      rtol: 1e-6,
      grad: true,
    };
  },
};
