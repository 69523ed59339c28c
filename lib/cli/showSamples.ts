// The samples of a training, drawn on a contact sheet and told in lines with what was drawn for each.

import { selectBackend } from '../backends/select.ts';
import { classLabel } from '../core/format.ts';
import { InputError, expected } from '../core/errors.ts';
import { drawnText, type Drawn } from '../data/drawNote.ts';
import { denormalize } from '../data/normalize.ts';
import { contactSheetSvg, type Tile } from '../figures/contactSheet.ts';
import { buildModel, parseModelOptions } from '../models/createModel.ts';
import { loaderOfEpoch, resolutionStages } from '../training/progressive.ts';
import { partsOf, preprocessingOf, trainLoader } from '../training/runData.ts';
import { evaluationOf, inputOf, transformsOf } from './augmentation.ts';
import { openIfThere, openPart } from './dataset.ts';
import { parseExperiment } from './experiment.ts';
import { withOverrides } from './experimentOverrides.ts';
import { openFineTuning } from './fineTuning.ts';
import { dataFacts, followData } from './followData.ts';
import { assertWritable, writeAtomically } from './outputFile.ts';
import { encodePicture } from './pictureFile.ts';
import { withDynamicSize } from './progressiveModel.ts';
import type { ResolutionStage } from '../training/progressive.ts';
import type { Loader } from '../data/loader.ts';
import type { Batch } from '../data/batch.ts';
import type { Terminal } from './command.ts';

/**
 * The samples to show.
 *
 * @property stored     true: the experiment is that of a run, complete
 * @property index      an image to training, in `count` epochs from `epoch` on; undefined: the first `count` samples of a step
 * @property epoch      from 1; undefined: `step` counts over the run
 * @property step       from 1; default 1
 * @property output     the picture to write; undefined: lines only
 */
export interface SamplesShown {
  overrides: ReadonlyMap<string, unknown>;
  stored: boolean;
  index: number | undefined;
  epoch: number | undefined;
  step: number | undefined;
  count: number;
  output: string | undefined;
}

/** A sample of a batch, and what was drawn for it. */
interface Sample {
  batch: Batch;
  place: number;
  drawn: readonly Drawn[];
  title: string;
}

/**
 * Shows samples exactly as the loader of the experiment's training gives them.
 *
 * @throws InputError for an experiment that cannot be used, and for an index or a step that there is not
 */
export async function showSamples(
  experiment: object,
  { overrides, stored, output, ...chosen }: SamplesShown,
  terminal: Terminal,
): Promise<void> {
  if (output !== undefined) await assertWritable(output);
  const given = withOverrides(experiment, overrides);
  const stages = await stagesOf(given, stored, terminal);
  const { accumulationSteps } = parseExperiment(given).train;
  const samples =
    chosen.index === undefined
      ? await samplesOfStep(stages, chosen, accumulationSteps)
      : await samplesOfImage(stages, chosen.index, chosen);
  const sizeOf = ({ imageShape: [height, width] }: Batch) =>
    stages.length === 1 ? '' : `, ${height} × ${width}`;
  const tiles: Tile[] = samples.map(({ batch, place, drawn, title }) => ({
    title: title + sizeOf(batch),
    image: imageIn(stages[0]!.loader, batch, place),
    captions: drawn.map(drawnText),
  }));
  for (const { title = '', captions = [] } of tiles) {
    terminal.out(`${title}: ${captions.length === 0 ? 'nothing drawn' : captions.join('; ')}`);
  }
  if (output === undefined) return;
  const svg = contactSheetSvg({ title: 'Training samples', tiles, side: 160 });
  await writeAtomically(output, await encodePicture(svg, { file: output }));
  terminal.out(output);
}

/** The image of a sample as its model gets it, before the normalisation; mixed and erased as it is. */
export function imageIn({ config }: Loader, { images, size, imageShape }: Batch, place: number) {
  const pixels = images.length / size;
  const own = images.subarray(place * pixels, (place + 1) * pixels);
  return denormalize(own, imageShape, config.normalize);
}

