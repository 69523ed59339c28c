// The convolution of images.

import { assertFields } from '../core/kinds.ts';
import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import { kaimingUniform, normal } from '../core/init.ts';
import { moduleStep } from '../core/intercept.ts';
import { Module, type Parameter } from '../core/module.ts';
import type { Rng } from '../core/rng.ts';
import { assertScope, initial, type InitScope } from './initScope.ts';

/**
 * The configuration of a `Conv2d`.
 *
 * @property kernelSize  rows and columns of the kernel
 * @property stride      default 1
 * @property padding     rows and columns of zeros around the image; default 0
 * @property bias        default true
 * @property init        'torch': uniform in ± 1/√fan_in, as torch.nn.Conv2d; 'kaiming': normal with variance 2/fan_out, as ResNets
 *                       have it; default 'torch'
 */
export interface Conv2dConfig {
  inChannels: number;
  outChannels: number;
  kernelSize: number;
  stride?: number;
  padding?: number;
  bias?: boolean;
  init?: 'torch' | 'kaiming';
}

/**
 * The cross-correlation of images with kernels: [B, H, W, I] → [B, H', W', O], H' = ⌊(H + 2·padding − kernelSize)/stride⌋ + 1.
 *
 * Parameters `weight` [O, I, kh, kw] and `bias` [O] as torch.nn.Conv2d has them. It computes in float32 in either precision.
 *
 * @example new Conv2d({inChannels: 3, outChannels: 16, kernelSize: 3, padding: 1}, inside(scope, 'conv1'));
 */
export class Conv2d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | undefined;
  readonly stride: number;
  readonly padding: number;
  readonly path: string;

  constructor(config: Conv2dConfig, scope: InitScope) {
    super();
    const counts = { inChannels: 'count', outChannels: 'count', kernelSize: 'count' } as const;
    const rest = { stride: 'count?', padding: 'integer?', bias: 'boolean?' } as const;
    assertFields('Conv2d', config, { ...counts, ...rest });
    assertScope(scope);
    const { inChannels, outChannels, kernelSize, stride = 1, padding = 0 } = config;
    const { bias = true, init = 'torch' } = config;
    this.path = scope.path;
    this.stride = stride;
    this.padding = padding;
    const shape = [outChannels, inChannels, kernelSize, kernelSize];
    const fanIn = inChannels * kernelSize ** 2;
    const std = Math.sqrt(2 / (outChannels * kernelSize ** 2));
    const uniform = (s: readonly number[], rng: Rng) => kaimingUniform(s, rng, fanIn);
    const kaiming = (s: readonly number[], rng: Rng) => normal(s, rng, { std });
    const draw = init === 'kaiming' ? kaiming : uniform;
    this.weight = this.parameter('weight', initial(scope, 'weight', shape, draw));
    if (!bias) return;
    this.bias = this.parameter('bias', initial(scope, 'bias', [outChannels], uniform));
  }

  forward(x: tf.Tensor4D, context: ForwardContext = {}): tf.Tensor4D {
    const { weight, bias, stride, padding } = this;
    return moduleStep(this, x, context, (given) =>
      t.tidy(() => {
        const kernel = t.transpose<tf.Tensor4D>(weight as tf.Tensor as tf.Tensor4D, [2, 3, 1, 0]);
        const y = t.conv2d(given, kernel, stride, padding);
        return bias === undefined ? y : t.add<tf.Tensor4D>(y, bias);
      }),
    );
  }
}
