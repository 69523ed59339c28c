// The page of a forward pass: what `trace` writes.

import path from 'node:path';
import { percent } from '../core/format.ts';
import { described } from '../explain/explain.ts';
import { explanationMethod } from '../explain/methods.ts';
import { traceForward } from '../explain/traceForward.ts';
import * as t from '../ops/tensor.ts';
import { tracePage } from '../report/tracePage.ts';
import { assertClassifier } from './classifier.ts';
import { checkpointTitle } from './checkpointTitle.ts';
import { likeliestBars } from './drawExplanation.ts';
import { openImage } from './inputImage.ts';
import { writeAtomically } from './outputFile.ts';
import { loadTrained } from './trainedModel.ts';
import { useBackend } from './useBackend.ts';
import type { BackendOptions } from '../backends/select.ts';
import type { Terminal } from './command.ts';

/** The options of `traceImage`; `block` is the one that is looked into, from 1, negative from the end. */
export interface TraceImageOptions extends BackendOptions {
  image: string;
  checkpoint: string;
  block: number;
  output: string;
}

/** Writes the page of one image's forward pass. @returns the exit code 0 */
export async function traceImage(options: TraceImageOptions, terminal: Terminal): Promise<number> {
  const { backend, threads, output, block } = options;
  await useBackend({ backend, threads, precision: 'fp32' }, terminal);
  const trained = await loadTrained(options.checkpoint, terminal.error);
  const { model, classNames } = trained;
  try {
    assertClassifier(model, 'trace');
    const input = await openImage(options.image, trained, terminal.error);
    const { height, width, channels } = input.picture;
    const image = t.tensor4d(input.pixels, [1, height, width, channels]);
    try {
      const {
        tensors,
        layout,
        block: chosen,
      } = await traceForward(model, image, {
        block: block > 0 ? block - 1 : block,
      });
      const about = described(
        await explanationMethod('attention').run(model, image, {}),
        classNames,
      );
      const probs = tensors.find(({ name }) => name === `blocks.${chosen}.attn_probs`);
      const title = await checkpointTitle(trained.path);
      const page = tracePage({
        title: `${about.label}, ${percent(about.probability)}: from the image to the answer`,
        source: `${input.title} · ${title} · block ${chosen + 1}`,
        image: input.picture,
        tensors,
        gridSize: layout.gridSize,
        prefix: layout.numPrefixTokens,
        block: chosen,
        heads: probs?.shape[0] ?? 1,
        bars: likeliestBars(about, classNames, about.index),
      });
      await writeAtomically(output, page);
      terminal.out(`${input.title}: ${about.label} with ${percent(about.probability, 2)}`);
      terminal.out(`Wrote ${path.resolve(output)}: open it in a browser.`);
      return 0;
    } finally {
      image.dispose();
    }
  } finally {
    model.dispose();
  }
}
