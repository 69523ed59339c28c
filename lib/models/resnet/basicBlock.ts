// The block of ResNet-18 and ResNet-34.

import type * as tf from '@tensorflow/tfjs';
import * as t from '../../ops/tensor.ts';
import type { ForwardContext } from '../../core/context.ts';
import { moduleStep } from '../../core/intercept.ts';
import { Module } from '../../core/module.ts';
import { Conv2d } from '../../layers/conv2d.ts';
import { DropPath } from '../../layers/drop.ts';
import { channelNorm, type ChannelNorm } from '../../layers/frozenBatchNorm.ts';
import { inside, type InitScope } from '../../layers/initScope.ts';
import { changesShape } from './config.ts';

/**
 * The configuration of a block.
 *
 * @property inPlanes    channels of its input
 * @property planes      channels of its 3×3 convolutions
 * @property outPlanes   channels of its result: `planes`, of a bottleneck four times as many
 * @property stride      of the first 3×3 convolution
 * @property frozenNorm  true: its norms are frozen; default false
 */
export interface BlockConfig {
  inPlanes: number;
  planes: number;
  outPlanes: number;
  stride: number;
  dropPath: number;
  frozenNorm?: boolean;
}

/**
 * Two 3×3 convolutions, each with a batch norm, beside the input: relu(bn2(conv2(relu(bn1(conv1(x))))) + x), [B, H, W, C] →
 * [B, H/stride, W/stride, planes].
 *
 * Where the shape changes, the input passes a 1×1 convolution and a norm, `downsample`. Names are torchvision's.
 *
 * Source: He et al. 2016; torchvision/models/resnet.py.
 */
export class BasicBlock extends Module {
  readonly conv1: Conv2d;
  readonly bn1: ChannelNorm;
  readonly conv2: Conv2d;
  readonly bn2: ChannelNorm;
  readonly dropPath: DropPath;
  readonly downsample: Downsample | undefined;
  readonly path: string;

  constructor(config: BlockConfig, scope: InitScope) {
    super();
    const { inPlanes, planes, stride, dropPath, frozenNorm = false } = config;
    const norm = (name: string) =>
      this.child(name, channelNorm(planes, frozenNorm, inside(scope, name)));
    this.path = scope.path;
    const conv = { kernelSize: 3, padding: 1, bias: false, init: 'kaiming' } as const;
    const first = { ...conv, inChannels: inPlanes, outChannels: planes, stride };
    this.conv1 = this.child('conv1', new Conv2d(first, inside(scope, 'conv1')));
    this.bn1 = norm('bn1');
    const second = { ...conv, inChannels: planes, outChannels: planes };
    this.conv2 = this.child('conv2', new Conv2d(second, inside(scope, 'conv2')));
    this.bn2 = norm('bn2');
    this.dropPath = this.child('drop_path', new DropPath(dropPath, inside(scope, 'drop_path')));
    if (!changesShape(config)) return;
    this.downsample = this.child('downsample', new Downsample(config, inside(scope, 'downsample')));
  }

  /** The norm at the end of a residual branch, which `zeroInitResidual` starts at 0. */
  get lastNorm(): ChannelNorm {
    return this.bn2;
  }

  forward(x: tf.Tensor4D, context: ForwardContext = {}): tf.Tensor4D {
    return moduleStep(this, x, context, (given) =>
      t.tidy(() => {
        const shortcut = this.downsample?.forward(given, context) ?? given;
        const hidden = t.relu(this.bn1.forward(this.conv1.forward(given, context), context));
        const branch = this.bn2.forward(this.conv2.forward(hidden, context), context);
        return t.relu<tf.Tensor4D>(t.add(this.dropPath.forward(branch, context), shortcut));
      }),
    );
  }
}

/** The shortcut of a block that changes the shape: a 1×1 convolution, `0`, and a batch norm, `1`. */
export class Downsample extends Module {
  readonly conv: Conv2d;
  readonly norm: ChannelNorm;

  constructor({ inPlanes, outPlanes, stride, frozenNorm = false }: BlockConfig, scope: InitScope) {
    super();
    const conv = { kernelSize: 1, bias: false, init: 'kaiming' } as const;
    const shape = { ...conv, inChannels: inPlanes, outChannels: outPlanes, stride };
    this.conv = this.child('0', new Conv2d(shape, inside(scope, '0')));
    this.norm = this.child('1', channelNorm(outPlanes, frozenNorm, inside(scope, '1')));
  }

  forward(x: tf.Tensor4D, context: ForwardContext = {}): tf.Tensor4D {
    return this.norm.forward(this.conv.forward(x, context), context);
  }
}
