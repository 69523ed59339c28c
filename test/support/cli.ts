import { writeFileSync } from 'node:fs';
import { runProgram } from '../../lib/cli/program.ts';

/** The exit code and output of a command line. */
export interface Ran {
  code: number;
  out: string;
  error: string;
}

/** Runs a command line in this process. */
export async function vit(...words: string[]): Promise<Ran> {
  const [out, error]: [string[], string[]] = [[], []];
  const code = await runProgram(words, { out: (l) => out.push(l), error: (l) => error.push(l) });
  return { code, out: out.join('\n'), error: error.join('\n') };
}

/** An experiment that trains in less than a second. */
export const tiny = {
  name: 'tiny',
  model: {
    imageSize: 28,
    patchSize: 14,
    inChannels: 1,
    numClasses: 10,
    embedDim: 12,
    depth: 1,
    numHeads: 2,
  },
  data: { dataset: 'mnist' },
  epochs: 1,
  batchSize: 8,
  learningRate: 0.001,
};

/** Writes the experiment, changed, into a file. @returns the file */
export function writeExperiment(file: string, change: object = {}): string {
  writeFileSync(file, JSON.stringify({ ...tiny, ...change }));
  return file;
}
