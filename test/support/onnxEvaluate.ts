// Evaluates a file of ONNX with plain loops in float64: the operations as the operator set defines them, and none of the library's.

import type { OnnxFile, OnnxValue } from './onnxFile.ts';

/** A tensor of plain numbers, row-major. */
export interface Plain {
  dims: number[];
  data: number[];
}

type Attributes = ReadonlyMap<string, OnnxValue>;
type Operation = (inputs: Plain[], attributes: Attributes, outputs: number) => Plain[];

const sizeOf = (dims: readonly number[]) => dims.reduce((product, size) => product * size, 1);
const stridesOf = (dims: readonly number[]) => dims.map((_, axis) => sizeOf(dims.slice(axis + 1)));
const axisOf = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);
const list = (attributes: Attributes, name: string) => attributes.get(name) as number[];
const int = (attributes: Attributes, name: string) => attributes.get(name) as number;

/** The result at each place of a shape. */
function build(dims: readonly number[], at: (index: number[]) => number): Plain {
  const strides = stridesOf(dims);
  const data = Array.from({ length: sizeOf(dims) }, (_, i) =>
    at(dims.map((size, axis) => Math.floor(i / strides[axis]!) % size)),
  );
  return { dims: [...dims], data };
}

function valueAt({ dims, data }: Plain, index: readonly number[]): number {
  const strides = stridesOf(dims);
  return data[index.reduce((sum, place, axis) => sum + place * strides[axis]!, 0)]!;
}

// The place in a tensor that a place in the broadcast shape comes from.
function source(dims: readonly number[], index: readonly number[]): number[] {
  const behind = index.slice(index.length - dims.length);
  return dims.map((size, axis) => (size === 1 ? 0 : behind[axis]!));
}

function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length);
  const full = (dims: readonly number[]) => [...Array<number>(rank - dims.length).fill(1), ...dims];
  const [left, right] = [full(a), full(b)];
  return left.map((size, axis) => {
    const other = right[axis]!;
    if (size !== other && size !== 1 && other !== 1) throw new Error(`${a.join()} and ${b.join()}`);
    return Math.max(size, other);
  });
}

const binary =
  (compute: (a: number, b: number) => number): Operation =>
  ([a, b]) => [
    build(broadcast(a!.dims, b!.dims), (index) =>
      compute(valueAt(a!, source(a!.dims, index)), valueAt(b!, source(b!.dims, index))),
    ),
  ];

const unary =
  (compute: (x: number) => number): Operation =>
  ([x]) => [{ dims: x!.dims, data: x!.data.map(compute) }];

const reduce =
  (compute: (values: number[]) => number): Operation =>
  ([x], attributes) => {
    const keeps = int(attributes, 'keepdims') === 1;
    const axes = list(attributes, 'axes').map((axis) => axisOf(axis, x!.dims.length));
    const kept = x!.dims.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const inner = axes.map((axis) => x!.dims[axis]!);
    const reduced = build(
      kept.map((axis) => x!.dims[axis]!),
      (index) =>
        compute(
          build(inner, (other) => {
            const place = x!.dims.map(() => 0);
            kept.forEach((axis, i) => (place[axis] = index[i]!));
            axes.forEach((axis, i) => (place[axis] = other[i]!));
            return valueAt(x!, place);
          }).data,
        ),
    );
    const ones = x!.dims.map((size, axis) => (axes.includes(axis) ? 1 : size));
    return [keeps ? { ...reduced, dims: ones } : reduced];
  };

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;

// Each row of the last axis by a function.
function rows(x: Plain, compute: (row: number[]) => number[]): Plain {
  const width = x.dims.at(-1)!;
  const data: number[] = [];
  for (let at = 0; at < x.data.length; at += width)
    data.push(...compute(x.data.slice(at, at + width)));
  return { dims: x.dims, data };
}

// erf by its series, exact to double precision for the arguments of a test.
function erf(x: number): number {
  if (Math.abs(x) > 5) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; n < 120; n += 1) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

