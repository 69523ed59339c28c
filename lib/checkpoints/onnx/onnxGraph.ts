// A graph of ONNX while it is built: its operations, the weights they take, its inputs and outputs.

import { CheckpointError, InputError, expected, listed } from '../../core/errors.ts';
import { sizeOf } from '../../core/check.ts';
import { isNumericDtype, toFloat32, type HostTensor } from '../hostTensor.ts';

/** The name of a tensor in a graph. */
export type Value = string;

/** An attribute of an operation: integers, a float, or a list of integers. */
export type Attribute = { readonly int: number } | { readonly float: number } | readonly number[];

/** An operation, under the names of ONNX's operator set. */
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A tensor that is stored in the file. @property values  its elements, made when they are written */
export interface Initializer {
  readonly kind: 'float32' | 'int64';
  readonly dims: readonly number[];
  values(): Float32Array | BigInt64Array;
}

/** An input or output of a graph; a size that is a word may be any, the same wherever the word stands. */
export interface Port {
  readonly name: Value;
  readonly dims: readonly (number | string)[];
}

/** The name of the first axis of every input and output, of which any size is taken. */
export const batchAxis = 'batch';

/**
 * The graph of a model, which a family fills with operations of ONNX's operator set 17.
 *
 * It takes the weights out of a checkpoint, float32 whatever their dtype, and remembers which: `assertAllUsed` refuses a graph that leaves
 * one out, because it would be another model.
 *
 * @example
 * const graph = new OnnxGraph(tensors);
 * const x = graph.input('pixel_values', ['batch', 3, 32, 32]);
 * graph.output('logits', graph.linear(flat, 'head', {inFeatures: 192, outFeatures: 10}), ['batch', 10]);
 */
export class OnnxGraph {
  readonly nodes: OnnxNode[] = [];
  readonly initializers = new Map<Value, Initializer>();
  readonly inputs: Port[] = [];
  readonly outputs: Port[] = [];
  private readonly tensors: ReadonlyMap<string, HostTensor>;
  private readonly used = new Set<string>();
  private readonly names = new Set<string>();

  constructor(tensors: ReadonlyMap<string, HostTensor>) {
    this.tensors = tensors;
  }

  /** Adds an input of float32. */
  input(name: string, dims: Port['dims']): Value {
    this.inputs.push({ name: this.named(name), dims });
    return name;
  }

  /** Makes a value an output of the graph, under a name of its own. */
  output(name: string, value: Value, dims: Port['dims']): void {
    this.node('Identity', [value], name);
    this.outputs.push({ name, dims });
  }

  /** An operation with one result. @param name  of the result, made unique */
  node(
    op: string,
    inputs: readonly Value[],
    name: string,
    attributes: OnnxNode['attributes'] = {},
  ): Value {
    const output = this.named(name);
    this.nodes.push({ op, inputs, outputs: [output], attributes });
    return output;
  }

  /** Parts of a value along an axis, of the given sizes. */
  split(value: Value, axis: number, sizes: readonly number[], names: readonly string[]): Value[] {
    const outputs = names.map((name) => this.named(name));
    const inputs = [value, this.integers(sizes)];
    this.nodes.push({ op: 'Split', inputs, outputs, attributes: { axis: { int: axis } } });
    return outputs;
  }

  /** A weight of the checkpoint by its name there. @throws CheckpointError if it is missing, or of another shape or dtype */
  weight(name: string, dims: readonly number[]): Value {
    const tensor = this.take(name, dims);
    return this.stored(name, { kind: 'float32', dims, values: () => toFloat32(tensor, name) });
  }

  /** Whether the checkpoint has a tensor of this name. */
  has(name: string): boolean {
    return this.tensors.has(name);
  }

  /** y = x·Wᵀ + b on the last axis, of the weights `path.weight` [O, I], stored as [I, O], and `path.bias` [O]. */
  linear(
    x: Value,
    path: string,
    { inFeatures, outFeatures, bias = true }: LinearSizes & { bias?: boolean },
  ): Value {
    const tensor = this.take(`${path}.weight`, [outFeatures, inFeatures]);
    const matrix = this.stored(`${path}.weight`, {
      kind: 'float32',
      dims: [inFeatures, outFeatures],
      values: () => transposed(toFloat32(tensor, path), outFeatures, inFeatures),
    });
    const product = this.node('MatMul', [x, matrix], bias ? `${path}.product` : path);
    return bias
      ? this.node('Add', [product, this.weight(`${path}.bias`, [outFeatures])], path)
      : product;
  }

