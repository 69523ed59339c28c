// The two tables of family train-step: learning rates over time, and parameter names in groups.

import { isRecord } from '../../core/check.ts';
import { InputError, VitError, expected } from '../../core/errors.ts';
import { buildModel } from '../../models/createModel.ts';
import { paramGroupsLayerDecay, paramGroupsWeightDecay } from '../../training/paramGroups.ts';
import { makeSchedule } from '../../training/schedules.ts';
import { goldenBuild, goldenModelConfig, onlyKnownKeys } from '../modelConfig.ts';
import type { ScheduleConfig } from '../../training/options/types.ts';
import type { GoldenCase } from '../goldenCase.ts';

const scheduleKeys = {
  sched: 'sched',
  num_epochs: 'numEpochs',
  warmup_epochs: 'warmupEpochs',
  warmup_lr: 'warmupLr',
  min_lr: 'minLr',
  cooldown_epochs: 'cooldownEpochs',
  warmup_prefix: 'warmupPrefix',
  step_on_epochs: 'stepOnEpochs',
  updates_per_epoch: 'updatesPerEpoch',
  k_decay: 'kDecay',
  cycle_limit: 'cycleLimit',
  cycle_mul: 'cycleMul',
  cycle_decay: 'cycleDecay',
  decay_epochs: 'decayEpochs',
  decay_rate: 'decayRate',
} as const satisfies Record<string, keyof ScheduleConfig>;

/** The schedule of every row from its options alone: the total number of epochs, and as many rates as the row has. */
export function scheduleRows(table: unknown, golden: GoldenCase): unknown[] {
  return rowsOf(table, golden).map((row, i) => {
    const where = `row ${i} of the schedules of ${golden.name}`;
    const kwargs = recordOf(row['kwargs'], `kwargs in ${where}`);
    onlyKnownKeys(kwargs, Object.keys(scheduleKeys), `kwargs in ${where}`);
    const options = Object.fromEntries(
      Object.entries(kwargs).map(([key, value]) => [
        scheduleKeys[key as keyof typeof scheduleKeys],
        value,
      ]),
    );
    const { base_lr: baseLr, lr } = row;
    if (typeof baseLr !== 'number' || !Array.isArray(lr)) {
      throw new InputError(expected('base_lr and a list lr', where, Object.keys(row)));
    }
    try {
      const schedule = makeSchedule(baseLr, options as unknown as ScheduleConfig);
      return { total_epochs: schedule.totalEpochs, lr: lr.map((_, t) => schedule.rate(t)) };
    } catch (error) {
      if (!(error instanceof VitError)) throw error;
      throw new InputError(`${where}: ${error.message}`);
    }
  });
}

/** Every row's parameter names in order, layer numbers and both kinds of groups, from a model of its config. */
export function groupRows(table: unknown, golden: GoldenCase): unknown[] {
  return rowsOf(table, golden).map((row, i) => {
    const where = `row ${i} of the groups of ${golden.name}`;
    const config = goldenModelConfig(recordOf(row['config'], `config in ${where}`), golden);
    const { layer_decay: layerDecay } = row;
    if (typeof layerDecay !== 'number') {
      throw new InputError(expected('a number', `layer_decay in ${where}`, layerDecay));
    }
    const model = buildModel(config, goldenBuild);
    try {
      const weightDecay = 0.05;
      return {
        param_order: [...model.namedParameters().keys()],
        layer_id: Object.fromEntries(model.layerGroups()),
        weight_decay_groups: paramGroupsWeightDecay(model, weightDecay).map((group) => ({
          weight_decay: group.weightDecay,
          params: group.params,
        })),
        layer_decay_groups: paramGroupsLayerDecay(model, { weightDecay, layerDecay }).map(
          (group) => ({
            weight_decay: group.weightDecay,
            lr_scale: group.lrScale,
            params: group.params,
          }),
        ),
      };
    } finally {
      model.dispose();
    }
  });
}

function rowsOf(table: unknown, golden: GoldenCase): Record<string, unknown>[] {
  if (!Array.isArray(table))
    throw new InputError(expected('a list', `table of ${golden.name}`, table));
  return table.map((row, i) => recordOf(row, `row ${i} of the table of ${golden.name}`));
}

function recordOf(value: unknown, where: string): Record<string, unknown> {
  if (!isRecord(value)) {
    throw new InputError(expected('an object', where, value));
  }
  return value;
}
