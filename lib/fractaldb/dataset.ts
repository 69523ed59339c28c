// A FractalDB as a data set: its pictures are rendered when they are asked for, and nothing is on disk.

import { assertKind } from '../core/kinds.ts';
import { assertInteger } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { parseFractalOptions, type FullFractalOptions } from '../fractal/options.ts';
import { categoryName, placeOf } from '../fractal/places.ts';
import { pictureImage } from '../fractal/renderer.ts';
import { readCategories } from './categoryFiles.ts';
import { cachedCategories, type CachedSearchOptions } from './categoryCache.ts';
import { systemsOf } from './systems.ts';
import { FractalWorkers } from './workers.ts';
import type { RgbImage } from '../core/image.ts';
import type { Dataset, ImageSource } from '../data/dataset.ts';
import type { FractalOptions } from '../fractal/optionTypes.ts';
import type { Ifs } from '../fractal/ifs.ts';
import type { TaskTypes } from './tasks.ts';

/**
 * The options of `fractalDataset` besides those of the pictures.
 *
 * @property folder    a folder whose csv/ has the categories, as `tfjs-vit fractaldb --search-only` writes it; default: they are
 *                     searched, 0.02 to 0.1 s each
 * @property channels  3, or 1 for pictures in one grey; default 3
 * @property workers   worker threads, 0: this thread; default one for each core
 */
export interface FractalDatasetOptions extends FractalOptions, CachedSearchOptions {
  folder?: string | undefined;
  channels?: 1 | 3;
  workers?: number;
}

/**
 * Opens a FractalDB. Picture i is picture ⌊i / categories⌋ of category i mod categories, so the first images show all categories.
 *
 * @throws InputError for options that cannot be used, or a folder with fewer categories; IoError naming a file
 *
 * @example const dataset = await fractalDataset({categories: 100, instances: 1, size: 64, points: 20_000});   // one of each: OFDB
 */
export async function fractalDataset(config: FractalDatasetOptions = {}): Promise<Dataset> {
  assertKind('the options of fractalDataset', config, 'object');
  const {
    folder,
    channels = 3,
    workers: count,
    onProgress,
    stop,
    cache,
    onNote,
    ...given
  } = config;
  const options = parseFractalOptions(given);
  if (channels !== 3 && (channels !== 1 || options.draw.endsWith('color'))) {
    const what = options.draw.endsWith('color') ? '3' : '1 or 3';
    throw new InputError(expected(what, `channels with ${options.draw}`, channels));
  }
  const workers = new FractalWorkers(count);
  const categories =
    folder === undefined
      ? await systemsOf(options, (n) =>
          cachedCategories(n, workers, { onProgress, stop, cache, onNote }),
        )
      : await readCategories(folder, options.categories);
  if (categories.length < options.categories) {
    const remedy = 'Run tfjs-vit fractaldb --search-only with as many into it.';
    const what = `${options.categories} categories in csv/`;
    throw new InputError(expected(what, folder ?? 'the search', `${categories.length}`, remedy));
  }
  return new FractalDataset(options, categories, workers, channels);
}

class FractalDataset implements Dataset {
  readonly length: number;
  readonly numClasses: number;
  readonly classNames: readonly string[];
  readonly imageShape: readonly [number, number, number];
  private readonly options: FullFractalOptions;
  private readonly categories: readonly Ifs[];
  private readonly workers: FractalWorkers;
  private readonly channels: 1 | 3;

  constructor(
    options: FullFractalOptions,
    categories: readonly Ifs[],
    workers: FractalWorkers,
    channels: 1 | 3,
  ) {
    [this.options, this.categories, this.workers] = [options, categories, workers];
    this.channels = channels;
    this.numClasses = options.categories;
    this.length = options.categories * options.instances;
    this.classNames = categories.map((_, category) => categoryName(category));
    this.imageShape = [options.size, options.size, channels];
  }

  async image(index: number): Promise<RgbImage> {
    return pictureImage(await this.workers.run('picture', this.taskOf(index)), this.channels);
  }

  source(index: number): ImageSource {
    return { reader: 'fractal', ...this.taskOf(index), channels: this.channels };
  }

  private taskOf(index: number): TaskTypes['picture']['task'] {
    assertInteger('index', index, { min: 0, max: this.length - 1 });
    const { size, pad, points, draw, weights, seed } = this.options;
    const category = this.label(index);
    return {
      ifs: this.categories[category]!,
      place: placeOf(category, Math.floor(index / this.numClasses)),
      options: { size, pad, points, draw, weights, seed },
    };
  }

  label(index: number): number {
    return index % this.numClasses;
  }
}
