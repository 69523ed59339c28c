import type * as tf from '@tensorflow/tfjs';
import { linear } from '../ops/linear.ts';
import type { ForwardContext } from '../core/context.ts';
import type { GeluForm } from '../core/kernels.ts';
import { normal, truncNormal, xavierUniform } from '../core/init.ts';
import type { Rng } from '../core/rng.ts';
import { sizeOf } from '../core/check.ts';
import { Module, type Parameter } from '../core/module.ts';
import { initial, type Part } from './part.ts';

/** What a `Linear` is built from. */
export interface LinearConfig {
  inFeatures: number;
  outFeatures: number;
  bias?: boolean;
}

/**
 * y = x·Wᵀ + b on the last axis, [..., I] → [..., O], with the activation of the next layer taken in where one is named.
 *
 * Parameters `weight` [O, I] and `bias` [O] as torch.nn.Linear has them. They start as `part.weightInit` says.
 */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;

  constructor({ inFeatures, outFeatures, bias = true }: LinearConfig, part: Part) {
    super();
    const draw = drawsOf(part);
    const shape = [outFeatures, inFeatures];
    this.weight = this.parameter('weight', initial(part, 'weight', shape, draw.weight));
    if (bias) this.bias = this.parameter('bias', initial(part, 'bias', [outFeatures], draw.bias));
  }

  forward<T extends tf.Tensor>(
    x: T,
    { precision }: ForwardContext = {},
    activation: 'none' | GeluForm = 'none',
  ): T {
    const weight = this.weight as tf.Tensor2D;
    const bias = this.bias as tf.Tensor1D | undefined;
    return linear(x, weight, bias, { activation, precision }) as T;
  }
}

type Draw = (shape: readonly number[], rng: Rng) => Float32Array;

function drawsOf({ path, weightInit = 'timm' }: Part): { weight: Draw; bias: Draw } {
  const zeros: Draw = (shape) => new Float32Array(sizeOf(shape));
  if (weightInit === 'timm') return { weight: (s, r) => truncNormal(s, r), bias: zeros };
  if (/^head(_dist)?$/.test(path)) return { weight: zeros, bias: zeros };
  const nearZero: Draw = (s, r) => normal(s, r, { std: 1e-6 });
  return { weight: xavierUniform, bias: path.includes('mlp') ? nearZero : zeros };
}
