// The learning rate over time, as timm's create_scheduler_v2 computes it: pure functions of the epoch or the update, in float64.

import { assertNumber } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { defaultsOf, parseOptions } from '../core/option.ts';
import { scheduleConfigOptions, scheduleOptions } from './options/schedule.ts';
import type { ScheduleConfig } from './options/types.ts';
import type { FullTrainConfig } from './trainConfig.ts';

/**
 * A learning rate over time.
 *
 * @property unit         what `rate` counts
 * @property totalEpochs  epochs to train, with the warm-up prefix, every cycle and the cooldown
 */
export interface Schedule {
  readonly unit: 'epoch' | 'update';
  readonly totalEpochs: number;
  /** The rate of unit t, from 0. The first unit of a warm-up runs at `warmupLr`. */
  rate(t: number): number;
}

/** The rate of an update, both counted from 0: `update` over the whole run, in epoch `epoch`. */
export function rateOfUpdate(schedule: Schedule, epoch: number, update: number): number {
  return schedule.rate(schedule.unit === 'epoch' ? epoch : update);
}

/**
 * The schedule of a base rate.
 *
 * warm-up, t < w:  warmupLr + t·(base − warmupLr)/w
 * cosine:  minLr + ½·(base·cycleDecay^i − minLr)·(1 + cos(π·(t/T)^k)) in cycle i
 * linear:  minLr + (base·cycleDecay^i − minLr)·(1 − (t/T)^k)
 * step:    base·decayRate^⌊t/decayEpochs⌋
 *
 * @param baseLr  rate at the end of the warm-up, > 0 (per update, not per image)
 * @throws InputError naming the option that cannot be used
 *
 * Source: timm/scheduler (scheduler_factory.py, cosine_lr.py, poly_lr.py with power 1, step_lr.py); k-decay: Zhang and Li 2020.
 *
 * @example
 * const schedule = makeSchedule(1e-3, {numEpochs: 300, warmupEpochs: 5, minLr: 1e-5});
 * schedule.rate(0);   // 1e-5, the default warmupLr
 */
export function makeSchedule(baseLr: number, config: ScheduleConfig): Schedule {
  assertNumber('learningRate', baseLr, { min: 0 });
  const options = parseOptions<Options>(scheduleConfigOptions, config, { name: 'schedule' });
  assertUsable(baseLr, options);
  const { sched, warmupLr, warmupPrefix, stepOnEpochs, updatesPerEpoch } = options;
  const perEpoch = stepOnEpochs ? 1 : updatesPerEpoch;
  const warmup = options.warmupEpochs * perEpoch;
  const slope = (baseLr - warmupLr) / warmup;
  const after = curves[sched](baseLr, options, perEpoch);
  return {
    unit: stepOnEpochs ? 'epoch' : 'update',
    totalEpochs: totalEpochs(options, perEpoch),
    rate: (t) => (t < warmup ? warmupLr + t * slope : after(warmupPrefix ? t - warmup : t)),
  };
}

/**
 * The schedule of a training, whose options are a config's and whose length is known.
 *
 * @param begin  the epoch at whose beginning the training was begun or resumed, which decides under `deitCompat`
 */
export function scheduleOf(
  config: Omit<FullTrainConfig, 'model' | 'data'>,
  updatesPerEpoch: number,
  begin = 0,
): Schedule {
  const { epochs, schedule, deitCompat = false } = config;
  const given = { ...defaultsOf(scheduleOptions), numEpochs: epochs, ...schedule };
  const made = makeSchedule(baseRateOf(config), { ...given, updatesPerEpoch });
  return deitCompat ? lateSchedule(made, { begin, epochs: given.numEpochs }) : made;
}

/** The learning rate after the warm-up: the config's, scaled to the images of an update where `lrBaseSize` says for how many it is. */
export function baseRateOf({
  learningRate,
  lrBaseSize,
  batchSize,
  accumulationSteps,
}: Pick<
  FullTrainConfig,
  'learningRate' | 'lrBaseSize' | 'batchSize' | 'accumulationSteps'
>): number {
  // A stored config of before there was the option has none.
  if (lrBaseSize == null) return learningRate;
  return (learningRate * batchSize * accumulationSteps) / lrBaseSize;
}

