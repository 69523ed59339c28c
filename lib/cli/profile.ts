// The profile of a work: warms it up, profiles its steps, and reports.

import path from 'node:path';
import { unmarked } from '../core/phase.ts';
import { chromeTrace } from '../profile/chromeTrace.ts';
import { profileKernels, type KernelProfile } from '../profile/profileKernels.ts';
import type { BackendOptions } from '../backends/select.ts';
import type { Terminal } from './command.ts';
import { writeAtomically } from './outputFile.ts';
import { encodePicture } from './pictureFile.ts';
import { profileChart, profileJson, profileText, type ProfiledSteps } from './profileReport.ts';
import { openWork, type Work, type WorkOptions } from './profileWork.ts';
import { useBackend } from './useBackend.ts';

/** The work to profile, and the files for the results. */
export interface ProfileOptions extends BackendOptions, WorkOptions {
  /** ≥ 1. */
  steps: number;
  /** Kernels in the table and the chart. */
  top: number;
  trace: string | undefined;
  chart: string | undefined;
  json: string | undefined;
}

const warmUpSteps = 2;

/**
 * Profiles a work, prints its table, and writes the files that were asked for.
 *
 * @returns the exit code 0
 * @throws VitError for whatever cannot be used, files that cannot be written before anything is measured
 */
export async function profileCommand(options: ProfileOptions, terminal: Terminal): Promise<number> {
  const { trace, chart, json, steps, top } = options;
  const { backend, threads, precision = 'fp32' } = options;
  await useBackend({ backend, threads, precision }, terminal);
  const work = await openWork(options, terminal.error);
  let profile: KernelProfile;
  try {
    profile = await profileSteps(work, steps);
  } finally {
    work.dispose();
  }
  const { label, imagesPerStep } = work;
  const measured: ProfiledSteps = { label, imagesPerStep, steps, profile };
  terminal.out(profileText(measured, top));
  const write = async (
    file: string | undefined,
    content: (file: string) => Promise<Uint8Array | string> | string,
  ) => {
    if (file === undefined) return;
    await writeAtomically(file, await content(file));
    terminal.error(`Wrote ${path.resolve(file)}`);
  };
  await write(trace, () => chromeTrace(profile.spans, `${label} on ${profile.backend}`));
  await write(json, () => profileJson(measured));
  await write(chart, (file) => encodePicture(profileChart(measured, top), { file, scale: 2 }));
  return 0;
}

async function profileSteps(work: Work, steps: number): Promise<KernelProfile> {
  for (let i = 0; i < warmUpSteps; i += 1) {
    await work.step({ phase: unmarked });
  }
  return profileKernels(async (marks) => {
    for (let i = 0; i < steps; i += 1) await marks.step(() => work.step(marks));
  });
}
