// The tensors of a golden case's files, and their conversion between NHWC and NCHW.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { parseSafetensors } from '../checkpoints/safetensors.ts';
import { toFloat32 } from '../checkpoints/hostTensor.ts';
import { InputError, expected } from '../core/errors.ts';
import * as t from '../ops/tensor.ts';
import { readBytes } from './goldenCase.ts';
import type * as tf from '@tensorflow/tfjs';
import type { HostTensor } from '../checkpoints/hostTensor.ts';
import type { PlainTensor } from './compareTensors.ts';
import type { GoldenCase } from './goldenCase.ts';

/** The tensors of one safetensors file of a case, read once. */
export class GoldenFile {
  readonly tensors: ReadonlyMap<string, HostTensor>;
  private readonly file: string;

  /** @throws IoError, CheckpointError naming the path */
  constructor(golden: GoldenCase, name: string) {
    this.file = path.join(golden.folder, name);
    this.tensors = parseSafetensors(readBytes(this.file), this.file).tensors;
  }

  /** The file, or `undefined` when the case has none of this name. */
  static ifThere(golden: GoldenCase, name: string): GoldenFile | undefined {
    return existsSync(path.join(golden.folder, name)) ? new GoldenFile(golden, name) : undefined;
  }

  /** A tensor by name. @throws InputError naming the file, if it has none of this name */
  get(name: string): HostTensor {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) {
      throw new InputError(expected('one of its tensors', `a name in ${this.file}`, name));
    }
    return tensor;
  }

  /** A tensor as the backend's float32. The caller disposes it. */
  float32(name: string): tf.Tensor {
    const tensor = this.get(name);
    return t.tensor(toFloat32(tensor), [...tensor.shape], 'float32');
  }

  /** A batch of images, [B, C, H, W] in the file, as [B, H, W, C]. The caller disposes it. */
  images(name: string): tf.Tensor4D {
    const { data, shape } = toChannelsLast(plainTensor(this.get(name)));
    return t.tensor4d(data, shape);
  }
}

/** A stored tensor in plain memory: half precisions become float32, 64-bit integers stay. */
export function plainTensor(tensor: HostTensor): PlainTensor {
  const { dtype, shape, data } = tensor;
  if (dtype === 'F16' || dtype === 'BF16') return { dtype: 'F32', shape, data: toFloat32(tensor) };
  return { dtype, shape, data: data };
}

/** [B, C, H, W] → [B, H, W, C]. @throws InputError unless the tensor has four axes */
export function toChannelsLast(tensor: PlainTensor): {
  shape: [number, number, number, number];
  data: Float32Array;
} {
  return permute(tensor, (b, c, h, w) => [b, h, w, c], [0, 2, 3, 1]);
}

/** [B, H, W, C] → [B, C, H, W]. @throws InputError unless the tensor has four axes */
export function toChannelsFirst(tensor: PlainTensor): {
  shape: [number, number, number, number];
  data: Float32Array;
} {
  return permute(tensor, (b, h, w, c) => [b, c, h, w], [0, 3, 1, 2]);
}

type Four = [number, number, number, number];

function permute(
  { shape, data }: PlainTensor,
  reorder: (a: number, b: number, c: number, d: number) => Four,
  axes: Four,
): { shape: Four; data: Float32Array } {
  const [s0, s1, s2, s3] = shape;
  if (
    shape.length !== 4 ||
    s0 === undefined ||
    s1 === undefined ||
    s2 === undefined ||
    s3 === undefined
  ) {
    throw new InputError(expected('four axes', 'images', [...shape]));
  }
  const strides: Four = [s1 * s2 * s3, s2 * s3, s3, 1];
  const out = reorder(s0, s1, s2, s3);
  const step = axes.map((axis) => strides[axis]!) as Four;
  const values = new Float32Array(data.length);
  let at = 0;
  for (let a = 0; a < out[0]; a += 1)
    for (let b = 0; b < out[1]; b += 1)
      for (let c = 0; c < out[2]; c += 1)
        for (let d = 0; d < out[3]; d += 1, at += 1)
          values[at] = Number(data[a * step[0] + b * step[1] + c * step[2] + d * step[3]]);
  return { shape: out, data: values };
}
