// Sentences about a run that goes on: from where, how much is left, and what is not as it was.

import { instructionSet } from '../ops/instructionSet.ts';
import * as t from '../ops/tensor.ts';
import { earlyStopNote, isStoppedEarly } from './earlyStop.ts';
import { rateOfUpdate, scheduleOf } from './schedules.ts';
import type { Run, TrainEnv } from './run.ts';
import type { StoredRun } from './runFiles.ts';
import type { FullTrainConfig } from './trainConfig.ts';

/** The sentences that a resumed run begins with. */
export function resumeNotes(
  run: Run,
  stored: StoredRun,
  { resume }: Pick<TrainEnv, 'resume'>,
): string[] {
  const { state, epochs, test } = run;
  const place = resume!.location;
  if (state.epoch >= epochs) {
    const asked = state.epoch > epochs ? `, ${epochs} asked for` : '';
    const rest = test !== undefined && state.test === null;
    const next = rest ? 'Only the test is left.' : 'A larger number of epochs goes on with it.';
    return [`The run in ${place} is finished: epoch ${state.epoch} is done${asked}. ${next}`];
  }
  if (isStoppedEarly(state, run.config)) return [earlyStopNote(state)];
  return [
    ...computingNotes(stored),
    `Going on after epoch ${state.epoch} of ${epochs}, step ${state.step}, from ${place}.`,
    ...rateNotes(run, stored),
  ];
}

// Another backend or instruction set rounds differently.
function computingNotes({ backend, isa }: StoredRun): string[] {
  const notes: [name: string, before: string | undefined, now: string | undefined][] = [
    ['backend', backend, t.getBackend()],
    ['instruction set', backend === t.getBackend() ? isa : undefined, instructionSet()],
  ];
  return notes
    .filter(([, before, now]) => before !== undefined && now !== undefined && before !== now)
    .map(
      ([name, before, now]) =>
        `Going on with ${name} ${now} instead of ${before}: equal up to rounding, not bit for bit.`,
    );
}

// A longer run has a longer curve, whose rate at this step is above the last one of the shorter curve.
function rateNotes({ schedule, state, epochs, updatesPerEpoch }: Run, stored: StoredRun): string[] {
  if (state.step === 0) return [];
  const before = scheduleOf(stored.config as unknown as FullTrainConfig, updatesPerEpoch);
  const lastEpoch = state.update === 0 ? state.epoch - 1 : state.epoch;
  const last = rateOfUpdate(before, lastEpoch, state.step - 1);
  const next = rateOfUpdate(schedule, state.epoch, state.step);
  const wasNext = rateOfUpdate(before, state.epoch, state.step);
  if (next <= last || next === wasNext) return [];
  return [
    `The schedule is now ${epochs} epochs long: the learning rate rises again, from ${short(last)} to ${short(next)}.`,
  ];
}

function short(rate: number): string {
  return rate.toExponential(1).replace('e+0', '').replace('e+', 'e');
}
