// Sentences about a schedule whose options do less in this run than they seem to.

import { defaultsOf } from '../core/option.ts';
import { scheduleOptions } from './options/schedule.ts';
import { baseRateOf, rateOfUpdate, type Schedule } from './schedules.ts';
import type { ScheduleOptions } from './options/types.ts';
import type { FullTrainConfig } from './trainConfig.ts';

/** A schedule in a run: how long the run is, in epochs, and how many updates an epoch has. */
export interface ScheduledRun {
  schedule: Schedule;
  epochs: number;
  updatesPerEpoch: number;
}

/**
 * One sentence for each option of the schedule whose time does not come within the run: a warm-up that is as long as the run, steps
 * that come after its end.
 */
export function scheduleNotes(
  config: Pick<FullTrainConfig, 'schedule'> & Parameters<typeof baseRateOf>[0],
  { schedule, epochs, updatesPerEpoch }: ScheduledRun,
): string[] {
  const options = {
    ...defaultsOf(scheduleOptions),
    ...config.schedule,
  } as Required<ScheduleOptions>;
  const { sched, warmupEpochs, warmupPrefix, decayEpochs } = options;
  const notes: string[] = [];
  if (warmupEpochs >= epochs) {
    const last = rateOfUpdate(schedule, epochs - 1, epochs * updatesPerEpoch - 1);
    notes.push(
      `The warm-up of ${count(warmupEpochs)} is as long as the run of ${count(epochs)} or longer: ` +
        `the learning rate ends at ${last.toPrecision(3)}, on its way to ${baseRateOf(config)}.`,
    );
  }
  const firstStep = decayEpochs + (warmupPrefix ? warmupEpochs : 0);
  if (sched === 'step' && firstStep >= epochs) {
    notes.push(
      `The first step of the learning rate comes after ${count(firstStep)} (decayEpochs), and the run has ${epochs}: it never falls.`,
    );
  }
  return notes;
}

function count(epochs: number): string {
  return `${epochs} epoch${epochs === 1 ? '' : 's'}`;
}
