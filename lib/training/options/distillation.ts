// The options of distillation, each said once.

import type { OptionTable } from '../../core/option.ts';

const taught = { type: ['soft', 'hard'] } as const;

/** Options of a config's `distillation`, by DeiT's names and with the defaults of its command line. */
export const distillationOptions = {
  type: {
    type: 'string',
    describe:
      "hard: the teacher's likeliest class is a label; soft: its distribution is the target; none: no teacher",
    choices: ['none', 'soft', 'hard'],
    default: 'none',
    flag: { name: 'distillation-type', value: 'NAME' },
  },
  alpha: {
    type: 'number',
    describe: "Weight of the teacher's part of the loss",
    min: 0,
    max: 1,
    default: 0.5,
    appliesTo: taught,
    flag: { name: 'distillation-alpha', value: 'X' },
  },
  tau: {
    type: 'number',
    describe: 'Temperature of the distributions',
    min: Number.MIN_VALUE,
    default: 1,
    appliesTo: { type: ['soft'] },
    flag: { name: 'distillation-tau', value: 'X' },
  },
  teacherPath: {
    type: 'string',
    describe: 'Checkpoint of the teacher, a file or a run folder',
    appliesTo: taught,
    flag: { name: 'teacher-path', value: 'DIR|FILE', reads: true },
  },
  teacherModel: {
    type: 'string',
    describe: 'Size of the teacher by name, for a checkpoint that brings no configuration',
    appliesTo: taught,
    flag: { name: 'teacher-model', value: 'NAME' },
  },
  teacherLogits: {
    type: 'string',
    describe:
      "Folder of the teacher's logits: an epoch that is there is read, another is computed and kept, for further runs with the same seed, data and augmentation",
    appliesTo: taught,
    flag: { name: 'teacher-logits', value: 'DIR' },
  },
} as const satisfies OptionTable;
