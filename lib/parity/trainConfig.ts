// The training of a golden case, in our names.

import { isRecord } from '../core/check.ts';
import { InputError, expected, show } from '../core/errors.ts';
import { UnsupportedCase } from './family.ts';
import { goldenModelConfig, onlyKnownKeys } from './modelConfig.ts';
import type {
  ClipConfig,
  EmaConfig,
  OptimizerConfig,
  ScheduleConfig,
} from '../training/options/types.ts';
import type { GoldenCase } from './goldenCase.ts';

/** A train-step case's config in our names; an option that was not used is absent. */
export interface GoldenTrainConfig {
  model: object;
  optimizer: OptimizerConfig;
  schedule: ScheduleConfig | undefined;
  clip: ClipConfig | undefined;
  ema: EmaConfig | undefined;
}

const optimizerKeys = {
  opt: 'opt',
  lr: 'learningRate',
  weight_decay: 'weightDecay',
  momentum: 'momentum',
  betas: 'betas',
  eps: 'epsilon',
  layer_decay: 'layerDecay',
  nesterov: 'nesterov',
  bias_correction: 'biasCorrection',
  grad_averaging: 'gradAveraging',
  max_grad_norm: 'maxGradNorm',
  trust_clip: 'trustClip',
  always_adapt: 'alwaysAdapt',
  decoupled_decay: 'decoupledDecay',
  ns_steps: 'nsSteps',
  ns_coefficients: 'nsCoefficients',
  adjust_lr_fn: 'adjustLrFn',
  fallback_list: 'fallbackList',
  fallback_no_weight_decay: 'fallbackNoWeightDecay',
  fallback_lr_scale: 'fallbackLrScale',
} as const satisfies Record<string, keyof OptimizerConfig>;

// CosineLRScheduler counts in its own units, here updates; as epochs of one update they are the same numbers.
const scheduleKeys = {
  t_initial: 'numEpochs',
  lr_min: 'minLr',
  warmup_t: 'warmupEpochs',
  warmup_lr_init: 'warmupLr',
  warmup_prefix: 'warmupPrefix',
} as const satisfies Record<string, keyof ScheduleConfig>;

const emaKeys = {
  decay: 'decay',
  use_warmup: 'useWarmup',
  warmup_gamma: 'warmupGamma',
  warmup_power: 'warmupPower',
  min_decay: 'minDecay',
  update_after_step: 'updateAfterStep',
} as const satisfies Record<string, keyof EmaConfig>;

/**
 * Reads a train-step config with the reference's defaults: no weight decay, a warm-up from 0, EMA V3's decay 0.9999.
 *
 * @throws InputError naming the case and the key, if one is unknown or its value cannot be used
 * @throws UnsupportedCase for an optimizer this build does not have
 */
export function goldenTrainConfig(golden: GoldenCase): GoldenTrainConfig {
  const { config, name } = golden;
  onlyKnownKeys(config, ['model', 'opt', 'sched', 'clip', 'ema', 'ema_v3'], `config of ${name}`);
  const part = (key: string) => recordOf(config[key] ?? {}, `config.${key} of ${name}`);
  const has = (key: string) => config[key] !== undefined && config[key] !== null;
  const optimizer = renamed(part('opt'), optimizerKeys, `config.opt of ${name}`);
  const opt = optimizer['opt'] ?? 'adamw';
  if (!['adamw', 'sgd', 'lamb', 'muon'].includes(opt as string)) {
    throw new UnsupportedCase(`the optimizer ${show(opt)} is not supported yet`);
  }
  return {
    model: goldenModelConfig(part('model'), golden),
    optimizer: { weightDecay: 0, ...optimizer } as unknown as OptimizerConfig,
    schedule: has('sched')
      ? ({
          sched: 'cosine',
          warmupLr: 0,
          ...renamed(part('sched'), scheduleKeys, `config.sched of ${name}`),
        } as unknown as ScheduleConfig)
      : undefined,
    clip: has('clip') ? clipOf(config['clip'], name) : undefined,
    ema: emaOf(config, name),
  };
}

function clipOf(value: unknown, name: string): ClipConfig {
  if (Array.isArray(value) && value.length === 2 && typeof value[0] === 'number') {
    const mode = value[1] as unknown;
    if (mode === 'norm' || mode === 'value' || mode === 'agc') return { value: value[0], mode };
  }
  throw new InputError(
    expected('[value, "norm" | "value" | "agc"]', `config.clip of ${name}`, value),
  );
}

function emaOf(config: Record<string, unknown>, name: string): EmaConfig | undefined {
  const { ema, ema_v3: v3 } = config;
  if (ema !== undefined && ema !== null) {
    if (typeof ema !== 'number') {
      throw new InputError(expected('a number', `config.ema of ${name}`, ema));
    }
    return { kind: 'plain', decay: ema };
  }
  if (v3 === undefined || v3 === null) return undefined;
  const options = renamed(
    recordOf(v3, `config.ema_v3 of ${name}`),
    emaKeys,
    `config.ema_v3 of ${name}`,
  );
  return { kind: 'v3', decay: 0.9999, ...options };
}

function renamed(
  options: Record<string, unknown>,
  keys: Readonly<Record<string, string>>,
  where: string,
): Record<string, unknown> {
  onlyKnownKeys(options, Object.keys(keys), where);
  const given = Object.entries(options).filter(([, value]) => value !== null);
  return Object.fromEntries(given.map(([key, value]) => [keys[key]!, value]));
}

function recordOf(value: unknown, where: string): Record<string, unknown> {
  if (!isRecord(value)) {
    throw new InputError(expected('an object', where, value));
  }
  return value;
}
