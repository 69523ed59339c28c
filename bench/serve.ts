// The child process of contenderProcess.ts: answers requests on stdin and times the work that it prepared.

import { readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Ready, Round, Task } from './contenderProcess.ts';

/** A prepared work: one repetition of it, and its first results. */
export interface Prepared {
  ready: Ready;
  repeat: () => Promise<void> | void;
  dispose: () => void;
}

/** Answers requests until stdin closes. The time of a round is measured around its repetitions only. */
export async function serve(prepare: (task: Task) => Promise<Prepared>): Promise<void> {
  let prepared: Prepared | undefined;
  let repetitions = 1;
  const round = async (): Promise<Round> => {
    const start = performance.now();
    for (let i = 0; i < repetitions; i++) await prepared!.repeat();
    return { ms: (performance.now() - start) / repetitions, peakRssBytes: peakRss() };
  };
  const answer = async (question: { ask: string; task: Task }): Promise<Ready | Round> => {
    if (question.ask === 'round') return round();
    prepared?.dispose();
    prepared = undefined;
    prepared = await prepare(question.task);
    repetitions = 1;
    const { ms, peakRssBytes: firstPeakBytes } = await round();
    // The time of short work is not known before it has warmed up.
    const warm = Math.min(100, 1000 * question.task.seconds);
    if (ms < warm) repetitions = Math.ceil(warm / Math.max(ms, 0.01));
    repetitions = Math.max(1, Math.ceil((1000 * question.task.seconds) / (await round()).ms));
    return { ...prepared.ready, firstPeakBytes, ...(restBytes === undefined ? {} : { restBytes }) };
  };
  for await (const line of createInterface({ input: process.stdin })) {
    let reply: object;
    try {
      reply = await answer(JSON.parse(line) as { ask: string; task: Task });
    } catch (error) {
      reply = { error: error instanceof Error ? error.message : String(error) };
    }
    process.stdout.write(`${JSON.stringify(reply)}\n`);
  }
}

let restBytes: number | undefined;

/** Forgets the peak so far, so that reading the files of a work does not count (Linux). */
export function resetPeakRss(): void {
  restBytes = process.memoryUsage.rss();
  try {
    writeFileSync('/proc/self/clear_refs', '5');
  } catch {
    // On other systems the peak is that of the whole process.
  }
}

// `maxRSS` begins with what the parent held when it forked; Linux's VmHWM does not.
function peakRss(): number {
  try {
    const kilobytes = /VmHWM:\s*(\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
    if (kilobytes !== undefined) return 1024 * Number(kilobytes);
  } catch {
    // Other systems than Linux.
  }
  return 1024 * process.resourceUsage().maxRSS;
}
