// The file ablation.json: what the runs of an ablation were made of, and the results of those that are finished.

import { existsSync } from 'node:fs';
import path from 'node:path';
import { isRecord } from '../core/check.ts';
import { InputError, expected } from '../core/errors.ts';
import { parseConfigJson, maxConfigBytes } from '../checkpoints/configFile.ts';
import { readBytes } from '../io/disk.ts';
import { asStored } from '../training/trainConfig.ts';
import { writeAtomically } from './outputFile.ts';
import type { PlainExperiment } from './ablation.ts';

/** The name of the file. */
export const ablationRecordName = 'ablation.json';

/** The score of a finished run. @property part  the part of the data it was measured on: `test`, else `validation` */
export interface RunScore {
  readonly top1: number;
  readonly part: 'test' | 'validation';
  readonly epoch: number;
}

/** The finished runs of an ablation, by variant and seed: `no-mixup/seed-1`. */
export class AblationRecord {
  private readonly file: string;
  private readonly experiment: unknown;
  private readonly scores: Map<string, RunScore>;

  private constructor(file: string, experiment: unknown, scores: Map<string, RunScore>) {
    [this.file, this.experiment, this.scores] = [file, experiment, scores];
  }

  /**
   * Opens the record of a folder; a folder without one gets it with the first score.
   *
   * @param options.overwrite  true: what is there is forgotten
   * @throws InputError if it belongs to another experiment; IoError, CheckpointError if it cannot be read
   */
  static async open(
    folder: string,
    experiment: PlainExperiment,
    { overwrite }: { overwrite: boolean },
  ): Promise<AblationRecord> {
    const file = path.join(folder, ablationRecordName);
    const plain = asStored(experiment);
    const stored = overwrite ? undefined : await readRecord(file);
    if (stored === undefined) return new AblationRecord(file, plain, new Map());
    if (JSON.stringify(stored['experiment']) !== JSON.stringify(plain)) {
      const remedy = 'Give another --output-dir, or begin anew in its place: --overwrite.';
      throw new InputError(
        expected('the experiment that its runs were made with', file, 'another', remedy),
      );
    }
    const scores = Object.entries(isRecord(stored['scores']) ? stored['scores'] : {});
    return new AblationRecord(file, plain, new Map(scores.filter(isScore)));
  }

  /** The score of a run; undefined if it is not finished. */
  scoreOf(run: string): RunScore | undefined {
    return this.scores.get(run);
  }

  /** Keeps the record, and in it the score of a run that is finished. @throws IoError if it cannot be written */
  async keep(run?: string, score?: RunScore): Promise<void> {
    if (run !== undefined && score !== undefined) this.scores.set(run, score);
    const content = { experiment: this.experiment, scores: Object.fromEntries(this.scores) };
    await writeAtomically(this.file, `${JSON.stringify(content, null, 2)}\n`);
  }
}

async function readRecord(file: string): Promise<Record<string, unknown> | undefined> {
  if (!existsSync(file)) return undefined;
  return parseConfigJson(await readBytes(file, { maxBytes: maxConfigBytes }), file);
}

function isScore(entry: [string, unknown]): entry is [string, RunScore] {
  const [, score] = entry;
  return isRecord(score) && typeof score['top1'] === 'number' && Number.isFinite(score['top1']);
}
