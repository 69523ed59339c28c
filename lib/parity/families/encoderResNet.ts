// The golden cases of torchvision's ResNet as an encoder: its stages, the pooled features, the logits.

import { Capture } from '../../core/capture.ts';
import { buildLoaded } from '../../models/buildLoaded.ts';
import { resnet } from '../../models/resnet/family.ts';
import * as t from '../../ops/tensor.ts';
import { outputRule } from '../bf16Rule.ts';
import { Produced } from '../family.ts';
import { GoldenFile } from '../goldenTensors.ts';
import { onlyKnownKeys } from '../modelConfig.ts';
import type { CasePlan } from '../family.ts';
import type { GoldenCase } from '../goldenCase.ts';
import type { EncoderRunner } from './encoderRunner.ts';

const file = 'outputs.safetensors';
const stages = ['bn1', 'maxpool', 'layer1', 'layer2', 'layer3', 'layer4', 'avgpool'];

/** torchvision's ResNet of basic and of bottleneck blocks, the second with its published `expansion` of 4. */
export const encoderResNet: EncoderRunner = { matches: (config) => 'kind' in config, plan };

function plan(golden: GoldenCase): CasePlan {
  const known = ['kind', 'div', 'stem', 'planes', 'layers', 'num_classes'];
  onlyKnownKeys(golden.config, known, `config of ${golden.name}`);
  const { kind, stem, planes, layers, num_classes: numClasses } = golden.config;
  const block = /^resnet(18|34)$/.test(String(kind)) ? 'basic' : 'bottleneck';
  const config = { block, stemWidth: stem, planes, layers, numClasses, smallInput: false };
  const weights = new GoldenFile(golden, 'weights.safetensors');
  const inputs = new GoldenFile(golden, 'inputs.safetensors');
  return {
    unsupported: (entry) =>
      entry.kind === 'tensor' ? undefined : 'only tensors are part of this family',
    bf16Rule: () => outputRule(golden),
    run: async (precision) => {
      const { model } = buildLoaded(config, weights.tensors, { family: resnet });
      const images = inputs.images('input');
      const capture = new Capture(stages);
      const produced = new Produced();
      try {
        await produced.take(
          file,
          'logits',
          model.forward(images, { intercept: capture, precision }),
        );
        for (const [name, tensor] of capture.entries()) {
          const [batch, channels] = tensor.shape as [number, number];
          const map = t.tidy(() =>
            tensor.rank === 2
              ? t.reshape(tensor, [batch, channels, 1, 1])
              : t.transpose(tensor, [0, 3, 1, 2]),
          );
          await produced.take(file, name, map);
        }
        return produced;
      } finally {
        capture.dispose();
        t.dispose(images);
        model.dispose();
      }
    },
  };
}
