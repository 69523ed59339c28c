// The options of the learning rate's schedule as types. Written by `npm run options` from the tables beside it: change those.

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
