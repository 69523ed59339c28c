// The images of the story: fractals from their formula, and few labelled digits.

import {
  MemoryDataset,
  Rng,
  fractalDataset,
  holdOut,
  loadMnist,
  mnistDataset,
  subset,
  type Dataset,
} from 'tfjs-vit/node';
import { fractals, type Plan, type Start } from './plan.ts';

/** The digits that a model is chosen on, those that it is measured on, and those that labels are drawn from. */
export interface Digits {
  pool: Dataset;
  validation: Dataset;
  test: Dataset;
}

export async function openDigits(plan: Plan): Promise<Digits> {
  const { train, validation } = holdOut(mnistDataset(await loadMnist()), 5000);
  const test = mnistDataset(await loadMnist({ split: 'test', limit: plan.test }));
  return { pool: train, validation: subset(validation, firstIndices(plan.validation)), test };
}

/** `perClass` labelled digits of each class, in copies, so that an epoch has `length` images. Each copy is augmented on its own. */
export function labelledDigits(
  pool: Dataset,
  { perClass, length, seed }: { perClass: number; length: number; seed: number },
): Dataset {
  const members = Array.from({ length: pool.numClasses }, (): number[] => []);
  for (const i of new Rng(seed).split('labels').permutation(pool.length)) {
    const ofClass = members[pool.label(i)]!;
    if (ofClass.length < perClass) ofClass.push(i);
  }
  return inCopies(subset(pool, Uint32Array.from(members.flat())), length);
}

/** The images of a pre-training: 100 of each category rendered whenever they are asked for (FractalDB), or one kept in memory (OFDB). */
export async function openFractals(
  kind: Exclude<Start, 'scratch'>,
  { categories, length, cache }: { categories: number; length: number; cache: string },
): Promise<Dataset> {
  const dataset = await fractalDataset({ ...fractals, categories, cache, onNote: console.log });
  return inCopies(kind === 'FractalDB' ? dataset : await firstOfEach(dataset), length);
}

// The first images of a FractalDB are one of each category.
async function firstOfEach(dataset: Dataset): Promise<Dataset> {
  const all = [...firstIndices(dataset.numClasses)];
  const images = await Promise.all(all.map(async (i) => dataset.image(i)));
  return new MemoryDataset({
    images: images.flatMap(({ data }) => [...data]),
    labels: all.map((i) => dataset.label(i)),
    imageShape: [fractals.size, fractals.size, fractals.channels],
    classNames: dataset.classNames,
  });
}

function inCopies(dataset: Dataset, length: number): Dataset {
  return subset(
    dataset,
    Uint32Array.from({ length }, (_, i) => i % dataset.length),
  );
}

function firstIndices(length: number): Uint32Array {
  return Uint32Array.from({ length }, (_, i) => i);
}