function matMul([a, b]: Plain[]): Plain[] {
  const [m, k] = a!.dims.slice(-2) as [number, number];
  const n = b!.dims.at(-1)!;
  if (b!.dims.at(-2) !== k) throw new Error(`${a!.dims.join()} · ${b!.dims.join()}`);
  const outer = broadcast(a!.dims.slice(0, -2), b!.dims.slice(0, -2));
  const data: number[] = [];
  build(outer, (index) => {
    const start = ({ dims }: Plain, size: number) => {
      const own = dims.slice(0, -2);
      const strides = stridesOf(own);
      return (
        size * source(own, index).reduce((sum, place, axis) => sum + place * strides[axis]!, 0)
      );
    };
    const [left, right] = [start(a!, m * k), start(b!, k * n)];
    for (let i = 0; i < m; i += 1) {
      for (let j = 0; j < n; j += 1) {
        let sum = 0;
        for (let l = 0; l < k; l += 1)
          sum += a!.data[left + i * k + l]! * b!.data[right + l * n + j]!;
        data.push(sum);
      }
    }
    return 0;
  });
  return [{ dims: [...outer, m, n], data }];
}

const windowOf = (attributes: Attributes) => {
  const [height, width] = list(attributes, 'kernel_shape') as [number, number];
  const [down, right] = list(attributes, 'strides') as [number, number];
  const [top = 0, left = 0] = (attributes.get('pads') as number[] | undefined) ?? [];
  const side = (size: number, pad: number, kernel: number, stride: number) =>
    Math.floor((size + 2 * pad - kernel) / stride) + 1;
  const result = ([h, w]: number[]) => [side(h!, top, height, down), side(w!, left, width, right)];
  // The values of one channel that a place of the result sees; 'outside' where there is none.
  const seen = (x: Plain, [b, c, y, z]: number[], outside: number) => {
    const values: number[] = [];
    for (let i = 0; i < height; i += 1) {
      for (let j = 0; j < width; j += 1) {
        const [row, column] = [y! * down + i - top, z! * right + j - left];
        const inside = row >= 0 && column >= 0 && row < x.dims[2]! && column < x.dims[3]!;
        values.push(inside ? valueAt(x, [b!, c!, row, column]) : outside);
      }
    }
    return values;
  };
  return { result, seen };
};

