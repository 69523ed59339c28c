// The report of a run: measures its best checkpoint and writes report.html into the run folder.

import { isAttentionModel } from '../explain/attentionModel.ts';
import { relevance } from '../explain/relevance.ts';
import { rolloutMaps } from '../explain/rolloutMaps.ts';
import * as t from '../ops/tensor.ts';
import { overlaid } from '../report/formingAttention.ts';
import { preprocessImage } from '../data/preprocessing.ts';
import { readSnapshots } from './attentionSnapshots.ts';
import { parseSafetensors } from '../checkpoints/safetensors.ts';
import { loadModelTensors } from '../checkpoints/modelState.ts';
import type { Folder } from '../io/folder.ts';
import { readConfigFile } from '../io/checkpointFile.ts';
import { thumbnailOf } from '../io/thumbnail.ts';
import { preparationOf } from '../predict/preparation.ts';
import { reportPage } from '../report/page.ts';
import { firstImages, subset, type Dataset } from '../data/dataset.ts';
import { predictAll, type Predictions } from '../training/predictions.ts';
import { evaluationLoader, partsOf } from '../training/runData.ts';
import { runFileNames } from '../training/runFiles.ts';
import { epochsOf, scheduleOf } from '../training/schedules.ts';
import { transformsOf } from './augmentation.ts';
import type { DataConfig } from './dataOptionTypes.ts';
import { factsOf } from './reportFacts.ts';
import type { RunSamples } from './runSamples.ts';
import type { EpochLog } from '../core/runSink.ts';
import type { RgbImage } from '../core/image.ts';
import type { Grid } from '../figures/grid.ts';
import type { Stop } from '../core/stop.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import type { Loader } from '../data/loader.ts';
import type { Model } from '../models/model.ts';
import type { EvaluatedPart, RunReport, WorstImage } from '../report/runReport.ts';
import type { FullTrainConfig } from '../training/trainConfig.ts';

/** The name of the report in a run folder. */
export const reportName = 'report.html';

/**
 * The run that a report is about, and its opened data.
 *
 * @property model  a model of the run's configuration, which gets the weights of the best checkpoint
 * @property samples  prepares the images, and has the damaged ones
 * @property best   the epoch of that, from 1; null: the last
 * @property end    how the run ended; a run that is not finished is not measured on its test part
 */
export interface ReportedRun {
  store: Folder;
  name: string;
  data: DataConfig;
  config: FullTrainConfig;
  model: Model;
  parts: { train: Dataset; validation?: Dataset | undefined; test?: Dataset | undefined };
  log: readonly EpochLog[];
  best: number | null;
  epochs: number;
  end: RunReport['end'];
  samples: RunSamples;
  stop?: Stop | undefined;
}

// More training images than these, or than were held out, tell nothing new.
const mostTraining = 1000;
const mostWorst = 24;
// A map costs a forward and a backward pass.
const mostExplained = 12;

/**
 * Writes the report of a run into its folder.
 *
 * @returns whether it was written: a signal ends the measurements without one
 */
export async function writeReport(run: ReportedRun): Promise<boolean> {
  const { store, name, data, config, model, log, best, epochs, end, stop } = run;
  const divided = await partsOf(config, run.parts);
  const { limit } = config;
  const train = limit === null ? divided.train : firstImages(divided.train, limit);
  const parts = { ...divided, train };
  const test = end === 'unfinished' ? undefined : parts.test;
  const part = test ?? parts.validation;
  const record = await readConfigFile(store);
  const { preprocessing } = preparationOf(record ?? {}, model, { note: () => undefined });
  const bytes = await store.readChecked(runFileNames.best);
  loadModelTensors(
    model,
    parseSafetensors(bytes, `${store.location}/${runFileNames.best}`).tensors,
  );
  const probed = parts.validation ?? divided.train;
  const forming = await readSnapshots(store, probed, preprocessing, log.length);
  let evaluated: EvaluatedPart | undefined;
  if (part !== undefined) {
    const loader = loaderOf(run, preprocessing, part);
    const predictions = await predictAll(model, loader, { precision: config.precision, stop });
    const training = await trainingResult(run, preprocessing, {
      train: parts.train,
      evaluated: predictions?.labels.length ?? 0,
    });
    if (predictions === undefined || stop?.signal !== undefined) return false;
    const worst = await worstImages(predictions, loader.config.dataset, { model, preprocessing });
    evaluated = { part: test === undefined ? 'validation' : 'test', predictions, worst, training };
  }
  const trainingCounts = new Array<number>(parts.train.numClasses).fill(0);
  for (let i = 0; i < parts.train.length; i += 1) trainingCounts[parts.train.label(i)]! += 1;
  const { smoothing } = config;
  const { classNames } = parts.train;
  const page = reportPage({
    ...{ name, log, best, epochs, end, smoothing, classNames, trainingCounts, evaluated },
    forming,
    pretrained: config.finetune !== null,
    badImages: run.samples.bad.list(),
    facts: factsOf({ data, config, model, parts, log }),
  });
  const info = (await store.manifest())?.info ?? {};
  await store.commit(new Map([[reportName, page]]), info);
  return true;
}

