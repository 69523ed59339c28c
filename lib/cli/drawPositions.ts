// The picture of a model's position embeddings: what `positions` writes.

import path from 'node:path';
import { csvTable } from '../core/textTable.ts';
import { positionSimilarity } from '../explain/positionSimilarity.ts';
import { darkSvg } from '../figures/darkSvg.ts';
import { positionSheetSvg } from '../figures/positionSheet.ts';
import { checkpointTitle } from './checkpointTitle.ts';
import { writeAtomically } from './outputFile.ts';
import { encodePicture } from './pictureFile.ts';
import { assertNamedModel, loadTrained } from './trainedModel.ts';
import { useBackend } from './useBackend.ts';
import type { Colormap } from '../figures/colormap.ts';
import type { Terminal } from './command.ts';

/** The options of `drawPositions`. */
export interface DrawPositionsOptions {
  checkpoint: string;
  modelName?: string | undefined;
  colormap: Colormap;
  theme: 'light' | 'dark';
  output: string;
  csv?: string | undefined;
}

/** Writes the picture of a model's position embeddings and says where it is. @returns the exit code 0 */
export async function drawPositions(
  { checkpoint, modelName, colormap, theme, output, csv }: DrawPositionsOptions,
  terminal: Terminal,
): Promise<number> {
  await useBackend({ backend: 'cpu', precision: 'fp32' }, { ...terminal, error: () => undefined });
  const { model, path: file } = await loadTrained(checkpoint, terminal.error, { model: modelName });
  try {
    assertNamedModel(model, modelName);
    const { matrix, gridSize } = await positionSimilarity(model);
    const title = await checkpointTitle(file);
    const svg = positionSheetSvg({
      matrix,
      gridSize,
      colormap,
      title: 'Similarity of position embeddings',
      subtitle: `Each small map: one patch, its cosine with every patch · ${title}`,
    });
    const drawn = theme === 'dark' ? darkSvg(svg) : svg;
    await writeAtomically(output, await encodePicture(drawn, { file: output, scale: 2 }));
    if (csv !== undefined) {
      const names = Array.from({ length: matrix.width }, (_, p) => String(p));
      const rows = names.map((name, p) => [
        name,
        ...Array.from(matrix.data.subarray(p * matrix.width, (p + 1) * matrix.width), String),
      ]);
      await writeAtomically(csv, csvTable({ head: ['patch', ...names], rows }));
    }
    terminal.out(`Model: ${title}`);
    terminal.out(`Wrote ${path.resolve(output)}`);
    return 0;
  } finally {
    model.dispose();
  }
}
