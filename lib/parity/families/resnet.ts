// Family resnet: torchvision's ResNet in eval mode, and two steps of plain SGD in train mode.

import { Capture } from '../../core/capture.ts';
import { assertNumber } from '../../core/check.ts';
import * as t from '../../ops/tensor.ts';
import { buildLoaded } from '../../models/buildLoaded.ts';
import { resnet } from '../../models/resnet/family.ts';
import { softTargetCrossEntropyLoss } from '../../training/losses/crossEntropy.ts';
import { makeOptimizer } from '../../training/optimizer.ts';
import { valueAndGrad } from '../../training/valueAndGrad.ts';
import { gradientRule, hasGradients, outputRule } from '../bf16Rule.ts';
import { Produced } from '../family.ts';
import { GoldenFile } from '../goldenTensors.ts';
import type * as tf from '@tensorflow/tfjs';
import type { Precision } from '../../core/precision.ts';
import type { ResNet } from '../../models/resnet/resNet.ts';
import type { CasePlan, Family } from '../family.ts';
import type { GoldenCase } from '../goldenCase.ts';

/** torchvision's ResNet: outputs of every stage, gradients, and the state dict with its running statistics after each of two steps. */
export const resnetTorchvision: Family = { name: 'resnet', plan };

const stages = ['bn1', 'maxpool', 'layer1', 'layer2', 'layer3', 'layer4'];

function plan(golden: GoldenCase): CasePlan {
  const { lr: rate, ...config } = golden.config;
  assertNumber(`lr of ${golden.name}`, rate, { min: 0 });
  const weights = new GoldenFile(golden, 'weights.safetensors');
  const inputs = new GoldenFile(golden, 'inputs.safetensors');
  return {
    unsupported: ({ kind }) =>
      kind === 'tensor' ? undefined : 'only tensors are part of this family',
    bf16Rule: (entry) => (hasGradients(entry) ? gradientRule(golden) : outputRule(golden)),
    run: async (precision) => {
      const { model } = buildLoaded(config, weights.tensors, { family: resnet });
      const produced = new Produced();
      try {
        await evaluate(model, inputs, { produced, precision });
        await train(model, inputs, { produced, precision, rate });
        return produced;
      } finally {
        model.dispose();
      }
    },
  };
}

interface Wanted {
  produced: Produced;
  precision: Precision;
}

async function evaluate(model: ResNet, inputs: GoldenFile, { produced, precision }: Wanted) {
  const file = 'outputs.safetensors';
  const images = inputs.images('input');
  const capture = new Capture(stages);
  const logits = model.forward(images, { intercept: capture, precision });
  for (const [name, tensor] of capture.entries()) {
    await produced.take(file, name, t.transpose(tensor, [0, 3, 1, 2]));
  }
  await produced.take(file, 'logits', logits);
  capture.dispose();
  images.dispose();
}

async function train(
  model: ResNet,
  inputs: GoldenFile,
  { produced, precision, rate }: Wanted & { rate: number },
) {
  const plain = { opt: 'sgd', momentum: 0, nesterov: false, weightDecay: 0 } as const;
  const optimizer = makeOptimizer(model, { ...plain, learningRate: rate });
  for (const n of [0, 1]) {
    const images = inputs.images(`x${n}`);
    const targets = inputs.float32(`target${n}`) as tf.Tensor2D;
    const { value, gradients, outputs } = valueAndGrad(model, () => {
      const logits = model.forward(images, { training: true, precision });
      return { loss: softTargetCrossEntropyLoss(logits, targets), outputs: { logits } };
    });
    await produced.take('train.safetensors', `logits${n}`, outputs.logits);
    await produced.take('train.safetensors', `loss${n}`, t.reshape(value, [1]));
    if (n === 0) await copy(produced, 'grads.safetensors', gradients);
    optimizer.step(gradients);
    await copy(produced, `state-step${n + 1}.safetensors`, model.stateDict());
    t.dispose([images, targets, value, ...gradients.values()]);
  }
  optimizer.dispose();
}

async function copy(produced: Produced, file: string, tensors: ReadonlyMap<string, tf.Tensor>) {
  for (const [name, tensor] of tensors) await produced.take(file, name, t.clone(tensor));
}
