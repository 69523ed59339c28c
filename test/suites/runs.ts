// Running trainings for the suite of faults: long ones that get a signal, and what their folder must hold afterwards.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { openFolder } from '../../lib/io/folder.ts';
import { seenOf } from './expect.ts';
import { vit } from './command.ts';
import { training } from './fixtures.ts';
import { must } from './row.ts';
import type { Ran, RunOptions } from './command.ts';
import type { Place } from './place.ts';

/** The words of a training that does not end by itself. */
export function longTraining(place: Place, change: object = {}): string[] {
  return training(place, { change: { epochs: 100_000, checkpointMinutes: null, ...change } });
}

/** Runs a training and sends it signals: each `ms` after its first step (or after its start) was seen. */
export function signalled(
  words: readonly string[],
  signals: readonly (readonly [signal: NodeJS.Signals, ms: number])[],
  { from = /step |Training/, ...options }: RunOptions & { from?: RegExp } = {},
): Promise<Ran> {
  let sent = false;
  return vit(words, {
    deadline: 120,
    ...options,
    onOutput: (child, text) => {
      if (sent || !from.test(text)) return;
      sent = true;
      for (const [signal, ms] of signals) setTimeout(() => child.kill(signal), ms);
    },
  });
}

/** Throws a Fault unless the folder holds a complete run, without leftovers and unlocked. @returns its step */
export async function soundRun(folder: string): Promise<number> {
  const store = await openFolder(folder, { readOnly: true });
  const manifest = await store.manifest();
  must(manifest !== undefined, 'no manifest');
  for (const name of manifest.files.keys()) await store.readChecked(name);
  const hidden = readdirSync(folder).filter((name) => name.startsWith('.'));
  must(hidden.length === 0, `left behind: ${hidden.join(', ')}`);
  return Number(manifest.info['step']);
}

/** Throws a Fault unless a run was stopped as it has to be: its exit code, a sound folder, no stack. @returns the step */
export async function stoppedRun(ran: Ran, folder: string, code: number): Promise<number> {
  must(!ran.late, `no end: ${seenOf(ran)}`);
  must(ran.code === code, seenOf(ran));
  must(!/\n\s+at |defect of/.test(ran.error + ran.out), seenOf(ran));
  return soundRun(folder);
}

const results = [
  'checkpoint.safetensors',
  'checkpoint.ema.safetensors',
  'best_checkpoint.safetensors',
  'checkpoint.state.safetensors',
];

/** A hash over weights, average, best and optimizer of a run. */
export function resultOf(folder: string): string {
  const hash = createHash('sha256');
  for (const name of results.map((file) => join(folder, file)).filter(existsSync)) {
    hash.update(withoutTimes(readFileSync(name)));
  }
  return hash.digest('hex').slice(0, 16);
}

// The state's metadata has times of the log; its tensors lie behind the header.
function withoutTimes(file: Buffer): Buffer {
  return file.subarray(8 + Number(file.readBigUInt64LE(0)));
}