// DeiT takes its step after an epoch with the number of that epoch, and after a resume with that of the next.
function lateSchedule(
  schedule: Schedule,
  { begin, epochs }: { begin: number; epochs: number },
): Schedule {
  const { unit } = schedule;
  const late = (t: number) => (t === 0 || t === begin ? t : t - 1);
  return {
    ...schedule,
    totalEpochs: epochs,
    rate: (t) => schedule.rate(unit === 'epoch' ? late(t) : t),
  };
}

/**
 * The length of a run under its schedule, in epochs: at least one; a broken epoch at the end is left out, as in timm.
 *
 * Source: timm/scheduler/scheduler_factory.py, the `num_epochs` that create_scheduler_v2 returns.
 */
export function epochsOf({ totalEpochs }: Schedule): number {
  // Sums of fractions may lie a rounding error below a whole number.
  return Math.max(1, Math.floor(totalEpochs + 1e-6));
}

type Options = Required<ScheduleConfig>;

/** The schedule after the warm-up: the rate at t units since the start of the curve. */
type Curve = (base: number, options: Options, perEpoch: number) => (t: number) => number;

const curves: Record<Options['sched'], Curve> = {
  cosine: cycles((x) => 0.5 * (1 + Math.cos(Math.PI * x))),
  linear: cycles((x) => 1 - x),
  step:
    (base, { decayEpochs, decayRate }, perEpoch) =>
    (t) =>
      base * decayRate ** Math.floor(t / (decayEpochs * perEpoch)),
  constant: (base) => () => base,
};

/** Cycles that fall from their peak to minLr along `shape`, which goes from 1 at 0 to 0 at 1. */
function cycles(shape: (x: number) => number): Curve {
  return (base, { numEpochs, minLr, kDecay, cycleLimit, cycleMul, cycleDecay }, perEpoch) => {
    const length = numEpochs * perEpoch;
    return (t) => {
      let cycle = Math.floor(t / length);
      let [span, inCycle] = [length, t - cycle * length];
      if (cycleMul !== 1) {
        cycle = Math.floor(Math.log(1 - (t / length) * (1 - cycleMul)) / Math.log(cycleMul));
        span = cycleMul ** cycle * length;
        inCycle = t - ((1 - cycleMul ** cycle) / (1 - cycleMul)) * length;
      }
      // Shrinking cycles have a last moment; past it the logarithm is not finite.
      if (!(cycle < cycleLimit)) return minLr;
      const peak = base * cycleDecay ** cycle;
      return minLr + (peak - minLr) * shape(inCycle ** kDecay / span ** kDecay);
    };
  };
}

function totalEpochs(options: Options, perEpoch: number): number {
  const { sched, numEpochs, warmupEpochs, cooldownEpochs, warmupPrefix } = options;
  const prefix = warmupPrefix ? warmupEpochs : 0;
  if (sched === 'step' || sched === 'constant') return numEpochs + prefix;
  const { cycleLimit, cycleMul } = options;
  const length = numEpochs * perEpoch;
  const all =
    cycleMul === 1
      ? length * cycleLimit
      : Math.floor((-length * (cycleMul ** cycleLimit - 1)) / (1 - cycleMul));
  return Math.floor((all + (prefix + cooldownEpochs) * perEpoch) / perEpoch);
}

function assertUsable(baseLr: number, { stepOnEpochs, updatesPerEpoch }: Options): void {
  assertNumber('learningRate', baseLr, { min: 0 });
  if (!stepOnEpochs && !(updatesPerEpoch > 0)) {
    const remedy = 'A schedule per update needs it.';
    throw new InputError(expected('a positive number', 'updatesPerEpoch', updatesPerEpoch, remedy));
  }
}
