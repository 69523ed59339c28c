// The options of a training as a type. Written by `npm run options` from the tables beside it: change those.

import type {
  ClipConfig,
  DistillationConfig,
  EmaConfig,
  OptimizerConfig,
  ScheduleOptions,
} from './types.ts';
import type { ResolutionStep } from '../parseProgressive.ts';

/** Everything that decides a training run, as plain data: what `config.json` of a run folder holds. */
export interface TrainConfig {
  /**
   * The model's configuration, for the record; the model itself is given to `train`. Default
   * null.
   */
  model?: unknown;
  /** The data and their augmentation, for the record. Default null. */
  data?: unknown;
  /**
   * Passes over the data; cooldown, warm-up with `warmupPrefix` and further cycles of the
   * schedule come on top. An integer ≥ 1 and ≤ 2³¹. Flag `--epochs`.
   */
  epochs: number;
  /** Images in a batch. An integer ≥ 1 and ≤ 2³¹. Flag `--batch-size`. */
  batchSize: number;
  /**
   * Batches in an update, whose gradients are averaged over the images. An integer ≥ 1 and ≤
   * 2³¹. Default 1. Flag `--accumulation-steps`.
   */
  accumulationSteps?: number;
  /** Learning rate after the warm-up, per update. A finite number > 0. Flag `--lr`. */
  learningRate: number;
  /**
   * Images in an update that `learningRate` is said for: it is multiplied by batchSize ·
   * accumulationSteps over this, in DeiT 512; null: not. An integer ≥ 1 and ≤ 2³¹. Default null.
   * Flag `--lr-base-size`.
   */
  lrBaseSize?: number | null;
  /** Seed of order, augmentation and dropouts. An integer ≥ 0. Default 0. Flag `--seed`. */
  seed?: number;
  /**
   * a name of `lossNames`; softmax: cross-entropy; binary: sigmoid cross-entropy of each class.
   * Default "softmax".
   */
  loss?: string;
  /**
   * Targets above this become 1 and the others 0, after mixing and before smoothing; null: they
   * stay. A finite number ≥ 0 and ≤ 1. Default null. Only with `loss` binary. Flag
   * `--bce-target-thresh`.
   */
  targetThreshold?: number | null;
  /** ε of label smoothing. A finite number ≥ 0 and ≤ 1. Default 0. Flag `--smoothing`. */
  smoothing?: number;
  /** The update rule of the weights, and its numbers. */
  optimizer?: Omit<OptimizerConfig, 'learningRate'>;
  /** The learning rate over time. */
  schedule?: ScheduleOptions;
  /** Gradient clipping: a limit on the size of the gradients; null: none. Default null. */
  clip?: ClipConfig | null;
  /**
   * A moving average of the weights, which is then what is evaluated; null: none. Default null.
   * Flag `--model-ema`.
   */
  ema?: EmaConfig | null;
  /**
   * Checkpoint to begin with, a file or a run folder: other classes get a new head, another
   * resolution a resampled position embedding; the options of `model` that are not given are its
   * own; null: first weights are drawn. Default null. Flag `--finetune`.
   */
  finetune?: string | null;
  /**
   * true: the averaged weights of a `finetune` file that has both, DeiT's `model_ema`, timm's
   * `state_dict_ema`. Default false. Flag `--use-ema`.
   */
  useEma?: boolean;
  /**
   * Key of the weights in a `finetune` file that has several sets, with dots between the keys of
   * nested dictionaries; null: the usual ones. Default null. Flag `--checkpoint-key`.
   */
  checkpointKey?: string | null;
  /**
   * Filter of a position embedding that `finetune` resamples, both bicubic: timm's with
   * antialias, DeiT's without; null: timm's. Default null. Flag `--pos-embed-interpolation`.
   */
  posEmbedInterpolation?: 'timm' | 'deit' | null;
  /**
   * Parameters that stay as they are: names, and modules by name (`patch_embed`, `blocks.0`), in
   * a list or joined by commas; `*` stands for any characters but a dot; null: none. Default
   * null. Flag `--freeze`.
   */
  freeze?: string | readonly string[] | null;
  /**
   * true: only the parameters of attention are trained, and those that `unfreeze` names. Default
   * false. Flag `--attn-only`.
   */
  attnOnly?: boolean;
  /**
   * Parameters and modules that are trained although `freeze` or `attnOnly` hold them. Default
   * null. Flag `--unfreeze`.
   */
  unfreeze?: string | readonly string[] | null;
  /**
   * Sizes of the training images from epochs on: `[{epoch: 0, imageSize: 16}, {epoch: 5,
   * imageSize: 28}]`, in a text `0:16,5:28`; a Vision Transformer resamples its position
   * embedding to each; evaluation is at the model's size; null: the model's. Default null. Flag
   * `--progressive`.
   */
  progressive?: string | readonly ResolutionStep[] | null;
  /** Learning from a teacher beside the labels. */
  distillation?: DistillationConfig;
  /** Leave out an epoch's last batch when it is not full. Default false. Flag `--drop-last`. */
  dropLast?: boolean;
  /**
   * Training images that are held out for validation where the data have no validation part: a
   * number ≥ 1, or a fraction < 1 of them; 0 and null: none. A finite number ≥ 0. Default null.
   * Flag `--val-split`.
   */
  valSplit?: number | null;
  /**
   * Train on the first images only, counted after the split; null: on all. An integer ≥ 1 and ≤
   * 2³¹. Default null. Flag `--limit`.
   */
  limit?: number | null;
  /**
   * Validate and test on the first images only; null: on all. An integer ≥ 1 and ≤ 2³¹. Default
   * null. Flag `--limit-val`.
   */
  limitVal?: number | null;
  /**
   * End when so many epochs in a row were not better on the validation images than the best one;
   * null: do not. An integer ≥ 1 and ≤ 2³¹. Default null. Flag `--early-stop`.
   */
  earlyStop?: number | null;
  /**
   * Epochs before which `earlyStop` does not end a run; null: none. An integer ≥ 0 and ≤ 2³¹.
   * Default null. Only with `earlyStop` above 0. Flag `--min-epochs`.
   */
  minEpochs?: number | null;
  /**
   * End after this many updates of the run; null: after `epochs`. An integer ≥ 1 and ≤ 2³¹.
   * Default null. Flag `--max-steps`.
   */
  maxSteps?: number | null;
  /**
   * Keep the maps of a few fixed images and the likeness of position embeddings before the first
   * epoch, after every so many (a number, or `every=5`), and after the last; null: do not.
   * Default null. Flag `--snapshots`.
   */
  snapshots?: number | null;
  /**
   * Also save after every so many updates within an epoch; null: do not. An integer ≥ 1 and ≤
   * 2³¹. Default null. Flag `--checkpoint-steps`.
   */
  checkpointSteps?: number | null;
  /**
   * Also save when this many minutes have passed; null: do not. A finite number ≥ 0. Default 5.
   * Flag `--checkpoint-minutes`.
   */
  checkpointMinutes?: number | null;
  /**
   * true: where DeiT's training is not right, as DeiT: rates per epoch come one epoch late, but
   * for the first epoch after a resume; the weights are evaluated and not their average; a
   * resumed run forgets its best score; cooldown epochs are not trained. Default false. Flag
   * `--deit-compat`.
   */
  deitCompat?: boolean;
  /**
   * Precision of matrix products; sums and weights are float32 in both. Default "fp32". Flag
   * `--precision`.
   */
  precision?: 'fp32' | 'bf16';
}
