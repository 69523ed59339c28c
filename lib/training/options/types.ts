// The options of a training as types. Written by `npm run options` from the tables beside it: change those.

import type { ScheduleOptions } from './scheduleTypes.ts';

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

/** The update rule of the weights, and its numbers. */
export interface OptimizerConfig {
  /** Learning rate of every group until `setRate`. A finite number ≥ 0. */
  learningRate: number;
  /**
   * Update rule: Adam with decoupled weight decay, SGD with momentum, LAMB (Adam with a trust
   * ratio for each layer), or Muon (orthogonalised momentum for matrices, AdamW for the rest).
   * Default "adamw". Flag `--opt`.
   */
  opt?: 'adamw' | 'sgd' | 'lamb' | 'muon';
  /**
   * Weight decay, decoupled in adamw and muon, added to the gradient in sgd and to the step of
   * Adam in lamb; never on vectors, biases and tokens. A finite number ≥ 0. Default 0.05. Flag
   * `--weight-decay`.
   */
  weightDecay?: number;
  /**
   * Decay rates of the two moments of Adam; default [0.9, 0.999], in muon [0.9, 0.95]. 2 finite
   * numbers ≥ 0 and < 1. Only with `opt` adamw or lamb or muon. Flag `--opt-betas`.
   */
  betas?: readonly [number, number];
  /**
   * Added to √v̂ in Adam; in muon also the least norm of a matrix; default 1e-8, in lamb 1e-6,
   * in muon 1e-7. A finite number > 0. Only with `opt` adamw or lamb or muon. Flag `--opt-eps`.
   */
  epsilon?: number;
  /**
   * Momentum of sgd and muon. A finite number ≥ 0 and ≤ 1. Default 0.9. Only with `opt` sgd or
   * muon. Flag `--momentum`.
   */
  momentum?: number;
  /**
   * Nesterov's form of the momentum; default true in sgd, and false in muon, where true is
   * timm's nmuon. Only with `opt` sgd or muon. Only with `momentum` above 0. Flag `--nesterov`.
   */
  nesterov?: boolean;
  /** true: the moments of lamb are divided by 1 − β^step. Default true. Only with `opt` lamb. */
  biasCorrection?: boolean;
  /**
   * true: the first moment of lamb takes 1 − β1 of a gradient; false: all of it. Default true.
   * Only with `opt` lamb.
   */
  gradAveraging?: boolean;
  /**
   * Norm of all gradients above which lamb scales them down; null: none. A finite number > 0.
   * Default 1. Only with `opt` lamb. Flag `--max-grad-norm`.
   */
  maxGradNorm?: number | null;
  /**
   * true: the trust ratio of lamb is at most 1, timm's lambc. Default false. Only with `opt`
   * lamb.
   */
  trustClip?: boolean;
  /**
   * true: lamb scales the steps of parameters without weight decay too. Default false. Only with
   * `opt` lamb.
   */
  alwaysAdapt?: boolean;
  /**
   * true: lamb takes the weight decay off the weights, timm's lambw. Default false. Only with
   * `opt` lamb.
   */
  decoupledDecay?: boolean;
  /**
   * Newton–Schulz iterations of muon. An integer ≥ 1 and ≤ 100. Default 5. Only with `opt` muon.
   * Flag `--ns-steps`.
   */
  nsSteps?: number;
  /** Coefficients of the iterations, by timm's names. Default "quintic". Only with `opt` muon. */
  nsCoefficients?: 'original' | 'quintic' | 'polar_express';
  /**
   * Factor of muon on the learning rate of a matrix [out, in]: √max(1, out/in), 0.2·√max(out,
   * in), or √(out/in). Default "match_rms_adamw". Only with `opt` muon.
   */
  adjustLrFn?: 'original' | 'match_rms_adamw' | 'rms_to_rms';
  /**
   * Names of matrices that muon leaves to AdamW, with * for any characters: `["head.*",
   * "patch_embed.*"]`. Default []. Only with `opt` muon.
   */
  fallbackList?: readonly string[];
  /** true: muon leaves what the model never decays to AdamW. Default false. Only with `opt` muon. */
  fallbackNoWeightDecay?: boolean;
  /**
   * Factor on the learning rate of what muon leaves to AdamW. A finite number ≥ 0. Default 1.
   * Only with `opt` muon.
   */
  fallbackLrScale?: number;
  /**
   * Factor on the learning rate from each layer to the layer below; without it all learn alike.
   * A finite number ≥ 0 and ≤ 1. Flag `--layer-decay`.
   */
  layerDecay?: number;
}

/** Gradient clipping: a limit on the size of the gradients. */
export interface ClipConfig {
  /**
   * norm: all gradients together; value: each element; agc: each unit against its weights.
   * Default "norm". Flag `--clip-mode`.
   */
  mode?: 'norm' | 'value' | 'agc';
  /**
   * The largest norm, the largest element, or the largest ratio of gradient to weight norm. A
   * finite number > 0. Flag `--clip-grad`.
   */
  value: number;
}

/** A moving average of the weights. */
export interface EmaConfig {
  /**
   * Share of the old average in each update. A finite number ≥ 0 and ≤ 1. Default 0.9998. Flag
   * `--model-ema-decay`.
   */
  decay?: number;
  /**
   * plain: `decay` from the first update on, as timm's ModelEmaV2; v3: the first update copies
   * the weights, as ModelEmaV3. Default "plain".
   */
  kind?: 'plain' | 'v3';
  /**
   * true: the decay rises as 1 − (1 + n/gamma)^(−power) up to `decay`. Default false. Only with
   * `kind` v3.
   */
  useWarmup?: boolean;
  /**
   * gamma of the warm-up. A finite number > 0. Default 1. Only with `kind` v3. Only with
   * `useWarmup` true.
   */
  warmupGamma?: number;
  /**
   * power of the warm-up. A finite number ≥ 0. Default 0.6666666666666666. Only with `kind` v3.
   * Only with `useWarmup` true.
   */
  warmupPower?: number;
  /**
   * Least decay during the warm-up. A finite number ≥ 0 and ≤ 1. Default 0. Only with `kind` v3.
   * Only with `useWarmup` true.
   */
  minDecay?: number;
  /** Updates that only copy the weights. An integer ≥ 0. Default 0. Only with `kind` v3. */
  updateAfterStep?: number;
}
