// Sentences about an experiment that a person should read before it runs: options without effect, and what the others come to.

import { idleAugmentOptions } from '../data/augment/notes.ts';
import { isMixing, parseAugmentOptions } from '../data/augment/createTransform.ts';
import { augmentOptions } from '../data/augment/options.ts';
import { scheduleNotes, type ScheduledRun } from '../training/scheduleNotes.ts';
import { averageNotes } from '../training/averageNotes.ts';
import { baseRateOf } from '../training/schedules.ts';
import { idleTrainOptions } from '../training/trainConfig.ts';
import { trainOptions } from '../training/options/train.ts';
import { flagNameAt } from './flags.ts';
import type { Loader } from '../data/loader.ts';
import type { FullTrainConfig } from '../training/trainConfig.ts';
import type { DataConfig } from './dataOptionTypes.ts';

/** An experiment with the run that it comes to. */
export interface RecipeRun extends ScheduledRun {
  readonly config: FullTrainConfig;
  readonly data: DataConfig;
  readonly loader: Pick<Loader, 'config' | 'steps' | 'samplesInEpoch' | 'repeats'>;
}

/** One sentence for each option that was given and changes nothing, by its flag where it has one. */
export function idleNotes({ config, data, loader, epochs }: RecipeRun): string[] {
  const { augment = {}, trainTransforms } = data;
  const [height, width] = loader.config.outputShape;
  const place = { size: [height, width], epochs, isListed: trainTransforms !== undefined } as const;
  const lines = [
    ...idleTrainOptions(config).map(({ path, reason }) => ({
      name: flagNameAt(trainOptions, path),
      reason,
    })),
    ...idleAugmentOptions(augment, place).map(({ path, reason }) => ({
      name: flagNameAt(augmentOptions, path),
      reason,
    })),
  ];
  return lines.map(({ name, reason }) => `${name} has no effect, because ${reason}.`);
}

/** One sentence for each part of a recipe that comes to something else in this run than it seems to. */
export function recipeNotes(run: RecipeRun): string[] {
  const { config, data, loader, epochs, updatesPerEpoch } = run;
  const { ema, deitCompat, smoothing, targetThreshold, dropLast, batchSize, schedule } = config;
  const augment = parseAugmentOptions(data.augment ?? {});
  const images = loader.config.dataset.length;
  const notes = [...scheduleNotes(config, run)];
  if (config.lrBaseSize !== null) {
    notes.push(
      `The learning rate ${config.learningRate} is that of ${config.lrBaseSize} images an update; here it is ${short(baseRateOf(config))}.`,
    );
  }
  if (loader.repeats > 1) {
    notes.push(
      `Repeated augmentation: an epoch sees ${imagesSeen(loader)} of ${images} images, ${loader.repeats} times each. DeiT does so on several processes only.`,
    );
  }
  const left = loader.samplesInEpoch - loader.steps * batchSize;
  if (dropLast && left > 0) {
    notes.push(`dropLast leaves ${left} of ${loader.samplesInEpoch} samples out of each epoch.`);
  }
  if (ema !== null && deitCompat) {
    notes.push('The moving average is kept, and not evaluated, because of deitCompat.');
  }
  notes.push(...averageNotes(config, epochs * updatesPerEpoch, { least: 0.01 }));
  if (targetThreshold !== null && smoothing > 0) {
    notes.push(
      'Targets are smoothed after the threshold; in DeiT the smoothing makes all of them 1.',
    );
  }
  if (augment.noAug && isMixing(augment)) {
    notes.push('noAug is about single images: mixup and cutmix go on.');
  }
  const { cooldownEpochs = 0 } = schedule;
  if (cooldownEpochs > 0) {
    notes.push(
      deitCompat
        ? 'Cooldown epochs are not trained, because of deitCompat.'
        : `The cooldown makes the run ${epochs} epochs long; DeiT does not train it.`,
    );
  }
  return notes;
}

/** How many images an epoch sees at least once. */
export function imagesSeen({
  samplesInEpoch,
  repeats,
}: Pick<Loader, 'samplesInEpoch' | 'repeats'>): number {
  return Math.ceil(samplesInEpoch / repeats);
}

function short(value: number): string {
  return String(Number(value.toPrecision(4)));
}
