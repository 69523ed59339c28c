// The backend: the CPU backend of tfjs with its storage in pooled memory and its kernels replaced by native ones.

import { MathBackendCPU } from '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import type { Elements, NativeBinding } from './binding.ts';
import { BufferPool, type Block } from './bufferPool.ts';

type Values = tf.backend_util.BackendValues;
interface ElementsConstructor<T> {
  readonly BYTES_PER_ELEMENT: number;
  new (length: number): T;
  new (buffer: ArrayBuffer, offset: number, length: number): T;
}
/** Identifies the data of a tensor; clones share it. */
export type DataId = tf.TensorInfo['dataId'];

// A passing output may take a block up to so many times its size: a branch saves about four times its tokens.
const PASSING_UP_TO = 4.5;

// An array made of the values of some tensors, for as long as they stay the same.
interface Derived {
  readonly layout: string;
  /** The serial number and the count of changes of each source tensor's data. */
  readonly of: readonly number[];
  readonly block: Block;
  readonly values: Float32Array;
}

/**
 * The data of a tensor.
 *
 * `values` is what tfjs's CPU kernels use. They may keep the array, or a view of it, in another tensor; so once it was asked for,
 * its memory is not lent again. Native kernels ask for `raw` and keep nothing.
 */
class TensorData {
  static #count = 0;
  readonly serial = (TensorData.#count += 1);
  readonly dtype: tf.DataType;
  refCount: number;
  complexTensorInfos?: { real: tf.TensorInfo; imag: tf.TensorInfo };
  /** Counts the occasions on which the values may have been changed. */
  changes = 0;
  /** Made of these values and of others; see `NativeBackend.derived`. */
  derived: Derived | undefined;
  #raw: Values | undefined;
  #block: Block | undefined;
  #asked = false;

  constructor(dtype: tf.DataType, raw: Values | undefined, refCount: number, block?: Block) {
    this.dtype = dtype;
    this.#raw = raw;
    this.refCount = refCount;
    this.#block = block;
  }

  get values(): Values | undefined {
    this.#block = undefined;
    this.changes += 1;
    return this.#raw;
  }

  get raw(): Values | undefined {
    return this.#raw;
  }

  /** Moves the values into memory that nobody else has; the old array is left as it is to whoever holds it. */
  own(block: Block): void {
    const from = this.#raw as Float32Array;
    const values = new Float32Array(block.buffer, block.offset, from.length);
    values.set(from);
    this.#raw = values;
    this.#block = block;
  }

  /** Whether nobody has asked before for something that is made of these values. */
  isFirstDerivation(): boolean {
    const first = !this.#asked;
    this.#asked = true;
    return first;
  }

  get pooled(): boolean {
    return this.#block !== undefined;
  }

  takeBlock(): Block | undefined {
    const block = this.#block;
    this.#block = undefined;
    return block;
  }

  /** As `takeBlock`; the values are gone. */
  release(): Block | undefined {
    this.#raw = undefined;
    return this.takeBlock();
  }
}

/**
 * tfjs's CPU backend with memory from a pool and a native addon to compute with.
 *
 * Every kernel of the CPU backend runs on it; those replaced by native ones are in `kernels/`. `dataSync` and `data` return
 * copies of what native kernels computed, which stay as they are whatever happens to the tensor.
 */
export class NativeBackend extends MathBackendCPU {
  readonly binding: NativeBinding;
  readonly pool: BufferPool;
  /** The instruction set in use, on which the last bits of results depend: `avx2`. */
  readonly instructionSet: string;
  #nextId = 0;

  constructor(binding: NativeBinding) {
    super();
    this.binding = binding;
    this.pool = new BufferPool(binding);
    this.instructionSet = binding.isa();
  }

  override write(values: Values, _shape: number[], dtype: tf.DataType): DataId {
    return this.#store(new TensorData(dtype, values, 1));
  }

  override move(
    dataId: DataId,
    values: Values,
    _shape: number[],
    dtype: tf.DataType,
    refCount: number,
  ): void {
    this.data.set(dataId, new TensorData(dtype, values, refCount) as never);
  }

  override readSync(dataId: DataId): Values {
    const data = this.#data(dataId);
    if (!data.pooled) return super.readSync(dataId);
    return (data.raw as Elements).slice();
  }

  override disposeData(dataId: DataId, force = false): boolean {
    const data = this.data.has(dataId) ? this.#data(dataId) : undefined;
    const gone = super.disposeData(dataId, force);
    if (!gone || data === undefined) return gone;
    const block = data.takeBlock();
    if (block !== undefined) this.pool.give(block);
    if (data.derived !== undefined) this.pool.give(data.derived.block);
    return gone;
  }

  override memory(): { unreliable: boolean; reasons: string[]; numBytesInPool: number } {
    return { ...super.memory(), numBytesInPool: this.pool.idleBytes };
  }

  override dispose(): void {
    this.pool.clear();
    super.dispose();
  }

  /** The values of a float32 tensor, valid during one native call. */
  floats(info: tf.TensorInfo): Float32Array {
    const raw = this.#data(info.dataId).raw as tf.TypedArray;
    // tfjs's CPU kernels sometimes leave the numbers of a float32 tensor in an array of another kind.
    return kindOf(raw) === 'Float32Array' ? (raw as Float32Array) : Float32Array.from(raw);
  }

