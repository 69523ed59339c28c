// npm run bench:cost: how time and memory of native grow with batch, tokens, width and depth; see --help.

import { closeSync, mkdirSync, writeFileSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { UnsupportedError } from '../lib/node.ts';
import { runCommand } from './command.ts';
import { startContender } from './contenderProcess.ts';
import { processOf } from './contenders.ts';
import { costHelp, parseCostOptions, type CostOptions } from './costOptions.ts';
import { growthChart, growthsOf, growthTable, type CostRecord, type Growth } from './costReport.ts';
import { costPoints, type CostPoint } from './costWorks.ts';
import { writeInputs } from './inputs.ts';
import { processorIsa, processorName } from './machine.ts';
import { measure, type Measured } from './measure.ts';
import { openOutput } from './output.ts';
import { recordOf } from './record.ts';
import { inScratchFolder } from './scratchFolder.ts';

async function main(words: readonly string[]): Promise<number> {
  const options = parseCostOptions(words);
  if (options === undefined) {
    console.log(costHelp);
    return 0;
  }
  const { axes, precision, threads, json, charts } = options;
  const output = json === undefined ? undefined : openOutput(json);
  const growths: Growth[] = [];
  let failures = 0;
  for (const axis of axes) {
    const records: CostRecord[] = [];
    for (const point of costPoints(axis, options)) {
      console.error(`# ${point.work.name}`);
      const record = await measurePoint(point, options);
      records.push(record);
      if (output !== undefined) writeSync(output, `${JSON.stringify(record)}\n`);
    }
    const ofAxis = growthsOf(records, axis);
    growths.push(...ofAxis);
    if (charts !== undefined) {
      for (const kind of ['time', 'memory'] as const) {
        const shown = ofAxis.filter((growth) => growth.kind === kind);
        const about = { processor: processorName(), precision, threads };
        mkdirSync(dirname(charts), { recursive: true });
        writeFileSync(`${charts}-${axis}-${kind}.png`, await growthChart(shown, about));
      }
    }
  }
  if (output !== undefined) closeSync(output);
  console.log(
    `\n${processorName()}, ${precision}, ${threads} threads, ${options.rounds} rounds.\n`,
  );
  console.log(growthTable(growths));
  for (const { axis, mode, kind, least, limit } of growths) {
    if (least <= limit) continue;
    failures += 1;
    console.error(
      `# ${mode}: ${kind} grows as ${axis} to the power of ${least.toFixed(2)} at least, and ${limit} is allowed`,
    );
  }
  return failures === 0 ? 0 : 1;
}

// Each point has a process of its own, so that the peak belongs to it.
async function measurePoint(
  { work, ...point }: CostPoint,
  { rounds, threads, seconds }: CostOptions,
): Promise<CostRecord> {
  const contender = startContender(processOf('native', { threads }));
  const measureIt = async (folder: string): Promise<Measured> => {
    const files = await writeInputs(work, folder);
    const task = { ...work, learningRate: 1e-3, weightDecay: 0.05, seconds, files };
    const onFailure = (line: string): never => {
      throw new UnsupportedError(line);
    };
    const [one] = await measure(task, [contender], { rounds, pauseMs: 0, onFailure });
    return one!;
  };
  const measured = await inScratchFolder('tfjs-vit-cost-', (folder) =>
    measureIt(folder).finally(() => contender.end()),
  );
  const facts = { threads, rounds, processor: processorName(), isa: processorIsa() };
  // The peak of the first repetitions, of the same number at every point. Small work is repeated so often that JavaScript's garbage
  // would hide the rest.
  const peakRssBytes = measured.ready.firstPeakBytes ?? measured.peakRssBytes;
  const record = recordOf(work, { ...measured, peakRssBytes }, facts);
  const { medianMs, p25Ms, p75Ms, gflops, isa, versions } = record;
  const { axis, value, batch, tokens, width, depth } = point;
  return {
    ...{ axis, value, mode: work.kind as 'train' | 'infer', precision: work.precision },
    ...{ batch, tokens, width, depth, threads, rounds, medianMs, p25Ms, p75Ms },
    ...{ gflops: gflops!, peakRssBytes, restRssBytes: measured.ready.restBytes ?? 0 },
    ...{ processor: facts.processor, isa, versions },
  };
}

await runCommand(main);
