// Family encoders: image encoders of other libraries in eval mode, each kind of model with a runner of its own.

import { UnsupportedCase } from '../family.ts';
import { encoderDetr } from './encoderDetr.ts';
import { encoderResNet } from './encoderResNet.ts';
import { encoderClip } from './encoderClip.ts';
import { encoderTokenizer } from './encoderTokenizer.ts';
import { encoderVit } from './encoderVit.ts';
import type { Family } from '../family.ts';
import type { EncoderRunner } from './encoderRunner.ts';

const runners: readonly EncoderRunner[] = [
  encoderDetr,
  encoderResNet,
  encoderVit,
  encoderClip,
  encoderTokenizer,
];

/** Image encoders under the names of Hugging Face and torchvision. */
export const encoders: Family = {
  name: 'encoders',
  plan: (golden) => {
    const runner = runners.find((one) => one.matches(golden.config));
    if (runner !== undefined) return runner.plan(golden);
    throw new UnsupportedCase('encoders of this kind are not supported yet');
  },
};
