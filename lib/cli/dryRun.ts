// `tfjs-vit train --dry-run`: everything that a run would do, said before it is done. Nothing is trained, and nothing is written.

import { parseAugmentOptions, isErasing, isMixing } from '../data/augment/createTransform.ts';
import { makePreprocessing } from '../data/preprocessing.ts';
import { resolutionNotes, resolutionStages } from '../training/progressive.ts';
import { partsOf, trainLoader } from '../training/runData.ts';
import { epochsOf, scheduleOf } from '../training/schedules.ts';
import { rateLines } from '../training/rateChart.ts';
import { frozenNotes, trainablePart } from '../training/trainablePart.ts';
import { evaluationOf, inputOf, sizeNote, stepsOf, transformsOf } from './augmentation.ts';
import { assertBatchFits } from './batchMemory.ts';
import { descriptorOf, openParts } from './dataset.ts';
import { parseExperiment } from './experiment.ts';
import { withOverrides } from './experimentOverrides.ts';
import { dataFacts, followData } from './followData.ts';
import { idleNotes, imagesSeen, recipeNotes } from './recipeNotes.ts';
import { withDynamicSize } from './progressiveModel.ts';
import { useBackend } from './useBackend.ts';
import type { BackendOptions } from '../backends/select.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { TransformStep } from '../data/transformRegistry.ts';
import type { Terminal } from './command.ts';
import type { DataConfig } from './dataOptionTypes.ts';

/** The options of a dry run. `overrides`: the options that flags set, by path. */
export interface DryRunOptions extends BackendOptions {
  overrides: ReadonlyMap<string, unknown>;
  loadReport?: boolean;
}

/**
 * Says what a run would be: its model, its data, the samples of an epoch, the steps of images and batches, the learning rate over
 * time, and every option without effect.
 *
 * @param config  an `ExperimentConfig`
 * @throws VitError for whatever the run would refuse before its first update
 */
export async function dryRun(
  config: unknown,
  { overrides, loadReport, ...backend }: DryRunOptions,
  terminal: Terminal,
): Promise<void> {
  const { buildModel, parseModelOptions } = await import('../models/createModel.ts');
  const { sumParameters } = await import('../models/layerRow.ts');
  const { openFineTuning } = await import('./fineTuning.ts');
  const given = withOverrides(config, overrides);
  const tuning = await openFineTuning(given, terminal.error, { table: loadReport });
  const experiment = tuning?.experiment ?? withDynamicSize(given);
  const { name, data, train: parsed } = parseExperiment(experiment);
  await useBackend({ ...backend, precision: parsed.precision }, terminal);
  const said = { onNote: terminal.error };
  const opened = await openParts(data, said);
  const parts = await partsOf(parsed, opened);
  const { title } = descriptorOf(data);
  const facts = dataFacts(data, opened.train);
  const options = parseModelOptions(followData(experiment['model'], facts));
  const { model, train } = tuning?.build(parsed, facts) ?? {
    model: buildModel(options, { initialize: false, onWarning: terminal.error }),
    train: parsed,
  };
  try {
    const [height, width, channels] = model.inputShape;
    const { input, normalize } = inputOf(data, model.inputShape, opened.train.imageShape);
    tuning?.compareNormalization(normalize);
    const preprocessing = makePreprocessing({ ...evaluationOf(data, input), normalize });
    const loader = trainLoader(train, { preprocessing, ...transformsOf(data, input) }, parts.train);
    const { batchSize, accumulationSteps } = train;
    assertBatchFits({ option: '--batch-size', model, batchSize, training: true });
    const updatesPerEpoch = Math.ceil(loader.steps / accumulationSteps);
    const schedule = scheduleOf(train, updatesPerEpoch);
    const epochs = epochsOf(schedule);
    const run = { config: train, data, loader, schedule, epochs, updatesPerEpoch };
    const count = (part: { length: number } | undefined) => part?.length ?? 'no';
    const steps = stepsOf(data, input);
    const copies = loader.repeats === 1 ? '' : `, ${loader.repeats} copies of each`;
    const lines = [
      `Dry run of ${name}: nothing is trained, and nothing is written.`,
      `model       ${modelName(experiment['model'])}${height} × ${width} × ${channels}, ${model.numClasses} classes, ${millions(sumParameters(model.layerTable()))} parameters`,
      `data        ${title}: ${count(parts.train)} images to train on, ${count(parts.validation)} to choose the best epoch on, ${count(parts.test)} for a test`,
      `an epoch    ${loader.samplesInEpoch} samples of ${imagesSeen(loader)} images${copies}, ${loader.steps} batches of ${batchSize}, ${updatesPerEpoch} updates`,
      `the run     ${epochs} epochs, ${epochs * updatesPerEpoch} updates, ${epochs * loader.samplesInEpoch} samples`,
      'training images',
      ...steps.train.map(stepLine),
      `  then to ${height} × ${width} if they are not, and (x / 255 − mean) / std, mean ${list(normalize.mean)}, std ${list(normalize.std)}`,
      'batches',
      ...batchLines(data, train),
      'images of evaluation',
      ...steps.evaluation.map(stepLine),
      `  ${evaluationLine(preprocessing)}`,
      'learning rate',
      ...rateLines({ ...run, warmupEpochs: train.schedule.warmupEpochs ?? 0 }).map(indented),
    ];
    const idle = idleNotes(run);
    const sized = sizeNote(input);
    const stages = resolutionStages(loader, train, { preprocessing });
    const notes = [
      ...(sized === undefined ? [] : [sized]),
      ...parts.notes,
      ...frozenNotes(model, trainablePart(model, train)),
      ...resolutionNotes(stages, epochs),
      ...recipeNotes(run),
    ];
    if (idle.length > 0) lines.push('without effect', ...idle.map(indented));
    if (notes.length > 0) lines.push('to know', ...notes.map(indented));
    for (const line of lines) terminal.out(line);
  } finally {
    model.dispose();
  }
}