function loaderOf(
  { config, data, samples }: ReportedRun,
  preprocessing: Preprocessing,
  part: Dataset,
): Loader {
  const { size, normalize } = preprocessing;
  const input = { size, mean: normalize.mean };
  const { samples: source } = samples.env;
  return evaluationLoader(
    config,
    { preprocessing, samples: source, ...transformsOf(data, input) },
    part,
  );
}

// The results on training images as an evaluation sees them, spread over the data set.
async function trainingResult(
  run: ReportedRun,
  preprocessing: Preprocessing,
  { train, evaluated }: { train: Dataset; evaluated: number },
): Promise<EvaluatedPart['training']> {
  const count = Math.min(train.length, mostTraining, Math.max(evaluated, 100));
  const indices = Uint32Array.from({ length: count }, (_, i) =>
    Math.floor(((i + 0.5) * train.length) / count),
  );
  const whole = { ...run, config: { ...run.config, limitVal: null } };
  const { stop, model, config } = run;
  const loader = loaderOf(whole, preprocessing, subset(train, indices));
  const predictions = await predictAll(model, loader, { precision: config.precision, stop });
  if (predictions === undefined) return undefined;
  const { labels, predicted, losses } = predictions;
  const right = labels.reduce((sum, label, i) => sum + Number(label === predicted[i]), 0);
  return { images: count, top1: right / count, loss: losses.reduce((a, b) => a + b, 0) / count };
}

async function worstImages(
  { losses, predicted }: Predictions,
  dataset: Dataset,
  { model, preprocessing }: { model: Model; preprocessing: Preprocessing },
): Promise<WorstImage[]> {
  const order = [...losses.keys()].sort((a, b) => losses[b]! - losses[a]! || a - b);
  const worst: WorstImage[] = [];
  for (const index of order.slice(0, mostWorst)) {
    const image = await dataset.image(index);
    const thumbnail = await thumbnailOf(image);
    const maps =
      worst.length < mostExplained && isAttentionModel(model)
        ? await mapsOver(image, { model, preprocessing, target: predicted[index]! })
        : undefined;
    worst.push({ index, ...thumbnail, file: dataset.file?.(index), maps });
  }
  return worst;
}

// Where the model looked, and what spoke for the class that it took the image for, as small pictures.
async function mapsOver(
  image: RgbImage,
  { model, preprocessing, target }: { model: Model; preprocessing: Preprocessing; target: number },
): Promise<WorstImage['maps']> {
  const { picture, pixels } = preprocessImage(image, preprocessing);
  const batch = t.tensor4d(pixels, [1, picture.height, picture.width, picture.channels]);
  try {
    const rolled = await rolloutMaps(model, batch, { target });
    const why = await relevance(model, batch, { target });
    const over = async (name: string, map: Grid) => {
      const { uri } = await thumbnailOf(overlaid(picture, map));
      return { name, uri };
    };
    return [await over('rollout', rolled.maps[0]!), await over('relevance', why.maps[0]!)];
  } finally {
    batch.dispose();
  }
}

/** The epochs of a run under its schedule. */
export function plannedEpochs(config: FullTrainConfig): number {
  return epochsOf(scheduleOf(config, 1));
}
