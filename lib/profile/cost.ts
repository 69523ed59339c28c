// The cost of a kernel: a formula of FLOPs and bytes from its shapes and attributes.

import type * as tf from '@tensorflow/tfjs';
import { sizeOf } from '../core/check.ts';

/** The properties of a tensor that the formulas use. */
export type Described = Pick<tf.TensorInfo, 'shape' | 'dtype'>;

/** One call of a kernel. Inputs by name; those of a kernel of many tensors by index. */
export interface KernelCall {
  readonly inputs: Readonly<Record<string, Described | undefined>>;
  readonly attrs: Readonly<Record<string, unknown>>;
  readonly outputs: readonly Described[];
}

/**
 * The cost of a call by its formula.
 *
 * @property macs   multiply-adds of its matrix products. A kernel with products counts them alone: no bias, softmax or activation
 * @property flops  floating-point operations of a kernel without products, +, ×, ÷, √, exp, … one each; default 2·macs
 * @property bytes  read and written; default: every input once, every output once
 */
export interface Formula {
  macs?: number;
  flops?: number;
  bytes?: number;
}

/** The formula of a kernel. */
export type Cost = (call: KernelCall) => Formula;

/** Bytes of all tensors given, 4 an element of float32 and int32, 1 of bool; text counts nothing. */
export function bytesOf(tensors: readonly (Described | undefined)[]): number {
  return tensors.reduce((sum, tensor) => {
    if (tensor === undefined) return sum;
    return sum + sizeOf(tensor.shape) * (elementBytes[tensor.dtype] ?? 0);
  }, 0);
}

const elementBytes: Readonly<Record<string, number>> = {
  float32: 4,
  int32: 4,
  complex64: 8,
  bool: 1,
};