function modelName(model: unknown): string {
  const name = (model as { name?: unknown } | undefined)?.name;
  return typeof name === 'string' ? `${name}: ` : '';
}

function stepLine({ name, ...options }: TransformStep): string {
  const said = Object.entries(options).map(([key, value]) => `${key} ${list(value)}`);
  return indented([name, said.join(', ')].filter(Boolean).join('  '));
}

// The transforms of batches in their order.
function batchLines(
  data: DataConfig,
  { smoothing, targetThreshold }: { smoothing: number; targetThreshold: number | null },
): string[] {
  const full = parseAugmentOptions(data.augment ?? {});
  const smoothed = smoothing > 0 ? [`label smoothing  ${smoothing}`] : [];
  const { reprob, remode, recount, mixup, cutmix, cutmixMinmax, mixupMode, mixupOffEpoch } = full;
  const own = [
    ...(isErasing(full)
      ? [`random erasing  p ${reprob}, ${remode}, at most ${recount} boxes`]
      : []),
    ...(isMixing(full)
      ? [
          `mixing  mixup ${mixup}, cutmix ${cutmixMinmax === null ? cutmix : list(cutmixMinmax)}, p ${full.mixupProb}, ` +
            `cutmix of both ${full.mixupSwitchProb}, one draw a ${mixupMode}${mixupOffEpoch > 0 ? `, off from epoch ${mixupOffEpoch + 1} on` : ''}`,
        ]
      : []),
  ];
  const lines =
    targetThreshold === null
      ? [...smoothed, ...own]
      : [...own, `targets above ${targetThreshold} become 1`, ...smoothed];
  return lines.length === 0 ? ['  as they are'] : lines.map(indented);
}

function evaluationLine({ size, cropPct, cropMode, interpolation }: Preprocessing): string {
  const [height, width] = size;
  const whole = `the largest ${cropMode === 'center' ? 'part in the middle' : 'image'} to ${height} × ${width}, ${interpolation}`;
  if (cropPct === undefined) return whole;
  return `shorter side to ${Math.floor(height / cropPct)}, ${interpolation}, then ${height} × ${width} in the middle`;
}

function millions(count: number): string {
  return count >= 1e6 ? `${(count / 1e6).toFixed(2)} million` : String(count);
}

function list(value: unknown): string {
  const short = (one: unknown) => (typeof one === 'number' ? Number(one.toPrecision(4)) : one);
  return Array.isArray(value) ? value.map(short).join(' ') : String(short(value));
}

function indented(line: string): string {
  return `  ${line}`;
}
