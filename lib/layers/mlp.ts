import type * as tf from '@tensorflow/tfjs';
import * as t from '../ops/tensor.ts';
import type { ForwardContext } from '../core/context.ts';
import type { GeluForm, MlpBranchInputs } from '../core/kernels.ts';
import { Module } from '../core/module.ts';
import { dropout } from './drop.ts';
import { Linear } from './linear.ts';
import { inside, type Part } from './part.ts';

/** What an `Mlp` is built from. */
export interface MlpConfig {
  dim: number;
  hiddenDim: number;
  activation?: GeluForm;
  /** Rate of the dropouts after the activation and after `fc2`. */
  drop?: number;
}

/** The feed-forward part of a block: y = fc2(gelu(fc1(x))), [B, N, C] → [B, N, F] → [B, N, C]. */
export class Mlp extends Module {
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly activation: GeluForm;
  private readonly drop: number;
  private readonly path: string;

  constructor({ dim, hiddenDim, activation = 'erf', drop = 0 }: MlpConfig, part: Part) {
    super();
    this.fc1 = this.child(
      'fc1',
      new Linear({ inFeatures: dim, outFeatures: hiddenDim }, inside(part, 'fc1')),
    );
    this.fc2 = this.child(
      'fc2',
      new Linear({ inFeatures: hiddenDim, outFeatures: dim }, inside(part, 'fc2')),
    );
    this.activation = activation;
    this.drop = drop;
    this.path = part.path;
  }

  forward(x: tf.Tensor3D, context: ForwardContext = {}): tf.Tensor3D {
    return t.tidy(() => {
      const hidden = this.fc1.forward(x, context, this.activation);
      const kept = dropout(hidden, this.drop, `${this.path}.drop1`, context);
      return dropout(this.fc2.forward(kept, context), this.drop, `${this.path}.drop2`, context);
    });
  }

  /** Whether a dropout acts, so that the small ops have to run. */
  drops({ training }: ForwardContext): boolean {
    return training === true && this.drop > 0;
  }

  /** The weights as `mlpBranch` takes them. */
  branchInputs(): Pick<MlpBranchInputs, 'fc1' | 'bias1' | 'fc2' | 'bias2'> {
    const { fc1, fc2 } = this;
    return {
      fc1: fc1.weight as tf.Tensor2D,
      fc2: fc2.weight as tf.Tensor2D,
      ...(fc1.bias && { bias1: fc1.bias as tf.Tensor1D }),
      ...(fc2.bias && { bias2: fc2.bias as tf.Tensor1D }),
    };
  }
}
