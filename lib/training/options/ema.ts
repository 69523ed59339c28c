// The options of the moving average of the weights, each said once.

import type { OptionTable } from '../../core/option.ts';

const v3 = { kind: ['v3'] } as const;
const warming = { ...v3, useWarmup: [true] } as const;

/** Options of `Ema`, and of a config's `ema`. */
export const emaOptions = {
  decay: {
    type: 'number',
    describe: 'Share of the old average in each update',
    min: 0,
    max: 1,
    default: 0.9998,
    flag: {
      name: 'model-ema-decay',
      value: 'X',
      describe: 'Decay of the moving average, which it turns on',
    },
  },
  kind: {
    type: 'string',
    describe:
      "plain: `decay` from the first update on, as timm's ModelEmaV2; v3: the first update copies the weights, as ModelEmaV3",
    choices: ['plain', 'v3'],
    default: 'plain',
  },
  useWarmup: {
    type: 'boolean',
    describe: 'true: the decay rises as 1 − (1 + n/gamma)^(−power) up to `decay`',
    default: false,
    appliesTo: v3,
  },
  warmupGamma: {
    type: 'number',
    describe: 'gamma of the warm-up',
    min: Number.MIN_VALUE,
    default: 1,
    appliesTo: warming,
  },
  warmupPower: {
    type: 'number',
    describe: 'power of the warm-up',
    min: 0,
    default: 2 / 3,
    appliesTo: warming,
  },
  minDecay: {
    type: 'number',
    describe: 'Least decay during the warm-up',
    min: 0,
    max: 1,
    default: 0,
    appliesTo: warming,
  },
  updateAfterStep: {
    type: 'integer',
    describe: 'Updates that only copy the weights',
    min: 0,
    default: 0,
    appliesTo: v3,
  },
} as const satisfies OptionTable;
