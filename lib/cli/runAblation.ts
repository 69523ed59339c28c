// The work behind `tfjs-vit ablate`: a training of each variant and seed, finished ones skipped, and the report.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { InputError, expected } from '../core/errors.ts';
import { percent } from '../core/format.ts';
import { runFileNames } from '../training/runFiles.ts';
import { describeIngredient, variantsOf } from './ablation.ts';
import { AblationRecord } from './ablationRecord.ts';
import { reportAblation } from './ablationReport.ts';
import { descriptorOf } from './dataset.ts';
import { parseExperiment } from './experiment.ts';
import { trainExperiment } from './trainExperiment.ts';
import type { Ingredient, PlainExperiment, Variant } from './ablation.ts';
import type { RunScore } from './ablationRecord.ts';
import type { BackendOptions } from '../backends/select.ts';
import type { TrainResult } from '../training/trainer.ts';
import type { Terminal } from './command.ts';

/**
 * How an ablation is done.
 *
 * @property vary       the ingredients to switch off
 * @property seeds      trainings of each variant, with the seeds s, s + 1, … from that of the experiment on
 * @property outputDir  holds `<variant>/seed-<s>`, the record and the report
 * @property overwrite  true: runs that are there are made anew
 * @property dryRun     true: the runs are listed and nothing is trained
 */
export interface AblationOptions extends BackendOptions {
  vary: readonly Ingredient[];
  seeds: number;
  outputDir: string;
  overwrite: boolean;
  dryRun: boolean;
}

interface PlannedRun {
  readonly variant: Variant;
  readonly seed: number;
  /** `no-mixup/seed-1`. */
  readonly name: string;
}

/**
 * Trains each variant of an experiment with each seed and writes ablation.md, .csv and .png. The same call goes on where one was stopped.
 *
 * @returns the exit code: that of the signal if one stopped it
 * @throws InputError, before anything is trained, for a variant that cannot be used, or results of another experiment
 */
export async function runAblation(
  experiment: PlainExperiment,
  { vary, seeds, outputDir, overwrite, dryRun, ...backend }: AblationOptions,
  terminal: Terminal,
): Promise<number> {
  const { variants, idle } = variantsOf(experiment, vary);
  for (const variant of variants) assertMeasurable(variant.experiment);
  const { seed: first = 0 } = experiment;
  if (typeof first !== 'number') throw new InputError(expected('an integer ≥ 0', 'seed', first));
  const runs: PlannedRun[] = Array.from({ length: seeds }, (_, i) => first + i).flatMap((seed) =>
    variants.map((variant) => ({ variant, seed, name: `${variant.name}/seed-${seed}` })),
  );
  const record = await AblationRecord.open(outputDir, withoutSeed(experiment), { overwrite });
  if (idle.length > 0) {
    const one = idle.length === 1;
    terminal.error(
      `${idle.join(', ')} ${one ? 'has' : 'have'} no effect in this experiment: switched off, ${one ? 'it' : 'each'} would give the base again.`,
    );
  }
  if (dryRun) {
    listRuns(runs, { outputDir, record }, terminal);
    return 0;
  }
  await record.keep();
  for (const [i, run] of runs.entries()) {
    if (record.scoreOf(run.name) !== undefined) continue;
    terminal.out(`[${i + 1}/${runs.length}] ${run.name}`);
    const result = await trainRun(run, { outputDir, overwrite, backend }, terminal);
    if (result.reason !== 'finished' && result.reason !== 'earlyStop') {
      terminal.error('Stopped. The same command goes on from here.');
      return result.exitCode;
    }
    await record.keep(run.name, scoreOf(result));
  }
  const table = await reportAblation(
    variants.map(({ name }) => ({
      name,
      scores: runs
        .filter(({ variant }) => variant.name === name)
        .map((run) => record.scoreOf(run.name)!),
    })),
    { outputDir, name: String(experiment['name']), seeds },
  );
  terminal.out(`\n${table}`);
  terminal.out(`Table, CSV and chart: ${path.join(outputDir, 'ablation.{md,csv,png}')}`);
  return 0;
}

function trainRun(
  { variant, seed, name }: PlannedRun,
  { outputDir, overwrite, backend }: { outputDir: string; overwrite: boolean; backend: object },
  terminal: Terminal,
): Promise<TrainResult> {
  const folder = path.join(outputDir, name);
  const isThere = !overwrite && existsSync(path.join(folder, runFileNames.state));
  const overrides = new Map([
    ['seed', seed],
    ['model.seed', seed],
  ]);
  return isThere
    ? trainExperiment(undefined, { ...backend, resume: folder, report: false }, terminal)
    : trainExperiment(
        variant.experiment,
        { ...backend, outputDir: folder, overrides, overwrite, report: false },
        terminal,
      );
}

// The score is the test's where there is one, else that of the best epoch.
function scoreOf({ test, best }: TrainResult): RunScore {
  const from = test ?? best;
  const top1 = from?.['top1'];
  if (typeof top1 !== 'number') {
    throw new InputError(expected('a training that measures top-1', 'the result', top1));
  }
  return { top1, part: test === null ? 'validation' : 'test', epoch: from!.epoch };
}

// Each variant is checked before the first is trained for hours.
function assertMeasurable(experiment: PlainExperiment): void {
  const { data, train } = parseExperiment(experiment);
  const { parts, title } = descriptorOf(data);
  if (parts.includes('test') || parts.includes('validation')) return;
  if ((train.valSplit ?? 0) > 0) return;
  const remedy = 'Hold out training images: --val-split 0.1.';
  throw new InputError(expected('a test or validation part', title, parts.join(', '), remedy));
}

// Seeds may be added, and the number of threads is a matter of the machine.
function withoutSeed({ seed: _, ...experiment }: PlainExperiment): PlainExperiment {
  const { workers: __, ...data } = experiment['data'] as Record<string, unknown>;
  return { ...experiment, data };
}

function listRuns(
  runs: readonly PlannedRun[],
  { outputDir, record }: { outputDir: string; record: AblationRecord },
  { out }: Terminal,
): void {
  for (const { variant, name } of runs) {
    const score = record.scoreOf(name);
    const state = score === undefined ? '' : `  (finished: ${percent(score.top1, 2)})`;
    const [only] = variant.without;
    const what =
      variant.without.length === 1
        ? `without ${describeIngredient(only!)}`
        : variant.without.length === 0
          ? 'the experiment as it is'
          : `without ${variant.without.join(', ')}`;
    out(`${path.join(outputDir, name)}  ${what}${state}`);
  }
  const left = runs.filter(({ name }) => record.scoreOf(name) === undefined).length;
  out(`${left} of ${runs.length} trainings to be done.`);
}
