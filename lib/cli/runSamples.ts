// The samples of a run: the threads that prepare them, and the damaged image files that are met.

import { jsonOrUndefined } from '../core/json.ts';
import { isRecord } from '../core/check.ts';
import { decodeUtf8 } from '../core/utf8.ts';
import { BadImages, type BadImage } from '../data/badImages.ts';
import type { TrainEnv } from '../training/run.ts';
import type { DataConfig } from './dataOptionTypes.ts';

/** The file of a run folder that lists damaged images, one JSON object a line. */
export const badImagesName = 'bad_images.jsonl';

// A run of hours does not end because of a few files; where more are damaged, the data set itself is at fault.
const defaultMaxBad = 10;
const mostTold = 10;

// A longer list of an earlier part of a run is not taken over.
const maxListBytes = 2 ** 26;

/**
 * The source of the samples of a run, and its damaged images.
 *
 * @property bad  notes damaged image files of all its parts
 * @property env  for `train`
 */
export interface RunSamples {
  readonly bad: BadImages;
  readonly env: Pick<TrainEnv, 'samples' | 'extraFiles'>;
  /** A line about the damaged images, where there were any. @param options.isListed  false: no run folder lists them */
  tellEnd(out: (text: string) => void, options?: { isListed?: boolean }): void;
  /** Ends the threads. */
  close(): Promise<void>;
}

/**
 * The worker threads of a config's data, and its count of damaged images.
 *
 * @param options.resumed  the folder of the run that goes on; the damaged images that it lists count
 * @param options.onNote   is told of each damaged image, and why samples are not prepared in threads
 */
export async function runSamples(
  { workers: count, maxBad = defaultMaxBad }: DataConfig,
  { resumed, onNote }: { resumed?: string | undefined; onNote: (text: string) => void },
): Promise<RunSamples> {
  const { SampleWorkers } = await import('../workers/sampleWorkers.ts');
  let told = 0;
  const bad = new BadImages(maxBad, ({ reason }) => {
    told += 1;
    if (told > mostTold) return;
    const rest = told < mostTold ? '' : ` Further ones are listed in ${badImagesName} alone.`;
    onNote(`${reason} Another image of its class stands in for it.${rest}`);
  });
  if (resumed !== undefined) bad.restore(await listedIn(resumed));
  const workers = new SampleWorkers({ workers: count, onNote });
  const lines = () => bad.list().map((one) => `${JSON.stringify(one)}\n`);
  return {
    bad,
    env: {
      samples: workers.samplesOf,
      extraFiles: () => new Map(bad.count === 0 ? [] : [[badImagesName, lines().join('')]]),
    },
    tellEnd(out, { isListed = true } = {}) {
      if (bad.count === 0) return;
      const text =
        bad.count === 1
          ? '1 image file is damaged and was replaced by another of its class'
          : `${bad.count} image files are damaged and were replaced by others of their classes`;
      out(isListed ? `${text}: ${badImagesName}.` : `${text}.`);
    },
    close: () => workers.close(),
  };
}

/** The data of a config as a run stores them: without the number of threads, which is a matter of the machine. */
export function storedData({ workers: _, ...data }: DataConfig): DataConfig {
  return data;
}

async function listedIn(folder: string): Promise<BadImage[]> {
  const { openFolder } = await import('../io/folder.ts');
  const store = await openFolder(folder, { readOnly: true });
  if (!(await store.has(badImagesName))) return [];
  const bytes = await store.read(badImagesName, { maxBytes: maxListBytes });
  const text = decodeUtf8(bytes, `${store.location}/${badImagesName}`);
  return text.split('\n').flatMap((line) => {
    const one = jsonOrUndefined(line);
    return isRecord(one) && typeof one['file'] === 'string' && typeof one['reason'] === 'string'
      ? [{ file: one['file'], reason: one['reason'] }]
      : [];
  });
}
