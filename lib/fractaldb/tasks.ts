// The tasks that a worker thread, or this one, does for a FractalDB: searching, rendering a picture, writing a category.

import { Mt19937 } from '../fractal/mt19937.ts';
import { FractalRenderer, type FractalPicture } from '../fractal/renderer.ts';
import { fractalKernels } from './kernels.ts';
import { writeCategory, type CategoryTask } from './writeCategory.ts';
import type { FractalKernels } from '../fractal/kernels.ts';
import type { Accepted, ScanShare } from '../fractal/scan.ts';
import type { Ifs } from '../fractal/ifs.ts';
import type { PictureOptions } from '../fractal/renderer.ts';
import type { Place } from '../fractal/places.ts';

/** The state of a generator, as it passes between threads. */
export interface GeneratorState {
  words: Int32Array;
  at: number;
}

/** A task and its result, by the name of the task. */
export interface TaskTypes {
  scan: {
    task: { generator: GeneratorState; count: number; share: ScanShare };
    result: { generator: GeneratorState; found: Accepted[] };
  };
  picture: {
    task: { ifs: Ifs; place: Place; options: PictureOptions };
    result: FractalPicture;
  };
  category: { task: CategoryTask; result: { written: number; kept: number } };
}

/** The name of a task. */
export type TaskName = keyof TaskTypes;

/** Does tasks one after the other, with memory that is kept between them. */
export class FractalTasks {
  private readonly kernels: FractalKernels = fractalKernels();
  private renderer: { key: string; of: FractalRenderer } | undefined;

  /** Does one task. @throws what it throws */
  async run<N extends TaskName>(
    name: N,
    task: TaskTypes[N]['task'],
  ): Promise<TaskTypes[N]['result']> {
    const all: { [K in TaskName]: (of: TaskTypes[K]['task']) => Promise<TaskTypes[K]['result']> } =
      {
        scan: (of) => Promise.resolve(this.scan(of)),
        picture: ({ ifs, place, options }) =>
          Promise.resolve(this.rendererOf(options).picture(ifs, place)),
        category: (of) => writeCategory(of, this.rendererOf(of.options)),
      };
    return all[name](task);
  }

  private scan({ generator: state, count, share }: TaskTypes['scan']['task']) {
    const generator = new Mt19937(0);
    generator.words.set(state.words);
    generator.at = state.at;
    const found = this.kernels.scan(generator, count, share);
    return { generator: { words: generator.words, at: generator.at }, found };
  }

  private rendererOf(options: PictureOptions): FractalRenderer {
    const { size, pad, points, draw, weights, seed } = options;
    const key = JSON.stringify([size, pad, points, draw, weights, seed]);
    if (this.renderer?.key !== key) {
      this.renderer = { key, of: new FractalRenderer(options, this.kernels) };
    }
    return this.renderer.of;
  }
}
