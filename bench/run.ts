// npm run bench: native and its peers do the same work in turns, in one run; see --help.

import { closeSync, writeFileSync, writeSync } from 'node:fs';
import { barChart } from '../lib/node.ts';
import { runCommand } from './command.ts';
import { startContender, type Contender } from './contenderProcess.ts';
import { processOf, whyLeftOut, type ContenderName } from './contenders.ts';
import { groupsOf, labelOf, type Group } from './groups.ts';
import { writeInputs } from './inputs.ts';
import { measureLimits, processorIsa, processorName } from './machine.ts';
import { measure, type Measured } from './measure.ts';
import { benchHelp, parseOptions, type BenchOptions } from './options.ts';
import { openOutput } from './output.ts';
import { recordOf, type BenchRecord, type RunFacts } from './record.ts';
import { bestTable, isTfjsOp, markdownTable, speedBars, tfjsTable } from './report.ts';
import { inScratchFolder } from './scratchFolder.ts';

// A learning rate of 1e-3 moves the loss of the first steps enough to show a wrong gradient.
const training = { learningRate: 1e-3, weightDecay: 0.05 };

async function main(words: readonly string[]): Promise<number> {
  const options = parseOptions(words);
  if (options === undefined) {
    console.log(benchHelp);
    return 0;
  }
  const names: ContenderName[] = ['native', ...options.peers];
  // A peer that is not set up is found before anything is measured.
  for (const name of names) processOf(name, options);
  const groups = groupsOf(options);
  const output = options.json === undefined ? undefined : openOutput(options.json);
  const records: BenchRecord[] = [];
  let failures = 0;
  const facts: RunFacts = {
    threads: options.threads,
    rounds: options.rounds,
    processor: processorName(),
    isa: processorIsa(),
  };
  const add = (record: BenchRecord): void => {
    records.push(record);
    if (output !== undefined) writeSync(output, `${JSON.stringify(record)}\n`);
  };
  const onFailure = (line: string): void => {
    failures += 1;
    console.error(`# ${line}`);
  };
  const limits = options.limits ? addLimits(facts, add) : '';
  for (const group of groups) await measureGroup(group, names, options, { facts, add, onFailure });
  if (output !== undefined) closeSync(output);
  console.log(
    `\n${facts.processor}, ${facts.isa}, ${facts.threads} threads, ${facts.rounds} rounds${limits}.\n`,
  );
  const rest = records.filter((record) => !isTfjsOp(record));
  if (rest.length > 0) console.log(markdownTable(rest));
  const tfjs = tfjsTable(records);
  if (tfjs !== '') console.log(rest.length > 0 ? `\n${tfjs}` : tfjs);
  const best = bestTable(records);
  if (best !== '') console.log(`\n${best}`);
  const bars = speedBars(records);
  if (options.chart !== undefined && bars.length > 0) {
    const png = await barChart({ bars, format: 'number', width: 640, title: 'Speed; native is 1' });
    writeFileSync(options.chart, png);
  }
  return failures === 0 ? 0 : 1;
}

async function measureGroup(
  group: Group,
  names: readonly ContenderName[],
  options: BenchOptions,
  to: { facts: RunFacts; add: (record: BenchRecord) => void; onFailure: (line: string) => void },
): Promise<void> {
  const contenders: Contender[] = [];
  const measureAll = async (folder: string): Promise<void> => {
    for (const name of names) {
      const why = whyLeftOut(name, group[0]!);
      if (why === undefined) contenders.push(startContender(processOf(name, options)));
      else console.error(`# ${labelOf(group[0]!)}: ${why}`);
    }
    for (const work of group) {
      console.error(`# ${labelOf(work)}`);
      const files = await writeInputs(work, folder);
      const task = {
        ...work,
        ...training,
        seconds: options.seconds ?? (work.kind === 'op' ? 0.05 : 0.3),
        files,
      };
      const able = contenders.filter(({ name }) => !work.without?.includes(name));
      const measured = await measure(task, able, {
        rounds: options.rounds,
        // Rows of the op table are many and short, and their contenders have no threads that spin.
        pauseMs: work.kind === 'op' ? 0 : 300,
        onFailure: to.onFailure,
      });
      for (const one of measured) to.add(recordOf(work, one, to.facts));
      if (work.batch !== null) console.error(`#   at rest: ${restOf(measured)}`);
    }
  };
  await inScratchFolder('tfjs-vit-bench-', (folder) =>
    measureAll(folder).finally(() => Promise.all(contenders.map((contender) => contender.end()))),
  );
}

// The memory of each process with its weights and inputs, before it worked.
function restOf(measured: readonly Measured[]): string {
  return measured
    .map(({ contender, ready }) => `${contender} ${((ready.restBytes ?? 0) / 1e6).toFixed(0)} MB`)
    .join(', ');
}

// Adds the lines of the machine's limits, and prints them as a sentence.
function addLimits(facts: RunFacts, add: (record: BenchRecord) => void): string {
  try {
    const { fmaMs, fmaFlops, triadMs, triadBytes, compiler } = measureLimits(facts.threads);
    const { threads, rounds, processor, isa } = facts;
    const head = { mode: 'op' as const, precision: 'fp32' as const, batch: null };
    const versions = { compiler };
    const rows = [
      { work: 'fma-peak', ms: fmaMs, shape: [], flops: fmaFlops },
      // A triad reads two floats, writes one (12 bytes) and does two operations an element.
      { work: 'stream-triad', ms: triadMs, shape: [triadBytes / 12], flops: triadBytes / 6 },
    ];
    for (const { work, ms, shape, flops } of rows) {
      add({
        ...{ work, ...head, shape, threads, rounds, contender: 'machine' },
        ...{ medianMs: ms, p25Ms: ms, p75Ms: ms, imagesPerSecond: null, gflops: flops / ms / 1e6 },
        ...{ peakRssBytes: 0, processor, isa, versions },
      });
    }
    const peak = (fmaFlops / fmaMs / 1e6).toFixed(0);
    const stream = (triadBytes / triadMs / 1e6).toFixed(1);
    return `. Its limits: ${peak} GFLOP/s of multiply-adds, ${stream} GB/s of memory (triad)`;
  } catch (error) {
    console.error(`# ${error instanceof Error ? error.message : String(error)}`);
    return '';
  }
}

await runCommand(main);
