// Progressive resolution: training images that grow from epoch to epoch.

import { fit } from '../data/fitImage.ts';
import { Loader, type LoaderConfig } from '../data/loader.ts';
import type { Preprocessing } from '../data/preprocessing.ts';
import { parseProgressive } from './parseProgressive.ts';
import type { FullTrainConfig } from './trainConfig.ts';

/** The batches of the epochs from `epoch` on, until the next stage. */
export interface ResolutionStage {
  readonly epoch: number;
  readonly loader: Loader;
}

/**
 * The batches of each stage of a training, the first from its first epoch on. Before the first step, and without any, the images have the
 * size of the model.
 *
 * The images of a stage are those of the full size, augmented as ever, and then resized. So every stage has the same batches, and which
 * stage an epoch is in follows from its number alone.
 *
 * @param loader   of the full size
 * @param samples  as the loader got them
 */
export function resolutionStages(
  loader: Loader,
  { progressive }: Pick<FullTrainConfig, 'progressive'>,
  {
    preprocessing: { interpolation, cropMode },
    samples,
  }: { preprocessing: Preprocessing; samples?: LoaderConfig['samples'] },
): ResolutionStage[] {
  if (progressive === null) return [{ epoch: 0, loader }];
  const steps = parseProgressive(progressive, 'progressive');
  const { outputShape, trainTransforms } = loader.config;
  const [fullHeight, fullWidth, channels] = outputShape;
  const stages = steps.map(({ epoch, imageSize }): ResolutionStage => {
    const [height, width] = imageSize as readonly [number, number];
    if (height === fullHeight && width === fullWidth) return { epoch, loader };
    const resize = fit({ height, width, interpolation, cropMode });
    const shape = [height, width, channels] as const;
    const transforms = [...trainTransforms, resize];
    const own = { ...loader.config, outputShape: shape, trainTransforms: transforms, samples };
    return { epoch, loader: new Loader(own) };
  });
  return stages[0]!.epoch === 0 ? stages : [{ epoch: 0, loader }, ...stages];
}

/** The batches of an epoch, counted from 0. */
export function loaderOfEpoch(stages: readonly ResolutionStage[], epoch: number): Loader {
  return stages.findLast((stage) => stage.epoch <= epoch)!.loader;
}

/** Sentences about the stages of a run of so many epochs; none where the resolution stays. */
export function resolutionNotes(stages: readonly ResolutionStage[], epochs: number): string[] {
  if (stages.length === 1) return [];
  const phrases = stages.map(({ epoch, loader }) => {
    const [height, width] = loader.config.outputShape;
    return `${height} × ${width} from epoch ${epoch + 1}`;
  });
  const late = stages.filter(({ epoch }) => epoch >= epochs);
  return [
    `Training images grow: ${phrases.join(', ')}.`,
    ...late.map(
      ({ epoch }) => `The size from epoch ${epoch + 1} never comes: the run has ${epochs}.`,
    ),
  ];
}
