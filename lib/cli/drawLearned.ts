// The figures of what a model has learned, in a folder with their numbers: what `learned` writes.

import path from 'node:path';
import { InputError, expected } from '../core/errors.ts';
import { patchFeaturesByLayer } from '../explain/learned.ts';
import { assertAttentionModel } from '../explain/attentionModel.ts';
import { darkSvg } from '../figures/darkSvg.ts';
import { makeFolder } from '../io/disk.ts';
import * as t from '../ops/tensor.ts';
import { checkpointTitle } from './checkpointTitle.ts';
import { openImage } from './inputImage.ts';
import {
  featuresFigure,
  filtersFigure,
  headFigures,
  lensFigure,
  matchesFigure,
  normsFigure,
  type LearnedFigure,
  type LearnedSubject,
} from './learnedFigures.ts';
import { writeAtomically } from './outputFile.ts';
import { encodePicture } from './pictureFile.ts';
import { assertNamedModel, loadTrained } from './trainedModel.ts';
import { useBackend } from './useBackend.ts';
import type { BackendOptions } from '../backends/select.ts';
import type { InputImage } from './inputImage.ts';
import type { Terminal } from './command.ts';

/**
 * The options of `drawLearned`.
 *
 * @property images  one, or two whose patches are compared: files or indices
 */
export interface DrawLearnedOptions extends BackendOptions {
  images: readonly string[];
  checkpoint: string;
  modelName?: string | undefined;
  theme: 'light' | 'dark';
  format: 'png' | 'svg';
  outputDir: string;
}

/** Draws what a model has learned and writes figures and numbers into a folder. @returns the exit code 0 */
export async function drawLearned(
  options: DrawLearnedOptions,
  terminal: Terminal,
): Promise<number> {
  const { images, checkpoint, modelName, theme, format, outputDir, backend, threads } = options;
  await useBackend({ backend, threads, precision: 'fp32' }, terminal);
  const trained = await loadTrained(checkpoint, terminal.error, { model: modelName });
  const { model, classNames } = trained;
  try {
    assertNamedModel(model, modelName);
    assertAttentionModel(model);
    const inputs: InputImage[] = [];
    for (const image of images) inputs.push(await openImage(image, trained, terminal.error));
    const batch = batchOf(inputs);
    try {
      const about = await checkpointTitle(trained.path);
      const pictures = inputs.map(({ picture }) => picture);
      const features = await patchFeaturesByLayer(model, batch);
      const given = { model, images: batch, pictures, features };
      const subject: LearnedSubject = { ...given, classNames, about };
      const figures = await figuresOf(subject);
      await makeFolder(outputDir);
      for (const { name, svg, finding } of figures) {
        const file = path.join(outputDir, `${name}.${format}`);
        const drawn = theme === 'dark' ? darkSvg(svg) : svg;
        await writeAtomically(file, await encodePicture(drawn, { file, scale: 2 }));
        terminal.out(`${name}.${format}: ${finding}`);
      }
      const record = {
        schema: 'vit-learned/1',
        checkpoint: trained.path,
        images: inputs.map(({ source }) => source),
        ...Object.fromEntries(figures.map(({ name, numbers }) => [name, numbers])),
      };
      const json = path.join(outputDir, 'learned.json');
      await writeAtomically(json, `${JSON.stringify(record, undefined, 2)}\n`);
      terminal.out(`Model: ${about}`);
      terminal.out(`Wrote ${path.resolve(outputDir)}`);
      return 0;
    } finally {
      batch.dispose();
    }
  } finally {
    model.dispose();
  }
}

async function figuresOf(subject: LearnedSubject): Promise<LearnedFigure[]> {
  const { model, images } = subject;
  const figures = [await filtersFigure(subject), ...(await headFigures(subject))];
  figures.push(featuresFigure(subject));
  if (model.numClasses > 1) figures.push(await lensFigure(subject));
  figures.push(await normsFigure(subject));
  if (images.shape[0] > 1) figures.push(matchesFigure(subject));
  return figures;
}

function batchOf(inputs: readonly InputImage[]) {
  const { height, width, channels } = inputs[0]!.picture;
  const shape = [height, width, channels];
  for (const { picture, source } of inputs) {
    const own = [picture.height, picture.width, picture.channels];
    if (own.join() === shape.join()) continue;
    const remedy = `The first image has it after the model's preprocessing.`;
    throw new InputError(expected(`${shape.join(' × ')}`, source, own.join(' × '), remedy));
  }
  const pixels = new Float32Array(inputs.length * height * width * channels);
  inputs.forEach((input, i) => pixels.set(input.pixels, i * height * width * channels));
  return t.tensor4d(pixels, [inputs.length, height, width, channels]);
}
