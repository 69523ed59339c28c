// The options of a training, each said once; an optimizer, a schedule, clipping and an average have tables of their own.

import { precisionOption } from '../../core/precision.ts';
import { assertValSplit } from '../../data/split.ts';
import { parseLossName } from '../../training/losses/registry.ts';
import { parseNames } from '../parseNames.ts';
import { parseSnapshots } from '../parseSnapshots.ts';
import { parseProgressive } from '../parseProgressive.ts';
import { clipOptions } from './clip.ts';
import { distillationOptions } from './distillation.ts';
import { emaOptions } from './ema.ts';
import { optimizerOptions } from './optimizer.ts';
import { scheduleOptions } from './schedule.ts';
import type { OptionTable } from '../../core/option.ts';

const names = {
  type: 'any',
  written: 'string | readonly string[]',
  nullable: true,
  default: null,
  parse: parseNames,
} as const;
const count = { type: 'integer', min: 1, max: 2 ** 31 } as const;

/** Options of `train`: what a config decides beside its model and its data. */
export const trainOptions = {
  model: {
    type: 'any',
    describe: "The model's configuration, for the record; the model itself is given to `train`",
    written: 'unknown',
    default: null,
  },
  data: {
    type: 'any',
    describe: 'The data and their augmentation, for the record',
    written: 'unknown',
    default: null,
  },
  epochs: {
    ...count,
    describe:
      'Passes over the data; cooldown, warm-up with `warmupPrefix` and further cycles of the schedule come on top',
    required: true,
    flag: { name: 'epochs', value: 'N', describe: 'Passes over the data' },
  },
  batchSize: {
    ...count,
    describe: 'Images in a batch',
    required: true,
    flag: { name: 'batch-size', value: 'N' },
  },
  accumulationSteps: {
    ...count,
    describe: 'Batches in an update, whose gradients are averaged over the images',
    default: 1,
    flag: { name: 'accumulation-steps', value: 'N', describe: 'Batches in an update' },
  },
  learningRate: {
    type: 'number',
    describe: 'Learning rate after the warm-up, per update',
    required: true,
    min: Number.MIN_VALUE,
    flag: { name: 'lr', aliases: ['learning-rate'], value: 'X' },
  },
  lrBaseSize: {
    ...count,
    describe:
      'Images in an update that `learningRate` is said for: it is multiplied by batchSize · accumulationSteps over this, in DeiT 512; null: not',
    nullable: true,
    default: null,
    flag: {
      name: 'lr-base-size',
      value: 'N',
      describe: 'Images in an update that --lr is said for: it is scaled to those there are',
    },
  },
  seed: {
    type: 'integer',
    describe: 'Seed of order, augmentation and dropouts',
    min: 0,
    default: 0,
    flag: {
      name: 'seed',
      value: 'N',
      describe: 'Seed of order, augmentation, dropouts and initial weights',
    },
  },
  loss: {
    type: 'string',
    describe:
      'a name of `lossNames`; softmax: cross-entropy; binary: sigmoid cross-entropy of each class',
    default: 'softmax',
    parse: parseLossName,
  },
  targetThreshold: {
    type: 'number',
    describe:
      'Targets above this become 1 and the others 0, after mixing and before smoothing; null: they stay',
    min: 0,
    max: 1,
    nullable: true,
    default: null,
    appliesTo: { loss: ['binary'] },
    flag: {
      name: 'bce-target-thresh',
      value: 'X',
      describe: 'With --bce-loss: targets above this become 1, the others 0; DeiT has 0',
    },
  },
  smoothing: {
    type: 'number',
    describe: 'ε of label smoothing',
    min: 0,
    max: 1,
    default: 0,
    flag: { name: 'smoothing', value: 'X' },
  },
  optimizer: {
    type: 'group',
    describe: 'The update rule of the weights, and its numbers',
    title: 'Optimizer',
    options: optimizerOptions,
    written: "Omit<OptimizerConfig, 'learningRate'>",
    default: {},
  },
  schedule: {
    type: 'group',
    describe: 'The learning rate over time',
    title: 'Schedule',
    options: scheduleOptions,
    written: 'ScheduleOptions',
    default: {},
  },
  clip: {
    type: 'group',
    describe: 'Gradient clipping: a limit on the size of the gradients; null: none',
    title: 'Gradient clipping',
    options: clipOptions,
    written: 'ClipConfig',
    nullable: true,
    default: null,
  },
  ema: {
    type: 'group',
    describe: 'A moving average of the weights, which is then what is evaluated; null: none',
    title: 'Moving average of the weights',
    options: emaOptions,
    written: 'EmaConfig',
    nullable: true,
    default: null,
    flag: { name: 'model-ema', describe: 'Keep a moving average of the weights, and evaluate it' },
  },
  finetune: {
    type: 'string',
    describe:
      'Checkpoint to begin with, a file or a run folder: other classes get a new head, another resolution a resampled position embedding; the options of `model` that are not given are its own; null: first weights are drawn',
    nullable: true,
    default: null,
    flag: {
      name: 'finetune',
      value: 'DIR|FILE',
      reads: true,
      describe:
        "Begin with a checkpoint's weights; model options that are not given are the checkpoint's",
    },
  },
  useEma: {
    type: 'boolean',
    sparse: true,
    describe:
      "true: the averaged weights of a `finetune` file that has both, DeiT's `model_ema`, timm's `state_dict_ema`",
    default: false,
    flag: { name: 'use-ema', describe: 'Begin with the averaged weights of the --finetune file' },
  },
  checkpointKey: {
    type: 'string',
    sparse: true,
    describe:
      'Key of the weights in a `finetune` file that has several sets, with dots between the keys of nested dictionaries; null: the usual ones',
    nullable: true,
    default: null,
    flag: { name: 'checkpoint-key', value: 'KEY' },
  },
  posEmbedInterpolation: {
    type: 'string',
    describe:
      "Filter of a position embedding that `finetune` resamples, both bicubic: timm's with antialias, DeiT's without; null: timm's",
    choices: ['timm', 'deit'],
    nullable: true,
    default: null,
    flag: { name: 'pos-embed-interpolation', value: 'NAME' },
  },
  freeze: {
    ...names,
    describe:
      'Parameters that stay as they are: names, and modules by name (`patch_embed`, `blocks.0`), in a list or joined by commas; `*` stands for any characters but a dot; null: none',
    flag: {
      name: 'freeze',
      type: 'string',
      value: 'NAME,…',
      describe: 'Parameters and modules that stay as they are: patch_embed,blocks.0; * is any name',
    },
  },
  attnOnly: {
    type: 'boolean',
    describe: 'true: only the parameters of attention are trained, and those that `unfreeze` names',
    default: false,
    flag: { name: 'attn-only', describe: 'Train the parameters of attention alone' },
  },
  unfreeze: {
    ...names,
    describe: 'Parameters and modules that are trained although `freeze` or `attnOnly` hold them',
    flag: { name: 'unfreeze', type: 'string', value: 'NAME,…' },
  },
  progressive: {
    type: 'any',
    written: 'string | readonly ResolutionStep[]',
    describe:
      "Sizes of the training images from epochs on: `[{epoch: 0, imageSize: 16}, {epoch: 5, imageSize: 28}]`, in a text `0:16,5:28`; a Vision Transformer resamples its position embedding to each; evaluation is at the model's size; null: the model's",
    nullable: true,
    default: null,
    parse: parseProgressive,
    flag: {
      name: 'progressive',
      type: 'string',
      value: 'EPOCH:SIZE,…',
      describe: 'Train on smaller images first: 0:16,5:28 is 16 pixels, and 28 after 5 epochs',
    },
  },
  distillation: {
    type: 'group',
    describe: 'Learning from a teacher beside the labels',
    title: 'Distillation',
    options: distillationOptions,
    written: 'DistillationConfig',
    default: {},
  },
  dropLast: {
    type: 'boolean',
    describe: "Leave out an epoch's last batch when it is not full",
    default: false,
    flag: { name: 'drop-last' },
  },
  valSplit: {
    type: 'number',
    describe:
      'Training images that are held out for validation where the data have no validation part: a number ≥ 1, or a fraction < 1 of them; 0 and null: none',
    min: 0,
    nullable: true,
    default: null,
    parse: (value: unknown) => {
      assertValSplit(value);
      return value;
    },
    flag: {
      name: 'val-split',
      value: 'N|FRACTION',
      describe:
        'Hold out N training images (a fraction below 1: that share) to choose the best epoch on; 0: none; default: what the data set says',
    },
  },
  limit: {
    ...count,
    describe: 'Train on the first images only, counted after the split; null: on all',
    nullable: true,
    default: null,
    flag: {
      name: 'limit',
      value: 'N',
      describe: 'Train on the first N images only, counted after the split',
    },
  },
  limitVal: {
    ...count,
    describe: 'Validate and test on the first images only; null: on all',
    nullable: true,
    default: null,
    flag: {
      name: 'limit-val',
      value: 'N',
      describe: 'Validate and test on the first N images only',
    },
  },
  earlyStop: {
    ...count,
    describe:
      'End when so many epochs in a row were not better on the validation images than the best one; null: do not',
    nullable: true,
    default: null,
    flag: {
      name: 'early-stop',
      aliases: ['patience'],
      value: 'N',
      describe: 'End after N epochs in a row without a better one on the validation images',
    },
  },
  minEpochs: {
    type: 'integer',
    describe: 'Epochs before which `earlyStop` does not end a run; null: none',
    min: 0,
    max: 2 ** 31,
    nullable: true,
    default: null,
    appliesTo: { earlyStop: { above: 0 } },
    flag: { name: 'min-epochs', value: 'N', describe: 'Epochs before which it does not end early' },
  },
  maxSteps: {
    ...count,
    describe: 'End after this many updates of the run; null: after `epochs`',
    nullable: true,
    default: null,
    flag: {
      name: 'max-steps',
      value: 'N',
      describe: 'Stop after N updates, saved, so that --resume goes on',
    },
  },
  snapshots: {
    type: 'any',
    written: 'number',
    given: 'number | string',
    sparse: true,
    describe:
      'Keep the maps of a few fixed images and the likeness of position embeddings before the first epoch, after every so many (a number, or `every=5`), and after the last; null: do not',
    nullable: true,
    default: null,
    parse: parseSnapshots,
    flag: {
      name: 'snapshots',
      type: 'string',
      value: 'every=N',
      describe: 'Keep attention maps of fixed images every N epochs, for the report',
    },
  },
  checkpointSteps: {
    ...count,
    describe: 'Also save after every so many updates within an epoch; null: do not',
    nullable: true,
    default: null,
    flag: { name: 'checkpoint-steps', value: 'N', describe: 'Also save every N updates' },
  },
  checkpointMinutes: {
    type: 'number',
    describe: 'Also save when this many minutes have passed; null: do not',
    min: 0,
    nullable: true,
    default: 5,
    flag: { name: 'checkpoint-minutes', value: 'X', describe: 'Also save every X minutes' },
  },
  deitCompat: {
    type: 'boolean',
    describe:
      "true: where DeiT's training is not right, as DeiT: rates per epoch come one epoch late, but for the first epoch after a resume; the weights are evaluated and not their average; a resumed run forgets its best score; cooldown epochs are not trained",
    default: false,
    flag: {
      name: 'deit-compat',
      describe:
        'As DeiT where it is not right: a rate one epoch late, an average that is not evaluated, a best score that a resume forgets',
    },
  },
  precision: { ...precisionOption, flag: { name: 'precision', value: 'NAME' } },
} as const satisfies OptionTable;
