// The interface of a family of golden cases.

import type * as tf from '@tensorflow/tfjs';
import type { Precision } from '../core/precision.ts';
import type { RgbImage } from '../core/image.ts';
import type { Bf16Rule } from './bf16Rule.ts';
import type { PlainTensor } from './compareTensors.ts';
import type { CompareEntry, GoldenCase } from './goldenCase.ts';

/** The tensors that a run of a case produced, by the names of the case's files. */
export class Produced {
  readonly tensors = new Map<string, PlainTensor>();
  readonly json = new Map<string, unknown>();
  readonly images = new Map<string, RgbImage>();

  /** Copies a tensor out of the backend and disposes it. */
  async take(file: string, name: string, tensor: tf.Tensor): Promise<void> {
    const data = (await tensor.data()) as Float32Array;
    this.add(file, name, { shape: tensor.shape, data });
    tensor.dispose();
  }

  /** Adds a tensor in plain memory. */
  add(file: string, name: string, tensor: PlainTensor): void {
    this.tensors.set(tensorKey(file, name), tensor);
  }

  /** The tensor of this file and name, if it was made. */
  tensor(file: string, name: string): PlainTensor | undefined {
    return this.tensors.get(tensorKey(file, name));
  }
}

// Neither part contains a zero byte, so two pairs never share a key.
function tensorKey(file: string, name: string): string {
  return `${file}\u0000${name}`;
}

/**
 * The plan of one case: the entries that can be checked, and the run that computes them.
 *
 * @property unsupported  why an entry cannot be checked yet, `undefined` if it can
 * @property bf16Rule     the tolerance of an entry where products are in bf16
 * @property run          computes everything that the supported entries compare; absent when nothing is to be computed
 */
export interface CasePlan {
  unsupported: (entry: CompareEntry) => string | undefined;
  bf16Rule: (entry: CompareEntry) => Bf16Rule;
  run?: (precision: Precision) => Promise<Produced>;
}

/**
 * One family of golden cases.
 *
 * `plan` reads the case's inputs and checks its config. It throws a `VitError` if the case is invalid, and the run ends with exit
 * code 2. An error from `run` is a failure of the library, and the entries fail.
 */
export interface Family {
  readonly name: string;
  plan(golden: GoldenCase): CasePlan | Promise<CasePlan>;
}

/** The error that `plan` throws for a kind of case that this build does not support. The case is skipped with its message. */
export class UnsupportedCase extends Error {}