const operations: Readonly<Record<string, Operation>> = {
  Identity: ([x]) => [x!],
  Add: binary((a, b) => a + b),
  Mul: binary((a, b) => a * b),
  Div: binary((a, b) => a / b),
  Pow: binary((a, b) => a ** b),
  Erf: unary(erf),
  Sqrt: unary(Math.sqrt),
  Tanh: unary(Math.tanh),
  Relu: unary((x) => Math.max(x, 0)),
  Sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  MatMul: matMul,
  ReduceMean: reduce(mean),
  ReduceMax: reduce((values) => Math.max(...values)),
  Softmax: ([x]) => [
    rows(x!, (row) => {
      const most = Math.max(...row);
      const powers = row.map((value) => Math.exp(value - most));
      const sum = powers.reduce((a, b) => a + b, 0);
      return powers.map((value) => value / sum);
    }),
  ],
  LayerNormalization: ([x, gamma, beta], attributes) => [
    rows(x!, (row) => {
      const centre = mean(row);
      const variance = mean(row.map((value) => (value - centre) ** 2));
      const scale = 1 / Math.sqrt(variance + int(attributes, 'epsilon'));
      return row.map((value, c) => (value - centre) * scale * gamma!.data[c]! + beta!.data[c]!);
    }),
  ],
  BatchNormalization: ([x, gamma, beta, centre, variance], attributes) => [
    build(x!.dims, (index) => {
      const c = index[1]!;
      const scale = gamma!.data[c]! / Math.sqrt(variance!.data[c]! + int(attributes, 'epsilon'));
      return (valueAt(x!, index) - centre!.data[c]!) * scale + beta!.data[c]!;
    }),
  ],
  Conv: ([x, weight, bias], attributes) => {
    const { result, seen } = windowOf(attributes);
    const [out, channels] = weight!.dims as [number, number];
    const window = sizeOf(weight!.dims.slice(2));
    const dims = [x!.dims[0]!, out, ...result(x!.dims.slice(2))];
    return [
      build(dims, ([b, o, y, z]) => {
        let sum = bias?.data[o!] ?? 0;
        for (let c = 0; c < channels; c += 1) {
          const start = (o! * channels + c) * window;
          seen(x!, [b!, c, y!, z!], 0).forEach(
            (value, i) => (sum += value * weight!.data[start + i]!),
          );
        }
        return sum;
      }),
    ];
  },
  MaxPool: ([x], attributes) => {
    const { result, seen } = windowOf(attributes);
    const dims = [...x!.dims.slice(0, 2), ...result(x!.dims.slice(2))];
    return [build(dims, (index) => Math.max(...seen(x!, index, -Infinity)))];
  },
  Reshape: ([x, shape]) => {
    const dims = shape!.data.map((size, axis) => (size === 0 ? x!.dims[axis]! : size));
    if (sizeOf(dims) !== x!.data.length) throw new Error(`${x!.dims.join()} as ${dims.join()}`);
    return [{ dims, data: x!.data }];
  },
  Squeeze: ([x, axes]) => [
    { dims: x!.dims.filter((_, axis) => !axes!.data.includes(axis)), data: x!.data },
  ],
  Transpose: ([x], attributes) => {
    const order = list(attributes, 'perm');
    return [
      build(
        order.map((axis) => x!.dims[axis]!),
        (index) =>
          valueAt(
            x!,
            x!.dims.map((_, axis) => index[order.indexOf(axis)]!),
          ),
      ),
    ];
  },
  Shape: ([x], attributes) => {
    const dims = x!.dims.slice(int(attributes, 'start'), int(attributes, 'end'));
    return [{ dims: [dims.length], data: dims }];
  },
  Expand: ([x, shape]) => [
    build(broadcast(x!.dims, shape!.data), (index) => valueAt(x!, source(x!.dims, index))),
  ],
  Concat: (inputs, attributes) => {
    const axis = int(attributes, 'axis');
    const dims = [...inputs[0]!.dims];
    dims[axis] = inputs.reduce((sum, one) => sum + one.dims[axis]!, 0);
    return [
      build(dims, (index) => {
        let place = index[axis]!;
        const from = inputs.find((one) => {
          if (place < one.dims[axis]!) return true;
          place -= one.dims[axis]!;
          return false;
        })!;
        return valueAt(
          from,
          index.map((own, i) => (i === axis ? place : own)),
        );
      }),
    ];
  },
  Slice: ([x, starts, ends, axes]) => {
    const [start, end, axis] = [starts!.data[0]!, ends!.data[0]!, axes!.data[0]!];
    const dims = x!.dims.map((size, i) => (i === axis ? end - start : size));
    return [
      build(dims, (index) =>
        valueAt(
          x!,
          index.map((own, i) => (i === axis ? own + start : own)),
        ),
      ),
    ];
  },
  Split: ([x, sizes], attributes) => {
    const axis = int(attributes, 'axis');
    let start = 0;
    return sizes!.data.map((length) => {
      const from = start;
      start += length;
      const dims = x!.dims.map((size, i) => (i === axis ? length : size));
      return build(dims, (index) =>
        valueAt(
          x!,
          index.map((own, i) => (i === axis ? own + from : own)),
        ),
      );
    });
  },
};

/** The outputs of a file for one input, by name. Every value has to be defined before it is used, and once. */
export function evaluateOnnx(file: OnnxFile, input: Plain): Map<string, Plain> {
  const values = new Map<string, Plain>(file.initializers);
  values.set(file.inputs[0]!.name, input);
  for (const { op, inputs, outputs, attributes } of file.nodes) {
    const given = inputs.map((name) => {
      const value = values.get(name);
      if (value === undefined) throw new Error(`${op} takes ${name}, which is not there yet`);
      return value;
    });
    const operation = operations[op];
    if (operation === undefined) throw new Error(`no operation ${op}`);
    operation(given, attributes, outputs.length).forEach((value, i) => {
      if (values.has(outputs[i]!)) throw new Error(`${outputs[i]} twice`);
      values.set(outputs[i]!, value);
    });
  }
  return new Map(file.outputs.map(({ name }) => [name, values.get(name)!]));
}
