// The report at the end of a run, and what is said about it.

import path from 'node:path';
import { VitError, messageOf } from '../core/errors.ts';
import { commandLine } from './invocation.ts';
import type { StopReason } from '../training/trainer.ts';
import type { Terminal } from './command.ts';
import type { ReportedRun } from './runReport.ts';

/** Writes the report of a run that has ended. One that cannot be written is told, and costs the run nothing. */
export async function tellReport(
  { reason, ...run }: Omit<ReportedRun, 'end' | 'epochs'> & { reason: StopReason },
  { out, error }: Terminal,
): Promise<void> {
  const again = commandLine('report', run.store.location);
  try {
    const { plannedEpochs, reportName, writeReport } = await import('./runReport.ts');
    const end = reason === 'earlyStop' ? 'earlyStop' : 'finished';
    const written = await writeReport({ ...run, end, epochs: plannedEpochs(run.config) });
    if (written) out(`Report: ${path.join(run.store.location, reportName)}`);
    else error(`No report was written. Write it with: ${again}`);
  } catch (failure) {
    if (!(failure instanceof VitError)) throw failure;
    error(`Could not write the report: ${messageOf(failure)} Try again with: ${again}`);
  }
}
