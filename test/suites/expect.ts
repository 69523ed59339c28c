// The two right outcomes of a command: a refusal in one line, or success. Anything else is a Fault.

import { Fault, applied, brief, must } from './row.ts';
import { vit } from './command.ts';
import { changesOf, treeOf } from './place.ts';
import type { Ran, RunOptions } from './command.ts';
import type { Place } from './place.ts';
import type { AppliedRow } from './row.ts';

/**
 * The limits that a command has to keep.
 *
 * @property code        its exit code, or several that are right; default 2 for a refusal
 * @property seconds     of processor time; default 8
 * @property megabytes   largest resident set; default 500
 * @property notes       lines of standard error that are allowed beside the message
 * @property changes     true: files of the place may change; default false for a refusal
 */
export interface Limits {
  code?: number | readonly number[];
  seconds?: number;
  megabytes?: number;
  notes?: RegExp;
  changes?: boolean;
  run?: RunOptions;
}

type Words = (place: Place) => readonly string[] | Promise<readonly string[]>;

/** A command line that has to be refused: one line that matches, exit code 2, no file touched. */
export function refuses(
  what: string,
  message: RegExp,
  words: Words,
  limits: Limits = {},
): (id: string) => AppliedRow {
  const { code = 2 } = limits;
  return (id) =>
    applied(
      id,
      what,
      `exit ${[code].flat().join(' or ')}, one line: ${shortPattern(message)}`,
      async (place) => {
        const line = await inPlace(place, words, limits);
        return assertRefused(line, message, limits);
      },
    );
}

/** A command line that has to succeed: exit code 0 and an output that matches, all of it or standard error. */
export function succeeds(
  what: string,
  output: RegExp,
  words: Words,
  limits: Limits = {},
): (id: string) => AppliedRow {
  const { code = 0 } = limits;
  return (id) =>
    applied(
      id,
      what,
      `exit ${[code].flat().join(' or ')}, ${shortPattern(output)}`,
      async (place) =>
        assertOutput(await inPlace(place, words, { changes: true, ...limits }), output, limits),
    );
}

async function inPlace(place: Place, words: Words, limits: Limits): Promise<Ran> {
  const given = await words(place);
  const before = limits.changes === true ? undefined : treeOf(place.folder);
  const ran = await vit(given, { cwd: place.folder, ...limits.run });
  if (before !== undefined) {
    const changes = changesOf(before, treeOf(place.folder));
    must(changes.length === 0, `files: ${brief(changes.join(', '), 200)}; ${seenOf(ran)}`);
  }
  return ran;
}

/** Throws a Fault unless the command was refused as it has to be. @returns what was seen */
export function assertRefused(ran: Ran, message: RegExp, limits: Limits = {}): string {
  const { code = 2, notes } = limits;
  assertClean(ran, limits);
  assertCode(ran, code);
  const lines = messagesOf(ran).filter((line) => notes?.test(line) !== true);
  must(lines.length === 1, `${lines.length} lines: ${seenOf(ran)}`);
  must(message.test(lines[0]!), lines[0]!);
  return brief(lines[0]!);
}

/** Throws a Fault unless the command succeeded with an output that matches. @returns the part that matched */
export function assertOutput(ran: Ran, output: RegExp, limits: Limits = {}): string {
  const { code = 0 } = limits;
  assertClean(ran, limits);
  assertCode(ran, code);
  const match = output.exec(`${ran.out}\n${ran.error}`);
  if (match === null) throw new Fault(seenOf(ran));
  return brief(match[0]);
}

// eslint-disable-next-line no-control-regex -- what it looks for; a bar in a terminal has a carriage return, tables have tabs
const controls = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/;

/** Throws a Fault if a command shows a stack, calls itself defect, lets through control characters, or takes too much. */
export function assertClean(ran: Ran, { seconds = 8, megabytes = 500 }: Limits = {}): void {
  must(!ran.late, `no end after ${Math.round(ran.seconds)} s: ${seenOf(ran)}`);
  const text = `${ran.out}\n${ran.error}`;
  must(!/\n\s+at .*[:(]/.test(text) && !/node:internal/.test(text), `a stack: ${seenOf(ran)}`);
  must(!/defect of tfjs-vit/.test(text), `a defect: ${seenOf(ran)}`);
  must(!controls.test(text), `control: ${seenOf(ran)}`);
  must(!/\bNaN\b.*%/.test(text), `NaN: ${seenOf(ran)}`);
  must(!(ran.cpuSeconds > seconds), `${ran.cpuSeconds.toFixed(1)} s of processor time`);
  must(!(ran.peakMegabytes > megabytes), `${ran.peakMegabytes.toFixed(0)} MB`);
}

/** The lines of standard error but for those that name the backend and the model. */
export function messagesOf({ error }: Ran): string[] {
  return error.split('\n').filter((line) => line !== '' && !/^(Backend \w+ |Model: )/.test(line));
}

/** What a command wrote, in one line. */
export function seenOf(ran: Ran): string {
  const text = brief([...messagesOf(ran), ran.out].join(' '), 600);
  return `exit ${ran.code ?? ran.signal}, ${text === '' ? 'no output' : text}`;
}

/** A pattern as the table shows it. */
export function shortPattern(pattern: RegExp): string {
  return brief(pattern.source.replaceAll('\\', ''), 60);
}

function assertCode(ran: Ran, code: number | readonly number[]): void {
  must([code].flat().includes(ran.code ?? -1), seenOf(ran));
}