  /** As `floats`, for a tensor of float32, int32 or bool. */
  elements(info: tf.TensorInfo): Elements {
    if (info.dtype === 'float32') return this.floats(info);
    const raw = this.#data(info.dataId).raw as tf.TypedArray;
    if (info.dtype === 'bool')
      return kindOf(raw) === 'Uint8Array' ? (raw as Uint8Array) : Uint8Array.from(raw);
    return kindOf(raw) === 'Int32Array' ? (raw as Int32Array) : Int32Array.from(raw);
  }

  /** A new float32 tensor; `values` holds anything, to be overwritten whole. */
  output(shape: readonly number[]): { info: tf.TensorInfo; values: Float32Array } {
    return this.#output(shape, 'float32', Float32Array);
  }

  /** As `output`, for what seldom outlives a step, as gradients and parts do: its memory may be larger than it needs. */
  passingOutput(shape: readonly number[]): { info: tf.TensorInfo; values: Float32Array } {
    return this.#output(shape, 'float32', Float32Array, PASSING_UP_TO);
  }

  /** As `output`, of int32. */
  intOutput(shape: readonly number[]): { info: tf.TensorInfo; values: Int32Array } {
    return this.#output(shape, 'int32', Int32Array);
  }

  /** As `output`, of bool: 0 or 1. */
  boolOutput(shape: readonly number[]): { info: tf.TensorInfo; values: Uint8Array } {
    return this.#output(shape, 'bool', Uint8Array);
  }

  /** As `output`, of the dtype float32, int32 or bool. */
  outputOf(
    dtype: tf.DataType,
    shape: readonly number[],
  ): { info: tf.TensorInfo; values: Elements } {
    if (dtype === 'float32') return this.output(shape);
    return dtype === 'int32' ? this.intOutput(shape) : this.boolOutput(shape);
  }

  #output<T extends Elements>(
    shape: readonly number[],
    dtype: tf.DataType,
    View: ElementsConstructor<T>,
    upTo?: number,
  ): { info: tf.TensorInfo; values: T } {
    const size = tf.util.sizeFromShape(shape as number[]);
    const block = this.pool.take(View.BYTES_PER_ELEMENT * size, upTo);
    const values =
      block === undefined ? new View(size) : new View(block.buffer, block.offset, size);
    const dataId = this.#store(new TensorData(dtype, values, 1, block));
    return { info: { dataId, shape: shape as number[], dtype }, values };
  }

  /**
   * A tensor to be written over the float32 tensor `info`, whose values its kernel still reads: in the same memory where nothing
   * else holds that, neither another tensor nor an array that somebody was given; else a new one.
   */
  outputInPlace(info: tf.TensorInfo): { info: tf.TensorInfo; values: Float32Array } {
    const data = this.#data(info.dataId);
    if (!data.pooled || data.refCount > 1) return this.output(info.shape);
    data.changes += 1;
    // A new description: tfjs takes one that is a tensor for that tensor.
    return { info: this.reshaped(info, info.shape), values: data.raw as Float32Array };
  }

  /**
   * Memory for what a kernel makes of float32 tensors that seldom change, such as packed weights; it lives as long as the first.
   *
   * @param layout  names the form that it is made in
   * @returns ready: it holds what was made of these very values in this form; else it is to be filled now. undefined where
   *          such small memory does not pay
   */
  derived(
    infos: readonly [tf.TensorInfo, ...tf.TensorInfo[]],
    layout: string,
    floats: number,
  ): { values: Float32Array; ready: boolean } | undefined {
    const all = infos.map(({ dataId }) => this.#data(dataId));
    // The first forward pass after loading does without: many processes make no second one, and share the memory that is mapped.
    if (all.filter((data) => !data.pooled && data.isFirstDerivation()).length > 0) return undefined;
    for (const data of all) {
      if (data.pooled) continue;
      // An array that somebody else holds may change without a word.
      const values = data.raw as tf.TypedArray;
      const block =
        kindOf(values) === 'Float32Array' ? this.pool.take(values.byteLength) : undefined;
      if (block === undefined) return undefined;
      data.own(block);
    }
    const of = all.flatMap(({ serial, changes }) => [serial, changes]);
    const first = all[0]!;
    const known = first.derived;
    if (known?.layout === layout && of.every((number, i) => number === known.of[i])) {
      return { values: known.values, ready: true };
    }
    if (first.derived !== undefined) this.pool.give(first.derived.block);
    const block = this.pool.take(4 * floats);
    first.derived = undefined;
    if (block === undefined) return undefined;
    const values = new Float32Array(block.buffer, block.offset, floats);
    first.derived = { layout, of, block, values };
    return { values, ready: false };
  }

  /** Gives the memory of a tensor back before its end: nobody will ask for its values, or only after `isReleased`. */
  release(info: tf.TensorInfo): void {
    const block = this.#data(info.dataId).release();
    if (block !== undefined) this.pool.give(block);
  }

  isReleased(info: tf.TensorInfo): boolean {
    return this.#data(info.dataId).raw === undefined;
  }

  /** The same data under another shape; the caller owns one more reference. */
  reshaped(info: tf.TensorInfo, shape: readonly number[]): tf.TensorInfo {
    this.incRef(info.dataId);
    return { dataId: info.dataId, shape: shape as number[], dtype: info.dtype };
  }

  #store(data: TensorData): DataId {
    const dataId = { id: (this.#nextId += 1) };
    this.data.set(dataId, data as never);
    return dataId;
  }

  #data(dataId: DataId): TensorData {
    return this.data.get(dataId) as unknown as TensorData;
  }
}

// Not `instanceof`: arrays may come from another realm.
function kindOf(values: tf.TypedArray): string {
  return values[Symbol.toStringTag];
}
