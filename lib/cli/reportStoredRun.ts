// The report of a run folder, with everything read from it.

import path from 'node:path';
import { InputError, expected } from '../core/errors.ts';
import { openFolder } from '../io/folder.ts';
import { runFolderOf } from '../io/runFolder.ts';
import { buildModel } from '../models/createModel.ts';
import { isStoppedEarly } from '../training/earlyStop.ts';
import { readRun } from '../training/runFiles.ts';
import { openParts } from './dataset.ts';
import { parseExperiment } from './experiment.ts';
import { plannedEpochs, reportName, writeReport } from './runReport.ts';
import { runSamples, type RunSamples } from './runSamples.ts';
import { storedExperiment } from './storedExperiment.ts';
import { useBackend } from './useBackend.ts';
import type { BackendOptions } from '../backends/select.ts';
import type { Stop } from '../core/stop.ts';
import type { Terminal } from './command.ts';

/** The options of `reportStoredRun`. `folder`: where the data are now, default where the run found them; `workers`: threads that read. */
export interface ReportOptions extends BackendOptions {
  folder?: string | undefined;
  workers?: number | undefined;
  stop?: Stop | undefined;
}

/**
 * Measures the best checkpoint of a run folder and writes its report there.
 *
 * @returns the path of the report; undefined after a signal
 * @throws InputError if the folder holds no run of a classifier, IoError, CheckpointError if it cannot be read
 */
export async function reportStoredRun(
  run: string,
  options: ReportOptions,
  terminal: Terminal,
): Promise<string | undefined> {
  const place = await runFolderOf(run);
  const stored = await storedExperiment(place, { what: 'the folder of a run', flag: 'report' });
  if (stored['task'] !== undefined) {
    const remedy = 'A report is about a classifier.';
    throw new InputError(expected('a run of a classifier', 'report', stored['task'], remedy));
  }
  const { name, model: modelConfig, data: storedData, train } = parseExperiment(stored);
  const data =
    options.folder === undefined ? storedData : { ...storedData, folder: options.folder };
  const { precision } = train;
  await useBackend({ ...options, precision }, terminal);
  const store = await openFolder(place, { lock: true });
  let samples: RunSamples | undefined;
  try {
    const { workers } = options;
    samples = await runSamples(
      { ...data, ...(workers !== undefined && { workers }) },
      { resumed: place, onNote: terminal.error },
    );
    const { state } = await readRun(store);
    const said = { onNote: terminal.error, bad: samples.bad };
    const parts = await openParts(data, said);
    const epochs = plannedEpochs(train);
    const early = isStoppedEarly(state, train) && state.epoch < epochs;
    const end = early ? 'earlyStop' : state.epoch >= epochs ? 'finished' : 'unfinished';
    const model = buildModel(modelConfig, { onWarning: terminal.error });
    try {
      const best = state.best?.epoch ?? null;
      const given = {
        store,
        name,
        data,
        config: train,
        model,
        parts,
        log: state.log,
        best,
        samples,
      };
      const written = await writeReport({ ...given, epochs, end, stop: options.stop });
      return written ? path.join(place, reportName) : undefined;
    } finally {
      model.dispose();
    }
  } finally {
    await samples?.close();
    await store.close();
  }
}
