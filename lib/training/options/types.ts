// The options of the parts of a training as types. Written by `npm run options` from the tables beside it: change those.

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

/** The learning rate over time, in a training's config. */
export interface ScheduleOptions {
  /**
   * Form: half a cosine, steps, a straight line, or the base rate after the warm-up. Default
   * "cosine". Flag `--sched`.
   */
  sched?: 'cosine' | 'step' | 'linear' | 'constant';
  /**
   * Epochs of linear warm-up; they count as a part of `numEpochs` unless `warmupPrefix`. A
   * finite number ≥ 0. Default 0. Flag `--warmup-epochs`.
   */
  warmupEpochs?: number;
  /**
   * Learning rate at the start of the warm-up. A finite number ≥ 0. Default 0.00001. Only with
   * `warmupEpochs` above 0. Flag `--warmup-lr`.
   */
  warmupLr?: number;
  /**
   * Learning rate where cosine and linear end. A finite number ≥ 0. Default 0. Only with `sched`
   * cosine or linear. Flag `--min-lr`.
   */
  minLr?: number;
  /**
   * Epochs at `minLr` after the end of cosine and linear; they make the run longer. A finite
   * number ≥ 0. Default 0. Only with `sched` cosine or linear. Flag `--cooldown-epochs`.
   */
  cooldownEpochs?: number;
  /**
   * true: the warm-up comes before `numEpochs`, makes the run longer and does not shift the
   * curve. Default false. Only with `warmupEpochs` above 0.
   */
  warmupPrefix?: boolean;
  /**
   * Exponent k of (t/T)^k in cosine and linear. A finite number > 0. Default 1. Only with
   * `sched` cosine or linear.
   */
  kDecay?: number;
  /**
   * Number of cycles of cosine and linear, which follow one another and make the run longer. An
   * integer ≥ 1. Default 1. Only with `sched` cosine or linear.
   */
  cycleLimit?: number;
  /**
   * Length of a cycle over that of the cycle before. A finite number > 0. Default 1. Only with
   * `sched` cosine or linear. Only with `cycleLimit` above 1.
   */
  cycleMul?: number;
  /**
   * Peak of a cycle over that of the cycle before. A finite number ≥ 0. Default 0.1. Only with
   * `sched` cosine or linear. Only with `cycleLimit` above 1.
   */
  cycleDecay?: number;
  /**
   * Epochs between two steps of the step schedule. A finite number > 0. Default 90. Only with
   * `sched` step. Flag `--decay-epochs`.
   */
  decayEpochs?: number;
  /**
   * Factor on the rate at a step of the step schedule. A finite number ≥ 0. Default 0.1. Only
   * with `sched` step. Flag `--decay-rate`.
   */
  decayRate?: number;
  /**
   * Length without the cooldown, and without the warm-up if `warmupPrefix`; it then decides in
   * place of `epochs`; default `epochs`. A finite number > 0.
   */
  numEpochs?: number;
  /** true: a new rate each epoch; false: each update. Default false. */
  stepOnEpochs?: boolean;
}

/** The learning rate over time, in timm's words. */
export interface ScheduleConfig {
  /**
   * Form: half a cosine, steps, a straight line, or the base rate after the warm-up. Default
   * "cosine". Flag `--sched`.
   */
  sched?: 'cosine' | 'step' | 'linear' | 'constant';
  /** Length without the cooldown, and without the warm-up if `warmupPrefix`. A finite number > 0. */
  numEpochs: number;
  /**
   * Epochs of linear warm-up; they count as a part of `numEpochs` unless `warmupPrefix`. A
   * finite number ≥ 0. Default 0. Flag `--warmup-epochs`.
   */
  warmupEpochs?: number;
  /**
   * Learning rate at the start of the warm-up. A finite number ≥ 0. Default 0.00001. Only with
   * `warmupEpochs` above 0. Flag `--warmup-lr`.
   */
  warmupLr?: number;
  /**
   * Learning rate where cosine and linear end. A finite number ≥ 0. Default 0. Only with `sched`
   * cosine or linear. Flag `--min-lr`.
   */
  minLr?: number;
  /**
   * Epochs at `minLr` after the end of cosine and linear; they make the run longer. A finite
   * number ≥ 0. Default 0. Only with `sched` cosine or linear. Flag `--cooldown-epochs`.
   */
  cooldownEpochs?: number;
  /**
   * true: the warm-up comes before `numEpochs`, makes the run longer and does not shift the
   * curve. Default false. Only with `warmupEpochs` above 0.
   */
  warmupPrefix?: boolean;
  /**
   * true: a new rate each epoch; false: each update, which needs `updatesPerEpoch`. Default
   * true.
   */
  stepOnEpochs?: boolean;
  /** Optimizer updates in an epoch. A finite number ≥ 0. Default 0. */
  updatesPerEpoch?: number;
  /**
   * Exponent k of (t/T)^k in cosine and linear. A finite number > 0. Default 1. Only with
   * `sched` cosine or linear.
   */
  kDecay?: number;
  /**
   * Number of cycles of cosine and linear, which follow one another and make the run longer. An
   * integer ≥ 1. Default 1. Only with `sched` cosine or linear.
   */
  cycleLimit?: number;
  /**
   * Length of a cycle over that of the cycle before. A finite number > 0. Default 1. Only with
   * `sched` cosine or linear. Only with `cycleLimit` above 1.
   */
  cycleMul?: number;
  /**
   * Peak of a cycle over that of the cycle before. A finite number ≥ 0. Default 0.1. Only with
   * `sched` cosine or linear. Only with `cycleLimit` above 1.
   */
  cycleDecay?: number;
  /**
   * Epochs between two steps of the step schedule. A finite number > 0. Default 90. Only with
   * `sched` step. Flag `--decay-epochs`.
   */
  decayEpochs?: number;
  /**
   * Factor on the rate at a step of the step schedule. A finite number ≥ 0. Default 0.1. Only
   * with `sched` step. Flag `--decay-rate`.
   */
  decayRate?: number;
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

/** A teacher, and how a model learns from it. */
export interface DistillationConfig {
  /**
   * hard: the teacher's likeliest class is a label; soft: its distribution is the target; none:
   * no teacher. Default "none". Flag `--distillation-type`.
   */
  type?: 'none' | 'soft' | 'hard';
  /**
   * Weight of the teacher's part of the loss. A finite number ≥ 0 and ≤ 1. Default 0.5. Only
   * with `type` soft or hard. Flag `--distillation-alpha`.
   */
  alpha?: number;
  /**
   * Temperature of the distributions. A finite number > 0. Default 1. Only with `type` soft.
   * Flag `--distillation-tau`.
   */
  tau?: number;
  /**
   * Checkpoint of the teacher, a file or a run folder. Only with `type` soft or hard. Flag
   * `--teacher-path`.
   */
  teacherPath?: string;
  /**
   * Size of the teacher by name, for a checkpoint that brings no configuration. Only with `type`
   * soft or hard. Flag `--teacher-model`.
   */
  teacherModel?: string;
  /**
   * Folder of the teacher's logits: an epoch that is there is read, another is computed and
   * kept, for further runs with the same seed, data and augmentation. Only with `type` soft or
   * hard. Flag `--teacher-logits`.
   */
  teacherLogits?: string;
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
