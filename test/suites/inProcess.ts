// The right outcome of a call of the library in this process: one of our errors, in one sentence, and in time.

import { VitError, messageOf } from '../../lib/core/errors.ts';
import { applied, brief, must } from './row.ts';
import { shortPattern } from './expect.ts';
import type { Place } from './place.ts';
import type { AppliedRow } from './row.ts';

/** The limits of a call. `seconds`: of processor time, default 5. */
export interface CallLimits {
  seconds?: number;
}

type Call = (place: Place) => unknown;
type Work = (place: Place) => string | undefined | void | Promise<string | undefined | void>;

/** A call that has to throw one of our errors, whose message matches. */
export function throws(
  what: string,
  message: RegExp,
  call: Call,
  limits: CallLimits = {},
): (id: string) => AppliedRow {
  return (id) => ({
    ...applied(id, what, `our error: ${shortPattern(message)}`, (place) =>
      assertThrows(() => call(place), message, limits),
    ),
    inProcess: true,
  });
}

/** Calls the function, and throws a Fault unless one of our errors comes whose message matches. @returns the message */
export async function assertThrows(
  call: () => unknown,
  message: RegExp,
  { seconds = 5 }: CallLimits = {},
): Promise<string> {
  const start = process.cpuUsage();
  const text = await refusalOf(call);
  const { user, system } = process.cpuUsage(start);
  must(text !== undefined, 'no error');
  must(message.test(text), text);
  must((user + system) / 1e6 < seconds, `${((user + system) / 1e6).toFixed(1)} s`);
  return brief(text);
}

/** The message of the error of ours that a call ends with; undefined if it ends well. Any other error is a Fault. */
export async function refusalOf(call: () => unknown): Promise<string | undefined> {
  try {
    await call();
    return undefined;
  } catch (error) {
    const name = error instanceof Error ? error.name : typeof error;
    must(error instanceof VitError, `${name}: ${brief(messageOf(error))}`);
    must(/[.!?]$/.test(error.message), `no sentence: ${brief(error.message)}`);
    // eslint-disable-next-line no-control-regex
    must(!/[\u0000-\u001f\u007f-\u009f]/.test(error.message), `control: ${brief(error.message)}`);
    return error.message;
  }
}

/** A call that has to give a value of which `describe` tells what was seen; it throws a Fault if the value is wrong. */
export function gives(what: string, expected: string, call: Work): (id: string) => AppliedRow {
  return (id) => ({
    ...applied(id, what, expected, async (place) => brief((await call(place)) ?? 'so it is')),
    inProcess: true,
  });
}
