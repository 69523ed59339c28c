// The block of ResNet-50, ResNet-101 and ResNet-152.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../../ops/tensor.ts';
import type { ForwardContext } from '../../core/context.ts';
import { moduleStep } from '../../core/intercept.ts';
import { Module } from '../../core/module.ts';
import { Conv2d } from '../../layers/conv2d.ts';
import { DropPath } from '../../layers/drop.ts';
import { channelNorm, type ChannelNorm } from '../../layers/frozenBatchNorm.ts';
import { inside, type InitScope } from '../../layers/initScope.ts';
import { Downsample, type BlockConfig } from './basicBlock.ts';
import { changesShape } from './config.ts';

/**
 * A 1×1, a 3×3 and a 1×1 convolution, each with a batch norm, beside the input, [B, H, W, C] → [B, H/stride, W/stride, 4·planes].
 *
 * The stride is that of the 3×3 convolution (ResNet v1.5), as torchvision, timm and Hugging Face have it; the paper has it before.
 *
 * Source: He et al. 2016; torchvision/models/resnet.py, `Bottleneck`.
 */
export class Bottleneck extends Module {
  readonly conv1: Conv2d;
  readonly bn1: ChannelNorm;
  readonly conv2: Conv2d;
  readonly bn2: ChannelNorm;
  readonly conv3: Conv2d;
  readonly bn3: ChannelNorm;
  readonly dropPath: DropPath;
  readonly downsample: Downsample | undefined;
  readonly path: string;

  constructor(config: BlockConfig, scope: InitScope) {
    super();
    const { inPlanes, planes, outPlanes, stride, dropPath, frozenNorm = false } = config;
    this.path = scope.path;
    const conv = (name: string, inChannels: number, outChannels: number, size: 1 | 3) => {
      const window = size === 1 ? { kernelSize: 1 } : { kernelSize: 3, padding: 1, stride };
      const shape = { ...window, inChannels, outChannels, bias: false, init: 'kaiming' } as const;
      return this.child(name, new Conv2d(shape, inside(scope, name)));
    };
    const norm = (name: string, dim: number) =>
      this.child(name, channelNorm(dim, frozenNorm, inside(scope, name)));
    this.conv1 = conv('conv1', inPlanes, planes, 1);
    this.bn1 = norm('bn1', planes);
    this.conv2 = conv('conv2', planes, planes, 3);
    this.bn2 = norm('bn2', planes);
    this.conv3 = conv('conv3', planes, outPlanes, 1);
    this.bn3 = norm('bn3', outPlanes);
    this.dropPath = this.child('drop_path', new DropPath(dropPath, inside(scope, 'drop_path')));
    if (!changesShape(config)) return;
    this.downsample = this.child('downsample', new Downsample(config, inside(scope, 'downsample')));
  }

  /** The norm at the end of a residual branch, which `zeroInitResidual` starts at 0. */
  get lastNorm(): ChannelNorm {
    return this.bn3;
  }

  forward(x: tf.Tensor4D, context: ForwardContext = {}): tf.Tensor4D {
    const { conv1, bn1, conv2, bn2, conv3, bn3 } = this;
    return moduleStep(this, x, context, (given) =>
      t.tidy(() => {
        const shortcut = this.downsample?.forward(given, context) ?? given;
        const narrow = t.relu(bn1.forward(conv1.forward(given, context), context));
        const seen = t.relu(bn2.forward(conv2.forward(narrow, context), context));
        const branch = bn3.forward(conv3.forward(seen, context), context);
        return t.relu<tf.Tensor4D>(t.add(this.dropPath.forward(branch, context), shortcut));
      }),
    );
  }
}