  /** The layer norm of `path` over the last axis, of size `dim`. */
  layerNorm(x: Value, path: string, dim: number, epsilon: number): Value {
    const weights = [this.weight(`${path}.weight`, [dim]), this.weight(`${path}.bias`, [dim])];
    const attributes = { axis: { int: -1 }, epsilon: { float: epsilon } };
    return this.node('LayerNormalization', [x, ...weights], path, attributes);
  }

  /** A float32 constant that is no weight. */
  constant(name: string, dims: readonly number[], values: Float32Array): Value {
    return this.stored(name, { kind: 'float32', dims, values: () => values });
  }

  /** A float32 scalar; equal ones are stored once. */
  scalar(value: number): Value {
    const name = `scalar ${value}`;
    if (this.initializers.has(name)) return name;
    return this.constant(name, [], Float32Array.of(value));
  }

  /** A list of integers, such as a shape; equal ones are stored once. */
  integers(values: readonly number[]): Value {
    const name = `integers ${values.join(',')}`;
    if (this.initializers.has(name)) return name;
    const dims = [values.length];
    return this.stored(name, { kind: 'int64', dims, values: () => BigInt64Array.from(values, BigInt) });
  }

  /** The value in another shape; a size of 0 stays as it is. */
  reshape(x: Value, dims: readonly number[], name: string): Value {
    return this.node('Reshape', [x, this.integers(dims)], name);
  }

  /** The value with its axes in another order. */
  transpose(x: Value, order: readonly number[], name: string): Value {
    return this.node('Transpose', [x], name, { perm: order });
  }

  /**
   * Makes sure that every tensor of the checkpoint is in the graph.
   *
   * @param idle  names that have no part in the results
   * @throws CheckpointError listing the tensors that the graph has no place for
   */
  assertAllUsed(idle: RegExp = /^$/): void {
    const rest = [...this.tensors.keys()].filter((name) => !this.used.has(name) && !idle.test(name));
    if (rest.length === 0) return;
    const remedy = 'Convert to safetensors instead.';
    const what = 'only tensors of this configuration for ONNX';
    throw new CheckpointError(expected(what, 'the checkpoint', listed(rest), remedy));
  }

  private take(name: string, dims: readonly number[]): HostTensor {
    const tensor = this.tensors.get(name);
    const shape = `[${dims.join(', ')}]`;
    if (tensor === undefined) throw new CheckpointError(expected(`a tensor ${shape}`, name, 'none'));
    const { dtype, shape: own, data } = tensor;
    if (own.join() !== dims.join() || data.length !== sizeOf(dims)) {
      throw new CheckpointError(expected(`a tensor ${shape}`, name, own));
    }
    if (!isNumericDtype(dtype)) {
      throw new CheckpointError(expected('a dtype with values in float32', name, dtype));
    }
    this.used.add(name);
    return tensor;
  }

  private stored(name: string, initializer: Initializer): Value {
    const own = this.named(name);
    this.initializers.set(own, initializer);
    return own;
  }

  // A graph has every name once.
  private named(name: string): string {
    let own = name;
    for (let i = 2; this.names.has(own); i += 1) own = `${name} (${i})`;
    this.names.add(own);
    return own;
  }
}

/** The widths of a linear layer. */
export interface LinearSizes {
  readonly inFeatures: number;
  readonly outFeatures: number;
}

/** A refusal of something that the graph cannot say. @returns the error, to be thrown */
export function notInOnnx(option: string, value: unknown, can: string): InputError {
  return new InputError(expected(`${can} for ONNX`, option, value, 'Convert to safetensors instead.'));
}

// [rows, columns] → [columns, rows], by squares that stay in the cache.
function transposed(from: Float32Array, rows: number, columns: number): Float32Array {
  const to = new Float32Array(from.length);
  const side = 32;
  for (let top = 0; top < rows; top += side) {
    const bottom = Math.min(top + side, rows);
    for (let left = 0; left < columns; left += side) {
      const right = Math.min(left + side, columns);
      for (let row = top; row < bottom; row += 1) {
        for (let column = left; column < right; column += 1) {
          to[column * rows + row] = from[row * columns + column]!;
        }
      }
    }
  }
  return to;
}
