// The attention picture of an image: what `vis` and `demo` write.

import path from 'node:path';
import { classLabel, percent } from '../core/format.ts';
import { visualizeAttention } from '../explain/visualizeAttention.ts';
import { openImage } from './inputImage.ts';
import { checkpointTitle } from './checkpointTitle.ts';
import { writeAtomically } from './outputFile.ts';
import { encodePicture } from './pictureFile.ts';
import { loadTrained, type WeightsChoice } from './trainedModel.ts';
import { useBackend } from './useBackend.ts';
import type { BackendOptions } from '../backends/select.ts';
import type { Prediction, VisualizeAttentionOptions } from '../explain/visualizeAttention.ts';
import type { Terminal } from './command.ts';

/** The options of `drawAttention`. */
export interface DrawOptions
  extends
    BackendOptions,
    Pick<VisualizeAttentionOptions, 'headFusion' | 'discardRatio' | 'contrast' | 'precision'> {
  image: string;
  checkpoint: string;
  weights?: WeightsChoice;
  output: string;
}

/** Writes the attention picture of one image, says what was predicted and where the picture is. @returns the exit code 0 */
export async function drawAttention(options: DrawOptions, terminal: Terminal): Promise<number> {
  const {
    image,
    checkpoint,
    weights,
    output,
    backend,
    threads,
    precision = 'fp32',
    ...look
  } = options;
  await useBackend({ backend, threads, precision }, terminal);
  const trained = await loadTrained(checkpoint, terminal.error, weights);
  try {
    const input = await openImage(image, trained, terminal.error);
    const { pixels, picture, label, title: source } = input;
    const title = await checkpointTitle(trained.path);
    const { svg, prediction } = await visualizeAttention({
      model: trained.model,
      pixels,
      picture,
      source,
      checkpoint: title,
      precision,
      ...look,
      ...(trained.classNames && { classNames: trained.classNames }),
      ...(label !== undefined && { label }),
    });
    await writeAtomically(output, await encodePicture(svg, { file: output }));
    terminal.out(`${source}: ${predictionText(prediction, label, trained.classNames)}`);
    terminal.out(`Model: ${title}`);
    terminal.out(`Wrote ${path.resolve(output)}`);
    return 0;
  } finally {
    trained.model.dispose();
  }
}

/** A prediction in words: the class, its probability and, where the true class is another, which one it is. */
export function predictionText(
  prediction: Prediction | undefined,
  label: number | undefined,
  classNames: readonly string[] | undefined,
): string {
  if (prediction === undefined)
    return 'no prediction, because the model has no logits for an image';
  const { classIndex, className, confidence } = prediction;
  const said = `${className} with ${percent(confidence, 2)}`;
  if (label === undefined || label === classIndex) return said;
  return `${said}, wrong: it is ${classLabel(label, classNames)}`;
}