// The loaders of the training: several where its images grow.
async function stagesOf(
  given: Record<string, unknown>,
  stored: boolean,
  { error }: Terminal,
): Promise<ResolutionStage[]> {
  const tuning = stored ? undefined : await openFineTuning(given, error);
  const experiment = tuning?.experiment ?? withDynamicSize(given);
  const { data, train: config } = parseExperiment(experiment);
  const said = { onNote: error };
  const training = await openPart(data, 'train', said);
  const facts = dataFacts(data, training);
  // Weights are made, and none of them is used: any backend will do.
  await selectBackend({ backend: 'cpu' });
  const model = buildModel(parseModelOptions(followData(experiment['model'], facts)), {
    initialize: false,
    onWarning: error,
  });
  const { input, normalize } = inputOf(data, model.inputShape, training.imageShape);
  model.dispose();
  const validation = await openIfThere(data, 'validation', said);
  const parts = await partsOf(config, { train: training, validation });
  const chosen = { train: training, normalize, preprocessing: evaluationOf(data, input) };
  const preprocessing = preprocessingOf(chosen);
  const loader = trainLoader(config, { ...transformsOf(data, input), preprocessing }, parts.train);
  return resolutionStages(loader, config, { preprocessing });
}

type Place = Pick<SamplesShown, 'epoch' | 'step' | 'count'>;

// The first samples of the batches of an update.
async function samplesOfStep(
  stages: readonly ResolutionStage[],
  { epoch, step = 1, count }: Place,
  accumulationSteps: number,
): Promise<Sample[]> {
  // Every stage has the same batches.
  const { steps } = stages[0]!.loader;
  const updates = Math.ceil(steps / accumulationSteps);
  if (epoch !== undefined && step > updates) {
    throw new InputError(expected(`at most ${updates}, the updates of an epoch,`, '--step', step));
  }
  const at = epoch === undefined ? Math.floor((step - 1) / updates) : epoch - 1;
  const loader = loaderOfEpoch(stages, at);
  const first = ((step - 1) % updates) * accumulationSteps;
  const samples: Sample[] = [];
  for (let k = first; k < Math.min(first + accumulationSteps, steps); k += 1) {
    if (samples.length >= count) break;
    samples.push(...(await samplesIn(loader, at, k)));
  }
  return samples.slice(0, count);
}

// One image in several epochs.
async function samplesOfImage(
  stages: readonly ResolutionStage[],
  index: number,
  { epoch = 1, count }: Place,
): Promise<Sample[]> {
  const { length } = stages[0]!.loader.config.dataset;
  if (index >= length) {
    const what = `an image to train on, 0 to ${length - 1},`;
    throw new InputError(expected(what, '--index', index));
  }
  const samples: Sample[] = [];
  for (let at = epoch - 1; at < epoch - 1 + count; at += 1) {
    const loader = loaderOfEpoch(stages, at);
    const found = loader.placeOf(at, index);
    if (found === undefined) continue;
    const own = (await samplesIn(loader, at, found.step))[found.place]!;
    samples.push({ ...own, title: `epoch ${at + 1}` });
  }
  if (samples.length > 0) return samples;
  throw new InputError(
    expected(`an image of epochs ${epoch} to ${epoch + count - 1}`, '--index', index),
  );
}

async function samplesIn(loader: Loader, epoch: number, step: number): Promise<Sample[]> {
  const notes = new Map<number, Drawn[]>();
  const noteOf = (place: number) => {
    const own = notes.get(place) ?? [];
    notes.set(place, own);
    return (name: string, values: Drawn['values']) => own.push({ name, values });
  };
  const batch = await loader.batch(epoch, step, noteOf);
  const { classNames } = loader.config.dataset;
  return Array.from({ length: batch.size }, (_, place) => ({
    batch,
    place,
    drawn: notes.get(place) ?? [],
    title: `${batch.indices[place]!} ${classLabel(batch.labels[place]!, classNames)}`,
  }));
}
