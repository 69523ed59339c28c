// Ops that move elements, with random inputs.

import * as tf from '@tensorflow/tfjs';
import { numeric, type MakeFuzzCase } from '../../support/fuzzInputs.ts';

export const shapes: Record<string, MakeFuzzCase> = {
  slice: (d) => {
    const shape = d.shape(1, 6);
    const begin = shape.map((size) => d.int(0, size));
    const size = shape.map((length, i) => (d.chance(0.2) ? -1 : d.int(0, length - begin[i]!)));
    return {
      note: `[${shape}] ${begin} ${size}`,
      inputs: [d.tensor(shape, d.dtype())],
      run: (x) => tf.slice(x!, begin, size),
      grad: true,
    };
  },
  stridedSlice: (d) => {
    const shape = d.shape(1, 5, 3000, 1);
    const at = () => shape.map((size) => d.int(-size - 2, size + 2));
    const begin = at(),
      end = at();
    const mask = () => (d.chance(0.5) ? 0 : d.int(0, 2 ** shape.length - 1));
    const [b, e] = [mask(), mask()];
    // An axis that is taken away has a beginning.
    const s = d.chance(0.7) ? 0 : mask() & ~b & ~e;
    const strides = shape.map((_, i) => ((s >> i) & 1 ? 1 : d.pick([1, 1, 2, 3, -1, -2])));
    return {
      note: `[${shape}] ${begin} | ${end} | ${strides} masks ${b} ${e} ${s}`,
      inputs: [d.tensor(shape, d.dtype())],
      run: (x) => tf.stridedSlice(x!, begin, end, strides, b, e, 0, 0, s),
    };
  },
  concat: (d) => {
    const shape = d.shape(1, 5, 1500);
    const axis = d.axis(shape.length);
    const at = axis < 0 ? axis + shape.length : axis;
    const dtype = d.dtype();
    const inputs = Array.from({ length: d.int(1, 5) }, () =>
      d.tensor(
        shape.map((size, i) => (i === at ? d.length(20) : size)),
        dtype,
      ),
    );
    return {
      note: `${inputs.map((x) => `[${x.shape}]`)} along ${axis}`,
      inputs,
      run: (...x) => tf.concat(x, axis),
      grad: true,
    };
  },
  stack: (d) => {
    const shape = d.shape(0, 4, 900);
    const axis = d.axis(shape.length + 1),
      dtype = d.dtype();
    return {
      note: `[${shape}] along ${axis}`,
      inputs: Array.from({ length: d.int(1, 5) }, () => d.tensor(shape, dtype)),
      run: (...x) => tf.stack(x, axis),
      grad: true,
    };
  },
  unstack: (d) => {
    const shape = d.shape(1, 4, 900, 1);
    const axis = d.axis(shape.length);
    return {
      note: `[${shape}] along ${axis}`,
      inputs: [d.tensor(shape, d.dtype())],
      run: (x) => tf.unstack(x!, axis),
      grad: true,
    };
  },
  split: (d) => {
    const shape = d.shape(1, 4, 2000, 1);
    const axis = d.axis(shape.length);
    const size = shape.at(axis)!;
    const first = d.int(0, size);
    const sizes = d.chance(0.2) ? [first, -1] : [first, size - first];
    return {
      note: `[${shape}] along ${axis} ${sizes}`,
      inputs: [d.tensor(shape, d.dtype())],
      run: (x) => tf.split(x!, sizes, axis),
      grad: true,
    };
  },
  pad: (d) => {
    const shape = d.shape(1, 5, 800);
    const pads = shape.map((): [number, number] => [d.int(0, 3), d.int(0, 3)]);
    const dtype = d.dtype(numeric),
      value = d.int(-2, 2);
    return {
      note: `[${shape}] ${JSON.stringify(pads)}`,
      inputs: [d.tensor(shape, dtype)],
      run: (x) => tf.pad(x!, pads, value),
      grad: true,
    };
  },
  mirrorPad: (d) => {
    const shape = d.shape(1, 4, 800, 1);
    const mode = d.pick(['reflect', 'symmetric'] as const);
    const most = (size: number) => (mode === 'reflect' ? size - 1 : size);
    const pads = shape.map((size): [number, number] => [
      d.int(0, most(size)),
      d.int(0, most(size)),
    ]);
    return {
      note: `[${shape}] ${mode} ${JSON.stringify(pads)}`,
      inputs: [d.tensor(shape, d.dtype(numeric))],
      run: (x) => tf.mirrorPad(x!, pads, mode),
    };
  },
  tile: (d) => {
    const shape = d.shape(1, 4, 300);
    const reps = shape.map(() => d.int(0, 4));
    return {
      note: `[${shape}] ${reps}`,
      inputs: [d.tensor(shape, d.dtype())],
      run: (x) => tf.tile(x!, reps),
      grad: reps.every((r) => r > 0),
    };
  },
  transpose: (d) => {
    const shape = d.shape(0, 6);
    const perm = d.shuffled(shape.map((_, i) => i));
    return {
      note: `[${shape}] ${perm}`,
      inputs: [d.tensor(shape, d.dtype())],
      run: (x) => tf.transpose(x!, perm),
      grad: true,
    };
  },
  reverse: (d) => {
    const shape = d.shape(0, 5);
    const axes = d.axes(shape.length);
    return {
      note: `[${shape}] ${axes}`,
      inputs: [d.tensor(shape, d.dtype())],
      run: (x) => tf.reverse(x!, axes),
      grad: true,
    };
  },
  broadcastTo: (d) => {
    const shape = d.shape(1, 5);
    const from = d.broadcastable(shape);
    return {
      note: `[${from}] → [${shape}]`,
      inputs: [d.tensor(from, d.dtype(numeric))],
      run: (x) => tf.broadcastTo(x!, shape),
      grad: true,
    };
  },
  gather: (d) => {
    const shape = d.shape(1, 5, 2000, 1);
    const axis = d.axis(shape.length);
    const batch = d.chance(0.3) ? d.int(0, axis < 0 ? axis + shape.length : axis) : 0;
    const chosen = [...shape.slice(0, batch), ...d.shape(batch === 0 ? 0 : 1, 2, 60)];
    return {
      note: `[${shape}] along ${axis} at [${chosen}] batch ${batch}`,
      inputs: [d.tensor(shape, d.dtype()), d.indices(chosen, shape.at(axis)!)],
      run: (x, i) => tf.gather(x!, i as tf.Tensor1D, axis, batch),
      grad: batch === 0,
    };
  },
  gatherND: (d) => {
    const shape = d.shape(1, 5, 2000, 1);
    const depth = d.int(1, shape.length);
    const rows = d.shape(0, 2, 60);
    return {
      note: `[${shape}] at [${rows}, ${depth}]`,
      inputs: [d.tensor(shape, d.dtype()), d.places(rows, shape, depth)],
      run: (x, i) => tf.gatherND(x!, i!),
    };
  },
  scatterND: (d) => {
    const shape = d.shape(1, 4, 2000, 1);
    const depth = d.int(1, shape.length);
    const rows = d.shape(1, 2, 60, 1);
    return {
      note: `[${rows}, ${depth}] into [${shape}]`,
      inputs: [
        d.places(rows, shape, depth),
        d.tensor([...rows, ...shape.slice(depth)], d.dtype(numeric)),
      ],
      run: (i, x) => tf.scatterND(i!, x!, shape),
      rtol: 1e-5,
    };
  },
  tensorScatterUpdate: (d) => {
    const shape = d.shape(1, 4, 2000, 1);
    const depth = d.int(1, shape.length);
    const rows = d.int(1, 30),
      dtype = d.dtype();
    return {
      note: `[${rows}, ${depth}] into [${shape}] ${dtype}`,
      inputs: [
        d.tensor(shape, dtype),
        d.places([rows], shape, depth),
        d.tensor([rows, ...shape.slice(depth)], dtype),
      ],
      run: (x, i, u) => tf.tensorScatterUpdate(x!, i!, u!),
    };
  },
  oneHot: (d) => {
    const shape = d.shape(0, 3, 300);
    const depth = d.int(1, 20);
    return {
      note: `[${shape}] ${depth}`,
      inputs: [d.indices(shape, depth + 2)],
      run: (x) => tf.oneHot(x!, depth, 2, -1),
    };
  },
  unsortedSegmentSum: (d) => {
    const shape = d.shape(1, 4, 1500, 1);
    const segments = d.int(1, 12);
    return {
      note: `[${shape}] ${segments}`,
      inputs: [d.tensor(shape, d.dtype(numeric)), d.indices([shape[0]!], segments)],
      run: (x, i) => tf.unsortedSegmentSum(x!, i as tf.Tensor1D, segments),
      rtol: 1e-5,
      grad: true,
    };
  },
  spaceToBatchND: (d) => {
    const blocks = Array.from({ length: d.int(1, 3) }, () => d.int(1, 3));
    const pads = blocks.map(() => [d.int(0, 3), 0]);
    const spatial = blocks.map((block, i) => {
      const size = d.int(1, 9);
      pads[i]![1] = (block - ((size + pads[i]![0]!) % block)) % block;
      return size;
    });
    const shape = [d.int(1, 3), ...spatial, ...d.shape(0, 2, 20, 1)];
    return {
      note: `[${shape}] ${blocks} ${JSON.stringify(pads)}`,
      inputs: [d.tensor(shape, d.dtype(numeric))],
      run: (x) => tf.spaceToBatchND(x!, blocks, pads),
      grad: true,
    };
  },
  batchToSpaceND: (d) => {
    const blocks = Array.from({ length: d.int(1, 3) }, () => d.int(1, 3));
    const shape = [
      blocks.reduce((a, b) => a * b, 1) * d.int(1, 3),
      ...blocks.map(() => d.int(2, 7)),
      ...d.shape(0, 2, 20, 1),
    ];
    const crops = blocks.map(() => [d.int(0, 1), d.int(0, 1)]);
    return {
      note: `[${shape}] ${blocks} ${JSON.stringify(crops)}`,
      inputs: [d.tensor(shape, d.dtype(numeric))],
      run: (x) => tf.batchToSpaceND(x!, blocks, crops),
      grad: true,
    };
  },
  depthToSpace: (d) => {
    const block = d.int(2, 3);
    const shape = [d.int(1, 3), d.int(1, 6), d.int(1, 6), block * block * d.int(1, 5)];
    return {
      note: `[${shape}] ${block}`,
      inputs: [d.tensor(shape, d.dtype(numeric))],
      run: (x) => tf.depthToSpace(x as tf.Tensor4D, block),
    };
  },
  sparseToDense: (d) => {
    const shape = d.shape(1, 3, 900, 1),
      rows = d.int(1, 20),
      dtype = d.dtype(numeric);
    return {
      note: `[${shape}] ${rows}`,
      inputs: [d.places([rows], shape), d.tensor([rows], dtype)],
      run: (i, v) => tf.sparseToDense(i!, v!, shape, 0),
      rtol: 1e-5,
    };
  },
  diag: (d) => {
    const shape = d.shape(1, 3, 40);
    return {
      note: `[${shape}]`,
      inputs: [d.tensor(shape, d.dtype(numeric))],
      run: (x) => tf.diag(x!),
    };
  },
  linspace: (d) => {
    const n = d.int(1, 200),
      [a, b] = [d.int(-9, 9), d.int(-9, 9)];
    return { note: `${a} ${b} ${n}`, inputs: [], run: () => tf.linspace(a, b, n), rtol: 1e-5 };
  },
  range: (d) => {
    const [a, b] = [d.int(-9, 30), d.int(-9, 30)],
      step = d.pick([1, 0.5, 2, 0.1, -1, -0.3]),
      dtype = d.pick(['float32', 'int32'] as const);
    return {
      note: `${a} ${b} ${step} ${dtype}`,
      inputs: [],
      run: () => tf.range(a, b, step, dtype),
    };
  },
  fill: (d) => {
    const shape = d.shape(0, 4),
      value = d.int(-3, 3),
      dtype = d.pick(['float32', 'int32', 'bool'] as const);
    return {
      note: `[${shape}] ${value} ${dtype}`,
      inputs: [],
      run: () => [tf.fill(shape, value, dtype), tf.zeros(shape, dtype), tf.ones(shape, dtype)],
    };
  },
  zerosLike: (d) => {
    const shape = d.shape();
    return {
      note: `[${shape}]`,
      inputs: [d.tensor(shape, d.dtype())],
      run: (x) => [tf.zerosLike(x!), tf.onesLike(x!)],
    };
  },
  dropout: (d) => {
    const shape = d.shape(1, 3);
    return {
      note: `[${shape}]`,
      inputs: [d.tensor(shape)],
      run: (x) => tf.dropout(x!, 0.3, undefined, 7),
    };
  },
  multinomial: (d) => {
    const [rows, classes, n] = [d.int(1, 4), d.int(2, 30), d.int(1, 200)];
    return {
      note: `[${rows}, ${classes}] ${n}`,
      inputs: [d.tensor([rows, classes])],
      run: (x) => tf.multinomial(x as tf.Tensor2D, n, 11),
    };
  },
};
