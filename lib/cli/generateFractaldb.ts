// The work behind `tfjs-vit fractaldb`: the folder, its progress, its contact sheet, and what is said at the end.

import path from 'node:path';
import { signalExitCodes } from '../core/stop.ts';
import { contactSheet } from '../figures/contactSheet.ts';
import { placeOf, categoryName } from '../fractal/places.ts';
import { pictureImage } from '../fractal/renderer.ts';
import { picturesName, writeFractalFolder, type FolderResult } from '../fractaldb/folder.ts';
import { FractalWorkers } from '../fractaldb/workers.ts';
import { listenForSignals } from '../io/signals.ts';
import { writeAtomically } from './outputFile.ts';
import { progressBar } from './progressBar.ts';
import type { FullFractalOptions } from '../fractal/options.ts';
import type { Terminal } from './command.ts';

/** How a FractalDB is to be written. */
export interface GenerateOptions {
  folder: string;
  searchOnly: boolean;
  sheet: boolean;
  workers: number | undefined;
}

/** The file of the contact sheet. */
const sheetName = 'contact-sheet.png';

/** Categories on a contact sheet. */
const sheetCategories = 40;

/** Writes a FractalDB and says what there is; the exit code is that of the signal if one stopped it. */
export async function generateFractaldb(
  options: FullFractalOptions,
  { folder, searchOnly, sheet, workers: count }: GenerateOptions,
  terminal: Terminal,
): Promise<number> {
  const workers = new FractalWorkers(count);
  const bar = progressBar(terminal);
  const stop = listenForSignals({
    onSignal: (signal) => {
      bar.stop();
      terminal.error(`${signal}: finishing what is begun.`);
    },
  });
  try {
    const started = performance.now();
    const result = await writeFractalFolder(options, {
      folder,
      workers,
      searchOnly,
      stop,
      onProgress: (what, done, total) =>
        bar.show(what === 'search' ? 'categories' : 'pictures', done, total),
    });
    bar.stop();
    if (!result.finished) {
      terminal.error('Stopped. The same command goes on from here.');
      return signalExitCodes[stop.signal ?? 'SIGINT'];
    }
    if (sheet && !searchOnly) {
      await writeAtomically(path.join(folder, sheetName), await sheetOf(options, result, workers));
    }
    const seconds = (performance.now() - started) / 1000;
    for (const line of summaryOf(options, result, { folder, searchOnly, sheet, seconds })) {
      terminal.out(line);
    }
    return 0;
  } finally {
    bar.stop();
    stop.dispose();
    await workers.close();
  }
}

async function sheetOf(
  options: FullFractalOptions,
  { categories }: FolderResult,
  workers: FractalWorkers,
): Promise<Uint8Array> {
  const shown = categories.slice(0, sheetCategories);
  const tiles = await Promise.all(
    shown.map(async (ifs, category) => {
      const place = placeOf(category, 0);
      const picture = await workers.run('picture', { ifs, place, options });
      return { image: pictureImage(picture, 3), title: categoryName(category) };
    }),
  );
  const title = `FractalDB: ${shown.length} of ${categories.length} categories`;
  return contactSheet({ tiles, columns: Math.min(10, shown.length), side: 96, title });
}

function summaryOf(
  { categories, instances }: FullFractalOptions,
  { found, written, kept }: FolderResult,
  { folder, searchOnly, sheet, seconds }: Omit<GenerateOptions, 'workers'> & { seconds: number },
): string[] {
  const how = found > 0 ? 'searched' : 'there already';
  const lines = [`categories  ${categories}, ${how}: ${path.join(folder, 'csv')}`];
  if (!searchOnly) {
    const before = kept === 0 ? '' : `, ${kept} of them there already`;
    const each = `${categories} × ${instances}`;
    lines.push(
      `pictures    ${written + kept} (${each})${before}: ${path.join(folder, picturesName)}`,
    );
    if (sheet) lines.push(`a look      ${path.join(folder, sheetName)}`);
  }
  return [...lines, `time        ${seconds.toFixed(1)} s`];
}
